"""The applicable ground actions of a state, by joining facts instead of trying all objects.

The positive atoms of a precondition are matched one after the other against the facts that hold, each match binding
variables; the next atom is always the one with the fewest variables still open, static atoms first among equals.
Parameters that no positive atom binds range over the objects of their types. Other conditions are left
to the caller, who tests the ground action anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from planbench.core.syntax import Action, Atom, Conjunct, Fact


class FactIndex:
    """Facts by predicate, and by predicate and one argument. Sorted, as the order of a set differs between runs."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._by_predicate: dict[str, list[Fact]] = {}
        for fact in sorted(facts):
            self._by_predicate.setdefault(fact[0], []).append(fact)
        self._by_argument: dict[tuple[str, int], dict[str, list[Fact]]] = {}

    def matching(self, predicate: str, position: int | None, name: str) -> list[Fact]:
        """Facts of a predicate, with `name` at `position` (1 is the first argument) where one is given."""
        facts = self._by_predicate.get(predicate, [])
        if position is None:
            return facts
        table = self._by_argument.get((predicate, position))
        if table is None:
            table = self._by_argument[predicate, position] = {}
            for fact in facts:
                table.setdefault(fact[position], []).append(fact)
        return table.get(name, [])


@dataclass(frozen=True, slots=True)
class Match:
    """Match an atom against the facts. `terms` holds a parameter's index or an object's name for each argument;
    `bound` is the position of a term that is known by then, None where there is none."""

    predicate: str
    terms: tuple[int | str, ...]
    static: bool
    bound: int | None


@dataclass(frozen=True, slots=True)
class Join:
    matches: tuple[Match, ...]
    allowed: tuple[Mapping[str, None], ...]

    @classmethod
    def of(
        cls,
        action: Action,
        condition: Iterable[tuple[Conjunct, bool]],
        allowed: Mapping[tuple[str, ...], Mapping[str, None]],
        fluents: frozenset[str],
    ) -> Join:
        """The order of matches for an action; `allowed` are the objects for each tuple of types."""
        index = {parameter.name: k for k, parameter in enumerate(action.parameters)}
        waiting = [part for part, positive in condition if positive and isinstance(part, Atom)]
        known: set[str] = set()
        matches: list[Match] = []
        while waiting:
            atom = min(waiting, key=lambda atom: (len(_open(atom, known)), atom.predicate in fluents))
            waiting.remove(atom)
            terms = tuple(index.get(term, term) for term in atom.terms)
            bound = next((k for k, term in enumerate(atom.terms, start=1) if term not in _open(atom, known)), None)
            matches.append(Match(atom.predicate, terms, atom.predicate not in fluents, bound))
            known |= _open(atom, known)
        return cls(tuple(matches), tuple(allowed[parameter.types] for parameter in action.parameters))

    def bindings(self, state: FactIndex, static: FactIndex) -> Iterator[tuple[str, ...]]:
        """The arguments, one tuple after the other, for which all positive atoms hold and the types fit. None comes
        twice, as the arguments determine which fact each atom was matched with."""
        arguments: list[str | None] = [None] * len(self.allowed)
        for _ in self._extend(0, arguments, state, static):
            yield tuple(name for name in arguments if name is not None)

    def _extend(self, depth: int, arguments: list[str | None], state: FactIndex, static: FactIndex) -> Iterator[None]:
        """Binds what is open from match `depth` on, in place; yields at each complete binding."""
        if depth == len(self.matches):
            yield from self._enumerate(arguments)
            return
        match = self.matches[depth]
        name = ""
        if match.bound is not None:
            term = match.terms[match.bound - 1]
            name = (arguments[term] or "") if isinstance(term, int) else term
        for fact in (static if match.static else state).matching(match.predicate, match.bound, name):
            newly = self._bind(match, fact, arguments)
            if newly is None:
                continue
            yield from self._extend(depth + 1, arguments, state, static)
            for k in newly:
                arguments[k] = None

    def _bind(self, match: Match, fact: Fact, arguments: list[str | None]) -> list[int] | None:
        """The parameters that `fact` binds, None where it does not fit."""
        newly: list[int] = []
        for term, name in zip(match.terms, fact[1:], strict=True):
            if isinstance(term, str):
                fits = term == name
            elif arguments[term] is None:
                fits = name in self.allowed[term]
                if fits:
                    arguments[term] = name
                    newly.append(term)
            else:
                fits = arguments[term] == name
            if not fits:
                for k in newly:
                    arguments[k] = None
                return None
        return newly

    def _enumerate(self, arguments: list[str | None]) -> Iterator[None]:
        """Gives each parameter that is still open every object of its types."""
        k = next((k for k, name in enumerate(arguments) if name is None), None)
        if k is None:
            yield
            return
        for name in self.allowed[k]:
            arguments[k] = name
            yield from self._enumerate(arguments)
        arguments[k] = None


def _open(atom: Atom, known: set[str]) -> set[str]:
    """The variables of an atom that are not bound yet."""
    return {term for term in atom.terms if term.startswith("?") and term not in known}
