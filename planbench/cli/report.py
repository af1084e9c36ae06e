"""`planbench report`: tables and a page of finished runs, of `eval` or of `iterate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planbench.cli.screen import note
from planbench.errors import InputError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import RenderableType


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path())
@click.option("--out", type=click.Path(), help="The page to write.  [default: report.html in the last RUN]")
@click.option("--json", "as_json", is_flag=True, help="Print the summaries as JSON, a line a run.")
def command(runs: tuple[str, ...], out: str | None, as_json: bool) -> None:
    """Show the table of each RUN and write one page with figures for all of them.

    Several runs of `planbench eval` share a page; a run of `planbench iterate` has a page of its own.
    """
    from planbench.records.files import BIAS, ITERATE

    folders = [Path(run) for run in runs]
    for folder in folders:
        if (folder / BIAS).is_file():
            raise InputError(f"{folder} is a run of planbench bias: its own command, given again, shows it")
    iterated = [(folder / ITERATE).is_file() for folder in folders]
    if all(iterated):
        show_iterate_runs(folders, out, as_json)
    elif any(iterated):
        one, other = folders[iterated.index(True)], folders[iterated.index(False)]
        raise InputError(f"{one} is a run of planbench iterate and {other} is not: report them in two calls")
    else:
        _eval_runs(folders, out, as_json)


def _eval_runs(paths: Sequence[Path], out: str | None, as_json: bool) -> None:
    from planbench.records.files import REPORT, RunFolder, write_whole
    from planbench.report.page import report_page
    from planbench.report.table import summary_table

    folders = [RunFolder(path) for path in paths]
    summaries = [folder.summary() for folder in folders]
    labels = labels_of([folder.path for folder in folders], [summary.model for summary in summaries])
    pairs = list(zip(labels, summaries, strict=True))
    page = Path(out) if out else folders[-1].path / REPORT
    write_whole(
        page, report_page(pairs, [folder.samples() for folder in folders], title=f"planbench: {', '.join(labels)}")
    )
    _print(summaries, [] if as_json else [summary_table(summary) for summary in summaries])
    note(f"page: {page}")


def show_iterate_runs(folders: Sequence[Path], out: str | None, as_json: bool) -> None:
    """Write the page of each folder and print its table, or its summary as JSON."""
    from planbench.records.files import REPORT, SUMMARY, read_json, write_whole
    from planbench.records.iterate import IterateSummary
    from planbench.report.loop_page import iterate_page
    from planbench.report.loop_table import iterate_table

    if out and len(folders) > 1:
        raise InputError("--out names one page, and each iterate run has its own: report them one by one")
    summaries = [read_json(folder / SUMMARY, IterateSummary) for folder in folders]
    pages = [Path(out) if out else folder / REPORT for folder in folders]
    for summary, page in zip(summaries, pages, strict=True):
        write_whole(page, iterate_page(summary, f"planbench iterate: {summary.model}"))
    _print(summaries, [] if as_json else [iterate_table(summary) for summary in summaries])
    for page in pages:
        note(f"page: {page}")


def _print(summaries: Sequence[BaseModel], tables: Sequence[RenderableType]) -> None:
    """The tables, or without any the summaries as JSON."""
    from rich.console import Console

    if not tables:
        for summary in summaries:
            print(json.dumps(summary.model_dump(mode="json")))
        return
    console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
    for number, table in enumerate(tables):
        console.print(*([""] if number else []), table)


def labels_of(runs: list[Path], models: list[str]) -> list[str]:
    """A name for each run, all different: the model of a single one, else the folder, as models may be the same."""
    if len(runs) == 1:
        return models
    names = [run.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [f"{number}: {name}" for number, name in enumerate(names, 1)]
    return [f"{name} ({model})" for name, model in zip(names, models, strict=True)]
