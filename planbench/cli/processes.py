"""`--processes N`, and what launchers do without saying so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from planbench.cli.screen import note
from planbench.crew import Crew, crew

PROCESSES = click.option(
    "--processes",
    "wanted",
    type=click.IntRange(1, 1024),
    help="So many at once, on this machine.  [default: 1, or the launcher's]",
)
"""For a command whose work can be shared out."""


@contextmanager
def processes(count: int | None) -> Iterator[Crew]:
    """The processes of a command, as `planbench.crew.crew`."""
    with crew(count) as found:
        # On a processor accelerate starts one process whatever it is asked for, and does not tell it how many.
        if found.size == 1 and count is None and "ACCELERATE_MIXED_PRECISION" in os.environ:
            note("accelerate started one process; if it should be more, add --processes N")
        yield found
