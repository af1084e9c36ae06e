"""Named task sets: a few lines of `domains/sets.toml` each, from which anyone makes the same tasks.

A set by lengths has stretches of reference lengths and takes `each` tasks of every domain from each of them, spread
over the stretch; where a domain has too few of some length, the others give more, the longest first. A set by size
takes `each` tasks of a preset. The hash in the file is that of all its tasks, in order: a set that would no longer be
the same is refused instead of being measured.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

from planbench.errors import InputError, PlanbenchError
from planbench.paths import domains_dir
from planbench.records import Task
from planbench.suite.draft import Draft
from planbench.suite.generator import drafts, generate, tasks_of


@dataclass(frozen=True, slots=True)
class TaskSet:
    """What makes a set. Either `lengths` or `preset` says how its tasks are drawn; `each` counts a domain's tasks a
    stretch of lengths, or in the preset."""

    name: str
    about: str
    domains: tuple[str, ...]
    lengths: tuple[tuple[int, int], ...]
    preset: str | None
    each: int
    seed: int
    hash: str

    @property
    def size(self) -> int:
        """Tasks in all."""
        return self.each * len(self.domains) * (1 if self.preset else len(self.lengths))


@cache
def task_sets() -> dict[str, TaskSet]:
    """The named sets, in the order of the file."""
    read = tomllib.loads((domains_dir() / "sets.toml").read_text(encoding="utf-8"))
    return {
        name: TaskSet(
            name,
            table["about"],
            tuple(table["domains"]),
            tuple((low, high) for low, high in table.get("lengths", [])),
            table.get("preset"),
            table["each"],
            table["seed"],
            table["hash"],
        )
        for name, table in read.items()
    }


def make_set(name: str, domains: Sequence[str] | None = None) -> list[Task]:
    """The tasks of a set, domain by domain; with `domains`, of these alone.

    Raises InputError for a domain that the set does not have, PlanbenchError where the tasks are not those that the set
    was fixed with.
    """
    asked = task_sets()[name]
    for domain in domains or ():
        if domain not in asked.domains:
            raise InputError(f"task set {name} has no {domain!r}: it has {', '.join(asked.domains)}")
    chosen = [domain for domain in asked.domains if domains is None or domain in domains]
    tasks = [task for domain in chosen for task in _tasks(asked, domain)]
    if domains is None and set_hash(tasks) != asked.hash:
        raise PlanbenchError(
            f"task set {name}: this copy of planbench makes other tasks than it was fixed with"
            f" (hash {set_hash(tasks)}, not {asked.hash}); results would not be comparable"
        )
    return tasks


def set_hash(tasks: Sequence[Task]) -> str:
    """32 hexadecimal digits over the hashes of tasks, in order."""
    digest = blake2b(digest_size=16)
    for task in tasks:
        digest.update(task.hash.encode())
    return digest.hexdigest()


def evenly(domain: str, count: int, lengths: tuple[int, int], seed: int) -> list[Task]:
    """`count` tasks of a domain, fewer than there are lengths, spread over all of these. Raises InputError as
    `generate` does."""
    generate(domain, 0, seed=seed, plan_length=lengths)
    found: dict[str, Draft] = {}
    for part in _parts(lengths, count):
        _add(found, domain, 1, part, seed)
    _add(found, domain, count - len(found), lengths, seed)
    if len(found) < count:
        return generate(domain, count, seed=seed, plan_length=lengths)
    return tasks_of(domain, ((draft, key) for key, draft in found.items()))


def _tasks(asked: TaskSet, domain: str) -> list[Task]:
    if asked.preset is not None:
        return generate(domain, asked.each, seed=asked.seed, preset=asked.preset)
    found: dict[str, Draft] = {}
    for number, stretch in enumerate(asked.lengths, start=1):
        for part in _parts(stretch, asked.each):
            _add(found, domain, 1, part, asked.seed)
        _add(found, domain, number * asked.each - len(found), stretch, asked.seed)
    wanted = asked.each * len(asked.lengths)
    for stretch in reversed(asked.lengths):
        _add(found, domain, min(asked.each, wanted - len(found)), stretch, asked.seed)
    if len(found) < wanted:
        raise PlanbenchError(f"task set {asked.name}: {domain} has {len(found)} of {wanted} tasks of these lengths")
    return tasks_of(domain, sorted(((draft, key) for key, draft in found.items()), key=lambda one: len(one[0].plan)))


def _parts(stretch: tuple[int, int], count: int) -> Iterator[tuple[int, int]]:
    """A range of lengths cut into `count` ranges, which overlap where it has fewer lengths."""
    low, high = stretch
    for number in range(count):
        start = low + number * (high + 1 - low) // count
        yield start, max(start, low + (number + 1) * (high + 1 - low) // count - 1)


def _add(found: dict[str, Draft], domain: str, count: int, lengths: tuple[int, int], seed: int) -> None:
    """At most `count` new tasks of some lengths, by their canonical keys."""
    most = len(found) + max(0, count)
    for draft, key in drafts(domain, len(found) + most, seed=seed, plan_length=lengths):
        if len(found) >= most:
            return
        found.setdefault(key, draft)
