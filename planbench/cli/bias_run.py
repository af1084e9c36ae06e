"""Running a bias study in front of a person: a bar while it measures; then tables, and a page with the figures."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from planbench.bias.config import BiasConfig
from planbench.bias.study import forecast, study
from planbench.cli.progress import bar
from planbench.cli.screen import note, table
from planbench.records.bias import BiasResults

OURS = re.compile(r"(scatter|errors|correlations)(-|\.)")
"""Names of figures: what else lies in their folder stays."""


def run(config: BiasConfig, folder: Path, processes: int, typed: str, as_json: bool) -> int:
    """Measure, show, and leave the page and its figures in the folder."""
    with bar("cells") as advance:
        results = study(config, folder, advance, processes, typed)
    show(results, folder, as_json)
    return 0


def show(results: BiasResults, folder: Path, as_json: bool) -> None:
    from planbench.records.files import REPORT, write_whole
    from planbench.report.bias_page import bias_page, figure_files

    write_whole(folder / REPORT, bias_page(results, f"planbench bias: {results.suite}"))
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    for before in figures.glob("*.svg"):
        if OURS.match(before.name):
            before.unlink()
    for name, text in figure_files(results):
        write_whole(figures / name, text)
    if as_json:
        print(json.dumps(results.model_dump(mode="json")))
    else:
        from rich.console import Console

        from planbench.report.bias_table import bias_table

        Console(width=None if sys.stdout.isatty() else 100, highlight=False).print(bias_table(results))
    note(f"run folder: {folder} (results.json, report.html, figures/; a line a cell in cells.jsonl)")


def show_forecast(config: BiasConfig, as_json: bool) -> None:
    """What the run would do."""
    _forecast(config.model_dump(mode="json"), forecast(config), as_json)


def _forecast(config: dict[str, Any], told: dict[str, str], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"config": config, **told}))
        return
    table(("what", "how much"), told.items())
    note("nothing was measured; leave out --dry-run to start")
