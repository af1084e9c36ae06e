"""What the rules of a task derive from a state: the least fixpoint, component after component.

Rules are ground once, each body split into rules whose bodies are conjunctions (a disjunction within a conjunction gets
a fact of its own). A state then costs as much as the rules in which its facts stand: every rule counts the facts that
it still waits for (Dowling and Gallier, "Linear-time algorithms for testing the satisfiability of propositional Horn
formulae", 1984). What is negated or compared belongs to the state or to an earlier component, and is settled by then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from planbench.core.arithmetic import Comparison, Values
from planbench.core.ground import AllOf, AnyOf, Ground, Grounder, Literal
from planbench.core.rules import components
from planbench.core.syntax import Fact, Rule


class GroundRule(NamedTuple):
    head: Fact
    needs: int
    """How many facts must hold."""
    forbids: tuple[Fact, ...]
    comparisons: tuple[Comparison, ...]


@dataclass
class Component:
    rules: list[GroundRule] = field(default_factory=list[GroundRule])
    waiting: dict[Fact, list[int]] = field(default_factory=dict[Fact, list[int]])
    """The rules that need a fact."""
    choices: Iterator[int] = field(default_factory=count)
    """Numbers for the facts that stand for disjunctions, different in all components of a task."""

    def add(self, head: Fact, body: Ground) -> None:
        if body is False:
            return
        if isinstance(body, AnyOf):
            for part in body.parts:
                self.add(head, part)
            return
        parts = () if body is True else body.parts if isinstance(body, AllOf) else (body,)
        needs: dict[Fact, None] = {}
        forbids: list[Fact] = []
        comparisons: list[Comparison] = []
        for part in parts:
            if isinstance(part, Literal):
                if part.positive:
                    needs[part.fact] = None
                else:
                    forbids.append(part.fact)
            elif isinstance(part, Comparison):
                comparisons.append(part)
            else:
                choice: Fact = ("", str(next(self.choices)))
                self.add(choice, part)
                needs[choice] = None
        for fact in needs:
            self.waiting.setdefault(fact, []).append(len(self.rules))
        self.rules.append(GroundRule(head, len(needs), tuple(forbids), tuple(comparisons)))

    def extend(self, known: set[Fact], values: Values) -> None:
        """Adds what follows to `known`."""
        ready = [k for k, rule in enumerate(self.rules) if not rule.needs]
        missing: dict[int, int] = {}
        new = list(self.waiting.keys() & known)
        while True:
            for fact in new:
                for k in self.waiting.get(fact, ()):
                    left = missing.get(k, self.rules[k].needs) - 1
                    missing[k] = left
                    if not left:
                        ready.append(k)
            new = list[Fact]()
            for k in ready:
                head, _, forbids, comparisons = self.rules[k]
                if (
                    head not in known
                    and known.isdisjoint(forbids)
                    and all(comparison.holds(values) for comparison in comparisons)
                ):
                    known.add(head)
                    new.append(head)
            ready.clear()
            if not new:
                return


class Derivation:
    """The ground rules of a task."""

    def __init__(self, rules: Sequence[Rule], grounder: Grounder) -> None:
        by_predicate: dict[str, list[Rule]] = {rule.predicate: [] for rule in rules}
        for rule in rules:
            by_predicate[rule.predicate].append(rule)
        self._components: list[Component] = []
        choices = count()
        for names in components(rules):
            component = Component(choices=choices)
            for rule in (rule for name in names for rule in by_predicate[name]):
                for binding in grounder.bindings(rule.parameters, {}):
                    head = (rule.predicate, *(binding[parameter.name] for parameter in rule.parameters))
                    component.add(head, grounder.condition(rule.body, binding))
            self._components.append(component)

    def view(self, facts: Set[Fact], values: Values) -> set[Fact]:
        """`facts` with all that follows from them."""
        known = set(facts)
        for component in self._components:
            component.extend(known, values)
        return known
