"""The nouns of PDDL, as far as planbench judges it. All names are lower case.

Formulas are small frozen values, so that a further construct (`or`, `forall`, `when`) is one more class here and one
more case wherever formulas are walked. A precondition or goal is built of Atom, Equal, Not and And; an effect of Atom
(added), Not(Atom) (deleted), Increase and And. Dictionaries keep the order of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Fact = tuple[str, ...]
"""A ground atom: the predicate, then its arguments: `("on", "b1", "b2")`."""

OBJECT = "object"
"""The type above all types."""

TOTAL_COST = "total-cost"

SUPPORTED_REQUIREMENTS = (
    ":strips",
    ":typing",
    ":negative-preconditions",
    ":equality",
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
class Not:
    operand: Formula


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Increase:
    """`(increase (total-cost) amount)`, the amount being a number or a static function of the parameters."""

    amount: float | Atom


Formula = Atom | Equal | Not | And
Effect = Formula | Increase

TRUE = And()


@dataclass(frozen=True, slots=True)
class Action:
    name: str
    parameters: tuple[Parameter, ...] = ()
    precondition: Formula = TRUE
    effect: Effect = TRUE


@dataclass(frozen=True, slots=True)
class Domain:
    """`requirements` are those declared and those made use of. `types` maps each type but `object` to the types
    directly above it, `constants` each constant to its type."""

    name: str
    requirements: frozenset[str] = frozenset({":strips"})
    types: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    constants: Mapping[str, str] = field(default_factory=dict[str, str])
    predicates: Mapping[str, tuple[Parameter, ...]] = field(default_factory=dict[str, tuple[Parameter, ...]])
    functions: Mapping[str, tuple[Parameter, ...]] = field(default_factory=dict[str, tuple[Parameter, ...]])
    actions: Mapping[str, Action] = field(default_factory=dict[str, Action])


@dataclass(frozen=True, slots=True)
class Problem:
    """`objects` excludes the domain's constants. `values` are the functions' values at the start. `metric` is the
    function to minimise (`total-cost`, `total-time`), None where the problem names none."""

    name: str
    domain_name: str
    objects: Mapping[str, str] = field(default_factory=dict[str, str])
    init: tuple[Fact, ...] = ()
    goal: Formula = TRUE
    values: Mapping[Fact, float] = field(default_factory=dict[Fact, float])
    metric: str | None = None


def literals(formula: Effect) -> Iterator[tuple[Atom | Equal | Increase, bool]]:
    """The conjuncts in the order written, each with whether it stands positively; double negation is undone."""
    pending: list[tuple[Effect, bool]] = [(formula, True)]
    while pending:
        part, positive = pending.pop()
        if isinstance(part, And):
            if not positive:
                raise ValueError("a negated conjunction is a disjunction, which has no literals")
            pending.extend((operand, True) for operand in reversed(part.operands))
        elif isinstance(part, Not):
            pending.append((part.operand, not positive))
        else:
            yield part, positive


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
