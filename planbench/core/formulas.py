"""Conditions, effects and arithmetic, from the tree to the values of `planbench.core.syntax`.

Read here and not by the `pddl` package, which reads the typed variables only: its conjunctions forget repetitions (of
two equal increments one is left), its numbers are never negative, its errors name no place, and a goal takes it
milliseconds, of which there is one a task.

Conjunctions and disjunctions come back flat, each literal once, and as their only operand where there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from planbench.core.check import Checker, Scope, is_number, unsupported
from planbench.core.syntax import (
    And,
    Arithmetic,
    Atom,
    Change,
    Compare,
    Effect,
    Equal,
    Exists,
    Expression,
    Forall,
    Formula,
    Not,
    Or,
    Parameter,
    When,
)
from planbench.core.tree import Group, Text

MAX_OPERANDS = 200
"""Of one expression, which is nested as deep as it has operands."""

QUANTIFIERS = frozenset({"exists", "forall"})

_COMPARISONS = frozenset({"<", "<=", ">=", ">"})
_CHANGES = frozenset({"assign", "increase", "decrease", "scale-up", "scale-down"})
_ARITHMETIC = frozenset({"+", "-", "*", "/"})
_NO_CONDITIONS = frozenset({"when", "preference", "oneof", "at", "over"})
_CONSTRAINTS = frozenset({"always", "sometime", "within", "at-most-once", "sometime-after", "sometime-before"}).union(
    {"always-within", "hold-during", "hold-after"}
)
_NO_EFFECTS = frozenset({"or", "imply", "exists", "oneof", "probabilistic", "preference"})


def quantified(group: Group | None) -> list[Group]:
    """The lists of variables of all quantifiers in a formula."""
    found: list[Group] = []
    pending = [group] if group is not None else []
    while pending:
        node = pending.pop()
        variables = node[1] if node.head in QUANTIFIERS and len(node) > 1 else ""
        if isinstance(variables, Group):
            found.append(variables)
        pending.extend(part for part in node if isinstance(part, Group))
    return found


@dataclass(frozen=True)
class Reader:
    """Reads the formulas of one file. `lists` maps the offset of each quantifier's list of variables to what it
    declares (`quantified` finds the lists)."""

    checker: Checker
    lists: Mapping[int, tuple[Parameter, ...]]

    @property
    def text(self) -> Text:
        return self.checker.text

    # --- conditions

    def condition(self, node: str | Group, parent: Group, index: int, scope: Scope) -> Formula:
        """A precondition or goal; `()` is true."""
        if isinstance(node, str):
            raise self.text.fault(f"expected a condition in parentheses, found {node}", parent, index)
        if not node:
            return And()
        match node.head:
            case "and":
                return _and(self._conditions(node, scope))
            case "or":
                return _or(self._conditions(node, scope))
            case "not":
                return Not(self.condition(self._operand(node), node, 1, scope))
            case "imply":
                if len(node) != 3:
                    raise self.text.fault(f"imply takes 2 conditions, got {len(node) - 1}", node)
                first, second = self._conditions(node, scope)
                return _or((Not(first), second))
            case "exists" | "forall":
                parameters, inner = self._bound(node, scope)
                body = self.condition(node[2], node, 2, inner)
                return Exists(parameters, body) if node.head == "exists" else Forall(parameters, body)
            case "=":
                return self._equality(node, scope)
            case head if head in _COMPARISONS:
                return Compare(head, *self._two(node, scope))
            case head if head in _NO_CONDITIONS | _CONSTRAINTS and head not in self.checker.predicates:
                unsupported(self.text, f"({head} ...) in a condition", node)
            case _:
                return self.checker.atom(node, scope)

    def _conditions(self, node: Group, scope: Scope) -> tuple[Formula, ...]:
        return tuple(self.condition(part, node, k, scope) for k, part in enumerate(node[1:], start=1))

    def _equality(self, node: Group, scope: Scope) -> Formula:
        """Of two objects, or of two numbers."""
        if len(node) != 3:
            raise self.text.fault(f"= takes 2 arguments, got {len(node) - 1}", node)
        if any(isinstance(part, Group) or (is_number(part) and part not in self.checker.objects) for part in node[1:]):
            return Compare("=", *self._two(node, scope))
        return Equal(self.checker.term(node, 1, scope)[0], self.checker.term(node, 2, scope)[0])

    def _operand(self, node: Group) -> Group:
        """What stands after `not`."""
        if len(node) != 2:
            raise self.text.fault(f"not takes 1 argument, got {len(node) - 1}", node)
        operand = node[1]
        if isinstance(operand, str):
            raise self.text.fault(f"expected ( after not, found {operand}", node, 1)
        return operand

    def _bound(self, node: Group, scope: Scope) -> tuple[tuple[Parameter, ...], Scope]:
        """The variables of a quantifier, and what is bound below it."""
        variables = node[1] if len(node) == 3 else ""
        if isinstance(variables, str):
            raise self.text.fault(f"expected ({node.head} (?x - type ...) ...)", node)
        parameters = self.lists[variables.at]
        return parameters, {**scope, **{parameter.name: parameter for parameter in parameters}}

    # --- effects

    def effect(self, node: str | Group, parent: Group, index: int, scope: Scope, nested: bool = False) -> Effect:
        """An effect; `()` does nothing. `nested`: under a `when`, where there is no further one."""
        if isinstance(node, str):
            raise self.text.fault(f"expected an effect in parentheses, found {node}", parent, index)
        if not node:
            return And()
        match node.head:
            case "and":
                return _and(self.effect(part, node, k, scope, nested) for k, part in enumerate(node[1:], start=1))
            case "not":
                operand = self._operand(node)
                if operand.head not in self.checker.predicates and operand.head in {"not", "and", "=", *_CHANGES}:
                    raise self.text.fault(f"an effect can delete an atom, not ({operand.head} ...)", operand)
                return Not(self.checker.atom(operand, scope))
            case "forall":
                parameters, inner = self._bound(node, scope)
                return Forall(parameters, self.effect(node[2], node, 2, inner, nested))
            case "when":
                if len(node) != 3:
                    raise self.text.fault(f"when takes a condition and an effect, got {len(node) - 1}", node)
                if nested:
                    unsupported(self.text, "(when ...) within (when ...)", node)
                return When(self.condition(node[1], node, 1, scope), self.effect(node[2], node, 2, scope, nested=True))
            case head if head in _CHANGES and head not in self.checker.predicates:
                return self._change(node, scope)
            case "=":
                raise self.text.fault("= is no effect", node)
            case head if head in _NO_EFFECTS and head not in self.checker.predicates:
                unsupported(self.text, f"({head} ...) in an effect", node)
            case _:
                return self.checker.atom(node, scope)

    def _change(self, node: Group, scope: Scope) -> Change:
        if len(node) != 3:
            raise self.text.fault(f"{node.head} takes 2 arguments, got {len(node) - 1}", node)
        target = self.expression(node, 1, scope)
        if not isinstance(target, Atom):
            raise self.text.fault(f"expected a function after {node.head}", node, 1)
        return Change(node.head, target, self.expression(node, 2, scope))

    # --- arithmetic

    def _two(self, node: Group, scope: Scope) -> tuple[Expression, Expression]:
        if len(node) != 3:
            raise self.text.fault(f"{node.head} takes 2 arguments, got {len(node) - 1}", node)
        return self.expression(node, 1, scope), self.expression(node, 2, scope)

    def expression(self, parent: Group, index: int, scope: Scope) -> Expression:
        """The number, function or arithmetic at `index`; operations on more than two operands nest to the left."""
        node = parent[index]
        if isinstance(node, str):
            if is_number(node):
                return float(node[:400])
            if self.checker.functions.get(node) == ():
                return Atom(node)
            if node == "#t":
                unsupported(self.text, "#t (continuous time)", parent, index)
            known = any(node in names for names in (self.checker.functions, self.checker.predicates, scope))
            what = "expected a number or a function, found" if known else "undeclared function"
            raise self.text.fault(f"{what} {node}", parent, index)
        if node.head in _ARITHMETIC:
            if _operands(node) > MAX_OPERANDS:
                raise self.text.fault(f"more than {MAX_OPERANDS} operands in one expression", node)
            operands = [self.expression(node, k, scope) for k in range(1, len(node))]
            fits = {"-": (1, 2), "/": (2, 2)}.get(node.head, (1, MAX_OPERANDS))
            if not fits[0] <= len(operands) <= fits[1]:
                raise self.text.fault(
                    f"{node.head} takes {' to '.join(map(str, fits))} arguments, got {len(operands)}", node
                )
            if len(operands) == 1:
                return Arithmetic("-", (operands[0],)) if node.head == "-" else operands[0]
            result = operands[0]
            for operand in operands[1:]:
                result = Arithmetic(node.head, (result, operand))
            return result
        if node.head == "is-violated":
            unsupported(self.text, "(is-violated ...)", node)
        return self.checker.function(node, scope)


def _operands(node: Group) -> int:
    """Of an arithmetic expression and all within it, as far as it matters."""
    count, pending = 0, [node]
    while pending and count <= MAX_OPERANDS:
        group = pending.pop()
        count += len(group) - 1
        pending += [part for part in group if isinstance(part, Group) and part.head in _ARITHMETIC]
    return count


def _and(parts: Iterable[Effect]) -> Effect:
    flat = list(_flat(part.operands if isinstance(part, And) else (part,) for part in parts))
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def _or(parts: Iterable[Formula]) -> Formula:
    flat = list(_flat(part.operands if isinstance(part, Or) else (part,) for part in parts))
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def _flat(groups: Iterable[Iterable[Formula]]) -> Iterator[Formula]:
    """The operands of all groups, literals once each. Larger ones may repeat: to hash them would take time that is
    quadratic in their depth."""
    seen: set[Formula] = set()
    for group in groups:
        for operand in group:
            inner = operand.operand if isinstance(operand, Not) else operand
            if isinstance(inner, Atom | Equal):
                if operand in seen:
                    continue
                seen.add(operand)
            yield operand
