"""The verdict on a plan: `valid`, `malformed`, `inapplicable` or `goal_missed`, with step, reason and facts.

Total: whatever steps a plan has, one verdict and never an exception. Time is linear in the plan; memory is bounded but
for the plan itself. Whether anything in a reply reads as a plan (`no_plan`) is decided before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from planbench.core.compile import CompiledTask, shown
from planbench.core.execute import Execution, GroundAction
from planbench.core.syntax import TOTAL_COST
from planbench.core.verdict import Step, Verdict, step_text

MAX_FACTS = 20
"""How many unmet facts a verdict names."""


def judge(task: CompiledTask, plan: Sequence[Step]) -> Verdict:
    """One verdict, in the sense of `planbench.core.verdict`."""
    actions: Iterable[GroundAction]
    try:
        actions = list(map(task.kept.__getitem__, plan))
    except KeyError:
        for number, step in enumerate(plan, start=1):
            if step not in task.kept and (fault := task.fault(step)) is not None:
                return Verdict("malformed", number, fault, length=len(plan))
        actions = map(task.ground, plan)  # one at a time: a plan of a million steps is not all grounded at once
    if not task.plain:
        return _execute(task, plan, actions)
    state = set(task.initial)
    cost = task.initial_cost
    for number, (needs, forbids, deletes, adds, increase, _) in enumerate(actions, start=1):
        if not (needs <= state and forbids.isdisjoint(state)):
            return _inapplicable(task, number, plan[number - 1], Execution(task, state), len(plan))
        state -= deletes
        state |= adds
        cost += increase
    if not task.goal.holds(state, {}):
        return _goal_missed(task, Execution(task, state), len(plan))
    if task.problem.metric == TOTAL_COST:
        return Verdict("valid", length=len(plan), cost=cost)
    if task.problem.metric is None:
        return Verdict("valid", length=len(plan), cost=float(len(plan)))
    return Verdict("valid", length=len(plan), cost=task.cost_at_end(Execution(task, state), cost, len(plan)))


def _execute(task: CompiledTask, plan: Sequence[Step], actions: Iterable[GroundAction]) -> Verdict:
    """As above, with all of PDDL that is judged."""
    execution = Execution(task, task.initial)
    cost = task.initial_cost
    for number, action in enumerate(actions, start=1):
        if not execution.step(action):
            return _inapplicable(task, number, plan[number - 1], execution, len(plan))
        cost += action.cost
    if not execution.holds(task.goal):
        return _goal_missed(task, execution, len(plan))
    return Verdict("valid", length=len(plan), cost=task.cost_at_end(execution, cost, len(plan)))


def _inapplicable(task: CompiledTask, number: int, step: Step, execution: Execution, length: int) -> Verdict:
    facts = task.unmet(step, execution)
    what = shown(step_text(step), 200)
    undefined = "the cost" if task.plain else "the effect"
    reason = f"{what} needs {_listed(facts)}" if facts else f"{undefined} of {what} is not defined"
    return Verdict("inapplicable", number, reason, _cut(facts), length)


def _goal_missed(task: CompiledTask, execution: Execution, length: int) -> Verdict:
    facts = task.unmet_goal(execution)
    verb = "does" if len(facts) == 1 else "do"
    return Verdict("goal_missed", None, f"at the end {_listed(facts)} {verb} not hold", _cut(facts), length)


def _cut(facts: list[str]) -> tuple[str, ...]:
    return tuple(facts[:MAX_FACTS])


def _listed(facts: list[str]) -> str:
    """The facts as one line, short enough for a table."""
    named = " and ".join(facts[:3])
    return named if len(facts) <= 3 else f"{named} and {len(facts) - 3} more"
