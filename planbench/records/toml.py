"""TOML that somebody wrote."""

from __future__ import annotations

import tomllib
from typing import Any

from planbench.errors import InputError


def read_toml(text: str, source: str) -> dict[str, Any]:
    """What a text says; `source` names it in errors. Raises InputError."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of a number of thousands of digits, of brackets in brackets
        raise InputError(f"{source}: not valid TOML: {error}; correct that line") from None
