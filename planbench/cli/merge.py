"""`planbench merge`: seeds of an iterate run that were run apart, as one run."""

from __future__ import annotations

from pathlib import Path

import click

from planbench.cli.screen import note


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path())
@click.option(
    "--out",
    type=click.Path(),
    help="The folder of the whole; may be one of RUNS.  [default: the last RUN's name with -merged]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(runs: tuple[str, ...], out: str | None, as_json: bool) -> None:
    """Put seeds of one `planbench iterate` configuration that were run apart into one run.

    Each RUN is a run of the same settings with other --seeds, or what a merge made of such runs. Of a seed that
    several hold, the last one's counts. What comes out is the summary and the page of all seeds, with means,
    intervals and paired comparisons over them; samples and checkpoints stay where they are.
    """
    from planbench.cli.report import show_iterate_runs
    from planbench.loop.merge import merge

    folders = [Path(run) for run in runs]
    last = folders[-1].absolute()
    whole = Path(out) if out else last.with_name(f"{last.name}-merged")
    merge(folders, whole, note)
    show_iterate_runs([whole], None, as_json)
