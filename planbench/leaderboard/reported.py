"""Numbers that papers report, of other tasks than ours: shown apart, marked as reported, never ranked.

They stand in `reported.toml`, each group with its source, its date, and why it cannot be compared.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
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
