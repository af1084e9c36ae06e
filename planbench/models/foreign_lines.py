"""JSON lines that somebody else wrote, read in bounded memory, each fault with its file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

from planbench.errors import InputError
from planbench.models.hf_files import one_line

MAX_LINE = 64 * 2**20
"""Bytes of a line; a reply this long came from no model."""


def open_lines(path: Path, instead: str) -> BinaryIO:
    """`instead` is what to type where the file cannot be read."""
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); type {instead}") from error


def next_line(file: BinaryIO, place: str) -> bytes:
    """The next line of `file`, which stands at `place`; nothing at its end."""
    try:
        line = file.readline(MAX_LINE + 1)
    except OSError as error:
        raise InputError(f"{place}: cannot be read ({error.strerror}); copy the file again") from error
    if len(line) > MAX_LINE:
        raise InputError(f"{place}: a line of more than {MAX_LINE >> 20} MiB; is this a file of replies?")
    return line


def json_object(line: bytes, place: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not JSON ({one_line(error, 80)}); correct or delete the line") from error
    if not isinstance(record, dict):
        raise InputError(f"{place}: not a JSON object; correct or delete the line")
    return record
