"""How long each phase of a generation took, kept beside what it left."""

from __future__ import annotations

import json
from pathlib import Path

from planbench.records.files import write_whole

_FILE = "seconds.json"


def seconds_of(folder: Path) -> dict[str, float]:
    """Seconds by phase, of a generation's folder; empty where nothing is kept."""
    try:
        read = json.loads((folder / _FILE).read_bytes())
        return {str(name): float(value) for name, value in read.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def keep_seconds(folder: Path, phase: str, seconds: float) -> None:
    """Add a phase that has ended. One that was killed and done again counts with its last start."""
    write_whole(folder / _FILE, json.dumps({**seconds_of(folder), phase: round(seconds, 3)}) + "\n")
