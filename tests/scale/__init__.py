"""Measurements of hours, as commands of their own: `make million`, `make kills`, `make memory`, `make engines`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def conclude(found: Mapping[str, object], path: Path | None) -> None:
    """Print what was found, and keep it in a file where one is named."""
    text = json.dumps(found, indent=1)
    print(text)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
