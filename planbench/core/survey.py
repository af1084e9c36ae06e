"""What a look at a domain tells before any task is ground: what changes, what is plain, how large it becomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planbench.core.ground import instances
from planbench.core.syntax import (
    TOTAL_COST,
    And,
    Atom,
    Change,
    Compare,
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


def changed_predicates(domain: Domain) -> frozenset[str]:
    """The predicates that actions add or delete."""
    atoms = (
        part.operand if isinstance(part, Not) else part
        for action in domain.actions.values()
        for part, _ in effects_in(action.effect)
    )
    return frozenset(atom.predicate for atom in atoms if isinstance(atom, Atom))


def changed_functions(domain: Domain) -> frozenset[str]:
    """The functions whose values actions change."""
    return frozenset(change.target.predicate for change, _ in _changes(domain))


def costs_add_up(domain: Domain, goal: Formula) -> bool:
    """Whether `total-cost` is nothing but a sum of what each step costs: it is increased only, under no condition, by
    what never changes, and nobody asks for it."""
    numbers = changed_functions(domain)
    for change, conditional in _changes(domain):
        if any(function.predicate == TOTAL_COST for function in functions_in(change.amount)):
            return False
        if change.target.predicate == TOTAL_COST and (
            conditional
            or change.operator != "increase"
            or any(function.predicate in numbers for function in functions_in(change.amount))
        ):
            return False
    return all(TOTAL_COST not in names for names in map(_compared, [goal, *_conditions(domain)]))


def is_plain(domain: Domain, goal: Formula) -> bool:
    """Whether conditions are literals, effects additions, deletions and costs that add up, and no rule derives."""
    conditions = [goal, *(action.precondition for action in domain.actions.values())]
    effects = [action.effect for action in domain.actions.values()]
    return (
        not domain.rules
        and all(isinstance(part, Atom | Equal) for condition in conditions for part, _ in literals(condition))
        and all(isinstance(part, Atom | Change) for effect in effects for part, _ in literals(effect))
        and changed_functions(domain) <= {TOTAL_COST}
        and costs_add_up(domain, goal)
    )


def parameters_in(domain: Domain, problem: Problem) -> Iterator[Parameter]:
    """All parameters and quantified variables."""
    formulas: list[Effect] = [problem.goal]
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


def _compared(condition: Formula) -> set[str]:
    """The functions that a condition asks for."""
    return {
        function.predicate
        for part in subformulas(condition)
        if isinstance(part, Compare)
        for side in (part.left, part.right)
        for function in functions_in(side)
    }
