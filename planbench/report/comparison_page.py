"""A comparison as a page: each pair's differences as a figure with its numbers, and the tasks that changed."""

from __future__ import annotations

from planbench import wording
from planbench.records.comparison import Comparison, Difference, PairOfRuns
from planbench.report import svg
from planbench.report.comparison_table import cells_of, legend, letter, rows_of, said_of, verdicts
from planbench.report.drawing import Drawing, described, margins, marker, panel, series
from planbench.report.html import render

LISTED = 200
"""Changed tasks on the page, in each direction, at most."""

_ROW, _REST = 34, 46


def comparison_page(comparison: Comparison, title: str) -> str:
    """The page as text."""
    drawings = [_drawing(comparison, number, pair) for number, pair in enumerate(comparison.pairs)]
    if len(comparison.pairs) > 1:
        drawings.insert(0, _all_pairs(comparison))
    return render(
        "comparison.html.jinja",
        title=wording.shown(title, 120),
        comparison=comparison,
        said=said_of(comparison),
        legend=legend(comparison),
        letter=letter,
        verdicts=verdicts,
        listed=LISTED,
        drawings=drawings,
    )


def _all_pairs(comparison: Comparison) -> Drawing:
    rows = [(f"{letter(pair.second)} less {letter(pair.first)}", pair.overall) for pair in comparison.pairs]
    return _figure("Each against each", "pairs", rows, "Corrected for the number of pairs")


def _drawing(comparison: Comparison, number: int, pair: PairOfRuns) -> Drawing:
    first, second = letter(pair.first), letter(pair.second)
    names = " less ".join(wording.shown(comparison.runs[place].label, 40) for place in (pair.second, pair.first))
    return _figure(f"{second} less {first}", f"pair-{number}", rows_of(pair), names)


def _figure(title: str, name: str, rows: list[tuple[str, Difference]], says: str) -> Drawing:
    reach = max(0.01, *(abs(end) for _, of in rows for end in (*of.ci, of.difference))) * 1.05
    with panel(_REST + _ROW * len(rows)) as (figure, axes):
        axes.set_xlim(-100 * reach, 100 * reach)
        axes.set_ylim(len(rows) - 0.35, -0.75)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.axvline(0, color=svg.colour("faint"), linewidth=1)
        axes.set_xlabel("percentage points")
        margins(figure, axes, left=10, bottom=40, top=4, right=10)
        for y, (row, of) in enumerate(rows):
            said = f"{wording.points(of.difference)} {wording.points_interval(of.ci)}"
            axes.text(-100 * reach, y - 0.36, wording.shown(row, 28), ha="left", va="center")
            axes.text(100 * reach, y - 0.36, said, ha="right", va="center")
            axes.plot([100 * end for end in of.ci], [y, y], color=series(0), linewidth=1.8)
            axes.plot([100 * of.difference], [y], marker(0), color=series(0), markersize=7)
        description = described(
            f"{row}: {wording.points(of.difference)} {wording.points_interval(of.ci)}" for row, of in rows
        )
        drawn = svg.render(figure, name, title, description)
    return Drawing(
        title,
        f"{says}. Difference of the valid-plan rates in percentage points, with 95% intervals.",
        (drawn,),
        ("", "tasks", "first", "second", "difference", "95% interval", "gained", "lost", "p", "adjusted p"),
        tuple((row, *cells_of(of)) for row, of in rows),
    )
