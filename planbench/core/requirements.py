"""Which requirements a domain makes use of, and which ones stand for others."""

from __future__ import annotations

from dataclasses import replace

from planbench.core.survey import conditions_in, effects_in
from planbench.core.syntax import (
    TOTAL_COST,
    And,
    Arithmetic,
    Change,
    Compare,
    Domain,
    Effect,
    Equal,
    Exists,
    Forall,
    Formula,
    Not,
    Or,
    When,
    subformulas,
)

_QUANTIFIED = frozenset({":existential-preconditions", ":universal-preconditions"})
_IMPLIED = {
    ":quantified-preconditions": _QUANTIFIED,
    ":fluents": frozenset({":numeric-fluents"}),
    ":numeric-fluents": frozenset({":action-costs"}),
    ":derived-predicates": frozenset[str](),
    ":adl": _QUANTIFIED
    | {":typing", ":equality", ":negative-preconditions", ":disjunctive-preconditions", ":conditional-effects"},
}


def implied(declared: frozenset[str]) -> frozenset[str]:
    """`declared` and what these stand for."""
    found, pending = set(declared), list(declared)
    while pending:
        more = _IMPLIED.get(pending.pop(), frozenset[str]()) - found
        found |= more
        pending.extend(more)
    return frozenset(found)


def completed(domain: Domain, declared: frozenset[str], notes: tuple[str, ...]) -> Domain:
    """`domain` with what it requires: what it declares, and what it makes use of without declaring it."""
    return replace(domain, requirements=declared | (used(domain) - implied(declared)), notes=notes)


def used(domain: Domain) -> frozenset[str]:
    """The requirements that a domain makes use of."""
    found = {":typing"} if domain.types else set[str]()
    for action in domain.actions.values():
        found |= _in_condition(action.precondition)
        found |= _in_effect(action.effect)
    for rule in domain.rules:
        found |= {":derived-predicates"} | _in_condition(rule.body)
    return frozenset(found)


def _in_condition(condition: Formula) -> set[str]:
    found: set[str] = set()
    for part in subformulas(condition):
        match part:
            case Equal():
                found.add(":equality")
            case Compare():
                found.add(":numeric-fluents")
            case Not():
                found.add(":negative-preconditions")
            case Or():
                found.add(":disjunctive-preconditions")
            case Exists():
                found.add(":existential-preconditions")
            case Forall():
                found.add(":universal-preconditions")
            case _:
                pass
    return found


def _in_effect(effect: Effect) -> set[str]:
    found = set[str]().union(*map(_in_condition, conditions_in(effect)))
    if any(isinstance(part, When) for part in subformulas(effect)) or _universal(effect):
        found.add(":conditional-effects")
    for part, _ in effects_in(effect):
        if isinstance(part, Change):
            sums = part.operator == "increase" and part.target.predicate == TOTAL_COST
            found.add(":action-costs" if sums and not isinstance(part.amount, Arithmetic) else ":numeric-fluents")
    return found


def _universal(effect: Effect) -> bool:
    """Whether an effect is universal; a condition in it may be, too, which is another matter."""
    match effect:
        case And(operands):
            return any(map(_universal, operands))
        case Forall():
            return True
        case _:
            return False
