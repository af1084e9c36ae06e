"""Random small domains, problems and plans: types, `either`, constants, negative literals, equality, costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from planbench.core.syntax import (
    Action,
    And,
    Atom,
    Domain,
    Effect,
    Equal,
    Fact,
    Formula,
    Increase,
    Not,
    Parameter,
    Problem,
)
from planbench.core.verdict import Plan
from tests.core import naive


@dataclass(frozen=True)
class Case:
    domain: Domain
    problem: Problem
    plan: Plan


@st.composite
def domains(draw: st.DrawFn) -> Domain:
    types: dict[str, tuple[str, ...]] = {}
    for k in range(draw(st.integers(0, 3))):
        types[f"t{k}"] = (draw(st.sampled_from(["object", *types])),)
    kinds = st.sampled_from(["object", *types])
    constants = {f"c{k}": draw(kinds) for k in range(draw(st.integers(0, 2)))}
    either = st.one_of(kinds.map(lambda kind: (kind,)), _pairs(list(types)) if len(types) > 1 else st.nothing())

    def parameters(limit: int) -> tuple[Parameter, ...]:
        return tuple(Parameter(f"?x{k}", draw(either)) for k in range(draw(st.integers(0, limit))))

    predicates = {f"p{k}": parameters(2) for k in range(draw(st.integers(1, 4)))}
    costs = draw(st.booleans())
    functions = {"total-cost": (), "f": parameters(1)} if costs else {}
    bare = Domain("d", frozenset({":strips"}), types, constants, predicates, functions)
    actions: dict[str, Action] = {}
    for k in range(draw(st.integers(1, 3))):
        known = parameters(3)
        condition = _conjunction(draw, bare, known, equality=True)
        effect: Effect = _conjunction(draw, bare, known, equality=False)
        if costs and draw(st.booleans()):
            calls = _atoms(bare, {"f": functions["f"]}, known)
            amount = draw(st.sampled_from([1.0, 2.5, *calls]))
            parts = effect.operands if isinstance(effect, And) else (effect,)
            effect = And((*parts, Increase(amount))) if parts else Increase(amount)
        actions[f"a{k}"] = Action(f"a{k}", known, condition, effect)
    requirements = {":strips", ":typing", ":negative-preconditions", ":equality"}
    requirements |= {":action-costs"} if costs else set()
    return Domain("d", frozenset(requirements), types, constants, predicates, functions, actions)


@st.composite
def problems(draw: st.DrawFn, domain: Domain) -> Problem:
    kinds = st.sampled_from(["object", *domain.types])
    objects = {f"o{k}": draw(kinds) for k in range(draw(st.integers(1, 4)))}
    empty = Problem("p", domain.name, objects)
    facts = _ground(domain, empty, domain.predicates)
    init = tuple(draw(st.lists(st.sampled_from(facts), unique=True, max_size=8))) if facts else ()
    values: dict[Fact, float] = {}
    metric = None
    if domain.functions:
        for fact in _ground(domain, empty, {"f": domain.functions["f"]}):
            if draw(st.integers(0, 4)) > 0:
                values[fact] = float(draw(st.integers(0, 5)))
        metric = draw(st.sampled_from([None, "total-cost"]))
        if metric or draw(st.booleans()):  # VAL wants a value where there is a metric
            values["total-cost",] = 0.0
    goal: list[Formula] = []
    for fact in draw(st.lists(st.sampled_from(facts), max_size=2)) if facts else []:
        atom = Atom(fact[0], fact[1:])
        goal.append(draw(st.sampled_from([atom, atom, Not(atom), Not(Not(atom)), Not(Equal("o0", "o0"))])))
    return Problem("p", domain.name, objects, init, _and(goal), values, metric)


@st.composite
def cases(draw: st.DrawFn, malformed: bool = True) -> Case:
    """A task with a plan whose steps are mostly applicable."""
    domain = draw(domains())
    problem = draw(problems(domain))
    names = list(naive.objects(domain, problem))
    state: naive.State = set(problem.init)
    plan: list[tuple[str, ...]] = []
    for _ in range(draw(st.sampled_from([6, 5, 4, 3, 2, 1, 0]))):  # long first: hypothesis prefers what comes first
        choices = sorted(naive.all_applicable(domain, problem, state))
        if choices and draw(st.integers(0, 5)) < 5:
            step = draw(st.sampled_from(choices))
            state = naive.applied(domain.actions[step[0]], state, naive.bind(domain.actions[step[0]], step))
        else:
            action = draw(st.sampled_from(list(domain.actions.values())))
            step = (action.name, *(draw(st.sampled_from(names)) for _ in action.parameters))
            if malformed and draw(st.integers(0, 9)) == 9:
                step = draw(st.sampled_from([step[:-1], (*step, names[0]), ("a9", *step[1:]), (*step[:-1], "o9")]))
            elif not malformed and not naive.well_formed(domain, problem, step):
                continue
        plan.append(step)
    return Case(domain, problem, tuple(plan))


def _pairs(kinds: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    pairs = st.lists(st.sampled_from(kinds), min_size=2, max_size=2, unique=True)
    return pairs.map(lambda pair: tuple(sorted(pair)))


def _and(parts: list[Formula]) -> Formula:
    """In the form in which conjunctions are read: no repetition, and none of a single part."""
    distinct = tuple(dict.fromkeys(parts))
    return distinct[0] if len(distinct) == 1 else And(distinct)


def _conjunction(draw: st.DrawFn, domain: Domain, known: tuple[Parameter, ...], equality: bool) -> Formula:
    atoms: list[Formula] = list(_atoms(domain, domain.predicates, known))
    terms = [parameter.name for parameter in known] + list(domain.constants)
    if equality:
        atoms += [Equal(left, right) for left in terms for right in terms]
    if not atoms:
        return And()
    chosen = draw(st.lists(st.sampled_from(atoms), max_size=4, unique=True))
    return _and([part if draw(st.integers(0, 2)) > 0 else Not(part) for part in chosen])


def _atoms(domain: Domain, declared: Mapping[str, tuple[Parameter, ...]], known: tuple[Parameter, ...]) -> list[Atom]:
    """Every atom over variables and constants that fits the types."""
    kinds = {parameter.name: parameter.types for parameter in known}
    kinds |= {name: (kind,) for name, kind in domain.constants.items()}
    return [Atom(fact[0], fact[1:]) for fact in _fill(domain, declared, kinds)]


def _ground(domain: Domain, problem: Problem, declared: Mapping[str, tuple[Parameter, ...]]) -> list[Fact]:
    kinds = {name: (kind,) for name, kind in naive.objects(domain, problem).items()}
    return _fill(domain, declared, kinds)


def _fill(
    domain: Domain, declared: Mapping[str, tuple[Parameter, ...]], kinds: dict[str, tuple[str, ...]]
) -> list[Fact]:
    """Every declared name over terms whose types all lie below one of the parameter's."""
    facts: list[Fact] = []
    for name, parameters in declared.items():
        partial: list[Fact] = [(name,)]
        for parameter in parameters:
            fitting = [
                term
                for term, of in kinds.items()
                if all(any(naive.is_a(domain, kind, wanted) for wanted in parameter.types) for kind in of)
            ]
            partial = [(*fact, term) for fact in partial for term in fitting]
        facts += partial
    return facts
