"""A comparison as tables for the terminal. Names come from outside, so they are shown as text, never as markup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from planbench import wording
from planbench.core.verdict import VerdictKind
from planbench.records.comparison import Change, Comparison, Difference, PairOfRuns

_DIM = "dim"
TESTS = {
    "mcnemar": "McNemar's exact test",
    "sign-flip": "a test of random exchanges, task by task",
}


def comparison_table(comparison: Comparison, changed: int) -> RenderableType:
    """Everything a terminal shows of a comparison; `changed` tasks are listed in each direction, at most."""
    return Group(*_blocks(comparison, changed))


def _blocks(comparison: Comparison, changed: int) -> Iterator[RenderableType]:
    yield Text(said_of(comparison), style="bold")
    runs = _table("run", "samples", "valid plans")
    for number, run in enumerate(comparison.runs):
        name = f"{letter(number)}  {wording.shown(run.label, 60)}"
        runs.add_row(Text(name), f"{run.samples:,}", wording.percent(run.valid_rate))
    yield runs
    if len(comparison.pairs) > 1:
        yield Text("\nEach against each: the row's rate less the column's, in percentage points", style="bold")
        yield _matrix(comparison)
        yield Text("* below 0.05 after Holm's correction for all pairs.", style=_DIM)
    for pair in comparison.pairs:
        yield Text(f"\n{letter(pair.second)} less {letter(pair.first)}", style="bold")
        yield _differences(pair)
        if len(comparison.pairs) == 1:
            for heading, changes in (("Solved more often", pair.gained), ("Solved less often", pair.lost)):
                yield from _changes(heading, changes, changed)
    yield Text("\n" + legend(comparison), style=_DIM)


def said_of(comparison: Comparison) -> str:
    """What is compared, in a sentence."""
    said = f"{comparison.tasks:,} tasks that all runs have"
    if comparison.elsewhere:
        said += f"; {comparison.elsewhere:,} that only some have are left out"
    if comparison.unjudged:
        said += f"; {comparison.unjudged:,} without a judged sample in one of them are left out"
    return said


def legend(comparison: Comparison) -> str:
    tests = " and ".join(sorted({TESTS[pair.overall.test] for pair in comparison.pairs}))
    return (
        "Difference in percentage points with its 95% interval, a bootstrap over tasks; a task counts once, whatever "
        f"its samples. p: {tests}. Adjusted: Holm's correction for all domains, bins or (in the last row) pairs."
    )


def letter(number: int) -> str:
    """A name for a run that fits a column: A, B, ..., Z, AA."""
    return (letter(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


def rows_of(pair: PairOfRuns) -> list[tuple[str, Difference]]:
    """Domains, then bins of length, then all tasks; one domain alone is all tasks."""
    rows: list[tuple[str, Difference]] = list(pair.by_domain.items()) if len(pair.by_domain) > 1 else []
    rows += [
        (f"{of.low}{wording.DASH}{of.high} steps" if of.low != of.high else f"{of.low} steps", of)
        for of in pair.by_length
    ]
    return [*rows, ("all tasks", pair.overall)]


def cells_of(of: Difference) -> tuple[str, ...]:
    """Tasks, first, second, difference, interval, gained, lost, p, adjusted p."""
    return (
        f"{of.tasks:,}",
        wording.percent(of.first),
        wording.percent(of.second),
        wording.points(of.difference),
        wording.points_interval(of.ci),
        f"{of.gained:,}",
        f"{of.lost:,}",
        wording.p_value(of.p_value),
        wording.p_value(of.p_adjusted),
    )


def verdicts(counts: Mapping[VerdictKind, int]) -> str:
    """`goal missed`, or with several samples `2 valid, 1 no plan`."""
    words = [(wording.VERDICT_WORDS[kind], counts[kind]) for kind in wording.VERDICT_WORDS if kind in counts]
    if sum(counts.values()) == 1:
        return words[0][0]
    return ", ".join(f"{count:,} {word}" for word, count in words)


def _matrix(comparison: Comparison) -> Table:
    table = _table("", *(letter(number) for number in range(len(comparison.runs))))
    found = {(pair.first, pair.second): pair.overall for pair in comparison.pairs}
    for row in range(len(comparison.runs)):
        cells: list[Text] = []
        for column in range(len(comparison.runs)):
            of = found.get((min(row, column), max(row, column)))
            if of is None:
                cells.append(Text(wording.NOTHING, style=_DIM))
                continue
            mark = "*" if of.p_adjusted < 0.05 else " "
            cells.append(Text(wording.points(of.difference if row > column else -of.difference) + mark))
        table.add_row(letter(row), *cells)
    return table


def _differences(pair: PairOfRuns) -> Table:
    first, second = letter(pair.first), letter(pair.second)
    table = _table("", "tasks", first, second, f"{second} - {first}", "95%", "gained", "lost", "p", "adjusted")
    for name, of in rows_of(pair):
        style = "bold" if name == "all tasks" else ""
        table.add_row(Text(wording.shown(name, 24), style=style), *cells_of(of))
    return table


def _changes(heading: str, changes: Sequence[Change], most: int) -> Iterator[RenderableType]:
    if not changes or not most:
        return
    shown = changes[:most]
    more = f", the first {len(shown)} of {len(changes):,}" if len(shown) < len(changes) else ""
    yield Text(f"\n{heading}{more}", style="bold")
    table = _table("task", "steps", "before", "after")
    for change in shown:
        name = change.task if change.task.startswith(change.domain) else f"{change.domain} {change.task}"
        table.add_row(
            Text(wording.shown(name, 48)),
            wording.number(change.reference_length, 0),
            verdicts(change.first),
            verdicts(change.second),
        )
    yield table


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", no_wrap=bool(number))
    return table
