"""The verdict on a plan: `valid`, `malformed`, `inapplicable` or `goal_missed`, with step, reason and facts.

Total: whatever steps a plan has, one verdict and never an exception. Time is linear in the plan; memory is bounded but
for the plan itself. Whether anything in a reply reads as a plan (`no_plan`) is decided before.
"""

from __future__ import annotations

from collections.abc import Sequence

from planbench.core.compile import CompiledTask, shown
from planbench.core.syntax import TOTAL_COST
from planbench.core.verdict import Step, Verdict, step_text

MAX_FACTS = 20
"""How many unmet facts a verdict names."""


def judge(task: CompiledTask, plan: Sequence[Step]) -> Verdict:
    """One verdict, in the sense of `planbench.core.verdict`."""
    kept = task.kept
    for number, step in enumerate(plan, start=1):
        if step not in kept:
            fault = task.fault(step)
            if fault is not None:
                return Verdict("malformed", number, fault, length=len(plan))
    state = set(task.initial)
    cost = task.initial_cost
    for number, step in enumerate(plan, start=1):
        action = kept.get(step) or task.ground(step)
        if action.cost is None or not (action.possible and action.needs <= state and action.forbids.isdisjoint(state)):
            return _inapplicable(task, number, step, state, len(plan))
        state -= action.deletes
        state |= action.adds
        cost += action.cost
    if not task.goal_reached(state):
        facts = task.unmet_goal(state)
        return Verdict("goal_missed", None, f"at the end {_listed(facts)} does not hold", _cut(facts), len(plan))
    if task.problem.metric != TOTAL_COST:
        cost = float(len(plan))
    return Verdict("valid", length=len(plan), cost=cost)


def _inapplicable(task: CompiledTask, number: int, step: Step, state: set[tuple[str, ...]], length: int) -> Verdict:
    facts = task.unmet(step, state)
    what = shown(step_text(step), 200)
    reason = f"{what} needs {_listed(facts)}" if facts else f"the cost of {what} is not defined"
    return Verdict("inapplicable", number, reason, _cut(facts), length)


def _cut(facts: list[str]) -> tuple[str, ...]:
    return tuple(facts[:MAX_FACTS])


def _listed(facts: list[str]) -> str:
    """The facts as one line, short enough for a table."""
    named = " and ".join(facts[:3])
    return named if len(facts) <= 3 else f"{named} and {len(facts) - 3} more"
