"""The judge once more, as plainly as the definition reads: no compilation, no static facts, no grounding kept.

States are sets of tuples, formulas are evaluated by walking them, types by walking up. Slow and independent of
`planbench.core.compile` and `planbench.core.judge`; only the values of `planbench.core.syntax` are shared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from planbench.core.syntax import Action, And, Atom, Domain, Equal, Fact, Increase, Not, Problem

State = set[Fact]
Binding = Mapping[str, str]


def is_a(domain: Domain, kind: str, wanted: str) -> bool:
    if wanted in {kind, "object"}:
        return True
    return any(is_a(domain, parent, wanted) for parent in domain.types.get(kind, ()))


def objects(domain: Domain, problem: Problem) -> dict[str, str]:
    return {**domain.constants, **problem.objects}


def value(term: str, binding: Binding) -> str:
    return binding[term] if term.startswith("?") else term


def fact_of(atom: Atom, binding: Binding) -> Fact:
    return (atom.predicate, *(value(term, binding) for term in atom.terms))


def holds(formula: object, state: State, binding: Binding) -> bool:
    if isinstance(formula, And):
        return all(holds(part, state, binding) for part in formula.operands)
    if isinstance(formula, Not):
        return not holds(formula.operand, state, binding)
    if isinstance(formula, Equal):
        return value(formula.left, binding) == value(formula.right, binding)
    assert isinstance(formula, Atom)
    return fact_of(formula, binding) in state


def failing(formula: object, state: State, binding: Binding) -> set[str]:
    """The conjuncts that do not hold, as PDDL text without double negation."""
    if isinstance(formula, And):
        return set().union(*(failing(part, state, binding) for part in formula.operands))
    if holds(formula, state, binding):
        return set()
    negative = False
    while isinstance(formula, Not):
        negative, formula = not negative, formula.operand
    if isinstance(formula, Equal):
        words: tuple[str, ...] = ("=", value(formula.left, binding), value(formula.right, binding))
    else:
        assert isinstance(formula, Atom)
        words = fact_of(formula, binding)
    text = f"({' '.join(words)})"
    return {f"(not {text})" if negative else text}


def effects(effect: object) -> Iterator[object]:
    if isinstance(effect, And):
        for part in effect.operands:
            yield from effects(part)
    else:
        yield effect


def bind(action: Action, step: Sequence[str]) -> dict[str, str]:
    return {parameter.name: name for parameter, name in zip(action.parameters, step[1:], strict=True)}


def cost_of(problem: Problem, action: Action, binding: Binding) -> float | None:
    for part in effects(action.effect):
        if isinstance(part, Increase):
            if isinstance(part.amount, Atom):
                return problem.values.get(fact_of(part.amount, binding))
            return part.amount
    return 0.0


def applied(action: Action, state: State, binding: Binding) -> State:
    parts = list(effects(action.effect))
    after = set(state)
    for part in parts:
        if isinstance(part, Not):
            assert isinstance(part.operand, Atom)
            after.discard(fact_of(part.operand, binding))
    for part in parts:
        if isinstance(part, Atom):
            after.add(fact_of(part, binding))
    return after


def well_formed(domain: Domain, problem: Problem, step: Sequence[str]) -> bool:
    known = objects(domain, problem)
    if not step or step[0] not in domain.actions:
        return False
    parameters = domain.actions[step[0]].parameters
    return len(parameters) == len(step) - 1 and all(
        name in known and any(is_a(domain, known[name], kind) for kind in parameter.types)
        for name, parameter in zip(step[1:], parameters, strict=True)
    )


def can_apply(domain: Domain, problem: Problem, step: Sequence[str], state: State) -> bool:
    action = domain.actions[step[0]]
    binding = bind(action, step)
    return holds(action.precondition, state, binding) and cost_of(problem, action, binding) is not None


def all_applicable(domain: Domain, problem: Problem, state: State) -> set[tuple[str, ...]]:
    """By trying every action with all objects."""
    names = list(objects(domain, problem))
    return {
        (name, *arguments)
        for name, action in domain.actions.items()
        for arguments in product(names, repeat=len(action.parameters))
        if well_formed(domain, problem, (name, *arguments)) and can_apply(domain, problem, (name, *arguments), state)
    }


def verdict(
    domain: Domain, problem: Problem, plan: Sequence[Sequence[str]]
) -> tuple[str, int | None, set[str], float | None]:
    """Kind, step, unmet facts, cost."""
    for number, step in enumerate(plan, start=1):
        if not well_formed(domain, problem, step):
            return "malformed", number, set(), None
    state = set(problem.init)
    cost = problem.values.get(("total-cost",), 0.0)
    for number, step in enumerate(plan, start=1):
        action = domain.actions[step[0]]
        binding = bind(action, step)
        increase = cost_of(problem, action, binding)
        if increase is None or not holds(action.precondition, state, binding):
            return "inapplicable", number, failing(action.precondition, state, binding), None
        state = applied(action, state, binding)
        cost += increase
    if not holds(problem.goal, state, {}):
        return "goal_missed", None, failing(problem.goal, state, {}), None
    return "valid", None, set(), cost if problem.metric == "total-cost" else float(len(plan))
