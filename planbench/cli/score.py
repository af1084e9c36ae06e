"""`planbench score`: judge stored replies again."""

from __future__ import annotations

from pathlib import Path

import click

from planbench.cli.eval import show
from planbench.cli.screen import note


@click.command()
@click.argument("run", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(run: str, as_json: bool) -> None:
    """Judge the stored replies of RUN again, without the model.

    RUN is a folder that planbench eval wrote. Its samples and summary are brought up to date where the judge, or the
    reading of replies, has changed since.
    """
    from planbench.evaluate import score
    from planbench.records.files import RunFolder

    folder = RunFolder(Path(run))
    summary, changed = score(folder)
    show(summary, folder, as_json)
    note(f"{changed} of {summary.samples} verdicts changed")
