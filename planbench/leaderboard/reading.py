"""Files from strangers, read within bounds of size, depth and time. Whatever is wrong with one is an `EntryFault`: a
line that says what and where.

Not covered: whether what a file says is true.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from planbench.errors import InputError
from planbench.wording import shown

MAX_JSON = 4_000_000
"""Bytes of an entry; one on thirty domains has 150,000."""
MAX_PACKED = 100_000_000
MAX_UNPACKED = 1_000_000_000
MAX_LINE = 2_000_000
MAX_DEPTH = 16
MAX_NUMBER = 10**15
_CHUNK = 1 << 16

Record = TypeVar("Record", bound=BaseModel)


class EntryFault(InputError):
    """A file that is not what it should be, in one line."""


def read_bytes(path: Path, most: int) -> bytes:
    """A plain file of at most `most` bytes; links lead elsewhere and are not followed."""
    try:
        if path.is_symlink():
            raise EntryFault(f"{path.name}: is a link; an entry is a plain file")
        if not path.is_file():
            raise EntryFault(f"{path.name}: no such file")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        raise EntryFault(f"{path.name}: cannot be read: {error}") from None
    if len(data) > most:
        raise EntryFault(f"{path.name}: larger than {most:,} bytes")
    return data


def read_record(data: bytes, kind: type[Record], name: str, *, signed: bool = False) -> Record:
    """A JSON document as a record. Raises EntryFault with the first thing that is wrong."""
    return as_record(read_document(data, name, signed=signed), kind, name)


def as_record(document: Any, kind: type[Record], name: str) -> Record:
    try:
        # From the text again: what JSON calls a list is a tuple here, which is taken from JSON alone where a number in
        # quotation marks is none.
        return kind.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        raise EntryFault(f"{name}: {first_fault(error)}") from None


def read_document(data: bytes, name: str, *, signed: bool = False) -> Any:
    """JSON without what JSON does not have, or what no file of ours has: NaN and infinities, keys twice, numbers beyond
    counting or, unless `signed`, below 0, more than `MAX_DEPTH` levels."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise EntryFault(f"{name}: not UTF-8, at byte {error.start}") from None
    if _depth(text) > MAX_DEPTH:
        raise EntryFault(f"{name}: nested deeper than {MAX_DEPTH} levels")
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=lambda text: _float(text, signed),
            parse_int=lambda text: _int(text, signed),
        )
    except json.JSONDecodeError as error:
        raise EntryFault(f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    except ValueError as error:
        raise EntryFault(f"{name}: {error}") from None


def unpacked_lines(data: bytes, size: int, name: str) -> Iterator[bytes]:
    """The lines of a gzip file that unpacks to `size` bytes, each with its newline. It is unpacked bit by bit and no
    further than it should go, so that a file that unpacks to more than the world holds costs nothing."""
    if size > MAX_UNPACKED:
        raise EntryFault(f"{name}: says that it unpacks to {size:,} bytes; {MAX_UNPACKED:,} are allowed")
    unpacker = zlib.decompressobj(wbits=31)
    left, total, rest = data, 0, b""
    try:
        while not unpacker.eof:
            piece = unpacker.decompress(left, _CHUNK)
            left = unpacker.unconsumed_tail
            if not piece and not left and not unpacker.eof:
                raise EntryFault(f"{name}: ends in the middle")
            total += len(piece)
            if total > size:
                raise EntryFault(f"{name}: unpacks to more than the {size:,} bytes that the entry says")
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line + b"\n"
            if len(rest) > MAX_LINE:
                raise EntryFault(f"{name}: a line longer than {MAX_LINE:,} bytes")
    except zlib.error as error:
        raise EntryFault(f"{name}: not a whole gzip file ({error})") from None
    if unpacker.unused_data:
        raise EntryFault(f"{name}: {len(unpacker.unused_data):,} bytes after its end")
    if rest:
        raise EntryFault(f"{name}: its last line has no end")
    if total != size:
        raise EntryFault(f"{name}: unpacks to {total:,} bytes, where the entry says {size:,}")


def first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    # Pydantic names the check within a dictionary's value as if it were a key: `function-after[plain(), ...]`.
    place = ".".join(str(part) for part in fault["loc"] if "[" not in str(part))
    said = fault["msg"].removeprefix("Value error, ")
    return shown(f"{place}: {said}" if place else said, 300)


def _depth(text: str) -> int:
    """How deep brackets are nested, those within texts not counted."""
    deepest = depth = 0
    # What lies between quotation marks, with escaped ones out of the way, is every second part.
    for part in text.replace("\\\\", "").replace('\\"', "").split('"')[::2]:
        if not ("{" in part or "[" in part or "}" in part or "]" in part):
            continue
        for character in part:
            if character in "{[":
                depth += 1
                deepest = max(deepest, depth)
            elif character in "}]":
                depth -= 1
        if deepest > MAX_DEPTH:
            break
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"the key {shown(twice, 60)!r} stands there twice")
    return found


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _float(text: str, signed: bool) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{shown(text, 40)} is beyond every number")
    return _counted(value, text, signed)


def _int(text: str, signed: bool) -> int:
    if len(text) > 17:
        raise ValueError(f"{shown(text, 40)} is larger than anything that is counted here")
    return _counted(int(text), text, signed)


def _counted(value: Any, text: str, signed: bool) -> Any:
    if not signed and text.startswith("-"):
        raise ValueError(f"{shown(text, 40)}: a negative number, which nothing here can be")
    if abs(value) > MAX_NUMBER:
        raise ValueError(f"{shown(text, 40)} is larger than anything that is counted here")
    return value
