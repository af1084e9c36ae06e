"""Actions of STRIPS, equality and costs, made ready to be ground: facts picked out of a step instead of formulas read.

The words of an action (its predicates and constants) stand behind those of a step, and each fact is then a choice of
places in this one row, which `operator.itemgetter` takes in one go. A fact without variables stands in the row as a
whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from operator import itemgetter
from typing import Any, NamedTuple

from planbench.core.syntax import Action, Atom, Change, Conjunct, Equal, Expression, Fact, literals

Row = tuple[Any, ...]
"""A step, then the words of its action and its facts without variables."""

Pick = Callable[[Row], Fact]


class Schema(NamedTuple):
    """`picks` are those of the facts needed, forbidden, deleted and added, in this order; `ends` say where the first
    three of these end. `static` picks facts that never change, `equal` pairs of words, each with whether it must hold.
    `costs` are the amounts by which the cost increases."""

    words: Row
    picks: tuple[Pick, ...]
    ends: tuple[int, int, int]
    static: tuple[tuple[Pick, bool], ...]
    equal: tuple[tuple[Pick, bool], ...]
    costs: tuple[Expression, ...]

    @classmethod
    def of(cls, action: Action, condition: Iterable[tuple[Conjunct, bool]], fluents: Set[str]) -> Schema:
        """For an action whose condition is made of literals, and its effect of these and of costs."""
        places: dict[str | Fact, int] = {parameter.name: k for k, parameter in enumerate(action.parameters, start=1)}
        variables = {*places}

        def place(word: str | Fact) -> int:
            return places.setdefault(word, len(places) + 1)

        def pick(atom: Atom) -> Pick:
            fact = (atom.predicate, *atom.terms)
            return itemgetter(place(fact)) if variables.isdisjoint(fact) else itemgetter(*map(place, fact))

        needs: list[Pick] = []
        forbids: list[Pick] = []
        deletes: list[Pick] = []
        adds: list[Pick] = []
        static: list[tuple[Pick, bool]] = []
        equal: list[tuple[Pick, bool]] = []
        costs: list[Expression] = []
        for part, positive in condition:
            if isinstance(part, Equal):
                equal.append((itemgetter(place(part.left), place(part.right)), positive))
            elif isinstance(part, Atom) and part.predicate in fluents:
                (needs if positive else forbids).append(pick(part))
            elif isinstance(part, Atom):
                static.append((pick(part), positive))
        for part, positive in literals(action.effect):
            if isinstance(part, Atom):
                (adds if positive else deletes).append(pick(part))
            elif isinstance(part, Change):
                costs.append(part.amount)
        ends = len(needs), len(needs) + len(forbids), len(needs) + len(forbids) + len(deletes)
        words = tuple(word for word in places if word not in variables)
        picks = (*needs, *forbids, *deletes, *adds)
        return cls(words, picks, ends, tuple(static), tuple(equal), tuple(costs))

    def possible(self, row: Row, static: Set[Fact]) -> bool:
        """Whether what never changes lets the step be."""
        for pick, wanted in self.static:
            if (pick(row) in static) != wanted:
                return False
        for pick, wanted in self.equal:
            left, right = pick(row)
            if (left == right) != wanted:
                return False
        return True


def schemas(
    actions: Mapping[str, Action], conditions: Mapping[str, Iterable[tuple[Conjunct, bool]]], fluents: Set[str]
) -> dict[str, Schema]:
    return {name: Schema.of(action, conditions[name], fluents) for name, action in actions.items()}
