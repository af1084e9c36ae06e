"""Ground formulas: quantifiers written out over the objects, what never changes decided, negation at the literals.

A ground formula is True, False, a literal, a comparison, or `AllOf` or `AnyOf` several of them. So where a comparison
without a value counts as one that fails, a formula holds exactly where it is true whatever the missing value may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from planbench.core.arithmetic import OPPOSITE, Comparison, Function, GroundChange, Number, Operation, Values, value
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
    Fact,
    Forall,
    Formula,
    Not,
    Or,
    Parameter,
    When,
    subformulas,
)

Binding = Mapping[str, str]

NEVER: Fact = ()
"""A fact that no state holds."""


class Literal(NamedTuple):
    fact: Fact
    positive: bool


class AllOf(NamedTuple):
    parts: tuple[Literal | Comparison | AllOf | AnyOf, ...]


class AnyOf(NamedTuple):
    parts: tuple[Literal | Comparison | AllOf | AnyOf, ...]


Test = Literal | Comparison | AllOf | AnyOf
Ground = bool | Test


def holds(test: Ground, facts: Set[Fact], values: Values) -> bool:
    match test:
        case bool():
            return test
        case Literal(fact, positive):
            return (fact in facts) == positive
        case Comparison():
            return test.holds(values)
        case AllOf(parts):
            return all(holds(part, facts, values) for part in parts)
        case AnyOf(parts):
            return any(holds(part, facts, values) for part in parts)


def size(test: Ground) -> int:
    """How many literals and comparisons there are."""
    return sum(map(size, test.parts)) if isinstance(test, AllOf | AnyOf) else 1


class Conjunction(NamedTuple):
    """Literals as two sets, as most conditions are nothing else, and the rest."""

    needs: frozenset[Fact]
    forbids: frozenset[Fact]
    rest: tuple[Test, ...] = ()

    @classmethod
    def of(cls, tests: Iterable[Ground]) -> Conjunction:
        needs: set[Fact] = set()
        forbids: set[Fact] = set()
        rest: list[Test] = []
        for test in tests:
            for part in test.parts if isinstance(test, AllOf) else (test,):
                if isinstance(part, Literal):
                    (needs if part.positive else forbids).add(part.fact)
                elif part is False:
                    needs.add(NEVER)
                elif part is not True:
                    rest.append(part)
        return cls(frozenset(needs), frozenset(forbids), tuple(rest))

    def holds(self, facts: Set[Fact], values: Values) -> bool:
        return (
            self.needs <= facts
            and self.forbids.isdisjoint(facts)
            and all(holds(part, facts, values) for part in self.rest)
        )


class Part(NamedTuple):
    """What happens where `condition` holds. `otherwise` is its negation where it depends on numbers, as a condition
    without a value neither holds nor fails; else None."""

    condition: Conjunction
    otherwise: Conjunction | None
    adds: frozenset[Fact]
    deletes: frozenset[Fact]
    changes: tuple[GroundChange, ...]

    def size(self) -> int:
        count = len(self.adds) + len(self.deletes) + len(self.changes)
        for condition in (self.condition, self.otherwise):
            if condition is not None:
                count += len(condition.needs) + len(condition.forbids) + sum(map(size, condition.rest))
        return count


@dataclass(frozen=True)
class Grounder:
    """Grounds the formulas of one task. Facts of predicates outside `fluents` are those in `static`, values of
    functions outside `numbers` those in `values`. `members` are the objects of each tuple of types."""

    fluents: Set[str]
    static: Set[Fact]
    numbers: Set[str]
    values: Values
    members: Mapping[tuple[str, ...], Iterable[str]]
    # --- conditions

    def condition(self, formula: Formula, binding: Binding, positive: bool = True) -> Ground:
        match formula:
            case Atom(predicate, terms):
                fact = (predicate, *[binding.get(term, term) for term in terms])
                return Literal(fact, positive) if predicate in self.fluents else (fact in self.static) == positive
            case Equal(left, right):
                return (binding.get(left, left) == binding.get(right, right)) == positive
            case Compare(operator, left, right):
                return self._comparison(operator if positive else OPPOSITE[operator], left, right, binding)
            case Not(operand):
                return self.condition(operand, binding, not positive)
            case And(operands):
                parts = (self.condition(part, binding, positive) for part in operands)
                return _every(parts) if positive else _some(parts)
            case Or(operands):
                parts = (self.condition(part, binding, positive) for part in operands)
                return _some(parts) if positive else _every(parts)
            case Exists(parameters, body):
                parts = (self.condition(body, inner, positive) for inner in self.bindings(parameters, binding))
                return _some(parts) if positive else _every(parts)
            case Forall(parameters, body):
                inners = self.bindings(parameters, binding)
                parts = (self.condition(body, inner, positive) for inner in inners)
                return _every(parts) if positive else _some(parts)
            case _:
                raise TypeError(f"no condition: {type(formula).__name__}")

    def _comparison(self, operator: str, left: Expression, right: Expression, binding: Binding) -> Ground:
        comparison = Comparison(operator, self.number(left, binding), self.number(right, binding))
        constant = all(number is None or isinstance(number, float | int) for number in comparison[1:])
        return comparison.holds({}) if constant else comparison

    def bindings(self, parameters: tuple[Parameter, ...], binding: Binding) -> Iterator[dict[str, str]]:
        """`binding` and, in turn, every choice of objects for `parameters`."""
        names = [parameter.name for parameter in parameters]
        for chosen in product(*(self.members[parameter.types] for parameter in parameters)):
            yield {**binding, **dict(zip(names, chosen, strict=True))}

    def number(self, expression: Expression, binding: Binding) -> Number:
        """The expression with its variables replaced and what never changes computed."""
        match expression:
            case Atom(name, terms):
                fact = (name, *[binding.get(term, term) for term in terms])
                return Function(fact) if name in self.numbers else self.values.get(fact)
            case Arithmetic(operator, operands):
                parts = [self.number(operand, binding) for operand in operands]
                if None in parts:
                    return None  # never set: so is all that is computed from it (in Operation, None would be a sign)
                operation = Operation(operator, parts[0], parts[1] if len(parts) > 1 else None)
                return value(operation, {}) if all(isinstance(part, float | int) for part in parts) else operation
            case _:
                return expression

    # --- effects

    def parts(self, effect: Effect, binding: Binding) -> list[Part]:
        """What an effect does: what always happens first, then a part for each condition."""
        always: list[Literal | GroundChange] = []
        conditional: list[Part] = []
        self._collect(effect, binding, always, conditional)
        return [_part(Conjunction.of([]), None, always), *conditional]

    def _collect(
        self, effect: Effect, binding: Binding, always: list[Literal | GroundChange], conditional: list[Part]
    ) -> None:
        match effect:
            case And(operands):
                for operand in operands:
                    self._collect(operand, binding, always, conditional)
            case Forall(parameters, body):
                for inner in self.bindings(parameters, binding):
                    self._collect(body, inner, always, conditional)
            case When(condition, inner):
                test = self.condition(condition, binding)
                numeric = any(isinstance(part, Compare) for part in subformulas(condition))
                otherwise = self.condition(condition, binding, False) if numeric else test is False
                if test is True:
                    self._collect(inner, binding, always, conditional)
                elif otherwise is not True:
                    effects: list[Literal | GroundChange] = []
                    self._collect(inner, binding, effects, conditional)
                    unless = Conjunction.of([otherwise]) if numeric else None
                    conditional.append(_part(Conjunction.of([test]), unless, effects))
            case Change(operator, target, amount):
                fact = (target.predicate, *[binding.get(term, term) for term in target.terms])
                always.append(GroundChange(operator, fact, self.number(amount, binding)))
            case Not(Atom(predicate, terms)):
                always.append(Literal((predicate, *[binding.get(term, term) for term in terms]), False))
            case Atom(predicate, terms):
                always.append(Literal((predicate, *[binding.get(term, term) for term in terms]), True))
            case _:
                raise TypeError(f"no effect: {type(effect).__name__}")


def _part(condition: Conjunction, otherwise: Conjunction | None, effects: list[Literal | GroundChange]) -> Part:
    literals = [effect for effect in effects if isinstance(effect, Literal)]
    return Part(
        condition,
        otherwise,
        frozenset(literal.fact for literal in literals if literal.positive),
        frozenset(literal.fact for literal in literals if not literal.positive),
        tuple(effect for effect in effects if isinstance(effect, GroundChange)),
    )


def _every(parts: Iterable[Ground]) -> Ground:
    kept: list[Test] = []
    for part in parts:
        if part is False:
            return False
        if isinstance(part, AllOf):
            kept += part.parts
        elif part is not True:
            kept.append(part)
    return kept[0] if len(kept) == 1 else AllOf(tuple(kept)) if kept else True


def _some(parts: Iterable[Ground]) -> Ground:
    kept: list[Test] = []
    for part in parts:
        if part is True:
            return True
        if isinstance(part, AnyOf):
            kept += part.parts
        elif part is not False:
            kept.append(part)
    return kept[0] if len(kept) == 1 else AnyOf(tuple(kept)) if kept else False


def instances(formula: Effect, sizes: Mapping[tuple[str, ...], int]) -> int:
    """How many literals, comparisons and changes a formula has, its quantifiers written out."""
    match formula:
        case And(operands) | Or(operands):
            return sum(instances(operand, sizes) for operand in operands)
        case Not(operand):
            return instances(operand, sizes)
        case Exists(parameters, body) | Forall(parameters, body):
            # Also where there is nothing within, or no object: each combination of the others is gone through.
            count = max(1, instances(body, sizes))
            for parameter in parameters:
                count *= max(1, sizes[parameter.types])
            return count
        case When(condition, effect):
            return instances(condition, sizes) * max(1, instances(effect, sizes)) + instances(effect, sizes)
        case Compare(_, left, right):
            return _numbers(left) + _numbers(right)
        case Change(_, _, amount):
            return _numbers(amount)
        case _:
            return 1


def _numbers(expression: Expression) -> int:
    """The numbers and functions in it."""
    return sum(map(_numbers, expression.operands)) if isinstance(expression, Arithmetic) else 1
