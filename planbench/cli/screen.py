"""What a person sees: tables on standard output, notes on standard error.

Standard output carries results only, so that it pipes. Away from a terminal a table is never folded to a width, so that
a line is a row. Text from files and models is shown as text: no markup, no control characters.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from planbench.crew import leads

UNFOLDED = 10_000


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; None is shown as a dash, numbers are set to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        grid.add_column(column)
    for row in rows:
        grid.add_row(*(Text(plain(cell), justify="right" if isinstance(cell, int | float) else None) for cell in row))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else UNFOLDED)
    console.print(grid)


def plain(value: object) -> str:
    """One line of printable text for any value."""
    if value is None:
        return "-"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(value))


def size(count: int | None) -> str:
    """Bytes, as far as an estimate goes."""
    if count is None:
        return "unknown"
    return f"about {count / 1e9:.1f} GB" if count >= 1e9 else f"about {max(1, round(count / 1e6)):,} MB"


def json_line(value: dict[str, Any]) -> None:
    """One JSON object on one line of standard output."""
    print(json.dumps(value))


def note(message: str) -> None:
    """A line for the person, kept out of the results. Of several processes the first one speaks."""
    if leads():
        print(plain(message), file=sys.stderr)
