"""A state in which steps are taken one after the other, for tasks beyond plain STRIPS.

The facts that follow by rules are computed when a step asks for them. Conditions of effects and amounts of changes are
those of the state before the step; deletes come before adds.
"""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, NamedTuple

from planbench.core.arithmetic import GroundChange, changed_values
from planbench.core.ground import Conjunction, Part, Test, holds, size
from planbench.core.syntax import Fact

if TYPE_CHECKING:
    from planbench.core.compile import CompiledTask

VALUE = "="
"""Begins the facts of a state that are values of functions: `("=", "fuel", "truck1", "5.0")`."""


State = frozenset[Fact]
"""The facts that hold and are not static. Values of functions that actions change are facts of `=`."""


class More(NamedTuple):
    """What an action has beyond STRIPS. `derived`: there are rules, from which its conditions may ask."""

    rest: tuple[Test, ...]
    parts: tuple[Part, ...]
    changes: tuple[GroundChange, ...]
    derived: bool


class GroundAction(NamedTuple):
    """What a step needs and does. An action that can be applied in no state, as a static condition fails or its cost
    has no value, needs `NEVER`, so that judging asks one question only. A tuple, as unpacking one is twice as fast as
    reading its attributes."""

    needs: frozenset[Fact]
    forbids: frozenset[Fact]
    deletes: frozenset[Fact]
    adds: frozenset[Fact]
    cost: float
    more: More | None = None

    def size(self) -> int:
        """How much there is of what lies beyond STRIPS, roughly in literals."""
        if self.more is None:
            return 0
        parts = sum(part.size() for part in self.more.parts)
        return parts + len(self.more.changes) + len(self.adds) + len(self.deletes) + sum(map(size, self.more.rest))


class Execution:
    """A state that changes. `values` are those of the functions that actions change."""

    def __init__(self, task: CompiledTask, state: Set[Fact]) -> None:
        self.task = task
        self.facts: set[Fact] = set(state)
        self.values: dict[Fact, float] = {}
        if task.numbers:
            given = [fact for fact in state if fact[0] == VALUE]
            self.facts.difference_update(given)
            self.values = {fact[1:-1]: float(fact[-1]) for fact in given}
        self._view: set[Fact] | None = None

    def state(self) -> State:
        return frozenset(self.facts).union(value_facts(self.values))

    def view(self) -> set[Fact]:
        """The facts, with those that follow by rules."""
        if not self.task.domain.rules:
            return self.facts
        if self._view is None:
            self._view = self.task.derivation.view(self.facts, self.values)
        return self._view

    def holds(self, condition: Conjunction) -> bool:
        return condition.holds(self.view(), self.values)

    def applies(self, action: GroundAction) -> bool:
        return self._outcome(action) is not None

    def step(self, action: GroundAction) -> bool:
        """Takes the step where it applies, and says whether it does."""
        outcome = self._outcome(action)
        if outcome is None:
            return False
        adds, deletes, values = outcome
        self.facts -= action.deletes
        self.facts.difference_update(deletes)
        self.facts |= action.adds
        self.facts.update(adds)
        self.values.update(values)
        self._view = None
        return True

    def _outcome(self, action: GroundAction) -> tuple[list[Fact], list[Fact], dict[Fact, float]] | None:
        """What is added and deleted beside what the action always adds and deletes, and the new values; None where
        the action does not apply."""
        more = action.more
        if more is None:
            applies = action.needs <= self.facts and action.forbids.isdisjoint(self.facts)
            return ([], [], {}) if applies else None
        facts = self.view() if more.derived else self.facts
        if not (action.needs <= facts and action.forbids.isdisjoint(facts)):
            return None
        if not all(holds(test, facts, self.values) for test in more.rest):
            return None
        adds: list[Fact] = []
        deletes: list[Fact] = []
        changes: list[GroundChange] = list(more.changes)
        for part in more.parts:
            if part.condition.holds(facts, self.values):
                adds.extend(part.adds)
                deletes.extend(part.deletes)
                changes.extend(part.changes)
            elif part.otherwise is not None and not part.otherwise.holds(facts, self.values):
                return None
        values = changed_values(changes, self.values) if changes else {}
        return None if values is None else (adds, deletes, values)


def value_facts(values: dict[Fact, float]) -> list[Fact]:
    return [(VALUE, *fact, repr(value)) for fact, value in values.items()]
