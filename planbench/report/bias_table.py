"""A bias study as tables for the terminal: correlation by arm, then the pairs of each arm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from planbench import wording
from planbench.records.bias import BiasResults
from planbench.report.bias_rows import ARM_HEADINGS, PAIR_HEADINGS, arm_rows, dropped_lines, pair_rows


def bias_table(results: BiasResults) -> RenderableType:
    """Everything a terminal shows of a study: print it with a rich Console."""
    return Group(*_blocks(results))


def _blocks(results: BiasResults) -> Iterator[RenderableType]:
    title = Text.assemble(("bias: ", "bold"), (wording.shown(results.suite, 60), "bold"))
    title.append(f" · {results.examples:,} training examples · {len(results.rates)} rates of evidence")
    if not results.finished:
        title.append(" · not finished", style="yellow")
    yield title
    if not results.arms:
        yield Text("No arm is measured yet.")
        return
    yield Text(f"\nRelative extractability against {_what(results)}, over pairs", style="bold")
    # The page has every column; with what was dropped says something only where something was.
    left_out = {"p at rate 0", "p with dropped"}
    if not any(arm.dropped for arm in results.arms.values()):
        left_out.add("with dropped")
    places = [place for place, heading in enumerate(ARM_HEADINGS) if heading not in left_out]
    yield _table(
        [ARM_HEADINGS[place] for place in places], [[row[place] for place in places] for row in arm_rows(results)]
    )
    yield Text(
        "Spearman's rho with a bootstrap interval over pairs and seeds, p by permutations of pairs, and of the "
        "features that they share. At rate 0: rho of the score without any evidence.",
        style="dim",
    )
    for line in dropped_lines(results):
        yield Text(line)
    for name, arm in results.arms.items():
        rows = [(row[1], *row[2:3], *row[5:]) for row in pair_rows(name, arm)]
        yield Text(f"\n{name}", style="bold")
        yield _table((PAIR_HEADINGS[1], PAIR_HEADINGS[2], *PAIR_HEADINGS[5:]), rows)
    yield Text(
        f"Score: {_what(results)}. Above 1, MDL(s)/MDL(t) says that the target is the easier one to extract. Evidence "
        "needed: the smallest rate at which the median seed's score is above .99.",
        style="dim",
    )


def _what(results: BiasResults) -> str:
    return "mean F1 over rates" if results.measure == "F1" else "mean reward over rates and sections"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    found = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)
    for place, heading in enumerate(headings):
        found.add_column(Text(heading), justify="left" if place == 0 else "right", no_wrap=place == 0)
    for row in rows:
        found.add_row(*(Text(cell) for cell in row))
    return found
