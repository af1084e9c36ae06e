"""`planbench report`: tables and a page of finished runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from planbench.cli.screen import note


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path())
@click.option("--out", type=click.Path(), help="The page to write.  [default: report.html in the last RUN]")
@click.option("--json", "as_json", is_flag=True, help="Print the summaries as JSON, a line a run.")
def command(runs: tuple[str, ...], out: str | None, as_json: bool) -> None:
    """Show the table of each RUN and write one page with figures for all of them."""
    from planbench.records.files import REPORT, RunFolder, write_whole
    from planbench.report.page import report_page

    folders = [RunFolder(Path(run)) for run in runs]
    summaries = [folder.summary() for folder in folders]
    labels = _labels([folder.path for folder in folders], [summary.model for summary in summaries])
    pairs = list(zip(labels, summaries, strict=True))
    page = Path(out) if out else folders[-1].path / REPORT
    write_whole(
        page, report_page(pairs, [folder.samples() for folder in folders], title=f"planbench: {', '.join(labels)}")
    )
    if as_json:
        for summary in summaries:
            print(json.dumps(summary.model_dump(mode="json")))
    else:
        from rich.console import Console

        from planbench.report.table import summary_table

        console = Console(width=None if sys.stdout.isatty() else 100, highlight=False)
        for number, summary in enumerate(summaries):
            console.print(*([""] if number else []), summary_table(summary))
    note(f"page: {page}")


def _labels(runs: list[Path], models: list[str]) -> list[str]:
    """A name for each run, all different: the model of a single one, else the folder, as models may be the same."""
    if len(runs) == 1:
        return models
    names = [run.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [f"{number}: {name}" for number, name in enumerate(names, 1)]
    return [f"{name} ({model})" for name, model in zip(names, models, strict=True)]
