"""A progress bar on standard error, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from planbench.crew import leads

Advance = Callable[[float, float, str], None]
"""Told how much is done, of how much, and what to say beside the bar."""

_EVERY = 0.1
"""Seconds between two looks of the bar, at least."""


@contextmanager
def bar(what: str) -> Iterator[Advance]:
    """Show a bar while the block runs; elsewhere than on a terminal, nothing."""
    if not (sys.stderr.isatty() and leads()):
        yield lambda done, total, note: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None, note="")

        shown = 0.0

        def advance(done: float, total: float, note: str) -> None:
            # A sample may take less time than to say so.
            nonlocal shown
            now = time.monotonic()
            if now - shown > _EVERY or done >= total:
                shown = now
                progress.update(task, completed=done, total=total, note=note)

        yield advance
