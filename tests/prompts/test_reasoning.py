"""Styles that ask for reasoning: what examples say is so, and only the final plan of a reply is read."""

from __future__ import annotations

import re

import pytest

from planbench.core.compile import CompiledTask
from planbench.core.judge import judge
from planbench.core.verdict import Plan
from planbench.preparation import examples, prepare
from planbench.prompts.extract import extract_final_plan
from planbench.prompts.lexicon import lexicon_of
from planbench.prompts.reasoning import REASONINGS, Reasoning, worked
from planbench.prompts.styles import read_reply, write_answer
from planbench.suite import GENERATORS, generate
from tests.prompts.tasks import example

FIRST = (("unstack", "a", "c"), ("stack", "a", "d"))
LAST = (("unstack", "a", "c"), ("put-down", "a"))
SAID = {FIRST: "(unstack a c)\n(stack a d)", LAST: "(unstack a c)\n(put-down a)"}
STATES = "Action 1: (unstack a c)\nState 1: (holding a) (clear c)\nAction 2: (stack a d)\nState 2: (on a d)\n"


def marked(plan: Plan) -> str:
    return f"[PLAN]\n{SAID[plan]}\n[PLAN END]"


def facts_said(line: str) -> set[tuple[str, ...]]:
    return {tuple(group.split()) for group in re.findall(r"\(([^()]*)\)", line)}


def some(domain: str) -> tuple[CompiledTask, Plan]:
    one = prepare(generate(domain, 2, plan_length=(4, 8), split="base"))[-1]
    assert one.task.reference is not None
    return one.compiled, one.task.reference.steps


@pytest.mark.parametrize("domain", GENERATORS)
def test_the_states_of_an_example_are_those_of_the_judge(domain: str) -> None:
    task, plan = some(domain)
    states = [line for line in worked("state", plan, task, None).split("\n") if line.startswith("State ")]
    assert len(states) == len(plan) + 1
    for number, line in enumerate(states):
        # Each fact of the line holds there and no other does: what a plan of one step more may do says so.
        state = task.initial
        for step in plan[:number]:
            state = task.apply(state, step)
        assert facts_said(line) == set(state)


@pytest.mark.parametrize("domain", GENERATORS)
def test_a_chain_of_thought_names_steps_that_would_fail(domain: str) -> None:
    """Where an example says that an action, or the goal, needs a fact, the plan fails just there without it."""
    task, plan = some(domain)
    text = worked("cot", plan, task, None)
    told = re.findall(r"\(([^()]*)\), which (?:action (\d+)|(the goal)) needs", text)
    assert any(goal for _, _, goal in told)
    for said, number, _ in told:
        fact = tuple(said.split())
        at = int(number) - 1 if number else len(plan)
        state = task.initial
        for step in plan[:at]:
            state = task.apply(state, step)
        assert fact in state
        without = state - {fact}
        assert plan[at] not in task.applicable(without) if number else not task.goal.holds(without, {})


@pytest.mark.parametrize("kind", REASONINGS)
@pytest.mark.parametrize("notation", ["pddl", "english"])
def test_a_worked_answer_is_read_as_its_plan_in_every_domain(notation: str, kind: Reasoning) -> None:
    for domain in GENERATORS:
        tasks = generate(domain, 1, plan_length=(2, 8))
        for how in ("none", "per-task"):
            (shot,) = examples(tasks, 1, how)[domain]
            wording = shot.own.wording if shot.own else prepare(tasks)[0].wording
            style = f"{notation}-{kind}"
            answer = write_answer(style, shot.plan, shot.task, wording)
            assert read_reply(style, answer, shot.task, wording) == shot.plan
            reasoning, _, _ = answer.partition("[PLAN]")
            assert reasoning.count("\n") >= len(shot.plan)
            # Cut off anywhere in its reasoning, the same answer gives no plan.
            assert read_reply(style, reasoning[: len(reasoning) * 3 // 4], shot.task, wording) is None


REPLIES: dict[str, tuple[str, Plan | None]] = {
    "reasoning, then the plan": (f"{STATES}\n{marked(LAST)}", LAST),
    "two marked plans": (f"First idea:\n{marked(FIRST)}\nNo, wait.\n{marked(LAST)}", LAST),
    "the plan is left open": (f"{STATES}\n[PLAN]\n{SAID[LAST]}", LAST),
    "a remark behind it": (f"{STATES}\n{marked(LAST)}\nThis takes (stack a d) no more.", LAST),
    "markers are mentioned first": (f"I write it between [PLAN] and [PLAN END].\n{STATES}\n{marked(LAST)}", LAST),
    "markers are mentioned last": (f"{marked(LAST)}\nThat was the [PLAN] up to [PLAN END].", LAST),
    "no markers, but said to be final": (f"Plan:\n{SAID[FIRST]}\n\n**Final plan:**\n```\n{SAID[LAST]}\n```", LAST),
    "the last of two final ones": (f"Final answer: {SAID[FIRST]}\nHm.\nFinal answer:\n{SAID[LAST]}", LAST),
    "other markers": (f"{STATES}<plan>{SAID[LAST]}</plan>", LAST),
    "the plan is empty": (f"{STATES}\n[PLAN]\n[PLAN END]", ()),
    "thinking closed before": (f"<think>{marked(FIRST)}</think>\n{STATES}\n{marked(LAST)}", LAST),
    "cut off in the reasoning": (STATES, None),
    "cut off under a draft": (f"A draft:\n```\n{SAID[FIRST]}\n```\nBut (clear d) has to be checked, as", None),
    "cut off under a heading": (f"Plan:\n{SAID[FIRST]}\nState 2: (on a d)", None),
    "cut off at the heading of the final plan": (f"{STATES}\nFinal plan:\n", None),
    "a marker mentioned, then cut off": (f"What I write after [PLAN] comes later.\n{STATES}", None),
    "a closing marker alone": (f"{STATES}\n[PLAN END]", None),
    "thinking that never ends": (f"<think>\n{marked(FIRST)}\nLet me see", None),
    "the next task invented": (f"{STATES}\n[TASK]\n(define ...)\n\n{marked(FIRST)}", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize("name", REPLIES)
def test_only_the_final_plan_is_read(name: str) -> None:
    of = example("letters")
    reply, plan = REPLIES[name]
    assert extract_final_plan(reply, lexicon_of(of.task, of.wording)) == plan
    if plan is not None:
        judge(of.task, plan)


def test_a_plan_that_cannot_be_done_has_no_reasoning() -> None:
    of = example("letters")
    with pytest.raises(ValueError, match="not applicable"):
        worked("state", (("pick-up", "c"),), of.task, None)


@pytest.mark.parametrize("piece", ["[PLAN]", "[PLAN]\n(stack a b)\n", "final plan:\n", "# ", "\n#", "the final plan "])
def test_a_large_reply_of_one_piece_ends(piece: str) -> None:
    of = example("letters")
    extract_final_plan(piece * (500_000 // len(piece)), lexicon_of(of.task, of.wording))
