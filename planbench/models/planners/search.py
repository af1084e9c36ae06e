"""`planner:gbfs` and `planner:astar`: two searches that fit on a page, for small tasks.

    greedy     always goes on from the state that looks nearest to the goal, by the FF heuristic; plans may be long
    optimal    A* with LM-cut: cost so far plus a bound from below on what is left, the least first; the first plan
               found is a cheapest one, in the metric of the task, or a shortest where it has none

Both end with a plan, with the proof that there is none, or at a limit.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from heapq import heappop, heappush

from planbench.core.compile import CompiledTask
from planbench.core.syntax import TOTAL_COST, TOTAL_TIME
from planbench.core.verdict import Plan
from planbench.models.planners.grounding import Grounded, Operator, ground
from planbench.models.planners.limits import Answer, Budget, LimitReached, Limits
from planbench.models.planners.relaxed import Relaxation
from planbench.records import Request

Heuristic = Callable[[int], float]

STATE_BYTES = 400
"""What a state takes up in the tables and the queue of a search at most, without its bits."""

_Parents = dict[int, tuple[int, Operator] | None]
"""The states that were seen, each with the state and the operator that it was reached by; None for the first."""


def greedy(request: Request, limits: Limits) -> Answer:
    return _within(request, limits, lambda task, budget: best_first(task, Relaxation(task, budget).ff, budget))


def optimal(request: Request, limits: Limits) -> Answer:
    return _within(request, limits, lambda task, budget: a_star(task, Relaxation(task, budget).lm_cut, budget))


def covers(task: CompiledTask) -> bool:
    """Whether the searches solve such tasks: STRIPS with negation, equality and action costs."""
    return task.plain and task.problem.metric in (None, TOTAL_COST, TOTAL_TIME)


def _within(request: Request, limits: Limits, search: Callable[[Grounded, Budget], Plan | None]) -> Answer:
    if not covers(request.task):
        return Answer(None, "the task has more than facts, their negation and action costs, which this search covers")
    budget = Budget(limits)
    try:
        task = ground(request.task, budget)
        plan = None if task is None else search(task, budget)
    except LimitReached as limit:
        return Answer(None, str(limit), cut=True)
    return Answer(plan, "" if plan is not None else "there is none, as the search found")


def best_first(task: Grounded, heuristic: Heuristic, budget: Budget) -> Plan | None:
    """A plan, None where there is none. Raises `LimitReached`."""
    parents: _Parents = {task.initial: None}
    queue = [(heuristic(task.initial), 0, task.initial)]
    while queue:
        budget.check()
        value, _, state = heappop(queue)
        if value == math.inf:
            continue
        if state & task.goal_mask == task.goal_mask:
            return _plan(parents, state)
        for operator, after in task.successors(state):
            if after not in parents:
                budget.keep(STATE_BYTES + sys.getsizeof(after))
                parents[after] = (state, operator)
                # Of states that look equally near, the first seen is the first to go on from.
                heappush(queue, (heuristic(after), len(parents), after))
    return None


def a_star(task: Grounded, heuristic: Heuristic, budget: Budget) -> Plan | None:
    """A cheapest plan, None where there is none. `heuristic` is never above the true cost. Raises `LimitReached`."""
    parents: _Parents = {task.initial: None}
    costs = {task.initial: 0.0}
    estimates = {task.initial: heuristic(task.initial)}
    queue = [(estimates[task.initial], estimates[task.initial], 0, 0.0, task.initial)]
    pushed = 0
    while queue:
        budget.check()
        _, estimate, _, cost, state = heappop(queue)
        if estimate == math.inf or cost > costs[state]:
            continue
        if state & task.goal_mask == task.goal_mask:
            return _plan(parents, state)
        for operator, after in task.successors(state):
            reached = cost + operator.cost
            if reached >= costs.get(after, math.inf):
                continue
            budget.keep(STATE_BYTES + sys.getsizeof(after))
            # A state that was left before may be reached more cheaply, as LM-cut need not shrink step by step.
            costs[after], parents[after] = reached, (state, operator)
            if after not in estimates:
                estimates[after] = heuristic(after)
            pushed += 1
            heappush(queue, (reached + estimates[after], estimates[after], pushed, reached, after))
    return None


def _plan(parents: _Parents, state: int) -> Plan:
    """The steps that led to `state`."""
    steps: list[tuple[str, ...]] = []
    while (before := parents[state]) is not None:
        state, operator = before
        steps.append(operator.step)
    return tuple(reversed(steps))
