"""The judge once more, as plainly as the definition reads: no compilation, no static facts, no grounding kept.

States are sets of tuples and a table of numbers, formulas are evaluated by walking them, types by walking up, derived
predicates by trying every rule with all objects until nothing new follows. Slow and independent of
`planbench.core.compile`, `planbench.core.ground` and `planbench.core.judge`; only the values of `planbench.core.syntax`
are shared.

Truth has three values: None is that of a comparison in which a number is missing. A step or a goal wants True.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

from planbench.core.syntax import (
    Action,
    And,
    Arithmetic,
    Atom,
    Change,
    Compare,
    Domain,
    Equal,
    Exists,
    Expression,
    Fact,
    Forall,
    Not,
    Or,
    Parameter,
    Problem,
    When,
)

Binding = Mapping[str, str]


@dataclass
class World:
    """A state: what holds, and the values of all functions that have one."""

    domain: Domain
    problem: Problem
    facts: set[Fact] = field(default_factory=set[Fact])
    values: dict[Fact, float] = field(default_factory=dict[Fact, float])

    @classmethod
    def start(cls, domain: Domain, problem: Problem) -> World:
        return cls(domain, problem, set(problem.init), {("total-cost",): 0.0, **problem.values})


def is_a(domain: Domain, kind: str, wanted: str) -> bool:
    if wanted in {kind, "object"}:
        return True
    if kind.startswith("(either "):
        return any(is_a(domain, each, wanted) for each in kind[len("(either ") : -1].split())
    return any(is_a(domain, parent, wanted) for parent in domain.types.get(kind, ()))


def objects(domain: Domain, problem: Problem) -> dict[str, str]:
    return {**domain.constants, **problem.objects}


def term(name: str, binding: Binding) -> str:
    return binding[name] if name.startswith("?") else name


def fact_of(atom: Atom, binding: Binding) -> Fact:
    return (atom.predicate, *(term(name, binding) for name in atom.terms))


def bindings(world: World, parameters: Sequence[Parameter], binding: Binding) -> Iterator[Binding]:
    known = objects(world.domain, world.problem)
    for names in product(known, repeat=len(parameters)):
        if all(
            any(is_a(world.domain, known[name], kind) for kind in parameter.types)
            for name, parameter in zip(names, parameters, strict=True)
        ):
            yield {**binding, **{parameter.name: name for parameter, name in zip(parameters, names, strict=True)}}


# --- numbers


def number(expression: Expression, world: World, binding: Binding) -> float | None:
    if isinstance(expression, Atom):
        return world.values.get(fact_of(expression, binding))
    if not isinstance(expression, Arithmetic):
        return expression
    operands = [number(operand, world, binding) for operand in expression.operands]
    if None in operands:
        return None
    left, *rest = (operand for operand in operands if operand is not None)
    return calculated(expression.operator, left, rest[0]) if rest else -left


def calculated(operator: str, left: float, right: float) -> float | None:
    if operator == "/" and right == 0:
        return None
    a, b = Fraction(left), Fraction(right)
    exact = a + b if operator == "+" else a - b if operator == "-" else a * b if operator == "*" else a / b
    try:
        result = float(exact)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


# --- conditions


def truth(formula: object, world: World, binding: Binding) -> bool | None:
    """`world` has the derived facts in it."""
    match formula:
        case Atom():
            return fact_of(formula, binding) in world.facts
        case Equal(left, right):
            return term(left, binding) == term(right, binding)
        case Compare(operator, left, right):
            a, b = number(left, world, binding), number(right, world, binding)
            if a is None or b is None:
                return None
            return {"<": a < b, "<=": a <= b, "=": a == b, ">=": a >= b, ">": a > b}[operator]
        case Not(operand):
            value = truth(operand, world, binding)
            return None if value is None else not value
        case And(operands):
            return conjunction([truth(operand, world, binding) for operand in operands])
        case Or(operands):
            return disjunction([truth(operand, world, binding) for operand in operands])
        case Forall(parameters, body):
            return conjunction([truth(body, world, inner) for inner in bindings(world, parameters, binding)])
        case Exists(parameters, body):
            return disjunction([truth(body, world, inner) for inner in bindings(world, parameters, binding)])
        case _:
            raise AssertionError(formula)


def conjunction(values: list[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def disjunction(values: list[bool | None]) -> bool | None:
    return True if True in values else None if None in values else False


def closed(world: World) -> World:
    """The world with all that its rules derive, level by level: a predicate is derived when all those are whose
    absence it asks for, and all those that these are derived from."""
    facts = set(world.facts)
    done: set[str] = set()
    while missing := {rule.predicate for rule in world.domain.rules} - done:
        level = {name for name in missing if not needs_absence(world.domain, name, missing)}
        assert level, "not stratified"
        before = -1
        while before != len(facts):
            before = len(facts)
            now = World(world.domain, world.problem, facts.copy(), world.values)
            for rule in world.domain.rules:
                if rule.predicate in level:
                    for binding in bindings(world, rule.parameters, {}):
                        if truth(rule.body, now, binding):
                            facts.add((rule.predicate, *(binding[parameter.name] for parameter in rule.parameters)))
        done |= level
    return World(world.domain, world.problem, facts, world.values)


def needs_absence(domain: Domain, name: str, among: set[str]) -> bool:
    """Whether deriving `name` asks, at any remove, for the absence of something in `among`."""
    pending, seen = [name], {name}
    while pending:
        at = pending.pop()
        for rule in domain.rules:
            if rule.predicate == at:
                for predicate, negated in predicates_in(rule.body):
                    if negated and predicate in among:
                        return True
                    if predicate not in seen:
                        seen.add(predicate)
                        pending.append(predicate)
    return False


def predicates_in(formula: object, negated: bool = False) -> Iterator[tuple[str, bool]]:
    match formula:
        case Atom(predicate):
            yield predicate, negated
        case Not(operand):
            yield from predicates_in(operand, not negated)
        case And(operands) | Or(operands):
            for operand in operands:
                yield from predicates_in(operand, negated)
        case Exists(_, body) | Forall(_, body):
            yield from predicates_in(body, negated)
        case _:
            pass


def holds(formula: object, world: World, binding: Binding) -> bool:
    return truth(formula, closed(world), binding) is True


def failing_parts(formula: object, world: World, binding: Binding) -> set[str]:
    if isinstance(formula, And):
        return set().union(*(failing_parts(part, world, binding) for part in formula.operands))
    if truth(formula, world, binding) is True:
        return set()
    negative = False
    while isinstance(formula, Not):
        negative, formula = not negative, formula.operand
    if isinstance(formula, And) and not negative:
        return failing_parts(formula, world, binding)
    if isinstance(formula, Equal):
        text = f"(= {term(formula.left, binding)} {term(formula.right, binding)})"
    elif isinstance(formula, Atom):
        text = f"({' '.join(fact_of(formula, binding))})"
    else:
        return {LARGER}
    return {f"(not {text})" if negative else text}


LARGER = "more than a literal"
"""Stands for all failing conjuncts that are no literals."""


# --- effects


def effects(effect: object, world: World, binding: Binding) -> list[tuple[object, Binding]] | None:
    """The additions, deletions and changes; None where a condition is neither true nor false."""
    match effect:
        case And(operands):
            parts = [effects(operand, world, binding) for operand in operands]
        case Forall(parameters, body):
            parts = [effects(body, world, inner) for inner in bindings(world, parameters, binding)]
        case When(condition, inner):
            value = truth(condition, world, binding)
            parts = [None if value is None else effects(inner, world, binding) if value else []]
        case _:
            return [(effect, binding)]
    found: list[tuple[object, Binding]] = []
    for part in parts:
        if part is None:
            return None
        found += part
    return found


def bind(action: Action, step: Sequence[str]) -> dict[str, str]:
    return {parameter.name: name for parameter, name in zip(action.parameters, step[1:], strict=True)}


def after(world: World, step: Sequence[str]) -> World | None:
    """The world after a step, None where it does not apply."""
    action = world.domain.actions[step[0]]
    binding = bind(action, step)
    before = closed(world)
    if truth(action.precondition, before, binding) is not True:
        return None
    parts = effects(action.effect, before, binding)
    if parts is None:
        return None
    facts = set(world.facts)
    for part, bound in parts:
        if isinstance(part, Not):
            assert isinstance(part.operand, Atom)
            facts.discard(fact_of(part.operand, bound))
    for part, bound in parts:
        if isinstance(part, Atom):
            facts.add(fact_of(part, bound))
    values = dict(world.values)
    by_target: dict[Fact, list[tuple[str, float]]] = {}
    for part, bound in parts:
        if isinstance(part, Change):
            amount = number(part.amount, world, bound)
            if amount is None:
                return None
            by_target.setdefault(fact_of(part.target, bound), []).append((part.operator, amount))
    for target, changes in by_target.items():
        new = changed(world.values.get(target), changes)
        if new is None:
            return None
        values[target] = new
    return World(world.domain, world.problem, facts, values)


def changed(old: float | None, changes: list[tuple[str, float]]) -> float | None:
    """The new value where there is one change or all are increases and decreases; None elsewhere."""
    if len(changes) > 1 and not {operator for operator, _ in changes} <= {"increase", "decrease"}:
        return None
    if changes[0][0] == "assign":
        return changes[0][1]
    if old is None:
        return None
    value: float | None = old
    for operator, amount in changes:
        sign = {"increase": "+", "decrease": "-", "scale-up": "*", "scale-down": "/"}[operator]
        value = None if value is None else calculated(sign, value, amount)
    return value


# --- plans


def well_formed(domain: Domain, problem: Problem, step: Sequence[str]) -> bool:
    known = objects(domain, problem)
    if not step or step[0] not in domain.actions:
        return False
    parameters = domain.actions[step[0]].parameters
    return len(parameters) == len(step) - 1 and all(
        name in known and any(is_a(domain, known[name], kind) for kind in parameter.types)
        for name, parameter in zip(step[1:], parameters, strict=True)
    )


def all_applicable(world: World) -> set[tuple[str, ...]]:
    """By trying every action with all objects."""
    return {
        (name, *(binding[parameter.name] for parameter in action.parameters))
        for name, action in world.domain.actions.items()
        for binding in bindings(world, action.parameters, {})
        if after(world, (name, *(binding[parameter.name] for parameter in action.parameters))) is not None
    }


def verdict(
    domain: Domain, problem: Problem, plan: Sequence[Sequence[str]]
) -> tuple[str, int | None, set[str], float | None]:
    """Kind, step, unmet facts (`LARGER` for those that are no literals), cost."""
    for count, step in enumerate(plan, start=1):
        if not well_formed(domain, problem, step):
            return "malformed", count, set(), None
    world = World.start(domain, problem)
    for count, step in enumerate(plan, start=1):
        following = after(world, step)
        if following is None:
            action = domain.actions[step[0]]
            return "inapplicable", count, failing_parts(action.precondition, closed(world), bind(action, step)), None
        world = following
    if not holds(problem.goal, world, {}):
        return "goal_missed", None, failing_parts(problem.goal, closed(world), {}), None
    world.values["total-time",] = float(len(plan))
    if problem.metric is None:
        return "valid", None, set(), float(len(plan))
    metric = Atom(problem.metric) if isinstance(problem.metric, str) else problem.metric
    return "valid", None, set(), number(metric, world, {})
