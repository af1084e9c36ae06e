"""Running the loop in front of a person: a table that grows a row a generation, on standard error; the result on
standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planbench.cli.screen import note, size, table
from planbench.crew import ALONE, Crew, leads
from planbench.loop.iterate import Reader, iterate

if TYPE_CHECKING:
    from planbench.loop.config import IterateConfig
    from planbench.loop.layout import Place
    from planbench.records.iterate import Generation, IterateSummary

_PHASES = {
    "train": "fine-tuning",
    "pool": "deploying on the pool",
    "held_out": "measuring on held-out tasks",
    "longer": "measuring on longer tasks",
    "curate": "curating",
    "score": "scoring its own replies",
    "fixed": "scoring the fixed replies",
}


def run(config: IterateConfig, folder: Path, keep_all: bool, typed: str, as_json: bool, crew: Crew = ALONE) -> int:
    """Run the loop, show it, and leave its page in the folder. Returns 1 where every arm had nothing to learn from."""
    with _reader() as reader:
        summary = iterate(config, folder, reader, keep_all=keep_all, command=typed, told=reader.say, crew=crew)
    if not crew.leads:
        return 0
    show(summary, folder, as_json)
    for where, why in summary.ended.items():
        note(f"{where}: {why}")
    if summary.ended:
        note(
            "what to try: easier tasks (--pool-length 2:4), more replies (--samples 32), solved examples (--shots 2), "
            "or a start on reference plans (--warm-start 1:4 --warm-start-steps 200)"
        )
    return int(len(summary.ended) == len(config.arms) * len(config.seeds))


def show(summary: IterateSummary, folder: Path, as_json: bool) -> None:
    """Print what a run came to, and leave its page in the folder."""
    from planbench.records.files import REPORT, write_whole
    from planbench.report.loop_page import iterate_page

    write_whole(folder / REPORT, iterate_page(summary, f"planbench iterate: {summary.model}"))
    if as_json:
        print(json.dumps(summary.model_dump(mode="json")))
    else:
        from rich.console import Console

        from planbench.report.loop_table import iterate_table

        Console(width=None if sys.stdout.isatty() else 100, highlight=False).print(iterate_table(summary))
    note(f"run folder: {folder} (summary.json, report.html; each generation's samples.jsonl and curated.jsonl)")


class _Lines(Reader):
    """Away from a terminal: a line a generation."""

    def say(self, line: str) -> None:
        note(line)

    def row(self, row: Generation) -> None:
        longer = "" if row.longer is None else f", longer {_percent(row.longer.valid_rate)}"
        kept = "" if row.curated is None else f", curated {row.curated.total:,} ({row.curated.new:,} new)"
        note(
            f"seed {row.seed}, {row.arm}, generation {row.generation}: pool {_percent(row.pool.valid_rate)}, "
            f"held out {_percent(row.held_out.valid_rate)}{longer}{kept}, {sum(row.seconds.values()):.0f} s"
        )


class _Screen(_Lines):
    """On a terminal: the growing table with the phase under way below it."""

    def __init__(self) -> None:
        from rich.console import Console, Group
        from rich.live import Live
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        from planbench.report.loop_table import LiveTable

        self._table = LiveTable()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task("starting", total=None, note="")
        self.live = Live(Group(self._table, self._bar), console=self._bar.console, transient=True, refresh_per_second=4)

    def say(self, line: str) -> None:
        self._bar.reset(self._task, description=line, total=None, note="")

    def phase(self, place: Place, name: str) -> None:
        what = _PHASES.get(name, f"measuring on {name}")
        where = f"seed {place.seed}, {place.arm}, generation {place.generation}"
        self._bar.reset(self._task, description=f"{where}: {what}", total=None, note="")

    def progress(self, done: float, total: float, note: str) -> None:
        self._bar.update(self._task, completed=done, total=total, note=note)

    def row(self, row: Generation) -> None:
        self._table.add(row)


@contextmanager
def _reader() -> Iterator[_Lines]:
    if not (sys.stderr.isatty() and leads()):
        yield _Lines()
        return
    screen = _Screen()
    with screen.live:
        yield screen


def _percent(rate: float | None) -> str:
    return "unknown" if rate is None else f"{100 * rate:.1f}%"


def show_forecast(config: IterateConfig, keep_all: bool, as_json: bool) -> None:
    """What the run would do."""
    from planbench.loop.forecast import forecast
    from planbench.loop.tasks import task_sets

    told = forecast(config, task_sets(config.tasks, config.probes), keep_all=keep_all)
    if as_json:
        print(json.dumps({"config": config.model_dump(mode="json"), **asdict(told)}))
        return
    rows: list[tuple[str, Any]] = []
    for name, count in told.tasks.items():
        lengths = told.lengths[name]
        rows.append(
            (
                name.replace("_", " "),
                f"{count:,} tasks" + (f" of {lengths[0]} to {lengths[1]} steps" if lengths else ""),
            )
        )
    rows += [
        ("deployments", f"{told.deployments:,} (seeds, arms, generations)"),
        ("trainings", f"{told.trainings:,}"),
        ("replies", f"{told.samples:,}"),
        (
            "tokens to sample",
            f"about {told.expected_tokens:,} if plans are as the reference's, {told.most_tokens:,} at most",
        ),
        ("disk", size(told.disk_bytes)),
        ("memory, for the model", size(told.memory_bytes)),
        ("sampling and measuring", _seconds(told.seconds_a_generation)),
    ]
    table(("what", "how much"), rows)
    note(
        "pool by reference length: " + ", ".join(f"{length}: {count}" for length, count in told.pool_by_length.items())
    )
    if told.unknown:
        note(told.unknown)
    note("nothing was sampled or trained; leave out --dry-run to start")


def _seconds(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"about {seconds:,.0f} s a generation on this machine, beside the training"
