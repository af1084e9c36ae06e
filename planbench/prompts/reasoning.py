"""Reasoning before the plan: how it is asked for, and how it is worked out for the examples.

    cot     each step with what it is good for: which later step, or the goal, needs a fact that it makes true
    state   each step with the state that it leads to

Both are read off an execution of the plan that the example has, so what an example says is so, in any domain: a step is
said to need a fact where it could not be taken without it. Facts that no action of the domain changes are in no state.

Not covered: reasoning that looks at other plans and drops them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from planbench.core.execute import VALUE, Execution, State
from planbench.core.syntax import Fact
from planbench.core.verdict import Plan, Step, step_text
from planbench.core.write import number_text

if TYPE_CHECKING:
    from planbench.core.compile import CompiledTask
    from planbench.prompts.wording import Wording

Reasoning = Literal["cot", "state"]

REASONINGS: tuple[Reasoning, ...] = ("cot", "state")

ASKED: dict[Reasoning, str] = {
    "cot": "First think step by step: say of each action what it is good for.",
    "state": "First go through the actions one by one, and after each write the state that it leads to: every fact "
    "that holds then, but for those that no action can change.",
}
"""The sentence that asks for it."""

Say = Callable[[Fact], str]


def worked(kind: Reasoning, plan: Plan, task: CompiledTask, wording: Wording | None) -> str:
    """The reasoning that leads to `plan`, in English where there is a `wording`, else in PDDL. One line a step, and one
    more a state. Raises ValueError for a plan that cannot be executed."""
    states = _states(plan, task)
    if wording is None:
        lines = _lines(kind, plan, task, states, step_text, _fact_text, " ")
    else:
        lines = _lines(
            kind,
            plan,
            task,
            states,
            lambda step: wording.step(step, task.objects),
            lambda fact: _said(fact, wording, task),
            "; ",
        )
    return "\n".join(lines)


def _lines(
    kind: Reasoning,
    plan: Plan,
    task: CompiledTask,
    states: list[State],
    step: Callable[[Step], str],
    say: Say,
    between: str,
) -> Iterator[str]:
    if kind == "state":
        yield f"State 0: {between.join(map(say, _ordered(states[0], task)))}"
        for number, one in enumerate(plan, start=1):
            yield f"Action {number}: {step(one)}"
            yield f"State {number}: {between.join(map(say, _ordered(states[number], task)))}"
        yield "The goal holds."
        return
    for number, one in enumerate(plan, start=1):
        reasons = [
            f"{say(fact)}, which {'the goal' if user is None else f'action {user + 1}'} needs"
            for fact, user in _used(number - 1, plan, task, states)
        ]
        good = f" It makes true: {'; '.join(reasons)}." if reasons else ""
        yield f"Action {number}: {step(one)}.{good}"
    yield "Then the goal holds."


def _states(plan: Plan, task: CompiledTask) -> list[State]:
    states = [task.initial]
    for step in plan:
        states.append(task.apply(states[-1], step))
    return states


def _used(index: int, plan: Plan, task: CompiledTask, states: list[State]) -> Iterator[tuple[Fact, int | None]]:
    """The facts that a step makes true and that are needed: with the first step that needs each (None: the goal)."""
    for fact in _ordered(states[index + 1] - states[index], task):
        if fact[0] == VALUE:
            continue
        for later in range(index + 1, len(plan)):
            if fact not in states[later]:
                break
            if not Execution(task, states[later] - {fact}).applies(task.ground(plan[later])):
                yield fact, later
                break
        else:
            if fact in states[-1] and not Execution(task, states[-1] - {fact}).holds(task.goal):
                yield fact, None


def _ordered(state: State, task: CompiledTask) -> list[Fact]:
    """The facts of a state in the order of the domain's predicates, then by name: values of functions come last."""
    rank = {name: index for index, name in enumerate(task.domain.predicates)}
    return sorted(state, key=lambda fact: (rank.get(fact[0], len(rank)), fact))


def _fact_text(fact: Fact) -> str:
    return f"(= ({' '.join(fact[1:-1])}) {number_text(float(fact[-1]))})" if fact[0] == VALUE else f"({' '.join(fact)})"


def _said(fact: Fact, wording: Wording, task: CompiledTask) -> str:
    if fact[0] != VALUE:
        return wording.fact(fact[0], fact[1:], task.objects)
    name, *arguments = fact[1:-1]
    return f"the {name}{' of ' if arguments else ''}{', '.join(arguments)} is {number_text(float(fact[-1]))}"
