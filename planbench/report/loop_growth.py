"""What becomes of an iterate run over its generations, as lines: valid rate, horizon, longest plans, tokens, agreement
of seeds. With several seeds a line is their mean, and thin dots are the seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from planbench import wording
from planbench.records.iterate import Across, Generation, IterateSummary
from planbench.records.summary import Horizon, Part
from planbench.report import svg
from planbench.report.drawing import (
    Drawing,
    Row,
    described,
    margins,
    marker,
    panel,
    panel_title,
    powers_of_two,
    series,
    series_key,
)
from planbench.report.loop_rows import (
    across_of,
    labels,
    largest,
    longest_solved,
    mean,
    members,
    numbers_of,
    part_of,
    rows_of,
    seeds_of,
    splits_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Scale = Literal["rate", "steps", "doubling"]
"""Of the vertical axis: a share, a number from 0 up, steps by powers of two."""

_HEIGHT = 230


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a generation. An end of the interval is None where it is open; `outside` is an extrapolated value."""

    generation: int
    value: float
    interval: tuple[float | None, float | None] | None = None
    outside: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """An arm: its points, and those of each seed where there are several."""

    number: int
    label: str
    points: list[Point]
    dots: list[Point] = field(default_factory=list[Point])


def rates(summary: IterateSummary) -> Drawing:
    panels: list[str] = []
    rows: list[Row] = []
    for split in splits_of(rows_of(summary)):
        word = wording.SPLIT_WORDS[split]
        lines: list[Line] = []
        for number, (arm, of) in enumerate(summary.arms.items()):
            means = across_of(summary, arm, split) if len(seeds_of(of)) > 1 else []
            found = [(row.generation, _all(row), row.rate, row.ci) for row in means]
            seeds = [(row, part) for row in of if (part := part_of(row, split)) is not None]
            found += [(row.generation, str(row.seed), part.valid_rate, part.valid_ci) for row, part in seeds]
            rows += [
                (arm, word, str(generation), seed, wording.percent(rate), wording.percent_interval(interval))
                for generation, seed, rate, interval in found
            ]
            points = [Point(generation, rate, ci) for generation, _, rate, ci in found if rate is not None]
            dots = points[len(means) :] if means else []
            lines.append(Line(number, labels(summary)[number], points[: len(means)] or points, dots))
        panels += _panel(f"rate-{split}", word, lines, "rate")
    return Drawing(
        "Valid plans by generation",
        "Share of valid plans with 95% intervals: of the pool's samples, and of one greedy reply to each held-out and "
        f"longer task. {_dots_said(summary)}The scales differ.",
        tuple(panels),
        ("arm", "tasks", "generation", "seed", "valid", "95% interval"),
        tuple(rows),
        series_key(labels(summary)),
    )


def horizons(summary: IterateSummary) -> Drawing:
    lines: list[Line] = []
    rows: list[Row] = []
    for number, (arm, of) in enumerate(summary.arms.items()):
        means = across_of(summary, arm, "held_out") if len(seeds_of(of)) > 1 else []
        points = _horizon_points((row.generation, row.horizon) for row in means)
        dots = _horizon_points((row.generation, row.held_out.horizon) for row in of)
        lines.append(Line(number, labels(summary)[number], points if means else dots, dots if means else []))
        found = [(row.generation, _all(row), row.horizon) for row in means]
        found += [(row.generation, str(row.seed), row.held_out.horizon) for row in of]
        rows += [
            (arm, str(generation), seed, wording.horizon_value(at), wording.horizon_interval(at), _remark(at))
            for generation, seed, at in found
        ]
    return Drawing(
        "Horizon by generation",
        "The reference length at which half of the held-out replies are valid, with its 95% interval, on a scale that "
        "doubles. A hollow mark lies outside the lengths tested, an arrow is an end that the run does not pin down. "
        + _taught_said(summary),
        tuple(_panel("horizon", "held-out, steps", lines, "doubling", summary.taught)),
        ("arm", "generation", "seed", "horizon", "95% interval", "remark"),
        tuple(rows),
        series_key(labels(summary)),
    )


def _horizon_points(found: Iterable[tuple[int, Horizon]]) -> list[Point]:
    return [
        Point(generation, of.value, (of.low, of.high), of.extrapolated)
        for generation, of in found
        if of.value is not None
    ]


def _remark(of: Horizon) -> str:
    return of.reason or ("outside the lengths tested" if of.extrapolated else "")


