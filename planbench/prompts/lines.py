"""Reads one line of a reply: is it a step of a plan, something that was meant as one, a heading, or prose?

A line is `step` when it names an action of the task, `suspect` when it has the look of a step and names none (it is
kept where the lines around it are a plan, so that the judge sees it), `fact` when it is a fact in parentheses, or an
action of nothing but variables.
Notations, after list markers and markdown are taken off: bracketed groups `(stack a b)`, calls `stack(a, b)`, and words
(`planbench.prompts.phrases`).

All patterns here are anchored or stop at the next bracket, so that the time is linear in the line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from planbench.core.tree import lower
from planbench.core.verdict import Step
from planbench.prompts.lexicon import PREPOSITIONS, Lexicon, squash
from planbench.prompts.phrases import read_phrases

LineKind = Literal["step", "suspect", "fact", "blank", "heading", "prose"]

_MARKER = re.compile(
    r"[\s>#|]*(?:"
    r"(?:(?:the )?(?:next )?(?:step|action|move)[ _]{0,3}[#(]?(?P<label>\d{1,7})\)?|#?(?P<number>\d{1,7}(?:\.\d{1,6})?)"
    r"|[(\[](?P<boxed>\d{1,7})[)\]])(?:\s{0,3}(?:[.:)\]|,→\u2013\u2014]+|-(?=\s))|(?=\s)|$)"
    r"|(?P<bullet>[-+•‣▪●◦·\u2013\u2014→](?=[\s(]))"
    r"|(?P<letter>[a-z]\)(?=\s))"
    r")\s*"
)
_LABEL = re.compile(
    r"\s*(?P<words>(?:[a-z']+ ){0,4}?(?:plan|answer|solution|output|actions?|steps?|moves?|sequence)(?: sequence| is)?)"
    r"\s*:\s*"
)
_GROUP = re.compile(r"[(\[<{]([^()\[\]<>{}]*)[)\]>}]")
_CALL = re.compile(r"[a-z][\w-]*\s?$")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_TAG = re.compile(r"</?(?:action|step|move|item|li|ol|ul|p|br|b|i|code|strong|em)(?: [^<>]{0,40})?/?>")
_WORD = re.compile(r"[\w?][\w'?-]*|[^\w\s]")
_NAME = re.compile(r"[^\W\d_][\w-]*")
_NEXT_GROUP = re.compile(r"\s*(?:[a-z][\w-]{0,40})?\s?\(")
_KEY = re.compile(r"(?<!\w)\??[a-z_]\w{0,63}\s{0,3}[=:]\s{0,3}(?=\S)")
_PLAN_WORD = re.compile(r"\b(?:plans?|solutions?|answers?|steps|actions|moves|sequence)\b")
_NOT_PLAN_WORD = re.compile(
    r"\b(?:explan|explain|verif|check|trac|reason|analy|why|simulat|execut|initial|available|possible|allowed|rules?\b"
    r"|state|walk|valid(?:at|ity)|breakdown|works|wrong|draft|first attempt)"
)
_CORRECTION = re.compile(
    r"^\W*(?:wait\b|actually\b|no,|hmm|oops|however\b|alternatively\b|correction\b|let me (?:re|try|correct|fix)"
    r"|let's (?:re|try|correct|fix)|sorry\b|i made|this is wrong|that's wrong|that is wrong|on second thought)"
)
_ABOUT_PLAN = """
goal done final success end complete completed achieved finished finish verify check note result results state all
initial there here so effect effects precondition preconditions reason because since nothing no until not each plan
solution answer cost total objects actions predicates domain problem define init identify understand analyze determine
where when why how what
"""
_END_WORDS = frozenset(_ABOUT_PLAN.split())
"""A line that begins with one of these is about the plan, not a step of it."""

_LONGEST_SUSPECT = 12


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was read. `shape` tells the marker, the indentation and the notation: lines of one list share it.
    `number` is the list number where there is one. `headed` is True for a heading of a plan ("Plan:"), also where the
    steps follow on the same line; `turn` where the writer starts over ("Wait, ..."); `bare` where all of a suspect is a
    name and objects of the task."""

    kind: LineKind
    steps: tuple[Step, ...] = ()
    shape: tuple[str, int, str] = ("", 0, "")
    number: float | None = None
    headed: bool = False
    turn: bool = False
    bare: bool = False


