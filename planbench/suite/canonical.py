"""Which tasks are the same up to renaming of objects, and which split a task belongs to.

Objects are coloured by their type and then, round after round, by the coloured facts of start and goal that they stand
in (colour refinement, also known as the one-dimensional Weisfeiler-Leman test; Grohe, "Descriptive Complexity,
Canonisation, and Definable Graph Structure Theory", 2017, chapter 3). Two tasks that are equal up to renaming always
get the same key. The converse may fail, on very regular tasks only: then two different tasks count as the same, and
one of them is left out, which is the harmless side.

The split of a task is a function of its key, so that tasks of different splits are never the same up to renaming,
whatever the seeds they were made from: what a model was trained on needs no list to be kept out of its evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from planbench.core.compile import CompiledTask
from planbench.core.syntax import Atom, literals
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
    facts = [("i:" + fact[0], fact[1:]) for fact in init] + [("g:" + fact[0], fact[1:]) for fact in goal]
    colour: dict[str, int] = _ranks({name: (kind,) for name, kind in objects.items()})
    count = len(set(colour.values()))
    while True:
        seen: dict[str, list[tuple[object, ...]]] = {name: [] for name in objects}
        for predicate, arguments in facts:
            colours = tuple(colour[name] for name in arguments)
            for place, name in enumerate(arguments):
                seen[name].append((predicate, place, colours))
        colour = _ranks({name: (colour[name], tuple(sorted(seen[name]))) for name in objects})
        finer = len(set(colour.values()))
        if finer == count:
            break
        count = finer
    kinds = sorted((colour[name], kind) for name, kind in objects.items())
    coloured = sorted((predicate, *(colour[name] for name in arguments)) for predicate, arguments in facts)
    return blake2b(repr((kinds, coloured)).encode(), digest_size=16).hexdigest()


def task_key(task: CompiledTask) -> str:
    """As `canonical_key`, of a task that was read rather than generated. Conjuncts of a goal that are no literals
    count as they are written, so that such tasks are told apart by the names of objects too."""
    goal: list[Fact] = []
    for part, positive in literals(task.problem.goal):
        if isinstance(part, Atom):
            goal.append((part.predicate if positive else f"not {part.predicate}", *part.terms))
        else:
            text = formula_text(part)
            goal.append((text if positive else f"not {text}",))
    return key_of(task.objects, task.problem.init, goal)


def split_of(key: str) -> str:
    """The split that a canonical key belongs to."""
    share = int(blake2b(key.encode(), digest_size=8).hexdigest(), 16) / 2**64
    return next(name for name, (low, high) in SPLITS.items() if low <= share < high)


def check_split(name: str) -> None:
    if name not in SPLITS:
        raise InputError(f"unknown split {name!r}: the splits are {', '.join(SPLITS)}")


def _ranks(signature: dict[str, tuple[object, ...]]) -> dict[str, int]:
    """Each signature's place among the sorted distinct ones: a colour that does not depend on names or order."""
    order = {value: rank for rank, value in enumerate(sorted(set(signature.values())))}
    return {name: order[value] for name, value in signature.items()}
