"""What the small planner learns from: short reference plans in the compact style, under names that mean nothing.

Every use of a task draws new numbers for its objects, and for coordinates a new corner of the plane, so that a planner
can learn only from how the objects relate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from planbench.core.verdict import Plan
from planbench.errors import InputError
from planbench.prompts.compact import Scene, Words, name_objects, plan_words, prompt_words
from planbench.suite.catalog import domain_info
from planbench.suite.generator import drafts

NUMBERS: dict[str, int] = {"block": 32, "package": 24, "location": 24}
"""How many objects of a type the vocabulary names; of other types, `OTHER_NUMBERS`."""

OTHER_NUMBERS = 8

COORDINATES = 10
"""Coordinates run from 0 to one less than this."""


@dataclass(frozen=True)
class Example:
    """A task with the plan to be learned, and what its domain leaves out of the prompt."""

    scene: Scene
    plan: Plan
    omit: tuple[str, ...]


def base_examples(domains: Sequence[str], count: int, *, seed: int, longest: int) -> Iterator[Example]:
    """Up to `count` tasks a domain of split `base` with plans of 1 to `longest` steps: fewer where there are fewer."""
    for domain in domains:
        omit = tuple(domain_info(domain).settings.get("compact", {}).get("omit", ()))
        found = False
        for draft, _ in drafts(domain, count, seed=seed, plan_length=(1, longest), split="base"):
            found = True
            yield Example(Scene(domain, draft.objects, draft.init, draft.goal), draft.plan, omit)
        if not found:
            raise InputError(f"{domain} has no task of 1 to {longest} steps to train on")


def words_of(example: Example, rng: Random) -> tuple[list[str], list[str]]:
    """One use of an example, freshly named: the words of the prompt and those of the plan."""
    names = _fresh_names(example.scene, rng)
    return prompt_words(example.scene, names, example.omit), plan_words(example.plan, names)


def vocabulary(examples: Sequence[Example]) -> list[str]:
    """Every word that examples may use, in a fixed order: the words of the domains, then the names of objects."""
    words: dict[str, None] = {}
    kinds: dict[str, None] = {}
    for example in examples:
        names = name_objects(example.scene.objects)
        single = {parts[0] for parts in names.values()} | {parts[-1] for parts in names.values()}
        used = [*prompt_words(example.scene, names, example.omit), *(step[0] for step in example.plan)]
        words.update(dict.fromkeys(word for word in used if word not in single))
        kinds.update({kind: None for name, kind in example.scene.objects.items() if len(names[name]) == 1})
    named = [f"{kind}{number}" for kind in sorted(kinds) for number in range(1, NUMBERS.get(kind, OTHER_NUMBERS) + 1)]
    placed = [f"{axis}{number}" for axis in "xy" for number in range(COORDINATES)]
    return [*sorted(words), *named, *placed]


def _fresh_names(scene: Scene, rng: Random) -> dict[str, Words]:
    count: dict[str, int] = {}
    for kind in scene.objects.values():
        count[kind] = count.get(kind, 0) + 1
    numbers = {
        kind: rng.sample(range(1, max(NUMBERS.get(kind, OTHER_NUMBERS), many) + 1), many)
        for kind, many in count.items()
    }
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
