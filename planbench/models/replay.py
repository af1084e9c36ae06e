"""Replies that were stored before: `replay:FILE` answers with them, so that they are judged as if fresh.

FILE is the `samples.jsonl` of a run (or the run's folder), or JSON lines of anyone's making:

    {"task_hash": "0123456789abcdef", "index": 0, "reply": "(pick-up b1)"}

Each line has a `reply` and says what it replies to, by the first of these that it has: `key` (a sample's own, with
prompt and index), `task_hash` with `index`, or `task` (the name in the problem file) with `index`; `index` is 0 where
it is left out. A line of a run has both of the first two: its own prompt is answered by key, and the same task in
another prompt style by hash, unless the file holds several replies to that. `finish`, `prompt_tokens`,
`completion_tokens` and `seconds` are taken over where they are there.

A request without a stored reply gets a reply with finish `error`, which counts as ours and not as the model's.

Every line is checked when the file is opened, and read again when it is asked for: what is kept of it in memory is
where it stands and a hash of its names, so that a million replies of any length fit.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from planbench.errors import InputError
from planbench.models.base import refuse_thinking
from planbench.models.catalog import LoadOptions
from planbench.models.foreign_lines import json_object, next_line, open_lines
from planbench.models.hf_files import file_digest
from planbench.records import Reply, Request, SamplingSettings

_SURROGATE = re.compile("[\ud800-\udfff]")

_LONGEST = 1e9
"""Seconds of a reply that are believed."""

_Name = tuple[str, str, int]
"""What a reply answers: the kind of name (`key`, `task_hash`, `task`), the name, the sample index."""


def load(name: str, options: LoadOptions) -> ReplayModel:
    options.check_args("replay", {})
    path = Path(name).expanduser()
    if path.is_dir():
        path = path / "samples.jsonl"
    return ReplayModel(f"replay:{name}", path)


class ReplayModel:
    """Stored replies, as a `Model`."""

    prompt_style = None
    max_context = None
    default_max_tokens = None

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, path
        self._stored = Stored(path)
        self.fingerprint = f"replay-{file_digest(path).hex()[:16]}"

    def describe(self) -> dict[str, str | int | float | bool | None]:
        return {"kind": "replay", "source": str(self.path)}

    def replies(
        self, requests: Sequence[Request], done: Collection[int], settings: SamplingSettings
    ) -> Iterator[tuple[int, Reply]]:
        """As `Model.replies`; the settings change nothing."""
        refuse_thinking(self.name, settings)
        finished = frozenset(done)
        with closing(self._stored.open()) as file:
            for position, request in enumerate(requests):
                if position not in finished:
                    yield position, self._reply(request, file)

    def _reply(self, request: Request, file: BinaryIO) -> Reply:
        names: list[_Name] = [
            ("key", request.key, 0),
            ("task_hash", request.task_hash, request.sample_index),
            ("task", request.task.problem.name, request.sample_index),
        ]
        for name in names:
            if (reply := self._stored.find(name, file)) is not None:
                return reply
        return Reply(
            "",
            "error",
            error=f"{self.path} holds no reply, or no single one, for sample {request.sample_index} of this task",
        )


class Stored:
    """Where each reply of a file stands, by what it answers; nothing where several answer the same.

    Raises `InputError` with file and line for a line that is no reply, and for two lines that answer the same by
    their own names.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        hashes, lines = array("Q"), array("Q")
        self._offsets, self._numbers = array("Q"), array("Q")
        own = bytearray()
        with closing(self.open()) as file:
            number = offset = 0
            while line := next_line(file, f"{path}:{number + 1}"):
                number += 1
                place = f"{path}:{number}"
                if line.strip():
                    record = json_object(line, place)
                    _reply_of(record, place)
                    for nth, name in enumerate(_names(record, place)):
                        hashes.append(_hash(name))
                        lines.append(len(self._offsets))
                        own.append(nth == 0)
                    self._offsets.append(offset)
                    self._numbers.append(number)
                offset += len(line)
        if not self._offsets:
            raise InputError(f"{path}: holds no replies; each line is a JSON object with task_hash, index and reply")
        order = np.argsort(np.frombuffer(hashes, dtype=np.uint64), kind="stable")
        self._hashes = np.frombuffer(hashes, dtype=np.uint64)[order]
        self._lines = np.frombuffer(lines, dtype=np.uint64)[order]
        self._same = self._hashes[1:] == self._hashes[:-1]
        self._refuse_twice(np.frombuffer(own, dtype=np.bool_)[order])

    def open(self) -> BinaryIO:
        return open_lines(self._path, "replay:FILE with a file of replies")

    def find(self, name: _Name, file: BinaryIO) -> Reply | None:
        """The one reply with this name. `file` is what `open` gave."""
        wanted = np.uint64(_hash(name))
        at = int(np.searchsorted(self._hashes, wanted))
        if at == len(self._hashes) or self._hashes[at] != wanted or (at < len(self._same) and self._same[at]):
            return None
        line = int(self._lines[at])
        place = f"{self._path}:{self._numbers[line]}"
        file.seek(self._offsets[line])
        record = json_object(next_line(file, place), place)
        # A hash may lie; and the file may have been changed since.
        return _reply_of(record, place) if name in _names(record, place) else None

    def _refuse_twice(self, own: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        """Two lines with the same name of their own. Equal hashes stand side by side, in the order of their lines."""
        at = np.flatnonzero(own)
        twice = np.flatnonzero(self._hashes[at][1:] == self._hashes[at][:-1])
        if not len(twice):
            return
        pairs = [(int(self._lines[at[one + 1]]), int(self._lines[at[one]])) for one in twice]
        second, first = min(pairs)
        place = f"{self._path}:{self._numbers[second]}"
        with closing(self.open()) as file:
            file.seek(self._offsets[second])
            name = _names(json_object(next_line(file, place), place), place)[0]
        raise InputError(f"{place}: the same reply as line {self._numbers[first]} again ({name[0]} {name[1]!r})")


def _hash(name: _Name) -> int:
    return int.from_bytes(blake2b("\0".join(map(str, name)).encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _names(record: dict[str, Any], place: str) -> list[_Name]:
    """The names that a line can be found by, its own first."""
    index = record.get("index", 0)
    if not _is_count(index):
        raise InputError(f"{place}: index is {index!r}; it counts samples from 0")
    names: list[_Name] = []
    for kind in ("key", "task_hash", "task"):
        value = record.get(kind)
        # The task's plain name counts only where there is nothing better: it need not be unique.
        if value is None or (kind == "task" and names):
            continue
        if not isinstance(value, str):
            raise InputError(f"{place}: {kind} is not a string")
        names.append((kind, value.lower() if kind == "task" else value, 0 if kind == "key" else index))
    if not names:
        raise InputError(f"{place}: says not what it replies to; give it task_hash (or key, or task) and index")
    return names


def _reply_of(record: dict[str, Any], place: str) -> Reply:
    text, finish = record.get("reply"), record.get("finish", "stop")
    if not isinstance(text, str):
        raise InputError(f"{place}: no reply; each line has a string called reply")
    if finish not in ("stop", "length", "error"):
        raise InputError(f"{place}: finish is {finish!r}; it is stop, length or error")
    counts = [record.get(key) for key in ("prompt_tokens", "completion_tokens", "near_ties")]
    if not all(count is None or _is_count(count) for count in counts):
        raise InputError(f"{place}: prompt_tokens, completion_tokens and near_ties are whole numbers")
    seconds = record.get("seconds", 0.0)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST:
        raise InputError(f"{place}: seconds is {seconds!r}; it is a number from 0 to {_LONGEST:g}")
    error = "stored as an error" if finish == "error" else ""
    # Half a surrogate pair can be written in JSON, but is no text that could be stored again.
    text = _SURROGATE.sub("\ufffd", text)
    return Reply(text, finish, counts[0], counts[1], float(seconds), error, near_ties=counts[2])


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40
