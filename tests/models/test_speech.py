"""When a reply ends: stop tokens, limits, the end of a plan, a budget for thinking. Through a real engine."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from planbench.models.decode import Row
from planbench.models.speech import Speech, Texts
from planbench.models.thinking import stored, written
from planbench.prompts.blocks import answer_of
from planbench.prompts.ending import PlanEnd
from planbench.prompts.styles import end_of

STOP = frozenset([0])
PIECES = [
    "</s>",
    "[PLAN",
    " END",
    "]",
    "[PLAN]\n",
    "(a b)\n",
    "<think>",
    "</think>",
    "\n",
    "hm ",
    "and ",
    "]\n",
    "\n\n",
]


def decode(tokens: Sequence[int]) -> str:
    return "".join(PIECES[token] for token in tokens)


def encode(text: str) -> list[int]:
    tokens: list[int] = []
    while text:
        piece = max((one for one in PIECES if text.startswith(one)), key=len)
        tokens.append(PIECES.index(piece))
        text = text[len(piece) :]
    return tokens


TEXTS = Texts(decode, encode)


def said(text: str, limit: int = 50, budget: int | None = None, answer: int = 50, prompt: str = "hm ") -> Speech:
    """What becomes of a model that would say `text` and, when that is over, `hm` for ever."""
    speech = Speech(Row(tuple(encode(prompt)), limit, 0, PlanEnd()), STOP, TEXTS, budget, answer)
    would = iter(encode(text))
    while True:
        token = next(would, PIECES.index("hm ")) if speech.forced is None else speech.forced
        if speech.add(token):
            return speech


@pytest.mark.parametrize("budget", [None, 1000])
def test_a_draft_in_reasoning_that_the_prompt_opened_ends_nothing(budget: int | None) -> None:
    draft, answer = "hm [PLAN]\n(a b)\n[PLAN END]\nhm hm ", "[PLAN]\n(a b)\n(a b)\n[PLAN END]"
    speech = said(f"{draft}</think>\n{answer}", 3000, budget, 60, prompt="hm <think>\n")
    assert decode(speech.completion().tokens) == f"{draft}</think>\n{answer}"
    speech = said(draft, 30, budget, 30, prompt="hm <think>\n")
    assert not speech.completion().stopped


@pytest.mark.parametrize("tag", ["", "<think>", "[THINK]"])
@pytest.mark.parametrize("reply", ["", "hm", "hm </think> a", "<think>", "<think>hm", "[THINK] hm [/THINK] a"])
def test_what_is_stored_of_a_reply_says_what_was_written(reply: str, tag: str) -> None:
    assert written(stored(reply, tag), tag) == reply


def test_reasoning_without_an_end_is_stored_as_no_answer() -> None:
    """Cut off in the middle of it, a draft is no answer."""
    draft = "Let me try.\n[PLAN]\n(a b)\n[PLAN END]\nWait"
    assert answer_of(stored(draft, "<think>")).strip() == ""
    assert answer_of(stored(f"{draft}</think>\n(c d)", "<think>")).strip() == "(c d)"
    assert "(a b)" in answer_of(stored(draft, ""))


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("[PLAN]\n(a b)\n[PLAN END]", True),
        ("[PLAN]\n(a b)\n[PLAN END]\n", True),
        ("(a b)\n[PLAN END]", True),  # the prompt had opened it
        ("<think>\n[PLAN]\n(a b)\n[PLAN END]", False),
        ("<think>[PLAN]\n(a b)\n[PLAN END]</think>[PLAN]\n(a b)\n[PLAN END]", True),
        ("hm [PLAN]and [PLAN END]", False),
        ("[PLAN]\n(a b)\n[PLAN END", False),
        ("[PLAN]\n(a b)\n]", False),
    ],
)
def test_a_plan_ends_at_its_closing_marker(text: str, ends: bool) -> None:
    speech = said(text, limit=40)
    completion = speech.completion()
    assert (completion.stopped, completion.by_text) == (ends, ends)
    if ends:
        assert decode(completion.tokens) == text.removesuffix("\n") or decode(completion.tokens) == text
        assert completion.generated == len(completion.tokens)
    else:
        assert len(completion.tokens) == 40


@pytest.mark.parametrize("block", ["", "(action object object)\n...", "<one action a line>", "(pick-up ?x)"])
def test_a_block_without_a_step_ends_nothing(block: str) -> None:
    """A server reads on to the plan behind it, and so does every other engine."""
    assert not PlanEnd()(f"I answer so:\n[PLAN]\n{block}\n[PLAN END]")


def test_only_plain_readable_styles_say_how_a_plan_ends() -> None:
    for style in ("compact", "pddl-cot", "english-state"):
        assert end_of(style) is None
    for style in ("pddl", "english"):
        ended = end_of(style)
        assert ended is not None
        assert ended("[PLAN]\n(a b)\n[PLAN END]")


def test_the_end_of_a_plan_stays_cheap_on_a_hostile_reply() -> None:
    speech = Speech(Row((9,), 20_000, 0, PlanEnd()), STOP, TEXTS)
    calls = 0

    def count(tokens: Sequence[int]) -> str:
        nonlocal calls
        calls += len(tokens)
        return decode(tokens)

    speech._texts = Texts(count, encode)
    while not speech.add(PIECES.index("]")):
        pass
    assert calls < 20_000 * 40


def test_thinking_is_ended_at_its_budget_and_the_answer_has_its_own_limit() -> None:
    speech = said("<think>" + "hm " * 30, budget=5, answer=7)
    assert decode(speech.completion().tokens) == "<think>" + "hm " * 4 + "\n</think>\n\n" + "hm " * 7
    assert not speech.completion().stopped


def test_thinking_that_ends_in_time_is_left_alone() -> None:
    speech = said("<think>hm </think>[PLAN]\n(a b)\n[PLAN END]", budget=9)
    assert decode(speech.completion().tokens) == "<think>hm </think>[PLAN]\n(a b)\n[PLAN END]"
    speech = said("<think>hm </think>", budget=9, answer=4)
    assert decode(speech.completion().tokens) == "<think>hm </think>" + "hm " * 4


def test_a_template_may_open_the_thinking() -> None:
    speech = said("hm hm hm hm ", prompt="hm <think>\n", budget=2, answer=3)
    assert decode(speech.completion().tokens) == "hm hm \n</think>\n\n" + "hm " * 3
    # Closed again in the prompt: the template switched it off.
    speech = said("hm hm hm hm ", prompt="<think>\n\n</think>\n\n", budget=2, answer=3)
    assert decode(speech.completion().tokens) == "hm hm hm "


def test_without_thinking_the_answer_has_its_limit() -> None:
    assert decode(said("hm hm ", budget=20, answer=4).completion().tokens) == "hm " * 4
    assert decode(said("", budget=0, answer=4, prompt="<think>").completion().tokens) == "\n</think>\n\n" + "hm " * 4
