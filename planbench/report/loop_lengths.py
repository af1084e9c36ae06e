"""What an iterate run says about length: rates by reference length over generations, lengths of valid plans, how hard
the pool is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from planbench import wording
from planbench.records.iterate import Generation, IterateSummary
from planbench.records.summary import LengthBin
from planbench.report import svg
from planbench.report.drawing import Drawing, Key, Row, described, margins, panel, panel_title, series
from planbench.report.loop_rows import last_of, mean, members, numbers_of, part_of, rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cell = tuple[int, int, int]
"""A bin's ends, and a generation."""

_ROOM_FOR_A_NUMBER = 22
_LONGEST_DRAWN = 2000
"""Steps of a valid plan; the few that are longer are in the table alone."""
_MEASURED = ("held_out", "longer")
_LEFT, _RIGHT = 52, 8


def shade(share: float) -> tuple[float, str]:
    """How strong a colour is for a share of 0 to 1, and the role of text that can be read on it in both themes."""
    strength = 0.06 + 0.94 * min(max(share, 0.0), 1.0)
    return strength, "ink" if strength < 0.58 else "on-light" if strength < 0.85 else "paper"


def heat_maps(summary: IterateSummary) -> Drawing:
    panels: list[str] = []
    rows: list[Row] = []
    numbers = numbers_of(rows_of(summary))
    for place, (arm, of) in enumerate(summary.arms.items()):
        cells = _cells(of)
        bins = sorted({(low, high) for low, high, _ in cells})
        for low, high in bins:
            tasks = max(count for (*ends, _), (_, count) in cells.items() if ends == [low, high])
            rates = [cells[low, high, number][0] if (low, high, number) in cells else None for number in numbers]
            rows.append((arm, _ends(low, high), f"{tasks:,}", *map(wording.percent, rates)))
        if bins:
            panels.append(_heat_map(f"heat-{place}", wording.shown(arm, 40), cells, bins))
    return Drawing(
        "Valid plans by reference length and generation",
        "Percent of valid plans, held-out and longer tasks together, by the steps of the reference plan (upwards) and "
        "by generation (to the right); the mean over seeds where there are several.",
        tuple(panels),
        ("arm", "steps", "tasks", *(f"generation {number}" for number in numbers)),
        tuple(rows),
    )


def _ends(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}{wording.DASH}{high}"


def _cells(rows: Sequence[Generation]) -> dict[Cell, tuple[float, int]]:
    """The rate in each cell, and its tasks: of both splits, each seed with the same weight a task."""
    bins: dict[Cell, list[LengthBin]] = {}
    for row in rows:
        for split in _MEASURED:
            part = part_of(row, split)
            for of in part.by_length if part else ():
                bins.setdefault((of.low, of.high, row.generation), []).append(of)
    found: dict[Cell, tuple[float, int]] = {}
    for (low, high, number), same in bins.items():
        judged = [(of.valid_rate, of.tasks) for of in same if of.valid_rate is not None and of.tasks]
        if judged:
            tasks = sum(of.tasks for of in same)
            rate = sum(rate * count for rate, count in judged) / sum(count for _, count in judged)
            found[low, high, number] = rate, tasks // len(members(rows, number))
    return found


def _heat_map(name: str, title: str, cells: dict[Cell, tuple[float, int]], bins: Sequence[tuple[int, int]]) -> str:
    numbers = sorted({number for *_, number in cells})
    height = 64 + 24 * len(bins)
    with panel(height) as (figure, axes):
        panel_title(axes, title)
        margins(figure, axes, left=_LEFT, bottom=40, top=24, right=_RIGHT)
        axes.set_xlim(-0.5, len(numbers) - 0.5)
        axes.set_ylim(-0.5, len(bins) - 0.5)
        every = 1 + (len(numbers) - 1) // 12
        axes.set_xticks(range(0, len(numbers), every), [str(number) for number in numbers[::every]])
        axes.set_yticks(range(len(bins)), [_ends(low, high) for low, high in bins])
        axes.tick_params(length=0)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        axes.set_xlabel("generation")
        roomy = (340 - _LEFT - _RIGHT) / len(numbers) >= _ROOM_FOR_A_NUMBER
        for (low, high, number), (rate, _) in sorted(cells.items()):
            _cell(axes, numbers.index(number), bins.index((low, high)), rate, roomy)
        said = described(
            f"{_ends(low, high)} steps: "
            + ", ".join(wording.percent(cells[low, high, n][0], 0) for n in numbers if (low, high, n) in cells)
            for low, high in bins
        )
        return svg.render(figure, name, f"Valid plans by reference length and generation, {title}", said)


def _cell(axes: Axes, x: int, y: int, rate: float, roomy: bool) -> None:
    strength, role = shade(rate)
    axes.barh(y, 0.94, left=x - 0.47, height=0.92, color=svg.colour("series-0"), alpha=strength, linewidth=0)
    if roomy:
        axes.text(x, y, f"{100 * rate:.0f}", ha="center", va="center_baseline", color=svg.colour(role))


