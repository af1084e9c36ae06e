"""The page of a board, and of a board on one domain: the table, two figures, what papers report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from planbench import wording
from planbench.leaderboard import charts
from planbench.leaderboard.html import render
from planbench.leaderboard.ranking import Ranked
from planbench.leaderboard.reported import Reported, groups
from planbench.leaderboard.rows import COLUMNS, asked
from planbench.records.summary import Part

MAX_LINES = 8
MAX_HORIZONS = 30

Files = dict[str, str]
"""Path within the site to the text there."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the template wants it."""

    id: str
    anchor: str
    place: str
    title: str
    asked: str
    cells: str


@dataclass(frozen=True, slots=True)
class Span:
    title: str
    asked: str
    value: str
    interval: str
    span: str


def anchors(rows: Sequence[Ranked]) -> dict[str, str]:
    """Where a row is in its page: the end of its id, or the whole id where two end alike."""
    short = {row.entry.id: row.entry.id.rsplit("-", 1)[-1] for row in rows}
    ends = list(short.values())
    unique = len(set(ends)) == len(ends)
    return short if unique else {id: id for id in short}


def board_page(
    rows: Sequence[Ranked],
    *,
    heading: str,
    about: str,
    name: str,
    root: str,
    links: Sequence[tuple[str, str]],
    downloads: Sequence[tuple[str, str]] = (),
    domain: str = "",
    growth: Sequence[Mapping[str, str]] = (),
    others: Sequence[str] = (),
    reported: Sequence[Reported] = (),
) -> str:
    places = anchors(rows)
    lines = [
        charts.Line(f"{wording.shown(row.entry.title, 40)} ({asked(row.entry)})", points_of(row.part))
        for row in rows[:MAX_LINES]
    ]
    longest = max((of.high for row in rows for of in row.part.by_length), default=8)
    return render(
        "board.html.jinja",
        root=root,
        sortable=True,
        title=f"{heading} · planbench leaderboard",
        heading=heading,
        about=about,
        domain=domain,
        here=domain or f"all of {name}",
        links=links,
        downloads=downloads,
        rows=[_row(row, places[row.entry.id]) for row in rows],
        length_chart=charts.by_length(lines, "length", f"Valid plans by length, {heading}"),
        length_lines=lines,
        length_data=f"{root}data/{name}-length.csv",
        horizons=[_span(row, longest) for row in rows[:MAX_HORIZONS]],
        horizon_data=f"{root}data/{name}-horizon.csv",
        longest=longest,
        growth=growth,
        others=others,
        reported=groups(reported),
    )


def points_of(part: Part) -> tuple[charts.Point, ...]:
    return tuple(
        charts.Point((of.low * of.high) ** 0.5, of.valid_rate, of.valid_ci)
        for of in part.by_length
        if of.valid_rate is not None and of.low > 0
    )


def length_rows(rows: Sequence[Ranked]) -> list[dict[str, Any]]:
    """The numbers of the figure by length, of the rows that it shows."""
    return [
        {
            "id": row.entry.id,
            "title": row.entry.title,
            "low": of.low,
            "high": of.high,
            "tasks": of.tasks,
            "valid_rate": of.valid_rate,
            "valid_low": of.valid_ci[0] if of.valid_ci else None,
            "valid_high": of.valid_ci[1] if of.valid_ci else None,
        }
        for row in rows[:MAX_LINES]
        for of in row.part.by_length
    ]


def horizon_rows(rows: Sequence[Ranked]) -> list[dict[str, Any]]:
    """The numbers of the figure of horizons, of the rows that it shows."""
    return [
        {"id": row.entry.id, "title": row.entry.title, **row.part.horizon.model_dump(mode="json")}
        for row in rows[:MAX_HORIZONS]
    ]


def _row(row: Ranked, anchor: str) -> Row:
    return Row(
        row.entry.id,
        anchor,
        row.place,
        wording.shown(row.entry.title, 60),
        asked(row.entry),
        _cells(row),
    )


def _cells(row: Ranked) -> str:
    """The cells as HTML. There are many where there are a thousand rows, so they are escaped here, in one go each."""
    made: list[str] = []
    for _, of in COLUMNS:
        figure, beside = of(row)
        made.append(f"<td>{escape(figure)}<small>{escape(beside)}</small>" if beside else f"<td>{escape(figure)}")
    made[0] += charts.whisker(row.part.valid_rate, row.part.valid_ci)
    return "".join(made)


def _span(row: Ranked, longest: int) -> Span:
    horizon = row.part.horizon
    return Span(
        wording.shown(row.entry.title, 60),
        asked(row.entry),
        wording.horizon_value(horizon),
        wording.horizon_interval(horizon) or horizon.reason,
        charts.span(horizon.value, horizon.low, horizon.high, longest),
    )
