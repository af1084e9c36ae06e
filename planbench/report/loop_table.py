"""An iterate run for the terminal: a row a generation, the means over seeds, the comparisons.

Rates are in percent. They fit 100 columns; in wider terminals the horizon has its interval, in narrower ones intervals
go below their values, then tokens and seconds leave. Names come from outside, so they are shown as text, never as
markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from planbench import wording
from planbench.records.iterate import Across, Comparison, Generation, IterateSummary
from planbench.records.summary import Horizon, Interval
from planbench.report.loop_rows import (
    Block,
    across_of,
    block_name,
    blocks,
    largest,
    longest_solved,
    mean,
    part_of,
    rows_of,
    seeds_of,
    set_word,
    splits_of,
)

Layout = Literal["wide", "medium", "narrow", "tight"]
"""Intervals beside their values; those of rates only; all intervals below; and fewer columns."""

_LAYOUTS: tuple[Layout, ...] = ("wide", "medium", "narrow", "tight")
_BESIDE = ("wide", "medium")
_DIM = "dim"
_COMPARED = (
    "Difference in points, second less first. Gained, lost: tasks that only the second, or only the first, solved; a "
    "task counts once a seed. p: McNemar's exact test, where there is one seed."
)


def iterate_table(summary: IterateSummary) -> RenderableType:
    """Everything a terminal shows of an iterate run: print it with a rich Console."""
    return Group(*_blocks(summary))


def generation_row(row: Generation, splits: Sequence[str], layout: Layout = "medium") -> tuple[Text, ...]:
    """A generation's cells: its number, the rate on each split, longest reference solved, horizon, curated traces (new
    and in all), tokens, seconds. A `tight` layout has neither of the last two."""
    parts = [part_of(row, split) for split in splits]
    kept = row.curated
    cost = (Text(wording.count(row.tokens)), Text(wording.amount(sum(row.seconds.values()))))
    return (
        Text(str(row.generation), style="bold"),
        *(_rate(part.valid_rate, part.valid_ci, layout) if part else _dash() for part in parts),
        Text(wording.number(longest_solved(row), 0)),
        _horizon(row.held_out.horizon, layout),
        Text(f"{kept.new:,}/{kept.total:,}") if kept else _dash(),
        *(() if layout == "tight" else cost),
    )


class LiveTable:
    """Grows a row a generation while a run goes on, for rich.live. Arms and seeds that are over shrink to a line each,
    and of the one that goes on as many rows are shown as the terminal has lines for. `phase` is the last line."""

    def __init__(self) -> None:
        self.phase = ""
        self._rows: list[Generation] = []

    def add(self, row: Generation) -> None:
        self._rows.append(row)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        found = blocks(self._rows)
        over = [block for block in found if self._rows[-1] not in block[2]]
        for block in over:
            yield Text(_in_short(block), no_wrap=True, overflow="ellipsis")
        for arm, seed, rows in found:
            if self._rows[-1] in rows:
                room = max(3, (console.height - len(over) - 6) // 2)
                yield _Fitting((partial(_generations, block_name(arm, seed), rows[-room:], splits_of(self._rows)),))
        if self.phase:
            yield Text(wording.shown(self.phase, 200), style=_DIM, no_wrap=True, overflow="ellipsis")


def _in_short(block: Block) -> str:
    arm, seed, rows = block
    first, last = rows[0], rows[-1]
    change = f"{wording.percent(first.held_out.valid_rate)} to {wording.percent(last.held_out.valid_rate)}"
    return f"{block_name(arm, seed)}: held-out {change}, generations {first.generation} to {last.generation}"


def _blocks(summary: IterateSummary) -> Iterator[RenderableType]:
    rows = rows_of(summary)
    yield _title(summary)
    if not rows:
        yield Text("No generation is measured yet.")
    splits = tuple(splits_of(rows))
    yield _Fitting(tuple(partial(_generations, block_name(arm, seed), of, splits) for arm, seed, of in blocks(rows)))
    if rows:
        yield Text(_legend(rows), style=_DIM)
    if len(seeds_of(rows)) > 1:
        yield _Fitting(tuple(partial(_means, summary, arm, splits) for arm in summary.arms))
        yield Text(_MEANS, style=_DIM)
    if summary.comparisons:
        yield _Fitting((partial(_compared, summary.comparisons),))
        yield Text(_COMPARED, style=_DIM)
    for where, why in summary.ended.items():
        yield Text(f"{wording.shown(where, 60)}, ended early: {wording.shown(why, 300)}", style="yellow")


def _title(summary: IterateSummary) -> Text:
    rows = rows_of(summary)
    title = Text.assemble((wording.shown(summary.model, 60), "bold"), " · iterative deployment")
    if rows:
        last = max(row.generation for row in rows)
        title.append(f" · generations 0 to {last}" if last else " · generation 0")
    title.append(f" · {wording.count(summary.tokens)} tokens, {wording.duration(summary.seconds)}")
    if not summary.finished:
        title.append(" · not finished", style="yellow")
    return title


_MEANS = (
    "Intervals of rates are over seeds and tasks; the horizon is that of the mean, with an interval over tasks alone. "
    "All seeds: held-out tasks solved with every seed."
)


def _legend(rows: Sequence[Generation]) -> str:
    sentences = [
        "Valid plans in percent with 95% intervals: the pool as sampled, the others greedily.",
        "Longest: reference steps of the longest held-out or longer task solved.",
        "Horizon: reference length at which half of the held-out replies are valid"
        + ("; * outside the lengths tested." if any(row.held_out.horizon.extrapolated for row in rows) else "."),
        "Curated: traces of the generation just before / in all.",
        f"Seconds, mean: {_phases(rows)}.",
    ]
    reasons = sorted({row.held_out.horizon.reason for row in rows if row.held_out.horizon.reason})
    return " ".join([*sentences, *([f"No horizon where: {'; '.join(reasons)}."] if reasons else [])])


def _phases(rows: Sequence[Generation]) -> str:
    """Mean seconds by phase, over the generations that had it."""
    names = dict.fromkeys(name for row in rows for name in row.seconds)
    found = {name: mean(row.seconds.get(name) for row in rows) for name in names}
    return ", ".join(f"{set_word(name)} {wording.amount(seconds)}" for name, seconds in found.items())


def _table(title: str) -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        title=Text(f"\n{title}", style="bold"),
        title_justify="left",
        padding=0,
        collapse_padding=True,
        pad_edge=False,
        show_edge=False,
    )


@dataclass(frozen=True)
class _Fitting:
    """Tables in the roomiest layout in which all of them fit."""

    tables: tuple[Callable[[Layout], Table], ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unbounded = options.update(max_width=10_000)
        for layout in _LAYOUTS:
            found = [table(layout) for table in self.tables]
            widest = max((console.measure(table, options=unbounded).maximum for table in found), default=0)
            if layout == _LAYOUTS[-1] or widest <= options.max_width:
                yield from found
                return


def _generations(title: str, rows: Sequence[Generation], splits: Sequence[str], layout: Layout) -> Table:
    table = _table(title)
    _numeric(
        table,
        ("gen", *_rates(splits), "longest", "horizon", "curated", *(() if layout == "tight" else ("tokens", "s"))),
    )
    for row in rows:
        table.add_row(*generation_row(row, splits, layout))
    return table


def _means(summary: IterateSummary, arm: str, splits: Sequence[str], layout: Layout) -> Table:
    by_split = {split: {row.generation: row for row in across_of(summary, arm, split)} for split in splits}
    table = _table(f"{wording.shown(arm, 40)}, mean over seeds")
    _numeric(table, ("gen", *_rates(splits), "longest", "horizon", "all seeds %", "seeds"))
    for number in sorted({number for rows in by_split.values() for number in rows}):
        found = {split: rows[number] for split, rows in by_split.items() if number in rows}
        table.add_row(*_mean_row(number, found, splits, layout))
    return table


def _mean_row(number: int, found: dict[str, Across], splits: Sequence[str], layout: Layout) -> Iterator[Text]:
    yield Text(str(number), style="bold")
    for split in splits:
        yield _rate(found[split].rate, found[split].ci, layout) if split in found else _dash()
    measured = [found[split] for split in ("held_out", "longer") if split in found]
    yield Text(wording.number(largest(row.longest_reference_solved for row in measured), 0))
    held_out = found.get("held_out")
    yield _horizon(held_out.horizon, layout) if held_out else _dash()
    yield Text(wording.percent(held_out.unanimous_rate).rstrip("%")) if held_out else _dash()
    yield Text(str(max(row.seeds for row in found.values())))


def _rates(splits: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{wording.SPLIT_WORDS[split]} %" for split in splits)


def _numeric(table: Table, headings: Sequence[str]) -> None:
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)


def _compared(rows: Sequence[Comparison], layout: Layout) -> Table:
    table = _table("Compared on the same tasks")
    for heading in ("first", "second", "on"):
        table.add_column(heading, overflow="fold")
    _numeric(table, ("difference", "gained", "lost", "p"))
    for row in rows:
        interval = wording.points_interval(row.ci)
        table.add_row(
            Text(wording.shown(row.first, 60)),
            Text(wording.shown(row.second, 60)),
            Text(wording.SPLIT_WORDS[row.split]),
            _valued(wording.points(row.difference), interval, " " if layout in _BESIDE else "\n"),
            f"{row.gained:,}",
            f"{row.lost:,}",
            wording.p_value(row.p_value),
        )
    return table


def _dash() -> Text:
    return Text(wording.NOTHING, style=_DIM)


def _rate(rate: float | None, interval: Interval | None, layout: Layout) -> Text:
    value = wording.percent(rate).rstrip("%")
    if interval is None or layout in _BESIDE:
        return _valued(value, wording.percent_interval(interval), " ")
    return _valued(value, wording.DASH.join(f"{100 * end:.1f}" for end in interval), "\n")


def _horizon(of: Horizon, layout: Layout) -> Text:
    if layout == "wide":
        return _valued(wording.horizon_value(of), wording.horizon_interval(of), " ")
    interval = "" if of.value is None or layout == "medium" else f"{_end(of.low)}{wording.DASH}{_end(of.high)}"
    return _valued(wording.horizon_value(of), interval, "\n")


def _end(of: float | None) -> str:
    return "…" if of is None else f"{of:.1f}"


def _valued(value: str, interval: str, between: str) -> Text:
    return Text.assemble(value, between if interval else "", (interval, _DIM))
