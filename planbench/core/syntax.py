"""The nouns of PDDL, as far as planbench judges it. All names are lower case.

Formulas are small frozen values. A precondition or goal is built of Atom, Equal, Compare, Not, And, Or, Exists and
Forall; `(imply a b)` is read as `(or (not a) b)`. An effect is built of Atom (added), Not(Atom) (deleted), Change, And,
When and Forall. Dictionaries keep the order of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

Fact = tuple[str, ...]
"""A ground atom: the predicate, then its arguments: `("on", "b1", "b2")`."""

OBJECT = "object"
"""The type above all types."""

TOTAL_COST = "total-cost"

TOTAL_TIME = "total-time"
"""The number of steps, where nothing takes time; in metrics only."""

SUPPORTED_REQUIREMENTS = (
    ":strips",
    ":typing",
    ":negative-preconditions",
    ":equality",
    ":disjunctive-preconditions",
    ":existential-preconditions",
    ":universal-preconditions",
    ":quantified-preconditions",
    ":conditional-effects",
    ":adl",
    ":derived-predicates",
    ":numeric-fluents",
    ":fluents",
    ":action-costs",
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """`?x` and the types it ranges over: one, or several for `(either ...)`, in alphabetical order."""

    name: str
    types: tuple[str, ...] = (OBJECT,)


@dataclass(frozen=True, slots=True)
class Atom:
    """A predicate or function applied to terms; a term that begins with `?` is a variable."""

    predicate: str
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Equal:
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`(+ a b ...)` and the like; `-` of one operand is its negative."""

    operator: str
    operands: tuple[Expression, ...]


Expression = float | Atom | Arithmetic
"""A number, a function applied to terms, or arithmetic over these."""


@dataclass(frozen=True, slots=True)
class Compare:
    """`operator` is one of `< <= = >= >`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Not:
    operand: Formula


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Exists:
    parameters: tuple[Parameter, ...]
    body: Formula


@dataclass(frozen=True, slots=True)
class Forall:
    """In a condition or, over an effect, in an effect."""

    parameters: tuple[Parameter, ...]
    body: Effect


@dataclass(frozen=True, slots=True)
class When:
    condition: Formula
    effect: Effect


@dataclass(frozen=True, slots=True)
class Change:
    """`(increase (f ?x) amount)`; `operator` is one of `assign increase decrease scale-up scale-down`."""

    operator: str
    target: Atom
    amount: Expression


Formula = Atom | Equal | Compare | Not | And | Or | Exists | Forall | When | Change
Effect = Formula
"""Conditions and effects share conjunctions, negations and quantifiers, and so one type; `planbench.core.formulas` sees
to it that none stands in place of the other."""

TRUE = And()


@dataclass(frozen=True, slots=True)
class Action:
    name: str
    parameters: tuple[Parameter, ...] = ()
    precondition: Formula = TRUE
    effect: Effect = TRUE


@dataclass(frozen=True, slots=True)
class Rule:
    """`(:derived (predicate parameters) body)`: where the body holds, so does the predicate."""

    predicate: str
    parameters: tuple[Parameter, ...]
    body: Formula


@dataclass(frozen=True, slots=True)
class Domain:
    """`requirements` are those declared and those made use of. `types` maps each type but `object` to the types
    directly above it, `constants` each constant to its type. `notes` say which liberties of the file were accepted."""

    name: str
    requirements: frozenset[str] = frozenset({":strips"})
    types: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    constants: Mapping[str, str] = field(default_factory=dict[str, str])
    predicates: Mapping[str, tuple[Parameter, ...]] = field(default_factory=dict[str, tuple[Parameter, ...]])
    functions: Mapping[str, tuple[Parameter, ...]] = field(default_factory=dict[str, tuple[Parameter, ...]])
    actions: Mapping[str, Action] = field(default_factory=dict[str, Action])
    rules: tuple[Rule, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """`objects` excludes the domain's constants; the type of one that is of several is `(either a b)`, as in the file.
    `values` are the functions' values at the start. `metric` is what is to be minimised or, with `maximize`, to be
    maximised: `total-cost` or `total-time` as words, anything else as an expression; None where the problem names
    none."""

    name: str
    domain_name: str
    objects: Mapping[str, str] = field(default_factory=dict[str, str])
    init: tuple[Fact, ...] = ()
    goal: Formula = TRUE
    values: Mapping[Fact, float] = field(default_factory=dict[Fact, float])
    metric: str | Expression | None = None
    maximize: bool = False
    notes: tuple[str, ...] = field(default=(), compare=False)


Conjunct = Atom | Equal | Compare | And | Or | Exists | Forall | When | Change


def literals(formula: Effect) -> Iterator[tuple[Conjunct, bool]]:
    """The conjuncts in the order written, each with whether it stands positively; double negation is undone. Where more
    than literals is allowed, a conjunct may be any formula but a negation or a conjunction that stands positively."""
    pending: list[tuple[Effect, bool]] = [(formula, True)]
    while pending:
        part, positive = pending.pop()
        if isinstance(part, And) and positive:
            pending.extend((operand, True) for operand in reversed(part.operands))
        elif isinstance(part, Not):
            pending.append((part.operand, not positive))
        else:
            yield part, positive


def subformulas(formula: Effect) -> Iterator[Effect]:
    """The formula and everything in it, conditions of effects included."""
    pending: list[Effect] = [formula]
    while pending:
        part = pending.pop()
        yield part
        match part:
            case And(operands) | Or(operands):
                pending.extend(reversed(operands))
            case Not(operand):
                pending.append(operand)
            case Exists(_, body) | Forall(_, body):
                pending.append(body)
            case When(condition, effect):
                pending += [effect, condition]
            case _:
                pass


def functions_in(expression: Expression) -> Iterator[Atom]:
    """The functions, applied to terms, whose values an expression depends on."""
    if isinstance(expression, Atom):
        yield expression
    elif isinstance(expression, Arithmetic):
        for operand in expression.operands:
            yield from functions_in(operand)


def supertypes(types: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """Each type with all types above it, itself included. Raises ValueError, naming a type, where they form a cycle."""
    above = {OBJECT: frozenset({OBJECT})}
    waiting = dict(types)
    while waiting:
        ready = [name for name, parents in waiting.items() if all(parent in above for parent in parents)]
        if not ready:
            raise ValueError(next(iter(waiting)))
        for name in ready:
            above[name] = frozenset({name, OBJECT}).union(*(above[parent] for parent in waiting.pop(name)))
    return above


def either(types: Iterable[str]) -> str:
    """The type of an object that is of all of `types`, which is said as in PDDL: `(either a b)`."""
    names = sorted(set(types))
    return names[0] if len(names) == 1 else f"(either {' '.join(names)})"


def alternatives(kind: str) -> tuple[str, ...]:
    """The types that the type of an object stands for: several for `(either a b)`."""
    return tuple(kind[1:-1].split()[1:]) if kind.startswith("(") else (kind,)


def types_above(above: Mapping[str, frozenset[str]], kinds: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """`above`, of the types of a domain (`supertypes`), with those of objects that are of several types."""
    more = {
        kind: frozenset[str]().union(*(above[part] for part in alternatives(kind))) for kind in {*kinds} - above.keys()
    }
    return {**above, **more} if more else above
