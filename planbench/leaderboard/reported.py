"""Numbers that papers report, of other tasks than ours: shown apart, marked as reported, never ranked.

They stand in `reported.toml`, each group with its source, its date, and why it cannot be compared.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Reported:
    """A row. `solved` is text as the source gives it, in tasks or percent."""

    model: str
    tasks: str
    solved: str
    source: str
    link: str
    date: str
    caveat: str


@cache
def reported() -> tuple[Reported, ...]:
    read = tomllib.loads((Path(__file__).with_name("reported.toml")).read_text(encoding="utf-8"))
    return tuple(
        Reported(model, tasks, solved, group["source"], group["link"], group["date"], group["caveat"])
        for group in read["group"]
        for model, figures in group["solved"].items()
        for tasks, solved in zip(group["tasks"], figures, strict=True)
        if solved
    )


@dataclass(frozen=True, slots=True)
class Group:
    """What one source reports: a row a model, a figure for each of `tasks`, empty where there is none."""

    source: str
    link: str
    date: str
    caveat: str
    tasks: list[str]
    rows: list[tuple[str, list[str]]]


def groups(found: Sequence[Reported]) -> list[Group]:
    """The rows by source."""
    made: list[Group] = []
    for (source, link, date, caveat), members in groupby(
        found, key=lambda one: (one.source, one.link, one.date, one.caveat)
    ):
        figures: dict[str, dict[str, str]] = {}
        for one in members:
            figures.setdefault(one.model, {})[one.tasks] = one.solved
        tasks = list(dict.fromkeys(name for row in figures.values() for name in row))
        rows = [(model, [row.get(name, "") for name in tasks]) for model, row in figures.items()]
        made.append(Group(source, link, date, caveat, tasks, rows))
    return made
