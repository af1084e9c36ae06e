"""Which tasks are the same up to renaming of objects, and which split a task belongs to.

Objects are coloured by their type and then, round after round, by the coloured facts of start and goal that they stand
in (colour refinement, also known as the one-dimensional Weisfeiler-Leman test; Grohe, "Descriptive Complexity,
Canonisation, and Definable Graph Structure Theory", 2017, chapter 3). Two tasks that are equal up to renaming always
get the same key. The converse may fail, on very regular tasks only: then two different tasks count as the same, and
one of them is left out, which is the harmless side. So are two that differ in numbers of the start or in the metric
alone: neither counts.

The split of a task is a function of its key, so that tasks of different splits are never the same up to renaming,
whatever the seeds they were made from: what a model was trained on needs no list to be kept out of its evaluation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from hashlib import blake2b
from itertools import accumulate

from planbench.core.compile import CompiledTask
from planbench.core.syntax import (
    And,
    Arithmetic,
    Atom,
    Compare,
    Equal,
    Exists,
    Expression,
    Forall,
    Formula,
    Not,
    Or,
    literals,
)
from planbench.core.write import formula_text
from planbench.errors import InputError
from planbench.suite.draft import Draft, Fact

SPLITS: dict[str, tuple[float, float]] = {
    "base": (0.0, 0.5),
    "pool": (0.5, 0.75),
    "tuning": (0.75, 0.8),
    "test": (0.8, 1.0),
}
"""Each split's share of the keys. `base`: what our own planners are trained on before their first deployment. `pool`:
what the loop deploys a model on. `tuning`: where settings are chosen. `test`: everything that is reported."""


def canonical_key(draft: Draft) -> str:
    """32 hexadecimal digits, equal for tasks that are equal up to renaming of objects."""
    return key_of(draft.objects, draft.init, draft.goal)


def key_of(objects: Mapping[str, str], init: Iterable[Fact], goal: Iterable[Fact]) -> str:
    """As `canonical_key`, from the parts of a task: `objects` maps name to type."""
    facts = {**_by_predicate("g:", goal), **_by_predicate("i:", init)}
    of_kind: defaultdict[str, list[str]] = defaultdict(list)
    for name, kind in objects.items():
        of_kind[kind].append(name)
    cells = _refined([of_kind[kind] for kind in sorted(of_kind)], facts)
    colour = {name: number for number, cell in enumerate(cells) for name in cell}
    kinds = [(number, objects[name]) for number, cell in enumerate(cells) for name in cell]
    coloured: list[tuple[str | int, ...]] = []
    for predicate in sorted(facts):
        among = facts[predicate]
        if len(among[0]) == 2:  # the same as below, which takes twice the time
            coloured += sorted([(predicate, colour[one], colour[other]) for one, other in among])
        else:
            coloured += sorted([(predicate, *[colour[name] for name in names]) for names in among])
    return blake2b(repr((kinds, coloured)).encode(), digest_size=16).hexdigest()


Names = tuple[str, ...]
Sight = tuple[int, ...]
"""What an object sees of the facts that it stands in, as `_stands` numbers it, in order."""


def _refined(cells: Sequence[Iterable[str]], facts: Mapping[str, list[Names]]) -> list[list[str]]:
    """The cells of objects that look alike, in an order that hangs on no name.

    An object is looked at again only where a cell that it sees came apart. Of the parts of a cell the largest stays as
    it is: who sees that part alone sees what it saw. So a long corridor, from whose ends two places come apart in each
    round, is refined in nearly linear time.
    """
    members = [set(cell) for cell in cells]
    cell_of = {name: number for number, cell in enumerate(members) for name in cell}
    place = [0, *accumulate(map(len, members[:-1]))]  # how many objects are in the cells before
    base = len(cell_of)
    pairs, rows = _stands(cell_of, facts)

    def sight(name: str) -> Sight:
        seen = [start + place[cell_of[other]] for start, other in pairs[name]]
        if name in rows:
            seen += [reduce(lambda number, one: base * number + place[cell_of[one]], *row) for row in rows[name]]
        seen.sort()
        return tuple(seen)

    looked: Mapping[int, Collection[str]] = dict(enumerate(members))
    stale = set[str]()
    while looked and len(members) < base:
        apart: list[tuple[int, Sight, dict[Sight, list[str]]]] = []
        for number, names in looked.items():
            cell = members[number]
            if len(cell) == 1:  # as most are, soon
                continue
            few = 2 * len(names) < len(cell)
            alike: dict[Sight, list[str]] = {}
            for name in names if few else cell:
                alike.setdefault(sight(name), []).append(name)
            if few:
                kept = sight(next(name for name in cell if name not in stale))
                alike.setdefault(kept, [])
            elif len(alike) > 1:
                kept = max(alike, key=lambda seen: len(alike[seen]))
            else:
                continue
            apart.append((number, kept, alike))
        moved: list[str] = []
        for number, kept, alike in apart:
            at, cell = place[number], members[number]
            cell.difference_update(*[names for seen, names in alike.items() if seen != kept])
            for seen in sorted(alike):
                if seen == kept:
                    place[number] = at
                    at += len(cell)
                    continue
                names = alike[seen]
                for name in names:
                    cell_of[name] = len(members)
                members.append(set(names))
                place.append(at)
                at += len(names)
                moved += names
        stale = {other for name in moved for _, other in pairs[name]}
        if rows:
            stale.update(other for name in moved for row, _ in rows.get(name, ()) for other in row)
        again: defaultdict[int, list[str]] = defaultdict(list)
        for name in stale:
            again[cell_of[name]].append(name)
        looked = again
    return [list(members[number]) for number in sorted(range(len(members)), key=place.__getitem__)]


def _by_predicate(mark: str, facts: Iterable[Fact]) -> dict[str, list[Names]]:
    found: defaultdict[str, list[Names]] = defaultdict(list)
    for fact in facts:
        found[fact[0]].append(fact[1:])
    return {mark + predicate: among for predicate, among in found.items()}


def _stands(
    objects: Iterable[str], facts: Mapping[str, list[Names]]
) -> tuple[dict[str, list[tuple[int, str]]], dict[str, list[tuple[Names, int]]]]:
    """The facts in which each object stands: those of one or two objects, which nearly all are, and the others.

    What an object sees of a fact is a number to base `len(objects)`: first digits for the predicate and for the
    object's place, then the colours of the fact's objects; of two, the other's is enough, as objects are compared with
    those of their own colour. Such numbers are in the order of what they say, and are faster to make and to compare
    than tuples.
    """
    pairs: dict[str, list[tuple[int, str]]] = {name: [] for name in objects}
    rows: dict[str, list[tuple[Names, int]]] = {}
    base = len(pairs)
    longest = max(1, *[len(among[0]) for among in facts.values()]) if facts else 1
    step = base**longest
    number = 0
    for predicate in sorted(facts):
        among = facts[predicate]
        match len(among[0]):
            case 1:
                for (one,) in among:
                    pairs[one].append((number * step, one))
            case 2:
                first, second = number * step, (number + 1) * step
                for one, other in among:
                    pairs[one].append((first, other))
                    pairs[other].append((second, one))
            case arity:
                for names in among:
                    for place, name in enumerate(names):
                        start = (number + place) * base ** (longest - arity)
                        rows.setdefault(name, []).append((names, start))
        number += len(among[0])
    return pairs, rows


def task_key(task: CompiledTask) -> str:
    """As `canonical_key`, of a task that was read rather than generated. A conjunct of a goal that is no literal counts
    as it is written but for the names of objects: the order of its parts tells tasks apart, and so do its variables."""
    objects = dict(task.objects)
    goal: list[Fact] = []
    for part, positive in dict.fromkeys(literals(task.problem.goal)):
        if isinstance(part, Atom):
            goal.append((part.predicate if positive else f"not {part.predicate}", *part.terms))
            continue
        said, names = _open(part)
        text = said if positive else f"not {said}"
        if names:
            # One more object, to which each name stands in its place: a fact of thousands of names would take long.
            conjunct = f"({len(objects)})"
            objects[conjunct] = text
            goal += [(f"({place})", conjunct, name) for place, name in enumerate(names)]
        else:
            goal.append((text,))
    return key_of(objects, task.problem.init, goal)


def _open(formula: Formula) -> tuple[str, Names]:
    """A condition with a hole for each name of an object, and these names in order."""
    names: list[str] = []

    def hole(term: str) -> str:
        if term.startswith("?"):
            return term
        names.append(term)
        return "_"

    def number(expression: Expression) -> Expression:
        match expression:
            case Atom(function, terms):
                return Atom(function, tuple(map(hole, terms)))
            case Arithmetic(operator, operands):
                return Arithmetic(operator, tuple(map(number, operands)))
            case _:
                return expression

    def opened(part: Formula) -> Formula:
        match part:
            case Atom(predicate, terms):
                return Atom(predicate, tuple(map(hole, terms)))
            case Equal(left, right):
                return Equal(hole(left), hole(right))
            case Compare(operator, left, right):
                return Compare(operator, number(left), number(right))
            case Not(operand):
                return Not(opened(operand))
            case And(operands) | Or(operands):
                return type(part)(tuple(map(opened, operands)))
            case Exists(parameters, body) | Forall(parameters, body):
                return type(part)(parameters, opened(body))
            case _:  # effects, which are in no goal
                return part

    return formula_text(opened(formula)), tuple(names)


def split_of(key: str) -> str:
    """The split that a canonical key belongs to."""
    share = int(blake2b(key.encode(), digest_size=8).hexdigest(), 16) / 2**64
    return next(name for name, (low, high) in SPLITS.items() if low <= share < high)


def check_split(name: str) -> None:
    if name not in SPLITS:
        raise InputError(f"unknown split {name!r}: the splits are {', '.join(SPLITS)}")