BLANK = Line("blank")


def read_line(raw: str, lexicon: Lexicon) -> Line:
    """One line, without its newline. Samples of a task say the same lines again and again."""
    return _read_again(raw, lexicon) if len(raw) <= _SHORT else _read_line(raw, lexicon)


_SHORT = 120


@lru_cache(maxsize=4096)
def _read_again(raw: str, lexicon: Lexicon) -> Line:
    return _read_line(raw, lexicon)


def _read_line(raw: str, lexicon: Lexicon) -> Line:
    text = lower(raw).replace("**", "").replace("`", "").replace("__", " ")
    text = text.replace("->", "→").replace("=>", "→").replace("⇒", "→").replace("⟶", "→").replace("➜", "→")
    text = _TAG.sub(" ", text) if "<" in text else text
    stripped = text.strip()
    if not stripped or stripped.startswith((";", "//", "%")) or not any(map(str.isalnum, stripped)):
        return BLANK
    indent = len(text) - len(text.lstrip())
    marker, number, body = _marker(text.replace("* ", "• ", 1) if stripped.startswith("* ") else text)
    if not body:
        return BLANK
    headed = False
    if (label := _LABEL.match(body)) is not None:
        headed = not _NOT_PLAN_WORD.search(label["words"]) and not label["words"].startswith(("action", "step", "move"))
        if label.end() == len(body):
            return Line("heading", headed=not _NOT_PLAN_WORD.search(label["words"]))
        body = body[label.end() :]
    kind, notation, steps = _read_body(body, bool(marker), lexicon)
    if kind == "prose" or (not marker and body.endswith("?")):
        return _heading_or_prose(raw, body)
    bare = kind == "suspect" and len(steps) == 1 and 1 < len(steps[0]) == len(body.split())
    bare = bare and all(lexicon.named(word) is not None for word in steps[0][1:])
    return Line(kind, steps, (marker, indent, notation), number, headed, bare=bare)


def _marker(text: str) -> tuple[str, float | None, str]:
    """The kind of list marker, its number, and what is left of the line."""
    marker, number = "", None
    for _ in range(3):
        found = _MARKER.match(text)
        if found is None or (found.end() == len(text) and found["label"] is None):
            break
        digits = found["label"] or found["number"] or found["boxed"]
        if digits is not None and number is None:
            number = float(digits)
        marker = marker or (
            "label" if found["label"] else "number" if digits else "letter" if found["letter"] else "bullet"
        )
        text = text[found.end() :]
    return marker, number, text.lstrip(" \t|>#*").rstrip(" \t|#*")


def _heading_or_prose(raw: str, body: str) -> Line:
    stripped = raw.strip()
    turn = _CORRECTION.match(body) is not None
    bold = stripped.startswith("**") and stripped.endswith("**")
    if turn or bold or stripped.startswith("#") or stripped.rstrip("*_` ").endswith(":"):
        short = body[:300]
        plan = _PLAN_WORD.search(short) is not None and _NOT_PLAN_WORD.search(short) is None
        return Line("heading", headed=plan, turn=turn)
    return Line("prose")