def longest(summary: IterateSummary) -> Drawing:
    kinds: tuple[tuple[str, str, Callable[[Generation], int | None]], ...] = (
        ("reference", "longest reference solved", longest_solved),
        ("plan", "longest valid plan", lambda row: _longest_plan(row.held_out, row.longer)),
        ("pool", "longest valid plan on the pool", lambda row: row.pool.longest_plan),
    )
    panels: list[str] = []
    for name, title, value in kinds:
        lines = [
            Line(number, labels(summary)[number], *_summed(of, value, largest))
            for number, (arm, of) in enumerate(summary.arms.items())
        ]
        panels += _panel(f"longest-{name}", f"{title}, steps", lines, "steps", summary.taught)
    rows = tuple(
        (arm, str(row.generation), str(row.seed), *(wording.number(value(row), 0) for _, _, value in kinds))
        for arm, of in summary.arms.items()
        for row in of
    )
    return Drawing(
        "How far it reaches",
        "The longest reference plan of a solved held-out or longer task; the longest valid plan there, and on the "
        "pool. With several seeds, the furthest of them. " + _taught_said(summary),
        tuple(panels),
        ("arm", "generation", "seed", *(title for _, title, _ in kinds)),
        rows,
        series_key(labels(summary)),
    )


def _longest_plan(*parts: Part | None) -> int | None:
    return largest(part.longest_plan for part in parts if part is not None)


def tokens(summary: IterateSummary) -> Drawing:
    kinds: tuple[tuple[str, str, Callable[[Generation], float | None]], ...] = (
        ("pool", "replies on the pool", lambda row: row.pool.tokens.completion_mean),
        ("curated", "curated traces", lambda row: row.curated.tokens_mean if row.curated else None),
    )
    panels: list[str] = []
    for name, title, value in kinds:
        lines = [
            Line(number, labels(summary)[number], *_summed(of, value, mean))
            for number, (arm, of) in enumerate(summary.arms.items())
        ]
        panels += _panel(f"tokens-{name}", f"{title}, tokens", lines, "steps")
    rows = tuple(
        (arm, str(row.generation), str(row.seed), *(wording.number(value(row), 1) for _, _, value in kinds))
        for arm, of in summary.arms.items()
        for row in of
    )
    return Drawing(
        "Tokens a trace",
        "Mean tokens of a reply, reasoning included: of all that were sampled on the pool, and of those that the "
        "generation was trained on. " + _dots_said(summary),
        tuple(panels),
        ("arm", "generation", "seed", "sampled", "curated"),
        rows,
        series_key(labels(summary)),
    )


def unanimous(summary: IterateSummary) -> Drawing:
    panels: list[str] = []
    rows: list[Row] = []
    for split in ("held_out", "longer"):
        word = wording.SPLIT_WORDS[split]
        lines: list[Line] = []
        for number, arm in enumerate(summary.arms):
            found = [row for row in across_of(summary, arm, split) if row.seeds > 1]
            lines.append(
                Line(number, labels(summary)[number], [Point(row.generation, row.unanimous_rate) for row in found])
            )
            rows += [
                (arm, word, str(row.generation), str(row.seeds), *map(wording.percent, (row.unanimous_rate, row.rate)))
                for row in found
            ]
        panels += _panel(f"unanimous-{split}", word, lines, "rate")
    return Drawing(
        "Solved with every seed",
        "Share of tasks that all seeds solve: what is learned every time, and not by luck. The scales differ.",
        tuple(panels),
        ("arm", "tasks", "generation", "seeds", "solved with all", "mean over seeds"),
        tuple(rows),
        series_key(labels(summary)),
    )


def _summed(
    rows: Sequence[Generation],
    value: Callable[[Generation], float | None],
    over: Callable[[list[float | None]], float | None],
) -> tuple[list[Point], list[Point]]:
    """What `over` makes of the seeds' values, by generation; and the values, where there are several seeds."""
    found = [(number, over([value(row) for row in members(rows, number)])) for number in numbers_of(rows)]
    points = [Point(number, of) for number, of in found if of is not None]
    dots = [Point(row.generation, of) for row in rows if (of := value(row)) is not None]
    return points, dots if len(seeds_of(rows)) > 1 else []


def _all(row: Across) -> str:
    return f"mean of {row.seeds}"


def _dots_said(summary: IterateSummary) -> str:
    several = any(len(seeds_of(of)) > 1 for of in summary.arms.values())
    return "Lines are means over seeds, small dots are the seeds. " if several else ""


