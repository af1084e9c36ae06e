"""The page of an iterate run: what grew, in a line, in tables and in figures, and what it was asked for.

As every page of ours it is one file that asks nothing of the network; the same summary gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planbench import wording
from planbench.records.iterate import Across, FirstSolved, IterateSummary
from planbench.report.html import render
from planbench.report.loop_figures import loop_drawings
from planbench.report.loop_rewards import costs
from planbench.report.loop_rows import across_of, blocks, labels, last_of, numbers_of, rows_of
from planbench.report.loop_tables import (
    Table,
    comparisons,
    generations,
    means,
    phases,
    task_sets,
    trainings,
)

_ARROW = " → "


@dataclass(frozen=True, slots=True)
class Headline:
    """An arm in a line: what was, and what became of it. Each fact is its name, its value, and the intervals."""

    arm: str
    says: str
    facts: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A task that no earlier generation solved."""

    heading: str
    problem: str
    plan: str


def iterate_page(summary: IterateSummary, title: str) -> str:
    """The page as text."""
    return render(
        "loop.html.jinja",
        title=wording.shown(title, 200),
        summary=summary,
        last=max((row.generation for row in rows_of(summary)), default=None),
        headlines=[_headline(summary, arm) for arm, rows in summary.arms.items() if rows],
        tables=list(_tables(summary)),
        drawings=loop_drawings(summary),
        examples=[_example(found) for found in summary.first_solved],
        task_sets=task_sets(summary),
        settings=list(settings(summary.config)),
    )


def _headline(summary: IterateSummary, arm: str) -> Headline:
    rows = summary.arms[arm]
    first, last = numbers_of(rows)[0], last_of(rows)
    ends = tuple(dict.fromkeys((first, last)))
    held_out, longer = (_at(summary, arm, split, ends) for split in ("held_out", "longer"))
    facts = [
        _rates("Held-out tasks solved", held_out),
        *([_rates("Longer tasks solved", longer)] if longer else []),
        (
            "Horizon, steps",
            _ARROW.join(wording.horizon_value(row.horizon) for row in held_out) or wording.NOTHING,
            _ARROW.join(wording.horizon_interval(row.horizon) or row.horizon.reason for row in held_out),
        ),
        (
            "Longest solved, reference steps",
            _ARROW.join(_longest(*both) for both in _by_generation(held_out, longer, ends)),
            "" if summary.taught is None else f"generation 0 was taught plans of up to {summary.taught}",
        ),
    ]
    return Headline(wording.shown(arm, 40), _verdict(held_out), tuple(facts))


def _at(summary: IterateSummary, arm: str, split: str, ends: tuple[int, ...]) -> list[Across]:
    return [row for row in across_of(summary, arm, split) if row.generation in ends]


def _rates(name: str, rows: list[Across]) -> tuple[str, str, str]:
    return (
        name,
        _ARROW.join(wording.percent(row.rate) for row in rows) or wording.NOTHING,
        _ARROW.join(wording.percent_interval(row.ci) for row in rows),
    )


def _by_generation(held_out: list[Across], longer: list[Across], ends: tuple[int, ...]) -> Iterator[list[Across]]:
    for number in ends:
        yield [row for row in (*held_out, *longer) if row.generation == number]


def _longest(*rows: Across) -> str:
    known = [row.longest_reference_solved for row in rows if row.longest_reference_solved is not None]
    return wording.number(max(known, default=None), 0)


def _verdict(rows: list[Across]) -> str:
    if len(rows) < 2:
        return "Only one generation is measured yet."
    first, last = rows
    if last.ci[0] > first.ci[1]:
        found = f"the interval of generation {last.generation} lies above that of generation {first.generation}"
    elif last.ci[1] < first.ci[0]:
        found = f"the interval of generation {last.generation} lies below that of generation {first.generation}"
    else:
        found = f"the intervals of generations {first.generation} and {last.generation} overlap"
    return f"On held-out tasks {found}."


def _tables(summary: IterateSummary) -> Iterator[Table]:
    for arm, name in zip(summary.arms, labels(summary), strict=True):
        found = blocks(summary.arms[arm])
        if len(found) > 1:
            yield means(summary, arm, name)
        for _, seed, rows in found:
            yield generations(f"{name}, seed {seed}", rows, folded=len(found) > 1)
    if len(summary.arms) > 1 and any(row.spent for row in rows_of(summary)):
        yield costs(summary)
    if summary.comparisons:
        yield comparisons(summary.comparisons)
    rows = rows_of(summary)
    if any(row.curated or row.training for row in rows):
        yield trainings(rows)
    if rows:
        yield phases(rows)


def _example(found: FirstSolved) -> Example:
    steps = "" if found.reference_length is None else f", reference plan of {found.reference_length} steps"
    return Example(
        f"{wording.shown(found.task, 60)}: {wording.SPLIT_WORDS.get(found.split, wording.shown(found.split))}{steps}, "
        f"solved in {len(found.plan)} by {wording.shown(found.arm, 40)}, seed {found.seed}",
        wording.shown_text(found.problem),
        wording.shown_text("\n".join(found.plan)),
    )


def settings(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """A configuration as lines of a table: `tasks.pool` and its value."""
    for name, value in config.items():
        if isinstance(value, dict) and value:
            yield from settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", wording.shown(json.dumps(value, ensure_ascii=False), 200)
