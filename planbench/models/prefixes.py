"""Which prompts begin alike, so that their common beginning is read once.

Prompts in lexicographic order that share a beginning stand side by side, so the groups are stretches of that order. A
stretch is cut where its members share least, if the parts share so much more among themselves that reading a beginning
for each of them pays. Everything here is a function of the set of prompts alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

Tokens = tuple[int, ...]

WORTH = 16
"""Tokens: a shorter beginning is not shared."""

_GAIN = 1.1
"""A stretch is cut where its parts save so many times as much: every group is one more product of matrices a layer."""


@dataclass(frozen=True, slots=True)
class Group:
    """Prompts that begin with `prefix`, in lexicographic order. At least one token of each stands behind it."""

    prefix: Tokens
    prompts: tuple[Tokens, ...]


def shared_prefixes(prompts: Iterable[Tokens]) -> list[Group]:
    """Distinct prompts of one token or more, in groups."""
    ordered = sorted(set(prompts))
    shared = [_common(one, two) for one, two in pairwise(ordered)]
    groups: list[Group] = []
    open_stretches = [(0, len(ordered))] if ordered else []
    while open_stretches:
        first, end = open_stretches.pop()
        parts = _parts(shared, first, end)
        whole = (end - first - 1) * _least(shared, first, end)
        apart = sum((high - low - 1) * _least(shared, low, high) for low, high in parts)
        if len(parts) > 1 and apart > _GAIN * whole:
            open_stretches.extend(reversed(parts))
            continue
        members = tuple(ordered[first:end])
        size = min(_least(shared, first, end), min(map(len, members)) - 1)
        if len(members) == 1:  # its samples share all but the last token, which the first step reads
            size = len(members[0]) - 1
        groups.append(Group(members[0][: size if size >= WORTH else 0], members))
    return groups


def _least(shared: list[int], first: int, end: int) -> int:
    """What the prompts of a stretch have in common; a single one shares nothing."""
    return min(shared[first : end - 1], default=0)


def _parts(shared: list[int], first: int, end: int) -> list[tuple[int, int]]:
    """A stretch, cut wherever neighbours share no more than the whole stretch does."""
    least = _least(shared, first, end)
    cuts = [place + 1 for place in range(first, end - 1) if shared[place] == least]
    return list(zip([first, *cuts], [*cuts, end], strict=True))


def _common(one: Tokens, two: Tokens) -> int:
    """The length of the longest common beginning, by halving: comparing tuples is cheap."""
    low, high = 0, min(len(one), len(two))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == two[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
