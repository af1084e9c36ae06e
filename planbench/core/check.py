"""What the `pddl` package lets through: undeclared names, wrong arity, unbound variables, types that cannot meet.

Works on the tree, where every word has a place, so that each message carries line and column. Constructs that planbench
does not judge are named here too. What is left for `pddl` to find is wrong syntax.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from planbench.core.syntax import OBJECT, SUPPORTED_REQUIREMENTS, TOTAL_COST, Parameter
from planbench.core.tree import Group, Text
from planbench.errors import UnsupportedPddl

KNOWN_REQUIREMENTS = frozenset(SUPPORTED_REQUIREMENTS) | {
    ":disjunctive-preconditions",
    ":existential-preconditions",
    ":universal-preconditions",
    ":quantified-preconditions",
    ":conditional-effects",
    ":fluents",
    ":numeric-fluents",
    ":object-fluents",
    ":adl",
    ":durative-actions",
    ":duration-inequalities",
    ":continuous-effects",
    ":derived-predicates",
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

_CONDITIONS = {"or", "imply", "forall", "exists", "preference", "when", ">", "<", ">=", "<="}
_EFFECTS = {"forall", "when", "or", "oneof", "probabilistic", "assign", "decrease", "scale-up", "scale-down"}


def unsupported(text: Text, what: str, group: Group | None = None, index: int | None = None) -> NoReturn:
    """Refuses correct PDDL that planbench does not judge, and says what it does."""
    place = text.fault(what, group, index)
    what = f"{what} is not supported; planbench covers {' '.join(SUPPORTED_REQUIREMENTS)}"
    raise UnsupportedPddl(what, place.source, place.line, place.column)


@dataclass(frozen=True)
class Checker:
    """The declared names against which formulas are checked."""

    text: Text
    above: Mapping[str, frozenset[str]]
    objects: Mapping[str, str]
    predicates: Mapping[str, tuple[Parameter, ...]]
    functions: Mapping[str, tuple[Parameter, ...]]

    def condition(self, node: str | Group, parent: Group, index: int, scope: Mapping[str, Parameter]) -> None:
        """A precondition or goal."""
        if isinstance(node, str):
            raise self.text.fault(f"expected a condition in parentheses, found {node}", parent, index)
        if not node:
            return
        match node.head:
            case "and":
                for k, part in enumerate(node[1:], start=1):
                    self.condition(part, node, k, scope)
            case "not":
                operand = self._operand(node)
                if operand.head == "and":
                    unsupported(self.text, "a negated conjunction (:disjunctive-preconditions)", node)
                self.condition(operand, node, 1, scope)
            case "=":
                self._equality(node, scope)
            case head if head in _CONDITIONS:
                unsupported(self.text, f"({head} ...) in a condition", node)
            case _:
                self.atom(node, scope)

    def effect(self, node: str | Group, parent: Group, index: int, scope: Mapping[str, Parameter]) -> int:
        """An effect; returns how many cost increments are in it."""
        if isinstance(node, str):
            raise self.text.fault(f"expected an effect in parentheses, found {node}", parent, index)
        if not node:
            return 0
        match node.head:
            case "and":
                return sum(self.effect(part, node, k, scope) for k, part in enumerate(node[1:], start=1))
            case "not":
                operand = self._operand(node)
                if operand.head in {"not", "and", "=", "increase"}:
                    raise self.text.fault(f"an effect can delete an atom, not ({operand.head} ...)", operand)
                self.atom(operand, scope)
                return 0
            case "increase":
                self._increase(node, scope)
                return 1
            case "=":
                raise self.text.fault("= is no effect", node)
            case head if head in _EFFECTS:
                unsupported(self.text, f"({head} ...) in an effect", node)
            case _:
                self.atom(node, scope)
                return 0

    def atom(self, node: Group, scope: Mapping[str, Parameter]) -> None:
        """A predicate applied to terms."""
        name = node.head
        if not name:
            raise self.text.fault("expected a predicate after (", node)
        if name not in self.predicates:
            kind = "the function" if name in self.functions else "undeclared predicate"
            detail = f"{kind} {name} where a predicate is expected" if name in self.functions else f"{kind} {name}"
            raise self.text.fault(detail, node, 0)
        self._arguments(node, "predicate", self.predicates[name], scope)

    def function(self, node: Group, scope: Mapping[str, Parameter]) -> None:
        """A function applied to terms."""
        name = node.head
        if name not in self.functions:
            raise self.text.fault(f"undeclared function {name or '()'}", node)
        self._arguments(node, "function", self.functions[name], scope)

    def _arguments(self, node: Group, kind: str, wanted: tuple[Parameter, ...], scope: Mapping[str, Parameter]) -> None:
        if len(node) - 1 != len(wanted):
            plural = "" if len(wanted) == 1 else "s"
            what = f"{kind} {node.head} takes {len(wanted)} argument{plural}, got {len(node) - 1}"
            raise self.text.fault(what, node)
        for k, parameter in enumerate(wanted, start=1):
            types = self._term(node, k, scope)
            if not self._meet(types, parameter.types):
                what = f"argument {k} of {node.head} must be a {' or '.join(parameter.types)}"
                raise self.text.fault(f"{what}, {node[k]} is a {' or '.join(types)}", node, k)

    def _term(self, node: Group, k: int, scope: Mapping[str, Parameter]) -> tuple[str, ...]:
        """The types of the term at `k`."""
        term = node[k]
        if isinstance(term, Group):
            raise self.text.fault("expected an object or a variable, found (", node, k)
        if term.startswith("?"):
            if term not in scope:
                raise self.text.fault(f"unbound variable {term}", node, k)
            return scope[term].types
        if term not in self.objects:
            raise self.text.fault(f"undeclared object {term}", node, k)
        return (self.objects[term],)

    def _meet(self, types: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
        """Whether something can be of one of `types` and of one of `wanted` at once."""
        if OBJECT in wanted or any(self.above[kind].intersection(wanted) for kind in types):
            return True
        return any(not above.isdisjoint(types) and not above.isdisjoint(wanted) for above in self.above.values())

    def _equality(self, node: Group, scope: Mapping[str, Parameter]) -> None:
        if len(node) != 3:
            raise self.text.fault(f"= takes 2 arguments, got {len(node) - 1}", node)
        for k in (1, 2):
            if isinstance(node[k], Group):
                unsupported(self.text, "a numeric comparison (:numeric-fluents)", node)
            self._term(node, k, scope)

    def _operand(self, node: Group) -> Group:
        """What stands after `not`."""
        if len(node) != 2:
            raise self.text.fault(f"not takes 1 argument, got {len(node) - 1}", node)
        operand = node[1]
        if isinstance(operand, str):
            raise self.text.fault(f"expected ( after not, found {operand}", node, 1)
        return operand

    def _increase(self, node: Group, scope: Mapping[str, Parameter]) -> None:
        if len(node) != 3:
            raise self.text.fault(f"increase takes 2 arguments, got {len(node) - 1}", node)
        target, amount = node[1], node[2]
        if (target.head if isinstance(target, Group) else target) != TOTAL_COST:
            unsupported(self.text, f"increase of anything but ({TOTAL_COST}) (:numeric-fluents)", node)
        if TOTAL_COST not in self.functions:
            raise self.text.fault(f"undeclared function {TOTAL_COST}", node, 1)
        if isinstance(target, Group) and len(target) > 1:
            raise self.text.fault(f"function {TOTAL_COST} takes 0 arguments, got {len(target) - 1}", target)
        if isinstance(amount, Group):
            if amount.head in {"+", "-", "*", "/", TOTAL_COST}:
                unsupported(self.text, f"({amount.head} ...) as a cost (:numeric-fluents)", amount)
            self.function(amount, scope)
        elif not is_number(amount):
            raise self.text.fault(f"expected a number or a function as a cost, found {amount}", node, 2)


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
