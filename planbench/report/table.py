"""A summary as tables for the terminal: results, verdicts, valid rate by reference length.

They fit 100 columns; in narrower terminals intervals go below their values, then leave the table by length. Names of
domains and models come from outside, so they are shown as text, never as markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from planbench import wording
from planbench.core.verdict import VERDICT_KINDS
from planbench.records.summary import LengthBin, Part, Summary

_DIM = "dim"
_SHORTEST_NAME = 11
_LONGEST_NAME = 24


def summary_table(summary: Summary) -> RenderableType:
    """Everything a terminal shows of a run: print it with a rich Console."""
    return Group(*_blocks(summary))


def _blocks(summary: Summary) -> Iterator[RenderableType]:
    yield _title(summary)
    if not summary.samples:
        yield Text("No samples yet.")
        return
    yield from _headed("Results", _Results(summary))
    yield Text(_results_legend(summary), style=_DIM)
    if any(part.at_k for _, part in wording.rows(summary)):
        yield from _headed("Several samples a task", _at_k(summary))
        yield Text("pass@k: at least one of k samples is valid. all@k: every one of k samples is.", style=_DIM)
    yield from _headed("Verdicts, in samples", _verdicts(summary))
    if summary.by_length:
        yield from _headed("Valid plans by length of the reference plan, in steps", _ByLength(summary))


def _title(summary: Summary) -> Text:
    title = Text.assemble((wording.shown(summary.model, 60), "bold"), f" · prompt {wording.shown(summary.prompt)} · ")
    title.append(f"{summary.tasks:,} tasks, {summary.samples:,} samples")
    if not summary.finished:
        title.append(" · not finished", style="yellow")
    return title


def _results_legend(summary: Summary) -> str:
    parts = [part for _, part in wording.rows(summary)]
    sentences = [
        "[low, high]: 95% interval, for other tasks of the same kind.",
        "Plan length: mean steps of valid plans (times the reference).",
        "Horizon: reference length at which half the replies are valid" + _mark(parts) + ".",
    ]
    reasons = {part.horizon.reason for part in parts if part.horizon.reason}
    if reasons:
        sentences.append(f"No horizon where: {'; '.join(sorted(reasons))}.")
    return " ".join(sentences)


def _mark(parts: list[Part]) -> str:
    return "; * outside the lengths tested" if any("*" in wording.horizon_value(part.horizon) for part in parts) else ""


def _headed(heading: str, table: RenderableType) -> Iterator[RenderableType]:
    """A table under its heading, which a title of rich's would fold to the width of the table."""
    yield Text(f"\n{heading}", style="bold")
    yield table


def _table() -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    table.add_column("domain", overflow="fold", min_width=_SHORTEST_NAME)
    return table


def _row_name(name: str) -> Text:
    return Text(wording.shown(name, _LONGEST_NAME), style="bold" if name == wording.TOTAL else "")


@dataclass(frozen=True)
class _Results:
    summary: Summary

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._table(beside=True) if self._fits(console, options) else self._table(beside=False)

    def _fits(self, console: Console, options: ConsoleOptions) -> bool:
        return console.measure(self._table(beside=True), options=options.update(max_width=10_000)).maximum <= (
            options.max_width
        )

    def _table(self, *, beside: bool) -> Table:
        """With `beside`, intervals stand on the line of their values, otherwise below."""
        table = _table()
        for heading in (
            "tasks",
            "valid plans",
            "horizon",
            "longest\nsolved",
            "plan\nlength",
            "tokens\n/ task",
            "s\n/ task",
        ):
            table.add_column(heading, justify="right", no_wrap=True)
        for name, part in wording.rows(self.summary):
            table.add_row(
                _row_name(name),
                f"{part.tasks:,}",
                _with_interval(wording.percent(part.valid_rate), wording.percent_interval(part.valid_ci), beside),
                _with_interval(wording.horizon_value(part.horizon), wording.horizon_interval(part.horizon), beside),
                wording.number(part.longest_reference_solved, 0),
                _with_interval(*wording.plan_length(part), beside),
                wording.amount(part.tokens.per_task),
                wording.amount(part.seconds.per_task),
            )
        return table


def _with_interval(value: str, interval: str, beside: bool) -> Text:
    return Text.assemble(value, " " if beside and interval else "\n" if interval else "", (interval, _DIM))


def _verdicts(summary: Summary) -> Table:
    table = _table()
    for kind in wording.VERDICT_WORDS:
        table.add_column(wording.VERDICT_WORDS[kind].replace(" ", "\n"), justify="right", no_wrap=True)
    table.add_column("failing step\n/ length", justify="right", no_wrap=True)
    assert set(wording.VERDICT_WORDS) == set(VERDICT_KINDS)
    for name, part in wording.rows(summary):
        counts = [part.verdicts.get(kind, 0) for kind in wording.VERDICT_WORDS]
        table.add_row(
            _row_name(name),
            *(Text(f"{count:,}", style="" if count else _DIM) for count in counts),
            wording.number(part.first_failure, 2),
        )
    return table


def _at_k(summary: Summary) -> Table:
    table = _table()
    for heading in ("k", "tasks", "pass@k", "all@k"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, part in wording.rows(summary):
        for place, row in enumerate(part.at_k):
            table.add_row(
                _row_name(name) if place == 0 else "",
                str(row.k),
                f"{row.tasks:,}",
                _with_interval(wording.percent(row.pass_rate), wording.percent_interval(row.pass_ci), True),
                _with_interval(wording.percent(row.unanimous_rate), wording.percent_interval(row.unanimous_ci), True),
            )
    return table


@dataclass(frozen=True)
class _ByLength:
    """Domains down, bins across: the bins are few by construction, the domains may be many."""

    summary: Summary

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for intervals in (True, False):
            table = self._table(intervals)
            width = console.measure(table, options=options.update(max_width=10_000)).maximum
            if width <= options.max_width or not intervals:
                yield table
                break
        yield Text("Share of valid plans, its 95% interval where there is room, number of tasks.", style=_DIM)

    def _table(self, intervals: bool) -> Table:
        table = _table()
        for of in self.summary.by_length:
            table.add_column(wording.bin_name(of), justify="right", no_wrap=True)
        for name, part in wording.rows(self.summary):
            found = {of.low: of for of in part.by_length}
            cells = [_bin_cell(found.get(of.low), intervals) for of in self.summary.by_length]
            table.add_row(_row_name(name), *cells)
        return table


def _bin_cell(of: LengthBin | None, intervals: bool) -> Text:
    if of is None:
        return Text(wording.NOTHING, style=_DIM)
    lines = [(wording.percent(of.valid_rate, 0), "")]
    if intervals and of.valid_ci is not None:
        lines.append((f"\n{100 * of.valid_ci[0]:.0f}{wording.DASH}{100 * of.valid_ci[1]:.0f}", _DIM))
    return Text.assemble(*lines, (f"\nof {of.tasks:,}", _DIM))
