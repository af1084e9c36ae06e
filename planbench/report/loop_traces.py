"""What an iterate run says about its traces: who found those that were kept, what came back, what happens on other
task sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from planbench import wording
from planbench.core.verdict import VerdictKind
from planbench.records.iterate import BASE_ONLY, Generation, IterateSummary
from planbench.records.summary import Part
from planbench.report import svg
from planbench.report.drawing import Drawing, Key, Row, described, margins, marker, panel, panel_title, series
from planbench.report.loop_growth import generation_axis
from planbench.report.loop_lengths import shade
from planbench.report.loop_rows import last_of, mean, members, numbers_of, part_of, rows_of, set_word

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROOM_FOR_A_NUMBER = 0.09
_MOST_NUMBERED = 16
_HEIGHT = 210

_Measured = tuple[tuple[Generation, Part], ...]
"""A task set at one generation, by seed."""


def origins(summary: IterateSummary) -> Drawing:
    panels: list[str] = []
    rows: list[Row] = []
    finders = sorted(
        {number for row in rows_of(summary) for number in (row.curated.by_generation if row.curated else ())}
    )
    for place, (arm, of) in enumerate(summary.arms.items()):
        trained = {number: _found(members(of, number)) for number in numbers_of(of)}
        trained = {number: counts for number, counts in trained.items() if counts.total()}
        rows += [
            (arm, str(number), *(f"{counts[finder]:,}" for finder in finders), f"{counts.total():,}")
            for number, counts in trained.items()
        ]
        if trained:
            panels.append(_stacks(f"origins-{place}", wording.shown(arm, 40), trained))
    return Drawing(
        "Which generation found the curated traces",
        "Share of the traces that each generation was trained on, by the generation that found them: the number in a "
        "field, darker is later. Over all seeds.",
        tuple(panels),
        ("arm", "generation", *(f"found by {number}" for number in finders), "in all"),
        tuple(rows),
    )


def _found(rows: Sequence[Generation]) -> Counter[int]:
    found: Counter[int] = Counter()
    for row in rows:
        # The control is trained on reference plans, which no generation found.
        if row.curated is not None and row.curated.rule != BASE_ONLY:
            found.update(row.curated.by_generation)
    return found


def _stacks(name: str, title: str, trained: dict[int, Counter[int]]) -> str:
    with _shares(title, trained) as (figure, axes):
        for number, counts in trained.items():
            start = 0.0
            for finder, count in sorted(counts.items()):
                share = count / counts.total()
                strength, role = shade(0.12 + 0.88 * finder / max(max(trained) - 1, 1))
                _field(axes, number, start, share, "series-0", strength)
                if share >= _ROOM_FOR_A_NUMBER and len(trained) <= _MOST_NUMBERED:
                    x, y = number, start + share / 2
                    axes.text(x, y, str(finder), ha="center", va="center_baseline", color=svg.colour(role))
                start += share
        said = described(
            f"generation {number}: " + ", ".join(f"{count} found by {one}" for one, count in sorted(counts.items()))
            for number, counts in trained.items()
        )
        return svg.render(figure, name, f"Origin of the curated traces, {title}", said)


@contextmanager
def _shares(title: str, numbers: Iterable[int]) -> Iterator[tuple[Figure, Axes]]:
    """A panel of bars from 0 to 100%, one a generation."""
    with panel(_HEIGHT) as (figure, axes):
        generation_axis(axes, numbers, room=0.6)
        axes.set_ylim(0, 1)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
        panel_title(axes, title)
        margins(figure, axes, left=46, bottom=40, top=24)
        yield figure, axes


def _field(axes: Axes, x: float, start: float, share: float, role: str, strength: float = 1) -> None:
    axes.bar(x, share, bottom=start, width=0.92, color=svg.colour(role), alpha=strength, linewidth=0)
    if start > 0:
        axes.plot([x - 0.46, x + 0.46], [start, start], color=svg.colour("paper"), linewidth=0.8, solid_capstyle="butt")


def verdicts(summary: IterateSummary) -> Drawing:
    panels: list[str] = []
    rows: list[Row] = []
    kinds = tuple(wording.VERDICT_WORDS)
    for place, (arm, of) in enumerate(summary.arms.items()):
        for split in ("held_out", "pool"):
            counted = {number: _counted(members(of, number), split) for number in numbers_of(of)}
            rows += [
                (arm, wording.SPLIT_WORDS[split], str(number), *(f"{counts[kind]:,}" for kind in kinds))
                for number, counts in counted.items()
            ]
            if counted := {number: counts for number, counts in counted.items() if counts.total()}:
                title = f"{wording.shown(arm, 24)}, {wording.SPLIT_WORDS[split]}"
                panels.append(_mix(f"mix-{split}-{place}", title, counted))
    return Drawing(
        "What came back, by generation",
        "Every reply by its verdict, over all seeds: what nearly succeeds is next to what does, so that the fields "
        "show which failure goes first. "
        + " ".join(f"{wording.VERDICT_WORDS[kind].capitalize()}: {wording.VERDICT_MEANINGS[kind]}." for kind in kinds),
        tuple(panels),
        ("arm", "tasks", "generation", *wording.VERDICT_WORDS.values()),
        tuple(rows),
        tuple(Key(kind, "■", wording.VERDICT_WORDS[kind]) for kind in kinds),
    )


def _counted(rows: Sequence[Generation], split: str) -> Counter[VerdictKind]:
    found: Counter[VerdictKind] = Counter()
    for row in rows:
        part = part_of(row, split)
        found.update(part.verdicts if part else {})
    return found


def _mix(name: str, title: str, counted: dict[int, Counter[VerdictKind]]) -> str:
    with _shares(title, counted) as (figure, axes):
        for number, counts in counted.items():
            start = 0.0
            for kind in wording.VERDICT_WORDS:
                if counts[kind]:
                    _field(axes, number, start, counts[kind] / counts.total(), kind)
                    start += counts[kind] / counts.total()
        said = described(
            f"generation {number}: "
            + ", ".join(f"{words} {counts[kind]}" for kind, words in wording.VERDICT_WORDS.items() if counts[kind])
            for number, counts in counted.items()
        )
        return svg.render(figure, name, f"Verdicts by generation, {title}, as shares of samples", said)


def probes(summary: IterateSummary) -> Drawing:
    panels: list[str] = []
    rows: list[Row] = []
    for place, (arm, of) in enumerate(summary.arms.items()):
        probed = [row for row in of if row.probes]
        if not probed:
            continue
        first, last = numbers_of(probed)[0], last_of(probed)
        names = ["held_out", *dict.fromkeys(name for row in probed for name in row.probes)]
        found = {
            name: tuple(_measured(members(probed, number), name) for number in dict.fromkeys((first, last)))
            for name in names
        }
        for name, ends in found.items():
            for end in ends:
                rows += _probe_rows(arm, set_word(name), end)
        panels.append(_ends(f"probes-{place}", wording.shown(arm, 40), place, found))
    return Drawing(
        "Beyond the pool's kind",
        "Valid plans on task sets that the loop is not about (renamed: the same tasks in words that mean nothing; "
        "mystery: in words that mislead; per-task: in new words for each; another domain by its name), beside "
        "held-out: hollow at the first generation measured, full at the last, with 95% intervals where there is one "
        "seed, and small dots for several.",
        tuple(panels),
        ("arm", "tasks", "generation", "seed", "valid", "95% interval"),
        tuple(rows),
    )


def _probe_rows(arm: str, name: str, end: _Measured) -> Iterator[Row]:
    for row, part in end:
        rate, interval = wording.percent(part.valid_rate), wording.percent_interval(part.valid_ci)
        yield arm, name, str(row.generation), str(row.seed), rate, interval
    if len(end) > 1:
        yield arm, name, str(end[0][0].generation), f"mean of {len(end)}", wording.percent(_rate(end)), ""


def _measured(rows: Sequence[Generation], name: str) -> _Measured:
    return tuple((row, part) for row in rows if (part := part_of(row, name)) is not None)


def _rate(end: _Measured) -> float | None:
    return mean(part.valid_rate for _, part in end)


def _ends(name: str, title: str, number: int, found: dict[str, tuple[_Measured, ...]]) -> str:
    with panel(70 + 38 * len(found)) as (figure, axes):
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(len(found) - 0.5, -0.7)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=svg.colour("faint"), linewidth=0.5, alpha=0.5)
        panel_title(axes, title)
        margins(figure, axes, left=14, bottom=28, top=24, right=14)
        said: list[str] = []
        for y, (split, ends) in enumerate(found.items()):
            label = set_word(split)
            rates = " to ".join(wording.percent(_rate(end)) for end in ends)
            said.append(f"{label}: {rates}")
            axes.text(0, y - 0.4, label, ha="left", va="center")
            axes.text(1, y - 0.4, rates, ha="right", va="center")
            for end, hollow in zip(ends, (len(ends) > 1, False), strict=False):
                _end(axes, y, number, end, hollow)
        return svg.render(figure, name, f"First and last generation on other task sets, {title}", described(said))


def _end(axes: Axes, y: float, number: int, end: _Measured, hollow: bool) -> None:
    rate = _rate(end)
    if rate is None:
        return
    colour = series(number)
    for _, part in end:
        if len(end) == 1 and part.valid_ci is not None:
            axes.plot(part.valid_ci, [y, y], color=colour, linewidth=1.4, alpha=0.6)
        elif part.valid_rate is not None:
            axes.plot([part.valid_rate], [y], "o", color=colour, markersize=3, alpha=0.5, clip_on=False)
    axes.plot(
        [rate],
        [y],
        marker(number),
        markersize=7,
        markeredgecolor=colour,
        markerfacecolor=svg.colour("paper") if hollow else colour,
        markeredgewidth=1.4,
        clip_on=False,
    )
