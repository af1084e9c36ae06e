"""The figures of a report: valid rate by length, horizon, what came back, plan length against reference.

Neighbouring verdicts differ in lightness, so that a print in grey still reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from planbench import wording
from planbench.records.summary import Part, Summary
from planbench.report import svg
from planbench.report.drawing import (
    UNITS_AN_INCH,
    WIDTH,
    Drawing,
    Row,
    described,
    length_axis,
    margins,
    marker,
    panel,
    panel_title,
    series,
    series_key,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROOM_FOR_A_REASON = 20
_MOST_DOMAINS = 50
"""Each has a panel, which takes a tenth of a second; the page's tables have all."""

Lengths = Mapping[tuple[int, int], int]
"""Reference length and plan length to the number of valid plans with these."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run in a report. `lengths` is by domain, empty where the samples are not at hand."""

    label: str
    summary: Summary
    lengths: Mapping[str, Lengths]


def drawings(runs: Sequence[Run]) -> list[Drawing]:
    """The figures for which the runs have something to show, in the order of the page."""
    names = list(dict.fromkeys(name for run in runs for name in (*run.summary.by_domain, *run.lengths)))
    if len(names) > _MOST_DOMAINS:
        said = f"The first {_MOST_DOMAINS} of {len(names):,} domains."
        some = [_within(run, frozenset(names[:_MOST_DOMAINS])) for run in runs]
        return [replace(drawing, caption=f"{said} {drawing.caption}") for drawing in drawings(some)]
    found = [_by_length(runs), _horizons(runs), _verdicts(runs), _plan_lengths(runs)]
    return [drawing for drawing in found if drawing.panels]


def _within(run: Run, names: Set[str]) -> Run:
    """The run with these of its domains, and its totals as they are."""
    by_domain = {name: part for name, part in run.summary.by_domain.items() if name in names}
    lengths = {name: found for name, found in run.lengths.items() if name in names}
    return Run(run.label, run.summary.model_copy(update={"by_domain": by_domain}), lengths)


def _parts(runs: Sequence[Run]) -> dict[str, list[tuple[int, Run, Part]]]:
    """The rows of all runs, by name, each with the runs that have it; the total last."""
    found: dict[str, list[tuple[int, Run, Part]]] = {}
    for number, run in enumerate(runs):
        for name, part in wording.rows(run.summary):
            found.setdefault(name, []).append((number, run, part))
    total = found.pop(wording.TOTAL, None)
    return found if total is None else {**found, wording.TOTAL: total}


def _by_length(runs: Sequence[Run]) -> Drawing:
    bins = [of for run in runs for of in run.summary.by_length if of.valid_rate is not None and of.high > 0]
    low, high = min((of.low for of in bins), default=1), max((of.high for of in bins), default=1)
    panels: list[str] = []
    rows: list[Row] = []
    for place, (name, parts) in enumerate(_parts(runs).items()):
        tested = False
        with panel(230) as (figure, axes):
            length_axis(axes, max(0.7, low - 0.5), high + 0.5)
            axes.set_ylim(-0.03, 1.03)
            axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
            axes.grid(axis="y", color=svg.colour("faint"), linewidth=0.5, alpha=0.5)
            panel_title(axes, wording.shown(name))
            axes.set_xlabel("steps of the reference plan")
            margins(figure, axes, left=46, bottom=40, top=24)
            for nth, (number, run, part) in enumerate(parts):
                # Runs are set a little apart, so that their intervals do not hide each other.
                shift = 1 + 0.06 * (nth - (len(parts) - 1) / 2)
                if part.horizon.value is not None:
                    axes.axvline(part.horizon.value, color=series(number), linewidth=1, linestyle=(0, (4, 3)))
                for of in part.by_length:
                    rate = wording.percent(of.valid_rate), wording.percent_interval(of.valid_ci)
                    rows.append((name, run.label, wording.bin_name(of), *rate, str(of.tasks)))
                    if of.valid_rate is None or of.valid_ci is None or of.low == 0:
                        continue
                    tested = True
                    middle = (of.low * of.high) ** 0.5 * shift
                    if len(parts) == 1:
                        span = [max(of.low - 0.5, 0.7), of.high + 0.5]
                        axes.plot(span, [of.valid_rate] * 2, color=series(number), linewidth=1.2, alpha=0.55)
                    axes.plot([middle] * 2, of.valid_ci, color=series(number), linewidth=1.6)
                    axes.plot(
                        [middle], [of.valid_rate], marker(number), color=series(number), markersize=6, clip_on=False
                    )
            description = described(
                f"{run.label}, {wording.bin_name(of)} steps: {wording.percent(of.valid_rate)}"
                for _, run, part in parts
                for of in part.by_length
            )
            if tested:
                panels.append(
                    svg.render(figure, f"length-{place}", f"Valid plans by reference length, {name}", description)
                )
    return Drawing(
        "Valid plans by length",
        "Share of valid plans in bins of the reference plan's length, with 95% intervals; a level line spans the bin, "
        "a dashed line is the horizon.",
        tuple(panels),
        ("domain", "run", "steps", "valid", "95% interval", "tasks"),
        tuple(rows),
        key=series_key(run.label for run in runs),
    )


