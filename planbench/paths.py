"""Where things lie: the domains, the shipped planner, the cache. Files only; nothing is read here."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def as_text(name: str) -> str:
    """A file name as text that can be stored: bytes in it that are no UTF-8 stand there as `\\udcff`."""
    return name.encode("utf-8", "backslashreplace").decode()


def domains_dir() -> Path:
    """The folder of the built-in domains: inside the package when installed, at the top of the tree in a checkout."""
    inside = PACKAGE / "domains"
    return inside if inside.is_dir() else PACKAGE.parent / "domains"


def tiny_dir() -> Path:
    """The checkpoint of the small planner that ships with the package."""
    return PACKAGE / "checkpoints" / "tiny"


def grown_dir() -> Path:
    """The checkpoint that ships of a last generation of iterative deployment."""
    return PACKAGE / "checkpoints" / "grown"


def cache_dir() -> Path:
    """Where converted checkpoints are kept: `$PLANBENCH_CACHE`, else `$XDG_CACHE_HOME/planbench`, else under home."""
    if chosen := os.environ.get("PLANBENCH_CACHE"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "planbench"
