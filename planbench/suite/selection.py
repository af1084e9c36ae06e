"""Choosing some of many tasks, evenly."""

from __future__ import annotations

from collections.abc import Sequence

from planbench.records import Task


def spread(tasks: Sequence[Task], limit: int) -> list[Task]:
    """At most `limit` tasks, the same number from every domain as far as they have them, and within a domain spread
    evenly over the reference lengths. The order of the tasks is kept."""
    if len(tasks) <= limit:
        return list(tasks)
    by_domain: dict[str, list[int]] = {}
    for index, task in enumerate(tasks):
        by_domain.setdefault(task.domain, []).append(index)
    shares = _shares([len(indices) for indices in by_domain.values()], limit)
    kept: list[int] = []
    for indices, share in zip(by_domain.values(), shares, strict=True):
        ordered = sorted(indices, key=lambda index: (tasks[index].reference_length or 0, index))
        # The middle of each of `share` equal stretches.
        kept += [ordered[(2 * place + 1) * len(ordered) // (2 * share)] for place in range(share)]
    return [tasks[index] for index in sorted(kept)]


def _shares(sizes: list[int], limit: int) -> list[int]:
    """How many to take of each, as equal as the sizes allow."""
    shares = [0] * len(sizes)
    while left := limit - sum(shares):
        room = [index for index, size in enumerate(sizes) if shares[index] < size]
        if not room:
            break
        step = max(1, left // len(room))
        for index in room[:left]:
            shares[index] += min(step, sizes[index] - shares[index])
    return shares
