"""Named task sets: a few lines of `domains/sets.toml` each, from which anyone makes the same tasks.

A set by lengths has stretches of reference lengths and takes `each` tasks of every domain from each of them, spread
over the stretch; where a domain has too few of some length, the others give more, the longest first. A set by size
takes `each` tasks of a preset. The hash in the file is that of all its tasks, in order, and each domain's part has its
own: what would no longer be the same is refused instead of being measured.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from planbench.errors import InputError, PlanbenchError
from planbench.paths import domains_dir
from planbench.records import Task, task_set_hash
from planbench.suite.draft import Draft
from planbench.suite.generator import generate, tasks_of
from planbench.suite.lengths import add, add_spread


@dataclass(frozen=True, slots=True)
class TaskSet:
    """What makes a set. Either `lengths` or `preset` says how its tasks are drawn; `each` counts a domain's tasks a
    stretch of lengths, or in the preset. `hash` is empty where none is fixed yet, `hashes` are those of the domains."""

    name: str
    about: str
    domains: tuple[str, ...]
    lengths: tuple[tuple[int, int], ...]
    preset: str | None
    each: int
    seed: int
    hash: str
    hashes: Mapping[str, str]

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
            table.get("hash", ""),
            table.get("hashes", {}),
        )
        for name, table in read.items()
    }


def make_set(name: str, domains: Sequence[str] | None = None) -> list[Task]:
    """The tasks of a set, domain by domain; with `domains`, of these alone.

    Raises InputError for a domain that the set does not have, PlanbenchError where the tasks are not those that the set
    was fixed with.
    """
    asked = task_sets()[name]
    parts = make_parts(asked, domains)
    tasks = [task for part in parts.values() for task in part]
    if len(parts) == len(asked.domains):
        _check(name, tasks, asked.hash)
    else:
        for domain, part in parts.items():
            _check(f"{name}, {domain}", part, asked.hashes.get(domain, ""))
    return tasks


def make_parts(asked: TaskSet, domains: Sequence[str] | None = None) -> dict[str, list[Task]]:
    """As `make_set`, by domain and whatever comes out."""
    for domain in domains or ():
        if domain not in asked.domains:
            raise InputError(f"task set {asked.name} has no {domain!r}: it has {', '.join(asked.domains)}")
    return {domain: _tasks(asked, domain) for domain in asked.domains if domains is None or domain in domains}


def _check(what: str, tasks: Sequence[Task], fixed: str) -> None:
    if (made := task_set_hash(tasks)) != fixed:
        raise PlanbenchError(
            f"task set {what}: this copy of planbench makes other tasks than it was fixed with (hash"
            f" {made}, not {fixed or 'given'}); results would not be comparable"
        )


def _tasks(asked: TaskSet, domain: str) -> list[Task]:
    if asked.preset is not None:
        return generate(domain, asked.each, seed=asked.seed, preset=asked.preset)
    found: dict[str, Draft] = {}
    for number, stretch in enumerate(asked.lengths, start=1):
        add_spread(found, domain, asked.each, stretch, asked.seed)
        add(found, domain, number * asked.each - len(found), stretch, asked.seed)
    wanted = asked.each * len(asked.lengths)
    for stretch in reversed(asked.lengths):
        add(found, domain, min(asked.each, wanted - len(found)), stretch, asked.seed)
    if len(found) < wanted:
        raise PlanbenchError(f"task set {asked.name}: {domain} has {len(found)} of {wanted} tasks of these lengths")
    return tasks_of(domain, sorted(((draft, key) for key, draft in found.items()), key=lambda one: len(one[0].plan)))
