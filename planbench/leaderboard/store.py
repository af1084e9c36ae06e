"""The folder of a leaderboard: `entries/`, `growth/`, and `verified.json`, which says what was verified.

A row of a table is marked as verified where `verified.json` names its files by their hashes: whoever changes a byte of
an entry takes its mark away. The marks are made by `planbench leaderboard verify`; who does not want to believe them
types that.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from planbench import __version__
from planbench.errors import InputError
from planbench.leaderboard.entry import Entry, StoredSample, check_id, checksum, digest, entry_text
from planbench.leaderboard.reading import (
    MAX_JSON,
    MAX_PACKED,
    EntryFault,
    as_record,
    read_bytes,
    read_document,
    read_record,
)
from planbench.records.files import write_whole
from planbench.wording import shown

ENTRIES, GROWTH, VERIFIED = "entries", "growth", "verified.json"
SAMPLES_SUFFIX = ".samples.jsonl.gz"


class Marks(BaseModel):
    """`verified.json`: id to the hashes of the entry's two files. `planbench` is the version that wrote it last; what
    it did not look at then, an earlier one may have verified."""

    model_config = ConfigDict(extra="forbid", strict=True)

    planbench: str = __version__
    entries: dict[str, tuple[str, str]] = Field(default_factory=dict[str, tuple[str, str]])


@dataclass(frozen=True)
class Stored:
    """An entry as it was read, with the hashes of its two files as they are now."""

    entry: Entry
    digests: tuple[str, str]
    packed: bytes


class EntryFolder:
    """A leaderboard on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries, self.growth = path / ENTRIES, path / GROWTH

    def ids(self) -> list[str]:
        """The entries by id, in order; whatever is called `*.json` counts, so that what is no entry is noticed."""
        return _stems(self.entries)

    def growth_ids(self) -> list[str]:
        return _stems(self.growth)

    def strays(self) -> list[str]:
        """Files among the entries that belong to none."""
        if not self.entries.is_dir():
            return []
        known = set(self.ids())
        return sorted(
            shown(path.name, 80)
            for path in self.entries.iterdir()
            if path.suffix != ".json" and path.name.removesuffix(SAMPLES_SUFFIX) not in known
        )

    def read(self, name: str) -> Stored:
        """An entry, its form checked and nothing else. Raises EntryFault."""
        data = read_bytes(self.entries / f"{_checked(name)}.json", MAX_JSON)
        entry = read_entry(name, data)
        packed = read_bytes(self.samples_path(name), MAX_PACKED)
        return Stored(entry, (digest(data), digest(packed)), packed)

    def by_samples(self) -> dict[str, list[str]]:
        """The entries by the hash of their samples, which no two should share."""
        found: dict[str, list[str]] = {}
        for name in self.ids():
            with suppress(EntryFault):  # verification says what is wrong with it
                found.setdefault(digest(read_bytes(self.samples_path(name), MAX_PACKED)), []).append(name)
        return found

    def samples_path(self, name: str) -> Path:
        return self.entries / f"{name}{SAMPLES_SUFFIX}"

    def write(self, entry: Entry, packed: bytes) -> Path:
        """Both files; the entry last, so that there is none without its samples."""
        path = self.entries / f"{entry.id}.json"
        try:
            self.entries.mkdir(parents=True, exist_ok=True)
            self.samples_path(entry.id).write_bytes(packed)
        except OSError as error:
            raise InputError(f"{self.entries}: cannot be written: {error.strerror}; choose another --folder") from None
        write_whole(path, entry.text())
        return path

    def marks(self) -> Marks:
        """Raises EntryFault."""
        path = self.path / VERIFIED
        if not path.exists():
            return Marks()
        try:
            return read_record(read_bytes(path, MAX_JSON), Marks, VERIFIED)
        except EntryFault as error:
            raise EntryFault(f"{error}; mend it, or type planbench leaderboard verify, which makes it anew") from None

    def mark(self, verified: Iterable[tuple[str, tuple[str, str]]], failed: Iterable[str]) -> None:
        """Keep what was found; entries that were not looked at keep what they had. Raises EntryFault where what they
        had cannot be read."""
        right, wrong = dict(verified), set(failed)
        try:
            marks = dict(self.marks().entries)
        except EntryFault:
            if not set(self.ids()) <= wrong | set(right):
                raise
            marks = {}
        for name in wrong | (set(marks) - set(self.ids())):
            marks.pop(name, None)
        marks.update(right)
        text = json.dumps({"planbench": __version__, "entries": dict(sorted(marks.items()))}, indent=1)
        write_whole(self.path / VERIFIED, text + "\n")


def read_entry(name: str, data: bytes) -> Entry:
    """The file of an entry, its form checked and nothing else. Raises EntryFault."""
    document = read_document(data, f"{name}.json")
    entry = as_record(document, Entry, f"{name}.json")
    if entry.id != name:
        raise EntryFault(f"{name}.json: holds entry {entry.id}; a file is called as its entry is")
    if checksum(document) != entry.checksum:
        raise EntryFault(f"{name}.json: was changed after it was written: its checksum is of something else")
    if entry_text(document).encode() != data:
        raise EntryFault(f"{name}.json: not as planbench writes it: spacing, order of keys, or spelling of numbers")
    return entry


def pack(samples: Sequence[StoredSample]) -> tuple[bytes, int]:
    """The samples as a gzip file, the same bytes for the same samples, and how many bytes it unpacks to."""
    data = b"".join(sample.line() for sample in samples)
    return gzip.compress(data, compresslevel=9, mtime=0), len(data)


def _stems(folder: Path) -> list[str]:
    return sorted(path.name.removesuffix(".json") for path in folder.glob("*.json")) if folder.is_dir() else []


def _checked(name: str) -> str:
    try:
        return check_id(name)
    except ValueError as error:
        raise EntryFault(f"{shown(name, 80)}: {error}") from None
