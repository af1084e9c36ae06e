"""Ground arithmetic: numbers, the facts whose values they are, operations, comparisons.

A value may be missing (a function that was never set, a division by zero, a result beyond a float's range): None, and
so is all that is computed from it. A comparison with such a value does not hold, and neither does its negation.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from typing import NamedTuple

from planbench.core.syntax import Fact

Values = Mapping[Fact, float]


class Operation(NamedTuple):
    """`right` is None for the negative of `left`."""

    operator: str
    left: Number
    right: Number | None


class Function(NamedTuple):
    """The value of a function applied to objects, in the state."""

    fact: Fact


Number = float | Function | Operation | None

_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda left, right: left / right,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
OPPOSITE = {"<": ">=", "<=": ">", "=": "!=", "!=": "=", ">=": "<", ">": "<="}


def value(number: Number, values: Values) -> float | None:
    """What a number comes to, None where it has no value."""
    if number is None or isinstance(number, float | int):
        return number
    if isinstance(number, Function):
        return values.get(number.fact)
    left = value(number.left, values)
    if left is None:
        return None
    if number.right is None:
        return -left
    right = value(number.right, values)
    return None if right is None else operate(number.operator, left, right)


def operate(name: str, left: float, right: float) -> float | None:
    """`left name right`, None where that is no finite number."""
    if name == "/" and right == 0:
        return None
    try:
        result = _OPERATIONS[name](left, right)
    except OverflowError:
        return None
    return result if isfinite(result) else None


def functions_of(number: Number) -> Iterator[Fact]:
    """The facts whose values a number depends on."""
    if isinstance(number, Function):
        yield number.fact
    elif isinstance(number, Operation):
        yield from functions_of(number.left)
        yield from functions_of(number.right)


class Comparison(NamedTuple):
    operator: str
    left: Number
    right: Number

    def holds(self, values: Values) -> bool:
        left, right = value(self.left, values), value(self.right, values)
        return left is not None and right is not None and _COMPARISONS[self.operator](left, right)


class GroundChange(NamedTuple):
    operator: str
    target: Fact
    amount: Number


_ADDITIVE = {"increase": 1.0, "decrease": -1.0}
_SCALING = {"scale-up": "*", "scale-down": "/"}


def changed_values(changes: list[GroundChange], values: Values) -> dict[Fact, float] | None:
    """The new values of what is changed, all computed from the old ones; None where they are not defined: a value is
    missing, or a function is changed more than once and not by increases and decreases alone (as in PDDL 2.1)."""
    after: dict[Fact, float] = {}
    final: set[Fact] = set()
    for name, target, amount in changes:
        by = value(amount, values)
        additive = name in _ADDITIVE
        if by is None or target in final or (not additive and target in after):
            return None
        old = after.get(target, values.get(target))
        if name == "assign":
            new: float | None = by
        elif old is None:
            return None
        elif additive:
            new = operate("+", old, _ADDITIVE[name] * by)
        else:
            new = operate(_SCALING[name], old, by)
        if not additive:
            final.add(target)
        if new is None:
            return None
        after[target] = new
    return after
