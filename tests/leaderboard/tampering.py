"""Ways to change an entry as somebody would who knows the format: whatever seals it is made again."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from planbench.leaderboard.entry import Entry, checksum, digest, entry_text
from planbench.leaderboard.growth import growth_checksum, growth_text
from planbench.leaderboard.store import EntryFolder

Lines = list[dict[str, Any]]


def seal(board: EntryFolder, name: str, entry: Entry) -> None:
    (board.entries / f"{name}.json").write_text(entry.sealed().text(), encoding="utf-8")


def edit_entry(board: EntryFolder, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the entry's JSON and seal it again."""
    document = json.loads((board.entries / f"{name}.json").read_text(encoding="utf-8"))
    change(document)
    seal(board, name, Entry.model_validate_json(json.dumps(document)))


def edit_document(board: EntryFolder, name: str, change: Callable[[dict[str, Any]], object]) -> str:
    """As `edit_entry`, with values that no entry can hold, under the id that the document then has."""
    document = json.loads((board.entries / f"{name}.json").read_text(encoding="utf-8"))
    change(document)
    document["checksum"] = checksum(document)
    (board.entries / f"{document['id']}.json").write_text(entry_text(document), encoding="utf-8")
    board.samples_path(document["id"]).write_bytes(board.samples_path(name).read_bytes())
    return document["id"]


def edit_samples(board: EntryFolder, name: str, change: Callable[[Lines], None]) -> None:
    """Change the samples, and let the entry say that they are its own."""
    lines: Lines = [json.loads(line) for line in gzip.decompress(board.samples_path(name).read_bytes()).splitlines()]
    change(lines)
    write_samples(board, name, b"".join(compact(line) for line in lines))


def compact(line: dict[str, Any]) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def write_samples(board: EntryFolder, name: str, data: bytes) -> None:
    packed = gzip.compress(data, mtime=0)
    board.samples_path(name).write_bytes(packed)

    def change(document: dict[str, Any]) -> None:
        document["samples"] = {"count": data.count(b"\n"), "bytes": len(data), "sha256": digest(packed)}

    edit_entry(board, name, change)


def write_growth(board: EntryFolder, document: dict[str, Any]) -> None:
    """Write an iterate run under its id, and seal it."""
    sealed = {**document, "checksum": growth_checksum({**document, "checksum": ""})}
    board.growth.mkdir(exist_ok=True)
    (board.growth / f"{document['id']}.json").write_text(growth_text(sealed), encoding="utf-8")