def _horizons(runs: Sequence[Run]) -> Drawing:
    lines = [(name, number, run, part) for name, parts in _parts(runs).items() for number, run, part in parts]
    rows = tuple(
        (name, run.label, wording.horizon_value(part.horizon), wording.horizon_interval(part.horizon), _remark(part))
        for name, _, run, part in lines
    )
    ends = [
        end
        for *_, part in lines
        for end in (part.horizon.value, part.horizon.low, part.horizon.high, *_tested(part))
        if end is not None and end > 0
    ]
    panels: tuple[str, ...] = ()
    if any(part.horizon.value is not None for *_, part in lines):
        low, high = min(ends) / 1.2, max(ends) * 1.2
        with panel(44 + 40 * len(lines)) as (figure, axes):
            length_axis(axes, low, high)
            axes.set_ylim(len(lines) - 0.35, -0.65)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            axes.set_xlabel("steps of the reference plan")
            margins(figure, axes, left=10, bottom=40, top=4, right=10)
            for y, (name, number, run, part) in enumerate(lines):
                heading = wording.shown(name if len(runs) == 1 else f"{name}, {run.label}", 28)
                _horizon_line(axes, y, heading, number, part, (low, high))
            description = described(
                f"{name}, {run.label}: {wording.horizon_value(part.horizon)} "
                f"{wording.horizon_interval(part.horizon) or _remark(part)}"
                for name, _, run, part in lines
            )
            panels = (svg.render(figure, "horizon", "Horizon by domain, in steps", description),)
    return Drawing(
        "Horizon",
        "The reference length at which half the replies are valid, with its 95% interval; the thick pale line spans "
        "the lengths tested, a hollow mark lies outside them, an arrow is an end that the run does not pin down.",
        panels,
        ("domain", "run", "horizon", "95% interval", "remark"),
        rows,
        key=series_key(run.label for run in runs),
    )


def _tested(part: Part) -> tuple[int, ...]:
    judged = [of for of in part.by_length if of.valid_rate is not None and of.low > 0]
    return (judged[0].low, judged[-1].high) if judged else ()


def _remark(part: Part) -> str:
    if part.horizon.value is None:
        return part.horizon.reason
    return "outside the lengths tested" if part.horizon.extrapolated else ""


def _horizon_line(axes: Axes, y: int, heading: str, number: int, part: Part, limits: tuple[float, float]) -> None:
    found = part.horizon
    left, right = limits
    if found.value is not None:
        said = f"{wording.horizon_value(found)} {wording.horizon_interval(found)}"
    else:
        said = found.reason if len(found.reason) <= _ROOM_FOR_A_REASON else "none"
    axes.text(left, y - 0.3, heading, ha="left", va="center", fontweight="bold" if heading == wording.TOTAL else None)
    axes.text(right, y - 0.3, said, ha="right", va="center")
    if tested := _tested(part):
        axes.plot(tested, [y, y], color=svg.colour("faint"), linewidth=7, alpha=0.35, solid_capstyle="butt")
    if found.value is None:
        return
    ends = (found.low or left, found.high or right)
    axes.plot(ends, [y, y], color=series(number), linewidth=1.8)
    for end, known, arrow in ((left, found.low, "<"), (right, found.high, ">")):
        if known is None:
            axes.plot([end], [y], arrow, color=series(number), markersize=6, clip_on=False)
    axes.plot(
        [found.value],
        [y],
        marker(number),
        markersize=8,
        markeredgecolor=series(number),
        markerfacecolor=svg.colour("paper") if found.extrapolated else series(number),
        markeredgewidth=1.6,
        clip_on=False,
    )


def _verdicts(runs: Sequence[Run]) -> Drawing:
    lines = [(name, run, part) for name, parts in _parts(runs).items() for _, run, part in parts if part.samples]
    kinds = list(wording.VERDICT_WORDS)
    rows = tuple((name, run.label, *(f"{part.verdicts.get(kind, 0):,}" for kind in kinds)) for name, run, part in lines)
    panels: tuple[str, ...] = ()
    if lines:
        with panel(56 + 40 * len(lines)) as (figure, axes):
            axes.set_axis_off()
            axes.set_xlim(0, 1)
            axes.set_ylim(len(lines) - 0.5, -0.75)
            margins(figure, axes, left=6, bottom=52, top=0, right=6)
            for y, (name, run, part) in enumerate(lines):
                heading = name if len(runs) == 1 else f"{name}, {run.label}"
                _verdict_bar(axes, y, wording.shown(heading, 40), part)
            _verdict_key(figure)
            description = described(
                f"{name}, {run.label}: "
                + ", ".join(f"{wording.VERDICT_WORDS[kind]} {part.verdicts.get(kind, 0)}" for kind in kinds)
                for name, run, part in lines
            )
            panels = (svg.render(figure, "verdicts", "Verdicts by domain, as shares of samples", description),)
    return Drawing(
        "What came back",
        "Every sample by its verdict. "
        + " ".join(f"{wording.VERDICT_WORDS[kind].capitalize()}: {wording.VERDICT_MEANINGS[kind]}." for kind in kinds),
        panels,
        ("domain", "run", *wording.VERDICT_WORDS.values()),
        rows,
    )


