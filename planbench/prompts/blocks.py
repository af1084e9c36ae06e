"""The outer shape of a reply: reasoning is taken off, the turn is cut where it ends, marked blocks are found.

Everything here is string search from left to right: no backtracking, time linear in the reply.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_ANSWER = 1_000_000
"""Characters read of a reply once reasoning is off: the last ones, as answers come last."""

_PLAIN = str.maketrans(
    {
        **dict.fromkeys((*range(8208, 8211), 8722, 65112, 65123), "-"),
        **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
        **dict.fromkeys((*range(8192, 8203), 160, 8239, 8287, 12288, 9, 0), " "),
        **dict.fromkeys((11, 12, 133, 8232, 8233), "\n"),
        **dict.fromkeys((8203, 8204, 8205, 8288, 65279, 173)),
        **{0x2018: "'", 0x2019: "'", 0x201C: '"', 0x201D: '"', 0x3010: "[", 0x3011: "]", 0xD7: "x"},
    }
)
"""Other ways to type ASCII. Letters of other alphabets that only look alike are left: they are not the name."""

_THINKING = re.compile(
    r"(?P<open><(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis|seed:think)>"
    r"|\[think\]|◁think▷|<\|start_thinking\|>|<\|channel\|>\s{0,3}(?:analysis|commentary)\b|<unused94>)"
    r"|(?P<close></(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad|analysis|seed:think)>"
    r"|\[/think\]|◁/think▷|<\|end_thinking\|>|<\|channel\|>\s{0,3}final(?:<\|message\|>)?|\bassistantfinal|<unused95>)",
    re.IGNORECASE,
)
_TURN_END = re.compile(
    r"<\|(?:im_end|eot_id|endoftext|end|eot|end_of_text|return)\|>|<end_of_turn>|</s>|<\|im_start\|>\s{0,3}user"
    r"|^\s{0,3}(?:human|user|\[task\]|### ?(?:instruction|user|human))\s{0,3}(?::|$)",
    re.IGNORECASE | re.MULTILINE,
)
_MARK = re.compile(
    r"(?P<open>\[\s?plan\s?\]|\[(?:begin|start)[ _]plan\]|\[plan[ _](?:begin|start)\]"
    r"|<(?:plan|answer|solution|final_plan)>)"
    r"|(?P<close>\[\s?/\s?plan\s?\]|\[plan[ _]end\]|\[end(?:[ _]of)?[ _]plan\]|</(?:plan|answer|solution|final_plan)>)",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"[ \t]{0,3}(?P<language>[\w+.-]{0,30})[ \t]{0,3}(?:\n|$)")


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a reply that its writer set apart. `language` is that of a fence. `closed` is False where the end
    of the reply or another opening marker ends it, so that it may hold more than was meant. `start` is where its
    opening marker begins."""

    text: str
    closed: bool = True
    language: str = ""
    start: int = 0


def answer_of(reply: str) -> str:
    """A reply without its reasoning and without what follows the end of its turn, in plain characters.

    What stands between an opening and the next closing tag is reasoning; a closing tag alone makes all before it
    reasoning (some chat templates open the tag in the prompt); an opening tag alone makes the rest reasoning, as a
    model cut off while it thinks has given no answer.
    """
    kept: list[str] = []
    position, thinking = 0, False
    for tag in _THINKING.finditer(reply):
        if tag["open"]:
            if not thinking:
                kept.append(reply[position : tag.start()])
            thinking = True
        else:
            if not thinking:
                kept.clear()
            thinking = False
            position = tag.end()
    if not thinking:
        kept.append(reply[position:])
    answer = "".join(kept)
    written = len(answer) - len(answer.lstrip())
    for end in _TURN_END.finditer(answer, written):
        if end.start() > written:
            answer = answer[: end.start()]
            break
    return answer[-LONGEST_ANSWER:].translate(_PLAIN).replace("\r\n", "\n").replace("\r", "\n")


def marked_blocks(text: str, opened: bool = False) -> list[Block]:
    """Blocks between plan markers, in order. A closing marker before any opening one closes what stands before it: a
    model that continues a prompt which ends in the opening marker writes so, and whatever comes later is not its
    answer. With `opened` it closes nothing: what stands before it is reasoning."""
    blocks: list[Block] = []
    begun: re.Match[str] | None = None
    for mark in _MARK.finditer(text):
        if mark["open"]:
            if begun is not None:
                blocks.append(Block(text[begun.end() : mark.start()], closed=False, start=begun.start()))
            begun = mark
        elif begun is not None:
            blocks.append(Block(text[begun.end() : mark.start()], start=begun.start()))
            begun = None
        elif not blocks and not opened:
            return [Block(text[: mark.start()])]
    if begun is not None:
        blocks.append(Block(text[begun.end() :], closed=False, start=begun.start()))
    return blocks


def closes_plan(text: str) -> bool:
    """Whether the last marker of a text closes a plan, and no letter follows it."""
    marks = list(_MARK.finditer(text))
    return bool(marks) and marks[-1]["close"] is not None and not any(map(str.isalnum, text[marks[-1].end() :]))


def fenced_blocks(text: str) -> list[Block]:
    """Blocks between fences of backticks or tildes, in order; one left open reaches to the end."""
    pieces = text.replace("~~~", "```").split("```")
    last = len(pieces) - 1
    blocks: list[Block] = []
    for index in range(1, len(pieces), 2):
        piece = pieces[index]
        language = _LANGUAGE.match(piece)
        if language is None:
            blocks.append(Block(piece, index < last))
        else:
            blocks.append(Block(piece[language.end() :], index < last, language["language"].lower()))
    return blocks