def plan_lengths(summary: IterateSummary) -> Drawing:
    panels: list[str] = []
    rows: list[Row] = []
    for number, (arm, of) in enumerate(summary.arms.items()):
        if not of:
            continue
        first, last = min(numbers_of(of)), last_of(of)
        for name, splits in (("held-out and longer", _MEASURED), ("pool", ("pool",))):
            before, after = (_counts(members(of, generation), splits) for generation in (first, last))
            rows += [
                (arm, name, str(steps), f"{before[steps]:,}", f"{after[steps]:,}") for steps in sorted(before | after)
            ]
            if before or after:
                title = f"{wording.shown(arm, 24)}, {name}"
                panels.append(_distribution(f"steps-{splits[0]}-{number}", title, number, before, after, (first, last)))
    return Drawing(
        "Length of valid plans",
        "How many valid plans have this many steps, over all seeds: the grey area is an arm's first generation, the "
        "line its last.",
        tuple(panels),
        ("arm", "tasks", "steps", "first generation", "last generation"),
        tuple(rows),
    )


def _counts(rows: Iterable[Generation], splits: Iterable[str]) -> Counter[int]:
    found: Counter[int] = Counter()
    for row in rows:
        for split in splits:
            found.update(row.plan_lengths.get(split, {}))
    return found


def _distribution(
    name: str, title: str, number: int, before: Counter[int], after: Counter[int], ends: tuple[int, int]
) -> str:
    from matplotlib.ticker import MaxNLocator

    longest = min(max((*before, *after)), _LONGEST_DRAWN)
    edges = [steps - 0.5 for steps in range(longest + 2)]
    most = max((*before.values(), *after.values(), 1))
    with panel(210) as (figure, axes):
        axes.set_xlim(-0.5, longest + 0.5)
        axes.set_ylim(0, most * 1.06)
        for counts, look in (
            (before, {"fill": True, "color": svg.colour("faint"), "alpha": 0.45, "linewidth": 0}),
            (after, {"color": series(number), "linewidth": 1.8}),
        ):
            axes.stairs([counts[steps] for steps in range(longest + 1)], edges, baseline=0, **look)
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_xlabel("steps of the valid plan")
        panel_title(axes, title)
        margins(figure, axes, left=46, bottom=40, top=24)
        said = described(
            f"generation {generation}: {sum(counts.values()):,} valid plans, up to {max(counts, default=0)} steps"
            for generation, counts in zip(ends, (before, after), strict=True)
        )
        return svg.render(figure, name, f"Length of valid plans, {title}", said)


def difficulty(summary: IterateSummary) -> Drawing:
    of = next((rows for rows in summary.arms.values() if rows), [])
    zero = members(of, min(numbers_of(of), default=0))
    found: dict[tuple[int, int], list[LengthBin]] = {}
    rows: list[Row] = []
    for row in zero:
        for one in row.pool.by_length:
            found.setdefault((one.low, one.high), []).append(one)
            rate, interval = wording.percent(one.valid_rate), wording.percent_interval(one.valid_ci)
            rows.append((wording.bin_name(one), str(row.seed), f"{one.tasks:,}", rate, interval))
    bins = sorted(found.items())
    tasks = [mean(one.tasks for one in same) or 0 for _, same in bins]
    rates = [mean(one.valid_rate for one in same) for _, same in bins]
    if len(zero) > 1:
        rows += [
            (_ends(*ends), f"mean of {len(same)}", wording.number(count, 0), wording.percent(rate), "")
            for (ends, same), count, rate in zip(bins, tasks, rates, strict=True)
        ]
    return Drawing(
        "How hard the pool is",
        "Tasks of the pool by the steps of their reference plan (bars, left), and the rate at which generation 0 "
        "solves them (points, right): the rungs that the next generations have to climb.",
        (_histogram(bins, tasks, rates),) if bins else (),
        ("steps", "seed", "tasks", "generation 0", "95% interval"),
        tuple(rows),
        (Key("faint", "■", "tasks"), Key("series-1", "●", "valid plans of generation 0")),
    )


def _histogram(
    bins: Sequence[tuple[tuple[int, int], list[LengthBin]]], tasks: Sequence[float], rates: Sequence[float | None]
) -> str:
    from matplotlib.ticker import MaxNLocator

    colour = svg.colour("series-1")
    with panel(230) as (figure, axes):
        axes.bar(range(len(bins)), tasks, width=0.85, color=svg.colour("faint"), alpha=0.5, linewidth=0)
        axes.set_xlim(-0.6, len(bins) - 0.4)
        axes.set_ylim(0, max(*tasks, 1) * 1.06)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_xticks(range(len(bins)), [_ends(*ends) for ends, _ in bins])
        axes.set_xlabel("steps of the reference plan")
        right = axes.twinx()
        right.set_ylim(0, 1.06)
        right.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
        for x, ((_, same), rate) in enumerate(zip(bins, rates, strict=True)):
            if rate is None:
                continue
            if len(same) == 1 and same[0].valid_ci is not None:
                right.plot([x, x], same[0].valid_ci, color=colour, linewidth=1.6)
            for one in same if len(same) > 1 else ():
                if one.valid_rate is not None:
                    right.plot([x], [one.valid_rate], "o", color=colour, markersize=3, alpha=0.5, clip_on=False)
            right.plot([x], [rate], "o", color=colour, markersize=7, clip_on=False)
        for both in (axes, right):
            margins(figure, both, left=46, bottom=40, top=10, right=44)
        said = described(
            f"{_ends(*ends)} steps: {count:.0f} tasks, {wording.percent(rate)} valid"
            for (ends, _), count, rate in zip(bins, tasks, rates, strict=True)
        )
        return svg.render(figure, "difficulty", "The pool by reference length, with generation 0's rate", said)
