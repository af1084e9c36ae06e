"""Boards, and ranks within them.

A board is a named task set in given words: what was asked the same tasks is ranked together. The rank of a row is one
more than the number of rows that lie above it for certain, with their whole interval above its own; so rows whose
intervals overlap share a rank unless something else sets them apart, and a rank says no more than the intervals do.
(Chatbot Arena ranks by the same rule, on another score.)
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from planbench.leaderboard.entry import Entry
from planbench.records.summary import Part
from planbench.suite.sets import task_sets

FIRST = "standard"
"""The board that is shown first."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row: an entry, or its part on one domain. `tied` where other rows have the same rank."""

    entry: Entry
    part: Part
    rank: int | None
    tied: bool

    @property
    def place(self) -> str:
        return "" if self.rank is None else f"{'=' if self.tied else ''}{self.rank}"


def boards(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """The entries by board: `standard` first, then in the order of the sets, renamed tasks after plain ones."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.board, []).append(entry)
    order = list(task_sets())

    def place(board: str) -> tuple[bool, int, str]:
        name = found[board][0].tasks.set
        return board != FIRST, order.index(name) if name in order else len(order), board

    return {board: found[board] for board in sorted(found, key=place)}


def whole(entry: Entry) -> Part:
    return entry.results


def ranked(entries: Sequence[Entry], part_of: Callable[[Entry], Part | None] = whole) -> list[Ranked]:
    """The rows in order of rank. Entries for which there is no part are left out."""
    parts = [(entry, part) for entry in entries if (part := part_of(entry)) is not None]
    lows = sorted(part.valid_ci[0] for _, part in parts if part.valid_ci is not None)

    def rank(part: Part) -> int | None:
        return None if part.valid_ci is None else 1 + len(lows) - bisect_right(lows, part.valid_ci[1])

    ranks = [rank(part) for _, part in parts]
    counts = {one: ranks.count(one) for one in set(ranks)}
    rows = [
        Ranked(entry, part, place, place is not None and counts[place] > 1)
        for (entry, part), place in zip(parts, ranks, strict=True)
    ]
    return sorted(rows, key=lambda row: (row.rank or len(rows) + 1, -(row.part.valid_rate or 0.0), row.entry.id))
