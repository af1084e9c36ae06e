"""`planbench compare`: runs on the same tasks, in pairs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planbench.cli.report import labels_of
from planbench.cli.screen import note
from planbench.errors import InputError, RunFolderError

if TYPE_CHECKING:
    from planbench.records.comparison import Comparison


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path())
@click.option(
    "--changed", type=click.IntRange(0), default=10, show_default=True, help="Changed tasks to list, each way."
)
@click.option("--common", is_flag=True, help="Compare on the tasks that all runs have, where they differ.")
@click.option("--out", type=click.Path(), help="The page to write.  [default: compare.html in the last RUN]")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def command(runs: tuple[str, ...], changed: int, common: bool, out: str | None, as_json: bool) -> None:
    """Compare RUNs of planbench eval on the same tasks: the second less the first, each against each.

    Differences of the valid-plan rate come with intervals and exact tests, overall, by domain and by length of the
    reference plan, and with the tasks that changed; from three runs on, p-values are corrected for all pairs.
    """
    from planbench.records.files import write_whole
    from planbench.report.comparison_page import comparison_page

    if len(runs) < 2:
        raise InputError("one run alone: give two or more run folders to compare")
    comparison = _compared([Path(run) for run in runs], common)
    page = Path(out) if out else Path(runs[-1]) / "compare.html"
    title = "planbench: " + " and ".join(run.label for run in comparison.runs[:2])
    more = len(comparison.runs) - 2
    write_whole(page, comparison_page(comparison, title + (f" and {more} more" if more > 0 else "")))
    if as_json:
        print(json.dumps(comparison.model_dump(mode="json")))
    else:
        from rich.console import Console

        from planbench.report.comparison_table import comparison_table

        console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
        console.print(comparison_table(comparison, changed))
    note(f"page: {page}")


def _compared(paths: Sequence[Path], common: bool) -> Comparison:
    from planbench.metrics.compare import compare, results_of
    from planbench.records.comparison import ComparedRun
    from planbench.records.files import RUN, RunFolder

    folders = [RunFolder(path) for path in paths]
    records = [folder.record() for folder in folders]
    for path, record in zip(paths, records, strict=True):
        if record is None:
            raise RunFolderError(f"{path}: no {RUN} in it; give folders that planbench eval wrote with --out")
    configs = [record.config for record in records if record is not None]
    hashes = {config.tasks.hash for config in configs}
    labels = labels_of(list(paths), [config.model for config in configs])
    measured = [
        (
            ComparedRun(
                label=label,
                folder=str(path),
                model=config.model,
                prompt=config.prompt,
                tasks=0,
                samples=0,
                valid_rate=0.0,
            ),
            results_of(folder.samples()),
        )
        for label, path, config, folder in zip(labels, paths, configs, folders, strict=True)
    ]
    tasks = [set(results) for _, results in measured]
    shared = set.intersection(*tasks)
    if len(hashes) > 1 and not common and any(found != shared for found in tasks):
        other = next(
            path for path, config in zip(paths, configs, strict=True) if config.tasks.hash != configs[0].tasks.hash
        )
        what = f"{len(shared):,} tasks in common" if shared else "no task in common"
        how = "type --common to compare on these" if shared else "measure one of them on the other's tasks"
        raise InputError(f"{paths[0]} and {other}: of different task sets ({what}); {how}")
    try:
        return compare(measured)
    except ValueError:
        raise InputError(
            "the runs have no task in common that each has a judged sample of: measure them on the same tasks"
        ) from None