def _read_body(body: str, listed: bool, lexicon: Lexicon) -> tuple[LineKind, str, tuple[Step, ...]]:
    """What is left of a line once markers are off: its kind, its notation and its steps."""
    body = _without_comment(body)
    groups = _groups(body, lexicon)
    if any(kind == "step" for kind, _ in groups):
        steps = tuple(
            step for kind, step in groups if kind == "step" or (kind == "suspect" and _plausible(step, lexicon))
        )
        return "step", "group" if listed or _begins(body, lexicon) else "quoted", steps
    if groups and not any(map(str.isalnum, _GROUP.sub("", body))):
        suspects = tuple(step for kind, step in groups if kind == "suspect")
        return ("suspect", "group", suspects) if suspects else ("fact", "group", tuple(step for _, step in groups))
    words = _words(body)
    phrases = read_phrases(words, lexicon)
    steps = tuple(phrase.step for phrase in phrases)
    if any(phrase.complete for phrase in phrases):
        return "step", "words", _chain(words, lexicon) if "→" in words and not listed else steps
    if called := [step for kind, step in groups if kind == "suspect" and _call_of(body, step)]:
        return "suspect", "group", tuple(called)
    if steps and (listed or len(words) <= _LONGEST_SUSPECT):
        return "suspect", "words", steps
    if _looks_meant(words, listed, lexicon):
        return "suspect", "words", (tuple(word for word in words if word[0].isalnum()),)
    return "prose", "", ()


def _chain(words: Sequence[str], lexicon: Lexicon) -> tuple[Step, ...]:
    """The steps between arrows; a link that names no action and looks meant as a step stays. In lists an arrow leads
    to a remark as often as to a step, so this is for plans that fill a line."""
    steps: list[Step] = []
    start = 0
    for end in [*(position for position, word in enumerate(words) if word == "→"), len(words)]:
        link = words[start:end]
        start = end + 1
        phrases = read_phrases(link, lexicon)
        steps.extend(phrase.step for phrase in phrases)
        if not phrases and _looks_meant(link, False, lexicon):
            steps.append(tuple(link))
    return tuple(steps)


def _begins(body: str, lexicon: Lexicon) -> bool:
    """Whether a line begins with its step; words before it that carry nothing do not count."""
    before = _words(_GROUP.split(body, maxsplit=1)[0])
    return all(not word[0].isalnum() or lexicon.inert(word) or lexicon.action(word) for word in before)


def _without_comment(body: str) -> str:
    """Without what a semicolon makes a comment; a semicolon between two groups or phrases separates steps."""
    head, mark, tail = body.partition(";")
    if mark and head.rstrip().endswith((")", "]")) and _NEXT_GROUP.match(tail) is None:
        return head
    return body


def _words(body: str) -> list[str]:
    words = [word.rstrip("'?-") or word for word in _WORD.findall(body)]
    return [word[:-2] if word.endswith("'s") and word != "let's" else word for word in words]


def _groups(body: str, lexicon: Lexicon) -> list[tuple[LineKind, Step]]:
    """Bracketed groups and calls that may be steps (`step`, `suspect`) or facts (`fact`)."""
    found: list[tuple[LineKind, Step]] = []
    for match in _GROUP.finditer(body):
        content = match[1]
        quoted = [first or second for first, second in _QUOTED.findall(content)]
        if len(quoted) > 1 and any(" " in text.strip() for text in quoted):
            for text in quoted:
                phrases = read_phrases(_words(text), lexicon)
                found.extend(("step", phrase.step) for phrase in phrases)
                if not phrases and text.split():
                    found.append(("suspect", tuple(text.split())))
            continue
        read = _read_group(body, match.start(), content, lexicon)
        if read is not None and (body[match.start()] == "(" or read[0] == "step"):
            found.append(read)
    opened = body.rfind("(")
    if opened > body.rfind(")"):
        read = _read_group(body, opened, body[opened + 1 :], lexicon)
        if read is not None and read[0] == "step":
            found.append(read)
    return found


