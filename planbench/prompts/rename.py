"""Renaming a task (obfuscation): the same planning problem in other words.

    random     pronounceable nonsense
    mystery    ordinary words that mean something else, as in PlanBench's Mystery Blocksworld (Valmeekam et al., 2023)
    per-task   nonsense again, and each task has a domain language of its own

A model that has seen Blocksworld in training may know its plans by heart; one that plans solves the renamed task as
well. Predicates, actions, types, functions, constants, objects, variables and the names of domain and problem change;
structure, order and costs stay. Domain-level words depend on seed and domain alone, so that examples and all tasks of a
set speak one language, except with `per-task`, where they depend on the problem too; objects are renamed per problem.

Sentences of a wording would tell what a task was: a renamed domain is said in `generic_wording` of its new names.
Renaming is a bijection: plans translate both ways, and a renamed plan has the verdict of the plan. Where the words come
from is `planbench.prompts.words`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

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
    Formula,
    Not,
    Or,
    Parameter,
    Problem,
    Rule,
    When,
    alternatives,
    either,
)
from planbench.core.verdict import Plan
from planbench.core.write import problem_text
from planbench.errors import InputError
from planbench.prompts import words

WAYS = ("none", "random", "mystery", "per-task")


@dataclass(frozen=True)
class Renaming:
    """Old name to new. `actions` and `objects` (constants included) are what plans are made of."""

    domain: str
    problem: str
    types: Mapping[str, str] = field(default_factory=dict[str, str])
    predicates: Mapping[str, str] = field(default_factory=dict[str, str])
    functions: Mapping[str, str] = field(default_factory=dict[str, str])
    actions: Mapping[str, str] = field(default_factory=dict[str, str])
    objects: Mapping[str, str] = field(default_factory=dict[str, str])

    def inverse(self) -> Renaming:
        """New name to old, for names of actions and objects: what translates a plan back."""
        return Renaming(
            self.domain,
            self.problem,
            actions={new: old for old, new in self.actions.items()},
            objects={new: old for old, new in self.objects.items()},
        )


def rename_task(domain: Domain, problem: Problem, how: str, seed: int) -> tuple[Domain, Problem, Renaming]:
    """The task in other words, and which word became which. Raises InputError for a way that there is not."""
    if how not in WAYS:
        raise InputError(f"renaming {how}: there is no such way; use one of {', '.join(WAYS)}")
    if how == "none":
        return domain, problem, Renaming(domain.name, problem.name)
    renaming = _drawn(domain, problem, how, seed)
    return _domain(domain, renaming), _problem(problem, renaming), renaming


def rename_plan(plan: Plan, renaming: Renaming) -> Plan:
    """A plan in the words of the renamed task. Names that the task does not have stay unknown."""
    actions, objects = _unused(renaming.actions), _unused(renaming.objects)
    return tuple(
        (actions.get(step[0], step[0]), *(objects.get(name, name) for name in step[1:])) if step else step
        for step in plan
    )


def _unused(names: Mapping[str, str]) -> dict[str, str]:
    """`names` made a permutation: what is only a new name becomes an old one that is no name any more, so that a step
    which names nothing before names nothing afterwards."""
    old = {new: name for name, new in names.items()}
    permuted = dict(names)
    for new in names.values():
        if new not in names:
            free = old[new]
            while free in old:
                free = old[free]
            permuted[new] = free
    return permuted


def _drawn(domain: Domain, problem: Problem, how: str, seed: int) -> Renaming:
    """New words for every name. Domain and problem draw from generators of their own, so that the words of the domain
    are the same with every problem, unless each is to have its own."""
    own = [domain.name, *domain.types, *domain.predicates, *domain.functions, *domain.actions, *domain.constants]
    everything = [*own, *problem.objects]
    of_domain, of_problem = f"{seed}\0{' '.join(own)}", f"{seed}\0{problem_text(problem, domain)}"
    if how == "mystery":
        language = words.ordinary_language(of_domain, own)
        names = words.ordinary_objects(of_problem, [*everything, problem.name])
    else:
        language = (
            words.nonsense_language(f"{of_domain}\0{of_problem}", everything)
            if how == "per-task"
            else words.nonsense_language(of_domain, own)
        )
        names = words.nonsense_objects(of_problem, everything)
    return Renaming(
        domain=next(language.kinds),
        types=_fresh(domain.types, language.kinds),
        predicates=_fresh(domain.predicates, language.qualities),
        functions=_fresh(domain.functions, language.kinds),
        actions=_fresh(domain.actions, language.verbs),
        problem=next(names),
        objects={**_fresh(domain.constants, language.kinds), **_fresh(problem.objects, names)},
    )


def _fresh(names: Iterable[str], new: Iterator[str]) -> dict[str, str]:
    return {name: name if name in words.KEPT else next(new) for name in names}


def _domain(domain: Domain, renaming: Renaming) -> Domain:
    types, functions = renaming.types, renaming.functions
    return Domain(
        name=renaming.domain,
        requirements=domain.requirements,
        types={
            types[name]: tuple(types.get(above, above) for above in parents) for name, parents in domain.types.items()
        },
        constants={renaming.objects[name]: _kind(kind, types) for name, kind in domain.constants.items()},
        predicates={
            renaming.predicates[name]: _parameters(parameters, renaming)[0]
            for name, parameters in domain.predicates.items()
        },
        functions={
            functions[name]: _parameters(parameters, renaming)[0] for name, parameters in domain.functions.items()
        },
        actions={renaming.actions[name]: _action(action, renaming) for name, action in domain.actions.items()},
        rules=tuple(_rule(rule, renaming) for rule in domain.rules),
    )


def _parameters(
    parameters: tuple[Parameter, ...], renaming: Renaming, taken: int = 0
) -> tuple[tuple[Parameter, ...], dict[str, str]]:
    """Parameters as ?x1, ?x2, ... ("?truck" would tell), after those `taken`, and the new name of each."""
    terms = {parameter.name: f"?x{number}" for number, parameter in enumerate(parameters, start=taken + 1)}
    renamed = tuple(
        Parameter(terms[parameter.name], tuple(sorted(renaming.types.get(kind, kind) for kind in parameter.types)))
        for parameter in parameters
    )
    return renamed, terms


def _action(action: Action, renaming: Renaming) -> Action:
    parameters, variables = _parameters(action.parameters, renaming)
    terms = {**renaming.objects, **variables}
    return Action(
        name=renaming.actions[action.name],
        parameters=parameters,
        precondition=_formula(action.precondition, renaming, terms),
        effect=_formula(action.effect, renaming, terms),
    )


def _rule(rule: Rule, renaming: Renaming) -> Rule:
    parameters, variables = _parameters(rule.parameters, renaming)
    body = _formula(rule.body, renaming, {**renaming.objects, **variables})
    return Rule(renaming.predicates[rule.predicate], parameters, body)


def _formula(formula: Formula, renaming: Renaming, terms: Mapping[str, str]) -> Formula:
    """The same formula over new names. Recursive: the parser bounds the depth of what it lets in."""
    match formula:
        case And(operands):
            return And(tuple(_formula(operand, renaming, terms) for operand in operands))
        case Not(operand):
            return Not(_formula(operand, renaming, terms))
        case Equal(left, right):
            return Equal(terms.get(left, left), terms.get(right, right))
        case Or(operands):
            return Or(tuple(_formula(operand, renaming, terms) for operand in operands))
        case Compare(operator, left, right):
            return Compare(operator, _expression(left, renaming, terms), _expression(right, renaming, terms))
        case Exists(parameters, body) | Forall(parameters, body):
            # The names of other variables have lower numbers: ?x3 below an action's ?x1 and ?x2. One that is hidden by
            # another of its name has one, too.
            taken = max((int(new[2:]) for new in terms.values() if new.startswith("?x")), default=0)
            bound, inner = _parameters(parameters, renaming, taken)
            return type(formula)(bound, _formula(body, renaming, {**terms, **inner}))
        case When(condition, effect):
            return When(_formula(condition, renaming, terms), _formula(effect, renaming, terms))
        case Change(operator, target, amount):
            target = _atom(target, renaming.functions, terms)
            return Change(operator, target, _expression(amount, renaming, terms))
        case Atom():
            return _atom(formula, renaming.predicates, terms)


def _expression(expression: Expression, renaming: Renaming, terms: Mapping[str, str]) -> Expression:
    match expression:
        case Atom():
            return _atom(expression, renaming.functions, terms)
        case Arithmetic(operator, operands):
            return Arithmetic(operator, tuple(_expression(operand, renaming, terms) for operand in operands))
        case _:
            return expression


def _atom(atom: Atom, heads: Mapping[str, str], terms: Mapping[str, str]) -> Atom:
    return Atom(heads.get(atom.predicate, atom.predicate), tuple(terms.get(term, term) for term in atom.terms))


def _kind(kind: str, types: Mapping[str, str]) -> str:
    """The type of an object."""
    return either(types.get(each, each) for each in alternatives(kind))


def _problem(problem: Problem, renaming: Renaming) -> Problem:
    objects, metric = renaming.objects, problem.metric

    def fact(old: Fact, heads: Mapping[str, str]) -> Fact:
        return (heads.get(old[0], old[0]), *(objects[name] for name in old[1:]))

    return Problem(
        name=renaming.problem,
        domain_name=renaming.domain,
        objects={objects[name]: _kind(kind, renaming.types) for name, kind in problem.objects.items()},
        init=tuple(fact(old, renaming.predicates) for old in problem.init),
        goal=_formula(problem.goal, renaming, objects),
        values={fact(old, renaming.functions): value for old, value in problem.values.items()},
        metric=metric if isinstance(metric, str) or metric is None else _expression(metric, renaming, objects),
        maximize=problem.maximize,
    )
