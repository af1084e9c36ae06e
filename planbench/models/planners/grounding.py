"""A task as numbered facts and ground operators, for the built-in searches.

Grounded is what can be reached when nothing is ever deleted: round by round, the actions whose positive conditions hold
among the facts reached so far add their facts, until no new action turns up. A negative condition becomes a fact of its
own, which holds exactly while the other does not; so that a state is a set of facts, an operator three sets of facts,
and heuristics need to know of positive conditions only. Sets of facts are whole numbers, one bit a fact.

Each round looks at all actions again, which is simple and fast enough for small tasks; a large one runs into the limit.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from planbench.core.compile import NEVER, CompiledTask, GroundAction
from planbench.core.join import FactIndex
from planbench.core.syntax import TOTAL_COST, Fact
from planbench.core.verdict import Step
from planbench.models.planners.limits import Budget

ACTION_BYTES = 1500
"""What a ground action takes up here and as the compiled task keeps it, without its sets of facts."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A ground action. `needs` and `adds` are the numbers of facts, the masks the same as bits."""

    step: Step
    cost: float
    needs: tuple[int, ...]
    adds: tuple[int, ...]
    needs_mask: int
    adds_mask: int
    keeps_mask: int

    def apply(self, state: int) -> int:
        return (state & self.keeps_mask) | self.adds_mask


@dataclass(frozen=True, slots=True)
class Grounded:
    """`facts` is how many there are; `goal` are numbers of facts, `initial` and `goal_mask` bits. `operators` are in
    the order of their steps, so that a search never hangs on the order of a set."""

    facts: int
    operators: tuple[Operator, ...]
    initial: int
    goal: tuple[int, ...]
    goal_mask: int

    def successors(self, state: int) -> Iterator[tuple[Operator, int]]:
        for operator in self.operators:
            if state & operator.needs_mask == operator.needs_mask:
                yield operator, operator.apply(state)


class _CheckedIndex(FactIndex):
    """An index that looks at the clock, as a join may try millions of facts before it yields one binding."""

    def __init__(self, facts: Iterable[Fact], budget: Budget) -> None:
        super().__init__(facts)
        self._budget = budget

    def matching(self, predicate: str, position: int | None, name: str) -> list[Fact]:
        self._budget.check()
        return super().matching(predicate, position, name)


def ground(task: CompiledTask, budget: Budget) -> Grounded | None:
    """A plain task grounded; None where not even its relaxation reaches the goal, so that there is no plan. Raises
    `LimitReached`."""
    reached, actions = _reachable(task, budget)
    needs, forbids, _ = task.goal
    if not needs <= reached:
        return None
    forbidden = forbids.union(*(action.forbids for action in actions.values())) & reached
    numbers = {fact: number for number, fact in enumerate(sorted(reached))}
    opposite = {fact: number for number, fact in enumerate(sorted(forbidden), start=len(numbers))}

    def number(holding: Iterable[Fact], lacking: Iterable[Fact]) -> tuple[int, ...]:
        """Facts that hold and facts that do not; what is never reached, or never forbidden, needs no number."""
        held = [numbers[fact] for fact in holding if fact in numbers]
        return tuple(sorted(held + [opposite[fact] for fact in lacking if fact in opposite]))

    operators: list[Operator] = []
    by_cost = task.problem.metric == TOTAL_COST and not task.problem.maximize
    for step, action in sorted(actions.items()):
        budget.check()
        required, added = number(action.needs, action.forbids), number(action.adds, action.deletes)
        masks = bits(required), bits(added), ~bits(number(action.deletes, action.adds))
        budget.keep(3 * sys.getsizeof(masks[2]))
        operators.append(Operator(step, action.cost if by_cost else 1.0, required, added, *masks))
    goal = number(needs, forbids)
    initial = number(task.initial, forbidden - task.initial)
    return Grounded(len(numbers) + len(opposite), tuple(operators), bits(initial), goal, bits(goal))


def _reachable(task: CompiledTask, budget: Budget) -> tuple[set[Fact], dict[Step, GroundAction]]:
    """The facts that the relaxation reaches, and the actions by which it does."""
    reached = set(task.initial)
    actions: dict[Step, GroundAction] = {}
    looked_at: set[Step] = set()
    static = _CheckedIndex(task.static, budget)
    new = True
    while new:
        new = False
        index = _CheckedIndex(reached, budget)
        for name, join in task.joins.items():
            for arguments in join.bindings(index, static):
                budget.check()
                step = (name, *arguments)
                if step in looked_at:
                    continue
                looked_at.add(step)
                budget.keep(ACTION_BYTES)
                action = task.ground(step)
                if NEVER not in action.needs:
                    actions[step] = action
                    reached |= action.adds
                    new = True
    return reached, actions


def bits(facts: Iterable[int]) -> int:
    """Numbers as a set of bits."""
    mask = 0
    for fact in facts:
        mask |= 1 << fact
    return mask


def numbers_in(mask: int) -> Iterator[int]:
    """The numbers in a set of bits, the smallest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
