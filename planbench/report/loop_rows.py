"""How the tables and the figures of an iterate run walk through its summary: arms, seeds, generations, splits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from planbench import wording
from planbench.records.iterate import SPLITS, Across, Generation, IterateSummary
from planbench.records.summary import Part

Number = TypeVar("Number", bound=float)

Block = tuple[str, int, list[Generation]]
"""An arm, a seed, and the generations of the two in order."""


def blocks(rows: Iterable[Generation]) -> list[Block]:
    """Every arm and seed that has rows, in the order of their first ones."""
    found: dict[tuple[str, int], list[Generation]] = {}
    for row in rows:
        found.setdefault((row.arm, row.seed), []).append(row)
    return [(arm, seed, sorted(of, key=lambda row: row.generation)) for (arm, seed), of in found.items()]


def rows_of(summary: IterateSummary) -> list[Generation]:
    return [row for rows in summary.arms.values() for row in rows]


def block_name(arm: str, seed: int) -> str:
    return f"{wording.shown(arm, 40)}, seed {seed}"


def part_of(row: Generation, split: str) -> Part | None:
    """A split of a generation, or a probe; None where it was not measured."""
    return getattr(row, split) if split in SPLITS else row.probes.get(split)


def splits_of(rows: Iterable[Generation]) -> list[str]:
    """The splits that at least one of the rows was measured on."""
    known = list(rows)
    return [split for split in SPLITS if any(part_of(row, split) is not None for row in known)]


def seeds_of(rows: Iterable[Generation]) -> list[int]:
    return sorted({row.seed for row in rows})


def across_of(summary: IterateSummary, arm: str, split: str) -> list[Across]:
    """An arm's means over seeds on a split, by generation."""
    found = [row for row in summary.across if row.arm == arm and row.split == split]
    return sorted(found, key=lambda row: row.generation)


def longest_solved(row: Generation) -> int | None:
    """Over the tasks that no generation was deployed on."""
    return largest(part.longest_reference_solved for part in (row.held_out, row.longer) if part is not None)


def largest(numbers: Iterable[Number | None]) -> Number | None:
    return max((number for number in numbers if number is not None), default=None)


def mean(numbers: Iterable[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return sum(known) / len(known) if known else None


def members(rows: Sequence[Generation], generation: int) -> list[Generation]:
    """A generation of an arm, a row a seed."""
    return sorted((row for row in rows if row.generation == generation), key=lambda row: row.seed)


def numbers_of(rows: Iterable[Generation]) -> list[int]:
    """The generations that at least one seed has reached."""
    return sorted({row.generation for row in rows})


def set_word(name: str) -> str:
    """A task set, or a phase, by the name that is shown."""
    return wording.SPLIT_WORDS.get(name) or wording.shown(name, 28)


def last_of(rows: Sequence[Generation]) -> int:
    """The last generation that every seed of an arm has reached."""
    return min(max(row.generation for row in rows if row.seed == seed) for seed in seeds_of(rows))


def labels(summary: IterateSummary) -> list[str]:
    """The arms by the names that are shown, in the order of their colours."""
    return [wording.shown(arm, 40) for arm in summary.arms]
