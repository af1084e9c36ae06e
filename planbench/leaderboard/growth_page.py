"""The page of an iterate run: what each generation solved, arm by arm."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planbench import wording
from planbench.leaderboard import charts
from planbench.leaderboard.entry_page import PlainTable
from planbench.leaderboard.growth import Growth
from planbench.leaderboard.html import render
from planbench.leaderboard.rows import Cell
from planbench.records.iterate import SPLITS, Across

_HEADINGS = {"pool": "On the pool, as sampled", "held_out": "On held-out tasks", "longer": "On longer tasks"}
NONE: Cell = (wording.NOTHING, "")


@dataclass(frozen=True, slots=True)
class Figure:
    heading: str
    caption: str
    svg: str
    lines: list[charts.Line]


def growth_page(growth: Growth) -> str:
    return render(
        "growth.html.jinja",
        root="../",
        title=f"{wording.shown(growth.title, 80)} · planbench leaderboard",
        title_of=wording.shown(growth.title, 120),
        growth=growth,
        says=says(growth),
        figures=[figure for split in ("held_out", "longer", "pool") if (figure := _figure(growth, split))],
        data=f"{growth.id}.csv",
        tables=[_table(growth, arm) for arm in growth.summary.arms],
        settings=list(_settings(growth.summary.config)),
    )


def says(growth: Growth) -> str:
    """The run in a line: what became of its first arm on held-out tasks."""
    arms = list(growth.summary.arms)
    rows = [row for row in growth.summary.across if row.split == "held_out" and arms and row.arm == arms[0]]
    if not rows:
        return ""
    rows.sort(key=lambda row: row.generation)
    (first, last), arm = (rows[0], rows[-1]), wording.shown(arms[0], 40)
    return (
        f"{arm}: {wording.percent(first.rate)} of held-out tasks at generation {first.generation}, "
        f"{wording.percent(last.rate)} {wording.percent_interval(last.ci)} at {last.generation}"
    )


def growth_rows(growth: Growth) -> list[dict[str, Any]]:
    """The numbers of the figures."""
    return [
        {
            "arm": row.arm,
            "generation": row.generation,
            "split": row.split,
            "seeds": row.seeds,
            "rate": row.rate,
            "low": row.ci[0],
            "high": row.ci[1],
            "horizon": row.horizon.value,
            "longest_reference_solved": row.longest_reference_solved,
        }
        for row in growth.summary.across
    ]


def _of(growth: Growth, arm: str, split: str) -> list[Across]:
    rows = [row for row in growth.summary.across if (row.arm, row.split) == (arm, split)]
    return sorted(rows, key=lambda row: row.generation)


def _figure(growth: Growth, split: str) -> Figure | None:
    lines = [
        charts.Line(
            wording.shown(arm, 40),
            tuple(charts.Point(row.generation, row.rate, row.ci) for row in _of(growth, arm, split)),
        )
        for arm in growth.summary.arms
    ]
    if not any(line.points for line in lines):
        return None
    seeds = max((row.seeds for row in growth.summary.across), default=1)
    over = f"mean of {seeds} seeds, 95% intervals over seeds and tasks" if seeds > 1 else "95% intervals"
    heading = _HEADINGS[split]
    asked = next((one for one in growth.summary.task_sets if one.name == split), None)
    lengths = f" of {asked.lengths[0]} to {asked.lengths[1]} steps" if asked and asked.lengths else ""
    tasks = f" {asked.tasks:,} tasks{lengths}." if asked else ""
    top = charts.top_of(lines)
    scale = f" The axis ends at {top:.0%}." if top < 1 else ""
    return Figure(
        heading,
        f"Share of valid plans by generation, {over}.{tasks}{scale}",
        charts.by_generation(lines, split.replace("_", "-"), f"{heading}, {growth.title}"),
        lines,
    )


def _table(growth: Growth, arm: str) -> PlainTable:
    by_split = {split: {row.generation: row for row in _of(growth, arm, split)} for split in SPLITS}
    generations = sorted({number for rows in by_split.values() for number in rows})
    rows: list[list[Cell]] = []
    for number in generations:
        of = [by_split[split].get(number) for split in SPLITS]
        rates = [(wording.percent(one.rate), wording.percent_interval(one.ci)) if one else NONE for one in of]
        held_out = by_split["held_out"].get(number)
        horizon = wording.horizon_value(held_out.horizon) if held_out else wording.NOTHING
        solved = [one.longest_reference_solved for one in of[1:] if one and one.longest_reference_solved is not None]
        longest = wording.number(max(solved, default=None), 0)
        rows.append([(str(number), ""), *rates, (horizon, ""), (longest, "")])
    headings = ["gen", "pool", "held-out", "longer", "horizon, steps", "longest solved, steps"]
    return PlainTable(f"Arm {wording.shown(arm, 40)}: valid plans", headings, rows)


def _settings(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in config.items():
        if isinstance(value, dict) and value:
            yield from _settings(value, f"{prefix}{name}.")
        elif value is not None and value != {}:
            yield wording.shown(f"{prefix}{name}", 80), wording.shown(json.dumps(value, ensure_ascii=False), 200)
