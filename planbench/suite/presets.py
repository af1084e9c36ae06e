"""Presets: named ranges of sizes in a domain.toml, from the first task of a set to the last.

    [presets.easy]
    cars = [1, 20]
    locations = [5, 15]

The sizes of a set grow evenly and together, as in the learning track of IPC 2023: the first task has one car and five
locations, the last twenty and fifteen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from planbench.errors import InputError
from planbench.suite.catalog import DomainInfo

Ranges = Mapping[str, tuple[int, int]]


def presets_of(info: DomainInfo) -> dict[str, Ranges]:
    """The presets of a domain by name, in the order of its file. Raises InputError where they do not read so."""
    return {str(name): _ranges(info, str(name), table) for name, table in info.settings.get("presets", {}).items()}


def sizes_of(info: DomainInfo, preset: str, count: int) -> list[dict[str, int]]:
    """The sizes of each of `count` tasks. Raises InputError where the domain has no such preset."""
    presets = presets_of(info)
    if preset not in presets:
        known = f"it has {', '.join(presets)}" if presets else "it has none"
        raise InputError(f"{info.name} has no preset {preset!r}: {known}")
    return [
        {name: _between(start, end, index, count) for name, (start, end) in presets[preset].items()}
        for index in range(count)
    ]


def _between(start: int, end: int, index: int, count: int) -> int:
    """The whole number nearest to where task `index` of `count` stands on the way."""
    gaps = max(1, count - 1)
    return start + (2 * (end - start) * index + gaps) // (2 * gaps)


def _ranges(info: DomainInfo, preset: str, table: object) -> Ranges:
    file = info.folder / "domain.toml"
    if not isinstance(table, dict) or not table:
        raise InputError(f"{file}: [presets.{preset}] must be a table of sizes, as cars = [1, 20]")
    found: dict[str, tuple[int, int]] = {}
    for name, bounds in cast("dict[str, object]", table).items():
        whole = cast("list[object]", bounds) if isinstance(bounds, list) else []
        numbers = [bound for bound in whole if type(bound) is int and bound >= 0]
        if len(whole) != 2 or len(numbers) != 2:
            raise InputError(f"{file}: [presets.{preset}] {name} must be two whole numbers, as [1, 20]")
        found[name] = (numbers[0], numbers[1])
    return found
