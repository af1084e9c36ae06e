"""Few tasks over many plan lengths: one from each of as many parts of the range, instead of its first lengths."""

from __future__ import annotations

from collections.abc import Iterator

from planbench.records import Task
from planbench.suite.draft import Draft
from planbench.suite.generator import Tick, drafts, generate, tasks_of, untold


def evenly(domain: str, count: int, lengths: tuple[int, int], seed: int, tick: Tick = untold) -> list[Task]:
    """`count` tasks of a domain whose reference plans are spread over all of `lengths`. Raises InputError as `generate`
    does, and is `generate` where there are as many tasks as lengths."""
    if count > lengths[1] - lengths[0]:
        return generate(domain, count, seed=seed, plan_length=lengths, tick=tick)
    generate(
        domain, 0, seed=seed, plan_length=lengths
    )  # what cannot be made is refused in the words of the whole range
    found: dict[str, Draft] = {}
    add_spread(found, domain, count, lengths, seed)
    if len(found) < count:
        return generate(domain, count, seed=seed, plan_length=lengths, tick=tick)
    return tasks_of(domain, ((draft, key) for key, draft in found.items()))


def add_spread(found: dict[str, Draft], domain: str, count: int, lengths: tuple[int, int], seed: int) -> None:
    """At most `count` new tasks by their canonical keys, from as many parts of a range; where a part has none, from
    anywhere in it."""
    most = len(found) + count
    for part in _parts(lengths, count):
        add(found, domain, 1, part, seed)
    add(found, domain, most - len(found), lengths, seed)


def add(found: dict[str, Draft], domain: str, count: int, lengths: tuple[int, int], seed: int) -> None:
    """At most `count` new tasks of some lengths, by their canonical keys."""
    if count < 1:
        return
    most = len(found) + count
    for draft, key in drafts(domain, len(found) + most, seed=seed, plan_length=lengths):
        if len(found) >= most:
            return
        found.setdefault(key, draft)


def _parts(lengths: tuple[int, int], count: int) -> Iterator[tuple[int, int]]:
    """A range cut into `count` ranges, which overlap where it has fewer lengths."""
    low, high = lengths
    for number in range(count):
        start = low + number * (high + 1 - low) // count
        yield start, max(start, low + (number + 1) * (high + 1 - low) // count - 1)
