"""Heuristics from the delete relaxation: facts once reached stay reached.

    h_add   the cost of a fact is that of its cheapest operator and of *all* its conditions together
    h_max   ... and of its *dearest* condition alone; never above the true cost, so admissible
    FF      the cost of one relaxed plan, read backwards along the cheapest operators of h_add (Hoffmann and Nebel 2001)
    LM-cut  the cost of disjunctive landmarks, cut one after the other out of the graph of h_max (Helmert and Domshlak
            2009); admissible, and at least h_max

All give infinity exactly where the relaxation does not reach the goal, and then no plan does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from heapq import heappop, heappush

from planbench.models.planners.grounding import Grounded, numbers_in
from planbench.models.planners.limits import Budget


class Relaxation:
    """The relaxation of a task. An operator without conditions is given a fact that always holds, and the goal is the
    only effect of an operator at no cost, so that both need no case of their own. Every heuristic raises
    `LimitReached` when the time is up."""

    def __init__(self, task: Grounded, budget: Budget) -> None:
        self.budget = budget
        self.always, self.goal = task.facts, task.facts + 1
        self.facts = task.facts + 2
        self.needs = [operator.needs or (self.always,) for operator in task.operators]
        self.adds = [operator.adds for operator in task.operators]
        self.costs = [operator.cost for operator in task.operators]
        self.needs.append(task.goal or (self.always,))
        self.adds.append((self.goal,))
        self.costs.append(0.0)
        self.sizes = [len(needs) for needs in self.needs]
        self.needed_by: list[list[int]] = [[] for _ in range(self.facts)]
        self.added_by: list[list[int]] = [[] for _ in range(self.facts)]
        for index, (needs, adds) in enumerate(zip(self.needs, self.adds, strict=True)):
            for fact in needs:
                self.needed_by[fact].append(index)
            for fact in adds:
                self.added_by[fact].append(index)

    def ff(self, state: int) -> float:
        """The FF heuristic with every operator at cost 1, as a greedy search wants few steps above all."""
        values, cheapest = self._explore(state, [1.0] * (len(self.costs) - 1) + [0.0], summed=True)
        if values[self.goal] == math.inf:
            return math.inf
        plan: set[int] = set()
        waiting, seen = [self.goal], {self.goal}
        while waiting:
            operator = cheapest[waiting.pop()]
            if operator < 0:
                continue  # the fact holds in the state
            plan.add(operator)
            for fact in self.needs[operator]:
                if fact not in seen:
                    seen.add(fact)
                    waiting.append(fact)
        return float(len(plan) - 1)

    def h_max(self, state: int) -> float:
        return self._explore(state, self.costs, summed=False)[0][self.goal]

    def lm_cut(self, state: int) -> float:
        """The sum of cuts. A cut is the set of operators by which the zone of facts that reach the goal at no cost can
        be entered; each plan uses one of them, so that the cheapest's cost is counted, and taken from all of them."""
        costs, total = list(self.costs), 0.0
        while (values := self._explore(state, costs, summed=False)[0])[self.goal] > 0:
            if values[self.goal] == math.inf:
                return math.inf
            dearest = [max(needs, key=values.__getitem__) for needs in self.needs]
            zone, waiting = {self.goal}, [self.goal]
            while waiting:
                for operator in self.added_by[waiting.pop()]:
                    fact = dearest[operator]
                    if costs[operator] == 0 and values[fact] < math.inf and fact not in zone:
                        zone.add(fact)
                        waiting.append(fact)
            cut = self._cut(state, dearest, zone)
            least = min(costs[operator] for operator in cut)
            for operator in cut:
                costs[operator] -= least
            total += least
        return total

    def _cut(self, state: int, dearest: Sequence[int], zone: set[int]) -> set[int]:
        """The operators that lead from what is reached outside the zone into it. Each is taken to have one condition,
        its dearest."""
        dearest_of: list[list[int]] = [[] for _ in range(self.facts)]
        for operator, fact in enumerate(dearest):
            dearest_of[fact].append(operator)
        waiting = [self.always, *numbers_in(state)]
        outside, cut = set(waiting), set[int]()
        while waiting:
            for operator in dearest_of[waiting.pop()]:
                if not zone.isdisjoint(self.adds[operator]):
                    cut.add(operator)
                    continue
                for fact in self.adds[operator]:
                    if fact not in outside:
                        outside.add(fact)
                        waiting.append(fact)
        return cut

    def _explore(self, state: int, costs: Sequence[float], *, summed: bool) -> tuple[list[float], list[int]]:
        """For each fact its value in h_add (`summed`) or h_max, and the operator that gives it, -1 where it holds in
        the state or is not reached. Facts are left in the order of their values, as in Dijkstra's algorithm."""
        self.budget.check()
        values = [math.inf] * self.facts
        cheapest = [-1] * self.facts
        missing = self.sizes.copy()
        sums = [0.0] * len(missing)
        queue: list[tuple[float, int]] = []
        for fact in (self.always, *numbers_in(state)):
            values[fact] = 0.0
            queue.append((0.0, fact))
        while queue:
            value, fact = heappop(queue)
            if value > values[fact]:
                continue
            for operator in self.needed_by[fact]:
                missing[operator] -= 1
                sums[operator] = sums[operator] + value if summed else value
                if missing[operator] == 0:
                    reached = sums[operator] + costs[operator]
                    for added in self.adds[operator]:
                        if reached < values[added]:
                            values[added] = reached
                            cheapest[added] = operator
                            heappush(queue, (reached, added))
        return values, cheapest