_DARK_VERDICTS = ("valid", "inapplicable", "no_plan")


def _verdict_bar(axes: Axes, y: int, heading: str, part: Part) -> None:
    axes.text(0, y - 0.42, heading, ha="left", va="center")
    axes.text(1, y - 0.42, f"{part.samples:,} samples", ha="right", va="center")
    shares = [part.verdicts.get(kind, 0) / part.samples for kind in wording.VERDICT_WORDS]
    starts = [sum(shares[:place]) for place in range(len(shares) + 1)]
    for kind, (start, end) in zip(wording.VERDICT_WORDS, pairwise(starts), strict=True):
        if end <= start:
            continue
        axes.barh(
            y,
            end - start,
            left=start,
            height=0.46,
            color=svg.colour(kind),
            edgecolor=svg.colour("paper"),
            linewidth=1,
        )
        if end - start >= 0.11:
            shade = "on-dark" if kind in _DARK_VERDICTS else "on-light"
            label = wording.percent(end - start, 0)
            axes.text((start + end) / 2, y, label, ha="center", va="center_baseline", color=svg.colour(shade))


def _verdict_key(figure: Figure) -> None:
    """Two lines of three at the foot. Matplotlib's own legend would measure its text in a font the reader lacks."""
    height = figure.get_size_inches()[1] * UNITS_AN_INCH
    for place, (kind, words) in enumerate(wording.VERDICT_WORDS.items()):
        x, y = 6 + place % 3 * 112, 32 - place // 3 * 20
        figure.text(x / WIDTH, y / height, "■", color=svg.colour(kind), fontsize=14, va="center_baseline")
        figure.text((x + 16) / WIDTH, y / height, words, va="center_baseline")


def _plan_lengths(runs: Sequence[Run]) -> Drawing:
    by_domain: dict[str, list[tuple[int, Run, Lengths]]] = {}
    for number, run in enumerate(runs):
        for name, lengths in sorted(run.lengths.items()):
            if lengths:
                by_domain.setdefault(name, []).append((number, run, lengths))
    panels: list[str] = []
    rows: list[Row] = []
    for place, (name, drawn) in enumerate(sorted(by_domain.items())):
        longest = max(max(pair) for _, _, lengths in drawn for pair in lengths)
        most = max(count for _, _, lengths in drawn for count in lengths.values())
        with panel(260) as (figure, axes):
            axes.set_xlim(0, longest * 1.06 + 1)
            axes.set_ylim(0, longest * 1.06 + 1)
            axes.axline((0, 0), slope=1, color=svg.colour("faint"), linewidth=1)
            panel_title(axes, wording.shown(name))
            axes.set_xlabel("steps of the reference plan")
            axes.set_ylabel("steps of the valid plan")
            axes.locator_params(integer=True, nbins=6)
            margins(figure, axes, left=50, bottom=40, top=24)
            for number, run, lengths in drawn:
                pairs = sorted(lengths.items())
                axes.scatter(
                    [reference for (reference, _), _ in pairs],
                    [steps for (_, steps), _ in pairs],
                    s=[36 + 64 * (count - 1) / max(most - 1, 1) for _, count in pairs],
                    marker=marker(number),
                    color=series(number),
                    alpha=0.6,
                    linewidths=0,
                )
                rows.extend(
                    (name, run.label, str(reference), str(steps), f"{count:,}") for (reference, steps), count in pairs
                )
            description = described(
                f"{run.label}: {sum(lengths.values()):,} valid plans, "
                f"{sum(count for (reference, steps), count in lengths.items() if steps <= reference):,} no longer than "
                "their reference"
                for _, run, lengths in drawn
            )
            panels.append(
                svg.render(figure, f"plans-{place}", f"Plan length against reference length, {name}", description)
            )
    return Drawing(
        "Plan length against reference",
        "Valid plans by their steps and those of the reference; larger marks are more plans. On the line a plan is as "
        "long as its reference, above it is longer.",
        tuple(panels),
        ("domain", "run", "reference steps", "plan steps", "plans"),
        tuple(rows),
        key=series_key(run.label for run in runs),
    )
