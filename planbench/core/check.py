"""What is declared, and whether the words of a formula keep to it: names, arity, bound variables, types that can meet.

Works on the tree, where every word has a place, so that each message carries line and column. How planbench refuses
what it does not judge is here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from planbench.core.syntax import OBJECT, SUPPORTED_REQUIREMENTS, Atom, Parameter, alternatives
from planbench.core.tree import Group, Text
from planbench.errors import UnsupportedPddl

KNOWN_REQUIREMENTS = frozenset(SUPPORTED_REQUIREMENTS) | {
    ":object-fluents",
    ":durative-actions",
    ":duration-inequalities",
    ":continuous-effects",
    ":timed-initial-literals",
    ":preferences",
    ":constraints",
    ":goal-utilities",
    ":non-deterministic",
    ":probabilistic-effects",
    ":rewards",
    ":mdp",
    ":time",
    ":domain-axioms",
    ":safety-constraints",
    ":hierarchy",
    ":method-preconditions",
    ":multi-agent",
    ":factored-privacy",
    ":unfactored-privacy",
}
"""PDDL's requirements and those of its better known extensions: what is not among them is a slip of the pen."""


COVERED = f"planbench covers {' '.join(SUPPORTED_REQUIREMENTS)}"


def unsupported(text: Text, what: str, group: Group | None = None, index: int | None = None) -> NoReturn:
    """Refuses correct PDDL that planbench does not judge, and says what it does."""
    place = text.fault(what, group, index)
    what = f"{what} is not supported; {COVERED}"
    raise UnsupportedPddl(what, place.source, place.line, place.column)


Scope = Mapping[str, Parameter]
"""The variables that are bound where a formula stands."""


@dataclass(frozen=True)
class Checker:
    """The declared names against which formulas are checked."""

    text: Text
    above: Mapping[str, frozenset[str]]
    objects: Mapping[str, str]
    predicates: Mapping[str, tuple[Parameter, ...]]
    functions: Mapping[str, tuple[Parameter, ...]]
    shapes: set[tuple[str | None, ...]] = field(default_factory=set[tuple[str | None, ...]])
    """Predicates with the types of objects for which they were found to be right."""

    def atom(self, node: Group, scope: Scope) -> Atom:
        """A predicate applied to terms."""
        name = node.head
        words = node.words()
        shape = (name, *map(self.objects.get, words[1:])) if words else ()
        if words and shape in self.shapes:
            return Atom(name, words[1:])
        if not name:
            raise self.text.fault("expected a predicate after (", node)
        if name not in self.predicates:
            kind = "the function" if name in self.functions else "undeclared predicate"
            detail = f"{kind} {name} where a predicate is expected" if name in self.functions else f"{kind} {name}"
            raise self.text.fault(detail, node, 0)
        atom = Atom(name, self._arguments(node, "predicate", self.predicates[name], scope))
        if None not in shape:  # all of its terms are objects
            self.shapes.add(shape)
        return atom

    def function(self, node: Group, scope: Scope) -> Atom:
        """A function applied to terms."""
        name = node.head
        if name not in self.functions:
            raise self.text.fault(f"undeclared function {name or '()'}", node)
        return Atom(name, self._arguments(node, "function", self.functions[name], scope))

    def _arguments(self, node: Group, kind: str, wanted: tuple[Parameter, ...], scope: Scope) -> tuple[str, ...]:
        if len(node) - 1 != len(wanted):
            plural = "" if len(wanted) == 1 else "s"
            what = f"{kind} {node.head} takes {len(wanted)} argument{plural}, got {len(node) - 1}"
            raise self.text.fault(what, node)
        terms: list[str] = []
        for k, parameter in enumerate(wanted, start=1):
            term, types = self.term(node, k, scope)
            if not self._meet(types, parameter.types):
                what = f"argument {k} of {node.head} must be a {' or '.join(parameter.types)}"
                raise self.text.fault(f"{what}, {term} is a {' or '.join(types)}", node, k)
            terms.append(term)
        return tuple(terms)

    def term(self, node: Group, k: int, scope: Scope) -> tuple[str, tuple[str, ...]]:
        """The term at `k` and its types."""
        term = node[k]
        if isinstance(term, Group):
            raise self.text.fault("expected an object or a variable, found (", node, k)
        if term.startswith("?"):
            if term not in scope:
                raise self.text.fault(f"unbound variable {term}", node, k)
            return term, scope[term].types
        if term not in self.objects:
            raise self.text.fault(f"undeclared object {term}", node, k)
        return term, alternatives(self.objects[term])

    def _meet(self, types: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
        """Whether something can be of one of `types` and of one of `wanted` at once."""
        if OBJECT in wanted or any(self.above[kind].intersection(wanted) for kind in types):
            return True
        return any(not above.isdisjoint(types) and not above.isdisjoint(wanted) for above in self.above.values())


def check_parameters(text: Text, group: Group, above: Mapping[str, frozenset[str]]) -> None:
    """A list of variables with types, after a name or without: no variable twice, no unknown type."""
    seen: set[str] = set()
    for k, node in enumerate(group):
        if isinstance(node, Group):
            kinds = [(kind, node, j) for j, kind in enumerate(node[1:], start=1)]
        elif k > 0 and group[k - 1] == "-":
            kinds = [(node, group, k)]
        else:
            kinds = []
            if node in seen and node.startswith("?"):
                raise text.fault(f"variable {node} is declared twice", group, k)
            seen.add(node)
        for kind, place, j in kinds:
            if isinstance(kind, str) and kind not in above:
                raise text.fault(f"unknown type {kind}", place, j)


def is_number(word: str) -> bool:
    digits = word.removeprefix("-").replace(".", "", 1)
    return digits.isdigit() and not word.endswith(".") and not word.startswith((".", "-."))
