"""Reading plans out of replies: every notation is undone exactly, and no text does harm."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.core.judge import judge
from planbench.core.verdict import Plan, Step
from planbench.prompts.blocks import LONGEST_ANSWER, answer_of
from planbench.prompts.extract import extract_plan
from planbench.prompts.lexicon import Lexicon, build_lexicon, lexicon_of
from tests.prompts.notations import EXACT, NOTATIONS, SETTINGS
from tests.prompts.tasks import PROBLEMS, Example, example

TASKS = [*PROBLEMS, *(f"{name}-bare" for name in PROBLEMS)]


def lexicon(of: Example) -> Lexicon:
    return lexicon_of(of.task, of.wording)


@st.composite
def plans(draw: st.DrawFn, of: Example) -> Plan:
    """Any steps of the task's words with the right number of objects, of any types: nothing need be applicable."""
    objects = st.sampled_from(sorted(of.task.objects))

    def step(name: str) -> st.SearchStrategy[Step]:
        count = len(of.task.domain.actions[name].parameters)
        return st.tuples(st.just(name), *[objects] * count)

    return tuple(draw(st.lists(st.sampled_from(sorted(of.task.domain.actions)).flatmap(step), min_size=1, max_size=12)))


@pytest.mark.parametrize("notation", NOTATIONS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_notation_in_every_setting_is_undone(notation: str, data: st.DataObject) -> None:
    of = example(data.draw(st.sampled_from(TASKS)))
    plan = data.draw(plans(of))
    setting = data.draw(st.sampled_from(sorted(SETTINGS)))
    assert extract_plan(SETTINGS[setting](NOTATIONS[notation](plan, of)), lexicon(of)) == plan


@pytest.mark.parametrize("notation", sorted(EXACT - {"Python"}))
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_step_with_an_unknown_word_is_never_dropped(notation: str, data: st.DataObject) -> None:
    """One word of a plan is changed to a word of no meaning here: the plan must not be judged as if the step were
    not there, so it comes out malformed."""
    of = example(data.draw(st.sampled_from(TASKS)))
    plan = list(data.draw(plans(of)))
    plan = [*plan, *data.draw(plans(of))]
    at = data.draw(st.integers(0, len(plan) - 2))
    step = list(plan[at])
    if len(step) == 1:
        return
    word = data.draw(st.integers(0, len(step) - 1))
    step[word] = "zzyzx"
    plan[at] = tuple(step)
    setting = data.draw(st.sampled_from(["fenced", "marked", "tagged"]))
    found = extract_plan(SETTINGS[setting](NOTATIONS[notation](tuple(plan), of)), lexicon(of))
    assert found is not None
    assert len(found) == len(plan)
    assert any("zzyzx" in step for step in found)
    assert judge(of.task, found).kind == "malformed"


_PIECES = """( ) (stack a b) stack a b pick up [ ] { } < > ``` ~~~ [PLAN] [PLAN_END] <think> </think> 1. - * **
; , : " ' -> → [] {"plan": ["(stack a b)" , ] } : (define 1.000: ?x = not then from on top of block \u0430 Wait,"""
PIECES = st.sampled_from([*_PIECES.split(), "\n", "\r\n", "\0", " "])


@given(st.lists(PIECES | st.text(max_size=5), max_size=60), st.sampled_from(["", " "]), st.sampled_from(TASKS))
@settings(max_examples=400, deadline=None)
def test_no_text_raises(pieces: list[str], between: str, task: str) -> None:
    of = example(task)
    plan = extract_plan(between.join(pieces), lexicon(of))
    assert plan is None or all(isinstance(word, str) for step in plan for word in step)
    if plan is not None:
        judge(of.task, plan)


def test_the_wording_from_names_alone_needs_neither_with_nor_arguments() -> None:
    actions = {"rest": (), "stack": (frozenset({"object"}), frozenset({"object"}))}
    objects = {name: frozenset({"object"}) for name in "ab"}
    steps = {"rest": "do rest", "stack": "do stack with {0}, {1}"}
    words = build_lexicon(actions, objects, steps=steps)
    assert extract_plan("do rest\ndo stack a b", words) == (("rest",), ("stack", "a", "b"))
    assert extract_plan("1. do stack b, a\n2. do rest", words) == (("stack", "b", "a"), ("rest",))


HOSTILE = [
    "(", ")", "()", "((a", "[", '{"a":', "<", "<think>", "</think>", "`", "```\n", "~~~", "\n", "a", "a ", "a-", "1. ",
    "1.\n", "- ", "(stack a b)", "(stack a b)\n", "stack a b ", "pick ", "pick a ", "stack a from on top of ", "then ",
    "at a ", "the the ", "[PLAN]", "[PLAN END]", "[PLAN]\n(stack a b)\n", '"', '"a', "**", "plan: ", "a plan ", "\0",
    "\u0301\u0323", "İ", "a=", "|", ";", "; (", "→", "1", "step ", "<action ", "\ud800", "grab(a)\n", "a a(", "stack(",
    "[]\n", '"\\u', "[1e9,", "<|channel|>analysis",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_large_reply_of_one_piece_ends(piece: str) -> None:
    """Half a megabyte each: anything quadratic takes hours here. What is read stays no longer than what was given."""
    reply = piece * (500_000 // len(piece))
    plan = extract_plan(reply, lexicon(example("letters")))
    assert plan is None or sum(map(len, plan)) <= len(reply)


def test_ten_megabytes_with_the_plan_at_the_end() -> None:
    reply = "(" * 5_000_000 + "the arm is empty and so on. " * 200_000 + "\n```\n(unstack a c)\n(stack a d)\n```"
    assert extract_plan(reply, lexicon(example("letters"))) == (("unstack", "a", "c"), ("stack", "a", "d"))
    assert len(answer_of(reply)) <= LONGEST_ANSWER


def test_a_deep_nest_is_no_plan() -> None:
    assert extract_plan("[" * 400_000 + "]" * 400_000, lexicon(example("letters"))) is None
    assert extract_plan("(" * 400_000 + ")" * 400_000, lexicon(example("letters"))) is None


def test_a_reply_longer_than_is_read_keeps_its_end() -> None:
    assert answer_of("x" * (LONGEST_ANSWER + 10) + "end").endswith("end")
    assert len(answer_of("x" * (LONGEST_ANSWER + 10))) == LONGEST_ANSWER
