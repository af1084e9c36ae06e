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
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return {}


JUDGE = "judge"
"""What judging took, in all phases in which tasks are answered; it is not in the seconds of these."""


def keep_seconds(folder: Path, phase: str, seconds: float) -> None:
    """Add a phase that has ended. One that was killed and done again counts with its last start."""
    _keep(folder, {phase: seconds})


def keep_answered(folder: Path, split: str, seconds: float, judging: float) -> None:
    """As `keep_seconds` for a phase of answering, of whose `seconds` judging took `judging`."""
    _keep(folder, {split: seconds - judging, JUDGE: seconds_of(folder).get(JUDGE, 0.0) + judging})


def _keep(folder: Path, phases: dict[str, float]) -> None:
    rounded = {phase: round(seconds, 3) for phase, seconds in phases.items()}
    write_whole(folder / _FILE, json.dumps({**seconds_of(folder), **rounded}) + "\n")