def _read_group(body: str, start: int, content: str, lexicon: Lexicon) -> tuple[LineKind, Step] | None:
    before = _CALL.search(body[max(0, start - 64) : start])
    inside = _arguments(content)
    if before is not None:
        callee = before[0].strip()
        action = lexicon.action(callee)
        if action is not None:
            return "step", (action, *_objects(inside, lexicon))
        close = not before[0].endswith(" ") and _NAME.fullmatch(callee) is not None
        if close and inside and lexicon.action_at(inside, 0) is None and not lexicon.about_state(callee):
            return "suspect", (callee, *_objects(inside, lexicon))
    if not inside:
        return None
    named = lexicon.action_at(inside, 0)
    if named is not None:
        action, end = named
        rest = inside[end:]
        if rest and all(word.startswith("?") for word in rest):
            return "fact", (action, *rest)  # "(pick-up ?x)" talks about the action, where it stands among no steps
        if any(word in PREPOSITIONS and word not in lexicon.objects for word in rest):
            phrases = read_phrases(_words(content), lexicon)
            return ("step", phrases[0].step) if phrases else None
        return "step", (action, *_objects(rest, lexicon))
    phrases = read_phrases(_words(content), lexicon)
    if phrases and phrases[0].complete:
        return "step", phrases[0].step
    head = inside[0]
    if head in lexicon.predicates:
        return "fact", tuple(inside)
    if not _NAME.fullmatch(head) or lexicon.inert(head) or len(inside) > _LONGEST_SUSPECT or head in _END_WORDS:
        # All of a line, and objects behind whatever it begins with: a step of an action that there is not.
        alone = body[start] == "(" and not any(map(str.isalnum, body[:start] + body[start + len(content) + 2 :]))
        if not alone or len(inside) < 2 or not all(lexicon.named(word) is not None for word in inside[1:]):
            return None
    return "suspect", (head, *_objects(inside[1:], lexicon))


def _arguments(content: str) -> list[str]:
    """The words of a group: separated by spaces or commas, without quotes, without `x=` before a value."""
    parts = content.replace(",", " ").replace('"', " ").replace("'", " ")
    if "=" in parts or ":" in parts:
        parts = " ".join(_KEY.sub("", word + " ").strip() or word for word in _KEY.sub(" ", parts).split())
    return parts.split()


def _objects(words: Sequence[str], lexicon: Lexicon) -> tuple[str, ...]:
    """Arguments in the task's own spelling; "block a" is a. Unknown words stay as they are."""
    found: list[str] = []
    position = 0
    while position < len(words):
        named = lexicon.object_at(words, position)
        if named is not None:
            found.append(named[0])
            position = named[1]
            continue
        following = words[position + 1] if position + 1 < len(words) else None
        if not (words[position] in lexicon.nouns and following is not None and lexicon.named(following) is not None):
            found.append(words[position])
        position += 1
    return tuple(found)


def _plausible(step: Step, lexicon: Lexicon) -> bool:
    """Whether an unknown group beside a step was meant as a step too: it has an object of the task."""
    return any(word in lexicon.objects for word in step[1:])


def _call_of(body: str, step: Step) -> bool:
    return step[0] + "(" in body


def _looks_meant(words: Sequence[str], listed: bool, lexicon: Lexicon) -> bool:
    """Whether words that name no action were meant as a step: a short imperative in a list, or bare names with an
    object of the task among them."""
    names = [word for word in words if word[0].isalnum()]
    if not 1 < len(names) <= _LONGEST_SUSPECT or len(words) > 2 * _LONGEST_SUSPECT:
        return False
    head = names[0]
    if not _NAME.fullmatch(head) or words[0] != head or (len(words) > 1 and words[1] in {":", ",", "="}):
        return False
    if listed and any(word.endswith("s") and squash(word[:-1]) in lexicon.first_words for word in names[1:]):
        return any(lexicon.named(word) is not None for word in names)  # "truck t1 drives to p2"
    if lexicon.inert(head) or head in lexicon.predicates or head in _END_WORDS:
        return False
    if any(lexicon.named(word) is not None for word in names[1:]):
        return listed or len(names) == len(words)
    return listed and len(names) <= 5
