"""What the small planner learns from: short reference plans in the compact style, freshly named at every use
(`planbench.prompts.compact_names`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from planbench.core.verdict import Plan
from planbench.errors import InputError
from planbench.prompts.compact import Scene, name_objects, plan_words, prompt_words
from planbench.prompts.compact_names import COORDINATES, NUMBERS, OTHER_NUMBERS, fresh_names
from planbench.prompts.layout import Layout
from planbench.suite.catalog import domain_info
from planbench.suite.generator import short_drafts


@dataclass(frozen=True)
class Example:
    """A task with the plan to be learned, and how its domain lays out the prompt."""

    scene: Scene
    plan: Plan
    layout: Layout


def base_examples(
    domains: Sequence[str], count: int, *, seed: int, longest: int, wide: bool = True
) -> Iterator[Example]:
    """Up to `count` tasks a domain (`planbench.suite.generator.short_drafts`): fewer where there are fewer."""
    for domain in domains:
        layout = Layout.of(domain_info(domain).settings.get("compact", {}))
        found = False
        for draft, _ in short_drafts(domain, count, seed=seed, longest=longest, wide=wide):
            found = True
            scene = Scene(domain, draft.objects, draft.init, draft.goal, draft.constants)
            yield Example(scene, draft.plan, layout)
        if not found:
            raise InputError(f"{domain} has no task of 1 to {longest} steps to train on")


def words_of(example: Example, rng: Random) -> tuple[list[str], list[str]]:
    """One use of an example, freshly named: the words of the prompt and those of the plan."""
    names = fresh_names(example.scene, rng)
    return prompt_words(example.scene, names, example.layout), plan_words(example.plan, names)


def vocabulary(examples: Sequence[Example]) -> list[str]:
    """Every word that examples may use, in a fixed order: the words of the domains, then the names of objects."""
    words: dict[str, None] = {}
    kinds: dict[str, None] = {}
    for example in examples:
        names = name_objects(example.scene.objects)
        single = {parts[0] for parts in names.values()} | {parts[-1] for parts in names.values()}
        used = [*prompt_words(example.scene, names, example.layout), *(step[0] for step in example.plan)]
        words.update(dict.fromkeys(word for word in used if word not in single))
        kinds.update({kind: None for name, kind in example.scene.objects.items() if len(names[name]) == 1})
    named = [f"{kind}{number}" for kind in sorted(kinds) for number in range(1, NUMBERS.get(kind, OTHER_NUMBERS) + 1)]
    placed = [f"{axis}{number}" for axis in "xy" for number in range(COORDINATES)]
    return [*sorted(words), *named, *placed]
