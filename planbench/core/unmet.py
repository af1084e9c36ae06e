"""Which conjuncts of a condition fail, as PDDL text with objects in place of variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from planbench.core.ground import Grounder, holds
from planbench.core.syntax import (
    And,
    Arithmetic,
    Atom,
    Compare,
    Effect,
    Equal,
    Exists,
    Expression,
    Forall,
    Formula,
    Not,
    Or,
    literals,
)
from planbench.core.write import formula_text

if TYPE_CHECKING:
    from planbench.core.execute import Execution

MAX_TEXT = 200
"""Characters of a conjunct; quantified ones can be long."""


def failing(formula: Formula, binding: Mapping[str, str], grounder: Grounder, state: Execution) -> list[str]:
    """The conjuncts that fail in `state`, in the order written, each once."""
    texts: dict[str, None] = {}
    for part, positive in literals(formula):
        test = grounder.condition(part, binding, positive)
        if not holds(test, state.view(), state.values):
            text = formula_text(substituted(part, binding))
            text = text if positive else f"(not {text})"
            texts[text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "..."] = None
    return list(texts)


def substituted(formula: Effect, binding: Mapping[str, str]) -> Effect:
    """A condition with its free variables replaced."""
    match formula:
        case Atom():
            return _atom(formula, binding)
        case Equal(left, right):
            return Equal(binding.get(left, left), binding.get(right, right))
        case Compare(operator, left, right):
            return Compare(operator, _number(left, binding), _number(right, binding))
        case Not(operand):
            return Not(substituted(operand, binding))
        case And(operands):
            return And(tuple(substituted(part, binding) for part in operands))
        case Or(operands):
            return Or(tuple(substituted(part, binding) for part in operands))
        case Exists(parameters, body) | Forall(parameters, body):
            bound = {parameter.name for parameter in parameters}
            inner = {name: term for name, term in binding.items() if name not in bound}
            return type(formula)(parameters, substituted(body, inner))
        case _:
            raise TypeError(f"no condition: {type(formula).__name__}")


def _number(expression: Expression, binding: Mapping[str, str]) -> Expression:
    match expression:
        case Atom():
            return _atom(expression, binding)
        case Arithmetic(operator, operands):
            return Arithmetic(operator, tuple(_number(operand, binding) for operand in operands))
        case _:
            return expression


def _atom(atom: Atom, binding: Mapping[str, str]) -> Atom:
    return Atom(atom.predicate, tuple(binding.get(term, term) for term in atom.terms))