def _taught_said(summary: IterateSummary) -> str:
    if summary.taught is None:
        return ""
    return f"The dashed line is the longest plan that generation 0 was trained on, {summary.taught} steps."


def _panel(name: str, title: str, lines: Sequence[Line], scale: Scale, taught: int | None = None) -> list[str]:
    """A panel of lines, none where no line has a point."""
    drawn = [line for line in lines if line.points]
    if not drawn:
        return []
    every = [point for line in drawn for point in (*line.points, *line.dots)]
    with panel(_HEIGHT) as (figure, axes):
        generation_axis(axes, {point.generation for point in every})
        low, high = _value_axis(axes, _ends(drawn, taught), scale)
        axes.grid(axis="y", color=svg.colour("faint"), linewidth=0.5, alpha=0.5)
        panel_title(axes, title)
        margins(figure, axes, left=46, bottom=40, top=24)
        if taught is not None:
            axes.axhline(taught, color=svg.colour("faint"), linewidth=1.2, linestyle=(0, (4, 3)))
        for nth, line in enumerate(drawn):
            # Arms are set a little apart, so that their intervals do not hide each other.
            _draw(axes, line, 0.08 * (nth - (len(drawn) - 1) / 2), (low, high))
        said = described(
            f"{line.label}, generation {point.generation}: "
            + (wording.percent(point.value) if scale == "rate" else wording.number(point.value))
            for line in drawn
            for point in line.points
        )
        return [svg.render(figure, name, f"By generation: {title}", said)]


def generation_axis(axes: Axes, numbers: Iterable[int], room: float = 0.4) -> None:
    known = sorted(numbers)
    first, last = known[0], known[-1]
    axes.set_xlim(first - room, last + room)
    ticks = list(range(first, last + 1, 1 + (last - first) // 12))
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlabel("generation")


def _ends(lines: Sequence[Line], taught: int | None) -> list[float]:
    found = [point.value for line in lines for point in (*line.points, *line.dots)]
    found += [end for line in lines for point in line.points for end in point.interval or () if end is not None]
    return found if taught is None else [*found, float(taught)]


def _value_axis(axes: Axes, values: Sequence[float], scale: Scale) -> tuple[float, float]:
    """Set the vertical axis so that the values fit, and return its ends."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if scale == "doubling":
        positive = [value for value in values if value > 0]
        low, high = 2.0 ** math.floor(math.log2(min(positive))), 2.0 ** math.ceil(math.log2(max(positive)))
        low, high = (low, high) if low < high else (low / 2, high * 2)
        axes.set_yscale("log", base=2)
        ticks = powers_of_two(low, high)
        axes.set_yticks(ticks, [str(tick) for tick in ticks])
        axes.set_yticks([], minor=True)
        axes.set_ylim(low / 1.04, high * 1.04)
        return low, high
    if scale == "rate":
        tops = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
        high = next(top for top in tops if top >= min(max(values), 1.0))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}%"))
    else:
        high = max(*values, 1.0) * 1.05
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10], integer=scale == "steps"))
    axes.set_ylim(-0.03 * high, 1.03 * high)
    return 0.0, high


def _draw(axes: Axes, line: Line, shift: float, limits: tuple[float, float]) -> None:
    colour = series(line.number)
    where = [point.generation + shift for point in line.points]
    if line.dots:
        spots = [dot.generation + shift for dot in line.dots]
        axes.plot(spots, [dot.value for dot in line.dots], "o", color=colour, markersize=3, alpha=0.5, clip_on=False)
    axes.plot(where, [point.value for point in line.points], color=colour, linewidth=1.4, alpha=0.8)
    for x, point in zip(where, line.points, strict=True):
        if point.interval is not None:
            _interval(axes, x, point.interval, colour, limits)
        axes.plot(
            [x],
            [point.value],
            marker(line.number),
            markersize=6,
            markeredgecolor=colour,
            markerfacecolor=svg.colour("paper") if point.outside else colour,
            markeredgewidth=1.4,
            clip_on=False,
        )


def _interval(
    axes: Axes, x: float, interval: tuple[float | None, float | None], colour: str, limits: tuple[float, float]
) -> None:
    ends = [limit if end is None else end for end, limit in zip(interval, limits, strict=True)]
    axes.plot([x, x], ends, color=colour, linewidth=1.4)
    for end, limit, arrow in zip(interval, limits, ("v", "^"), strict=True):
        if end is None:
            axes.plot([x], [limit], arrow, color=colour, markersize=5, clip_on=False)
