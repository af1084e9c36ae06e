"""What a look at a domain tells before any task is ground: what changes, what is plain, how large it becomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from planbench.core.ground import instances
from planbench.core.schema import Schema, schemas
from planbench.core.syntax import (
    TOTAL_COST,
    And,
    Atom,
    Change,
    Compare,
    Conjunct,
    Domain,
    Effect,
    Equal,
    Exists,
    Forall,
    Formula,
    Not,
    Parameter,
    Problem,
    When,
    functions_in,
    literals,
    subformulas,
    supertypes,
)


def effects_in(effect: Effect, conditional: bool = False) -> Iterator[tuple[Effect, bool]]:
    """The additions, deletions (as Not) and changes in an effect, each with whether it stands under a `when`."""
    match effect:
        case And(operands):
            for operand in operands:
                yield from effects_in(operand, conditional)
        case Forall(_, body):
            yield from effects_in(body, conditional)
        case When(_, inner):
            yield from effects_in(inner, True)
        case _:
            yield effect, conditional


def conditions_in(effect: Effect) -> Iterator[Formula]:
    """The conditions of an effect's conditional parts."""
    for part in subformulas(effect):
        if isinstance(part, When):
            yield part.condition


@dataclass(frozen=True)
class Survey:
    """`changed` predicates are added or deleted, the values of `numbers` changed. `plain`: conditions are literals,
    effects additions, deletions and costs that add up, and no rule derives. `costs_add_up`: `total-cost` is nothing but
    a sum of what each step costs; it is increased only, under no condition, by what never changes, and nobody asks for
    it. `parameters` has the types of all parameters and quantified variables. `above` has what `supertypes` finds,
    `accepted` for each action the types of objects that each parameter takes; `schemas` are those of a plain domain's
    actions. `shapes` is filled by those who read problems (`planbench.core.check`)."""

    changed: frozenset[str]
    numbers: frozenset[str]
    plain: bool
    costs_add_up: bool
    parameters: tuple[tuple[str, ...], ...]
    preconditions: Mapping[str, tuple[tuple[Conjunct, bool], ...]]
    above: Mapping[str, frozenset[str]]
    accepted: Mapping[str, tuple[frozenset[str], ...]]
    schemas: Mapping[str, Schema]
    shapes: set[tuple[str | None, ...]] = field(default_factory=set[tuple[str | None, ...]])


_surveyed: dict[int, tuple[Domain, Survey]] = {}
"""By identity, as a domain is read once and has many problems."""

MAX_SURVEYED = 32


def survey(domain: Domain) -> Survey:
    """What there is to know of a domain, found once."""
    known = _surveyed.get(id(domain))
    if known is None or known[0] is not domain:
        if len(_surveyed) >= MAX_SURVEYED:
            _surveyed.clear()
        known = _surveyed[id(domain)] = domain, _survey(domain)
    return known[1]


def _survey(domain: Domain) -> Survey:
    parts = [part for action in domain.actions.values() for part, _ in effects_in(action.effect)]
    atoms = [part.operand if isinstance(part, Not) else part for part in parts]
    numbers = frozenset(part.target.predicate for part in parts if isinstance(part, Change))
    preconditions = {name: tuple(literals(action.precondition)) for name, action in domain.actions.items()}
    adds_up = _costs_add_up(domain, numbers)
    changed = frozenset(atom.predicate for atom in atoms if isinstance(atom, Atom))
    plain = (
        not domain.rules
        and all(isinstance(part, Atom | Equal) for conjuncts in preconditions.values() for part, _ in conjuncts)
        and all(
            isinstance(part, Atom | Change) for action in domain.actions.values() for part, _ in literals(action.effect)
        )
        and numbers <= {TOTAL_COST}
        and adds_up
    )
    above = supertypes(domain.types)
    return Survey(
        changed=changed,
        numbers=numbers,
        plain=plain,
        costs_add_up=adds_up,
        parameters=tuple(dict.fromkeys(parameter.types for parameter in _parameters_in(domain))),
        preconditions=preconditions,
        above=above,
        accepted=accepted(domain, above),
        schemas=schemas(domain.actions, preconditions, changed) if plain else {},
    )


def accepted(domain: Domain, above: Mapping[str, frozenset[str]]) -> dict[str, tuple[frozenset[str], ...]]:
    """For each action and parameter, the types of objects that it takes."""
    below: dict[tuple[str, ...], frozenset[str]] = {}
    for action in domain.actions.values():
        for parameter in action.parameters:
            if parameter.types not in below:
                below[parameter.types] = frozenset(
                    kind for kind in above if not above[kind].isdisjoint(parameter.types)
                )
    return {
        name: tuple(below[parameter.types] for parameter in action.parameters)
        for name, action in domain.actions.items()
    }


def asks_for_cost(condition: Formula) -> bool:
    """Whether a condition compares `total-cost`."""
    return any(
        function.predicate == TOTAL_COST
        for part in subformulas(condition)
        if isinstance(part, Compare)
        for side in (part.left, part.right)
        for function in functions_in(side)
    )


def quantified_types(formula: Formula) -> Iterator[tuple[str, ...]]:
    """The types of the variables that quantifiers bind."""
    for part in subformulas(formula):
        if isinstance(part, Exists | Forall):
            for parameter in part.parameters:
                yield parameter.types


def _costs_add_up(domain: Domain, numbers: frozenset[str]) -> bool:
    for change, conditional in _changes(domain):
        if any(function.predicate == TOTAL_COST for function in functions_in(change.amount)):
            return False
        if change.target.predicate == TOTAL_COST and (
            conditional
            or change.operator != "increase"
            or any(function.predicate in numbers for function in functions_in(change.amount))
        ):
            return False
    return not any(map(asks_for_cost, _conditions(domain)))


def _parameters_in(domain: Domain) -> Iterator[Parameter]:
    formulas: list[Effect] = []
    for action in domain.actions.values():
        yield from action.parameters
        formulas += [action.precondition, action.effect]
    for rule in domain.rules:
        yield from rule.parameters
        formulas.append(rule.body)
    for formula in formulas:
        for part in subformulas(formula):
            if isinstance(part, Exists | Forall):
                yield from part.parameters


def largest(domain: Domain, problem: Problem, sizes: Mapping[tuple[str, ...], int]) -> tuple[int, str]:
    """How many literals the largest formula has with its quantifiers written out, and where it stands. `sizes` are
    the numbers of objects of each tuple of types."""
    counted = [(instances(problem.goal, sizes), "the goal")]
    for action in domain.actions.values():
        size = max(instances(action.precondition, sizes), instances(action.effect, sizes))
        counted.append((size, f"action {action.name}"))
    rules = sum(instances(Forall(rule.parameters, rule.body), sizes) for rule in domain.rules)
    return max([*counted, (rules, "the derived predicates")])


def _changes(domain: Domain) -> Iterator[tuple[Change, bool]]:
    for action in domain.actions.values():
        for part, conditional in effects_in(action.effect):
            if isinstance(part, Change):
                yield part, conditional


def _conditions(domain: Domain) -> Iterator[Formula]:
    for action in domain.actions.values():
        yield action.precondition
        yield from conditions_in(action.effect)
    for rule in domain.rules:
        yield rule.body
