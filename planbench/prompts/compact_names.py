"""Names that mean nothing, for training in the compact style.

Every use of a task draws new numbers for its objects, and for coordinates a new corner of the plane, so that a planner
can learn only from how the objects relate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from planbench.prompts.compact import Scene, Words, name_objects

NUMBERS: dict[str, int] = {"block": 32, "package": 24, "location": 24, "waypoint": 12}
"""How many objects of a type the vocabulary names; of other types, `OTHER_NUMBERS`."""

OTHER_NUMBERS = 8

COORDINATES = 10
"""Coordinates run from 0 to one less than this."""


def fresh_names(scene: Scene, rng: Random) -> dict[str, Words]:
    """Each object's words, drawn anew but for those of constants, which mean the same in every task."""
    places: dict[str, list[int | None]] = {}
    for name, kind in scene.objects.items():
        of_kind = places.setdefault(kind, [])
        of_kind.append(len(of_kind) + 1 if name in scene.constants else None)
    numbers = {kind: _drawn(kind, kept, rng) for kind, kept in places.items()}
    names = name_objects(scene.objects, numbers)
    corners = [(int(parts[0][1:]), int(parts[1][1:])) for parts in names.values() if len(parts) == 2]
    if not corners:
        return names
    right = rng.randint(0, max(0, COORDINATES - 1 - max(x for x, _ in corners)))
    up = rng.randint(0, max(0, COORDINATES - 1 - max(y for _, y in corners)))
    return {
        name: parts if len(parts) == 1 else (f"x{int(parts[0][1:]) + right}", f"y{int(parts[1][1:]) + up}")
        for name, parts in names.items()
    }


def _drawn(kind: str, kept: Sequence[int | None], rng: Random) -> list[int]:
    """The numbers of a type's objects: those that are kept, and for None another one each."""
    free = [number for number in range(1, max(NUMBERS.get(kind, OTHER_NUMBERS), len(kept)) + 1) if number not in kept]
    drawn = iter(rng.sample(free, kept.count(None)))
    return [next(drawn) if number is None else number for number in kept]


def renaming(scene: Scene, names: Mapping[str, Words]) -> dict[str, str]:
    """The words of a prompt and of a reply to it, each with its word under `names`; a word that is left out stays.

    It is one to one on all words of the vocabulary that could name an object: one that names none, which a wrong reply
    may use, becomes one that names none afterwards, so that the reply stays as wrong as it was.
    """
    before = name_objects(scene.objects)
    words: dict[str, str] = {}
    for name, old in before.items():
        words.update(zip(old, names[name], strict=True))
    for kind in dict.fromkeys(kind for name, kind in scene.objects.items() if len(before[name]) == 1):
        named = [f"{kind}{number}" for number in range(1, NUMBERS.get(kind, OTHER_NUMBERS) + 1)]
        taken = set(words.values())
        left = [word for word in named if word not in taken]
        # A task with more objects than the vocabulary has words for leaves nothing over on either side.
        words.update(zip([word for word in named if word not in words], left, strict=False))
    for axis, shift in _shifts(before, names).items():
        for number in range(COORDINATES):
            words.setdefault(f"{axis}{number}", f"{axis}{(number + shift) % COORDINATES}")
    return {old: new for old, new in words.items() if old != new}


def _shifts(before: Mapping[str, Words], names: Mapping[str, Words]) -> dict[str, int]:
    """By how much the coordinates of a task moved, for each axis."""
    placed = next((name for name, parts in before.items() if len(parts) == 2), None)
    if placed is None:
        return {}
    return {old[0]: int(new[1:]) - int(old[1:]) for old, new in zip(before[placed], names[placed], strict=True)}
