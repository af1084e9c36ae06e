"""Random small domains, problems and plans, with everything that the judge covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from planbench.core.syntax import (
    Action,
    And,
    Arithmetic,
    Atom,
    Change,
    Compare,
    Domain,
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
    Problem,
    Rule,
    When,
)
from planbench.core.verdict import Plan
from tests.core import naive

PLAIN = frozenset({"costs"})
RICH = frozenset({"costs", "formulas", "conditional", "numbers", "derived"})
"""What a random domain may have beyond STRIPS, types, negation and equality."""

REQUIREMENTS = {":strips", ":typing", ":negative-preconditions", ":equality"}
OF_FEATURES = {
    "costs": {":action-costs"},
    "formulas": {":disjunctive-preconditions", ":existential-preconditions", ":universal-preconditions"},
    "conditional": {":conditional-effects"},
    "numbers": {":numeric-fluents"},
    "derived": {":derived-predicates"},
}


@dataclass(frozen=True)
class Case:
    domain: Domain
    problem: Problem
    plan: Plan


@dataclass(frozen=True)
class Scope:
    """The variables at a place, and what may be said there. `tame`: see `cases`."""

    draw: st.DrawFn
    domain: Domain
    known: tuple[Parameter, ...]
    features: frozenset[str]
    tame: bool = False

    def below(self, parameter: Parameter) -> Scope:
        # VAL fails on comparisons under quantifiers where there are rules (`tests/differential/test_explained.py`).
        apart = frozenset({"numbers"}) if self.tame and "derived" in self.features else frozenset[str]()
        return replace(self, known=(*self.known, parameter), features=self.features - apart)

    def atoms(self, declared: Mapping[str, tuple[Parameter, ...]] | None = None) -> list[Atom]:
        """Every atom over variables and constants that fits the types."""
        kinds = {parameter.name: parameter.types for parameter in self.known}
        kinds |= {name: (kind,) for name, kind in self.domain.constants.items()}
        names = self.domain.predicates if declared is None else declared
        return [Atom(fact[0], fact[1:]) for fact in _fill(self.domain, names, kinds)]

    def functions(self, own: Iterable[str] = ("f", "g")) -> list[Atom]:
        return self.atoms({name: self.domain.functions[name] for name in own if name in self.domain.functions})

    def variable(self) -> Parameter:
        kinds: list[tuple[str, ...]] = [("object",), *((kind,) for kind in self.domain.types)]
        if len(self.domain.types) > 1:
            kinds.append(tuple(sorted(list(self.domain.types)[:2])))
        return Parameter(f"?q{len(self.known)}", self.draw(st.sampled_from(kinds)))


@st.composite
def domains(draw: st.DrawFn, features: frozenset[str] = PLAIN, tame: bool = False) -> Domain:
    wanted = frozenset(name for name in sorted(features) if draw(st.booleans()))
    types: dict[str, tuple[str, ...]] = {}
    for k in range(draw(st.integers(0, 3))):
        types[f"t{k}"] = (draw(st.sampled_from(["object", *types])),)
    kinds = st.sampled_from(["object", *types])
    constants = {f"c{k}": draw(kinds) for k in range(draw(st.integers(0, 2)))}
    either = st.one_of(kinds.map(lambda kind: (kind,)), _pairs(list(types)) if len(types) > 1 else st.nothing())

    def parameters(limit: int) -> tuple[Parameter, ...]:
        return tuple(Parameter(f"?x{k}", draw(either)) for k in range(draw(st.integers(0, limit))))

    predicates = {"p0": (), **{f"p{k}": parameters(2) for k in range(1, draw(st.integers(2, 4)))}}
    functions: dict[str, tuple[Parameter, ...]] = {}
    if wanted & {"costs", "numbers"}:
        functions = {"total-cost": (), "f": parameters(1)}
    if "numbers" in wanted:
        functions["g"] = ()
    bare = Domain("d", types=types, constants=constants, predicates=predicates, functions=functions)
    derived: dict[str, tuple[Parameter, ...]] = {}
    rules: list[Rule] = []
    for k in range(draw(st.integers(1, 2)) if "derived" in wanted else 0):
        derived[f"d{k}"] = parameters(2)
        for _ in range(draw(st.integers(1, 2))):
            # What is derived earlier may be negated, the predicate itself and those derived later may not.
            scope = Scope(draw, replace(bare, predicates={**predicates, **derived}), derived[f"d{k}"], wanted, tame)
            own = [atom for atom in scope.atoms() if atom.predicate == f"d{k}"]
            earlier = replace(bare, predicates={**predicates, **{n: p for n, p in derived.items() if n != f"d{k}"}})
            body = _some(replace(scope, domain=earlier), 2)
            if own and draw(st.booleans()):
                body = _and([draw(st.sampled_from(own)), body])
            elif "formulas" in wanted and draw(st.booleans()):
                variable = scope.variable()
                inner = [atom for atom in scope.below(variable).atoms() if atom.predicate == f"d{k}"]
                step = condition(replace(scope, domain=earlier).below(variable), 1)
                if inner:
                    body = _or([body, Exists((variable,), _and([draw(st.sampled_from(inner)), step]))])
            rules.append(Rule(f"d{k}", derived[f"d{k}"], body))
    whole = replace(bare, predicates={**predicates, **derived}, rules=tuple(rules))
    actions: dict[str, Action] = {}
    for k in range(draw(st.integers(1, 3))):
        known = parameters(3)
        scope = Scope(draw, whole, known, wanted, tame)
        actions[f"a{k}"] = Action(f"a{k}", known, condition(scope, 2), effect(replace(scope, domain=bare)))
    requirements = REQUIREMENTS.union(*(OF_FEATURES[name] for name in wanted))
    return replace(whole, requirements=frozenset(requirements), actions=actions)


def condition(scope: Scope, depth: int) -> Formula:
    """A conjunction of literals and, where the domain has formulas, of what else there is."""
    draw = scope.draw
    atoms: list[Formula] = list(scope.atoms())
    terms = [parameter.name for parameter in scope.known] + list(scope.domain.constants)
    atoms += [Equal(left, right) for left in terms for right in terms]
    parts: list[Formula] = []
    if atoms:
        chosen = draw(st.lists(st.sampled_from(atoms), max_size=4 if depth == 2 else 2, unique=True))
        parts += [part if draw(st.integers(0, 2)) > 0 else Not(part) for part in chosen]
    if "numbers" in scope.features and draw(st.integers(0, 2)) == 0:
        operators = ["<=", "=", ">="] if scope.tame else ["<", "<=", "=", ">=", ">"]
        compare = Compare(draw(st.sampled_from(operators)), number(scope), number(scope))
        parts.append(compare if draw(st.booleans()) else Not(compare))
    if depth and "formulas" in scope.features and draw(st.booleans()):
        parts.append(_larger(scope, depth - 1))
    return _and(parts)


def _larger(scope: Scope, depth: int) -> Formula:
    draw = scope.draw
    match draw(st.sampled_from(["or", "not", "exists", "forall"])):
        case "or":
            return _or([_some(scope, depth), _some(scope, depth)])
        case "not":
            return Not(_some(scope, depth))
        case "exists":
            variable = scope.variable()
            return Exists((variable,), _some(scope.below(variable), depth))
        case _:
            variable = scope.variable()
            return Forall((variable,), _some(scope.below(variable), depth))


def _some(scope: Scope, depth: int) -> Formula:
    """A condition that says something, as not every judge reads an empty one everywhere."""
    found = condition(scope, depth)
    atoms = scope.atoms()
    return scope.draw(st.sampled_from(atoms)) if found == And() else found


def number(scope: Scope, depth: int = 1) -> Expression:
    draw = scope.draw
    leaves: list[Expression] = [0.0, 1.0, 2.5, *scope.functions()]
    if depth and draw(st.integers(0, 3)) == 0:
        operator = draw(st.sampled_from(["+", "-", "*"] if scope.tame else ["+", "-", "*", "/"]))
        return Arithmetic(operator, (number(scope, 0), number(scope, 0)))
    return draw(st.sampled_from(leaves))


def effect(scope: Scope) -> Effect:
    draw = scope.draw
    parts: list[Effect] = _simple(scope, 4)
    if "conditional" in scope.features:
        for _ in range(draw(st.integers(0, 2))):
            parts.append(_conditional(scope))
    if "costs" in scope.features and draw(st.booleans()):
        parts.append(Change("increase", Atom("total-cost"), draw(st.sampled_from([1.0, 2.5, *scope.functions(["f"])]))))
    return _and(parts)


def _conditional(scope: Scope) -> Effect:
    if scope.draw(st.booleans()):
        variable = scope.variable()
        inner = scope.below(variable)
        parts = _simple(inner, 2)
        if scope.draw(st.booleans()):
            return Forall((variable,), When(_some(inner, 1), _and(parts)))
        return Forall((variable,), _and(parts))
    return When(_some(scope, 1), _and(_simple(scope, 2)))


def _simple(scope: Scope, limit: int) -> list[Effect]:
    draw = scope.draw
    parts: list[Effect] = []
    if atoms := scope.atoms():
        chosen = draw(st.lists(st.sampled_from(atoms), max_size=limit, unique=True))
        parts += [atom if draw(st.integers(0, 2)) > 0 else Not(atom) for atom in chosen]
    if "numbers" in scope.features and draw(st.booleans()):
        operators = ["assign", "increase", "increase", "decrease", "scale-up"]
        operator = draw(st.sampled_from(operators if scope.tame else [*operators, "scale-down"]))
        if targets := scope.functions():
            parts.append(Change(operator, draw(st.sampled_from(targets)), number(scope)))
    return parts


@st.composite
def problems(draw: st.DrawFn, domain: Domain, tame: bool = False) -> Problem:
    kinds = st.sampled_from(["object", *domain.types])
    if len(domain.types) > 1:
        kinds = st.one_of(kinds, kinds, _pairs(list(domain.types)).map(lambda pair: f"(either {' '.join(pair)})"))
    objects = {f"o{k}": draw(kinds) for k in range(draw(st.integers(1, 4)))}
    empty = Problem("p", domain.name, objects)
    derived = {rule.predicate for rule in domain.rules}
    facts = _ground(domain, empty, domain.predicates)
    given = [fact for fact in facts if fact[0] not in derived]
    init = tuple(draw(st.lists(st.sampled_from(given), unique=True, max_size=8))) if given else ()
    values: dict[Fact, float] = {}
    metric: str | Expression | None = None
    maximize = False
    if domain.functions:
        own = {name: parameters for name, parameters in domain.functions.items() if name != "total-cost"}
        for fact in _ground(domain, empty, own):
            if draw(st.integers(0, 4)) > 0 or tame:
                values[fact] = float(draw(st.integers(0, 5)))
        metrics: list[str | Expression | None] = [None, "total-cost"]
        if values:
            some = next(iter(values))
            metrics.append(Arithmetic("+", (Atom(some[0], some[1:]), Atom("total-cost"))))
        metric = draw(st.sampled_from(metrics))
        maximize = metric is not None and draw(st.booleans())
        if metric or tame or draw(st.booleans()):  # VAL wants a value where there is a metric
            values["total-cost",] = 0.0
    goal: list[Formula] = []
    for fact in draw(st.lists(st.sampled_from(facts), max_size=2)) if facts else []:
        atom = Atom(fact[0], fact[1:])
        goal.append(draw(st.sampled_from([atom, atom, Not(atom), Not(Not(atom)), Not(Equal("o0", "o0"))])))
    features = frozenset(name for name, needed in OF_FEATURES.items() if needed <= domain.requirements)
    if features & {"formulas", "numbers"}:
        everything = replace(domain, constants={**domain.constants, **objects})
        goal.append(condition(Scope(draw, everything, (), features, tame), 2 if "formulas" in features else 0))
    return Problem("p", domain.name, objects, init, _and(goal), values, metric, maximize)


@st.composite
def cases(draw: st.DrawFn, malformed: bool = True, features: frozenset[str] = PLAIN, tame: bool = False) -> Case:
    """A task with a plan whose steps are mostly applicable. `tame`: every function has a value, nothing is divided, no
    comparison is strict, none stands under a quantifier where there are rules, no rule is without a condition: judges
    differ about these (`tests/differential`)."""
    domain = draw(domains(features, tame))
    problem = draw(problems(domain, tame))
    names = list(naive.objects(domain, problem))
    world = naive.World.start(domain, problem)
    plan: list[tuple[str, ...]] = []
    for _ in range(draw(st.sampled_from([6, 5, 4, 3, 2, 1, 0]))):  # long first: hypothesis prefers what comes first
        choices = sorted(naive.all_applicable(world))
        if choices and draw(st.integers(0, 5)) < 5:
            step = draw(st.sampled_from(choices))
            following = naive.after(world, step)
            assert following is not None
            world = following
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


def _and(parts: Sequence[Effect]) -> Effect:
    """In the form in which conjunctions are read: flat, no literal twice, and none of a single part."""
    flat = _flat(operand for part in parts for operand in (part.operands if isinstance(part, And) else (part,)))
    return flat[0] if len(flat) == 1 else And(flat)


def _or(parts: Sequence[Formula]) -> Formula:
    flat = _flat(operand for part in parts for operand in (part.operands if isinstance(part, Or) else (part,)))
    return flat[0] if len(flat) == 1 else Or(flat)


def _flat(parts: Iterable[Effect]) -> tuple[Effect, ...]:
    flat: list[Effect] = []
    for part in parts:
        inner = part.operand if isinstance(part, Not) else part
        if part not in flat or not isinstance(inner, Atom | Equal):
            flat.append(part)
    return tuple(flat)


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
