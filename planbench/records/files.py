"""A run folder: what is in it, and writing that a kill cannot spoil.

    run.json        what the run depends on (`RunRecord`)
    tasks.jsonl     the tasks as they were given, renamed if they were, so that replies can be judged again
    samples.jsonl   one line a sample, appended; a torn last line is dropped and its sample drawn again
    samples-N.jsonl those of process N where several draw at once, until they are gathered in samples.jsonl
    summary.json    what it comes to (`Summary`)
    report.html     the same to look at

Whole files are written beside their place and moved there, so that they are either old or new. One process at a time
writes into a folder: it holds a lock that dies with it.
"""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import re
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import IO, Any, BinaryIO, TypeVar

from pydantic import BaseModel, ValidationError

from planbench.errors import InputError, RunFolderError
from planbench.records.run import RunRecord
from planbench.records.sample import Sample
from planbench.records.summary import Summary
from planbench.records.task import ReferencePlan, Task

RUN, TASKS, SAMPLES, SUMMARY, REPORT = "run.json", "tasks.jsonl", "samples.jsonl", "summary.json", "report.html"
SHARD, _SHARD = "samples-{}.jsonl", re.compile(r"samples-[0-9]+\.jsonl")
ITERATE, BIAS = "iterate.json", "bias.json"
"""In place of run.json in the folder of an iterate run, or of a bias run."""

_COMMANDS = {RUN: "eval", ITERATE: "iterate", BIAS: "bias"}

Record = TypeVar("Record", bound=BaseModel)

MAX_WHOLE = 256_000_000
"""A file that is read whole and is larger, or a packed one that unpacks to more bytes, is refused."""

MAX_LINE = 64_000_000
"""A longer line of a JSONL file is refused: no reply that we keep comes near."""


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader, or a kill, finds either all of it or what was there before."""
    _write_whole(path, (text.encode(),))


def write_bytes(path: Path, data: bytes) -> None:
    """As `write_whole`."""
    _write_whole(path, (data,))


def _write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    if not path.name:
        raise InputError(f"{path}: a folder; name a file in it")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}; choose another --out") from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def read_json(path: Path, kind: type[Record]) -> Record:
    """A JSON file of ours, validated. Raises RunFolderError with the file and the first fault."""
    return _read_json(path, kind, _bytes_of(path))


def _bytes_of(path: Path) -> bytes:
    try:
        with _opened(path) as file:
            data = file.read(MAX_WHOLE + 1)
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror}; is this a finished planbench run?") from None
    if len(data) > MAX_WHOLE:
        raise RunFolderError(f"{path}: larger than {MAX_WHOLE // 1_000_000} MB")
    return data


def _opened(path: Path) -> BinaryIO:
    """A file to read. Raises RunFolderError for what would never end: a pipe, a device."""
    if path.exists() and not path.is_file():
        raise RunFolderError(f"{path}: is no file")
    return path.open("rb")


def _read_json(path: Path, kind: type[Record], data: bytes) -> Record:
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise RunFolderError(f"{path}: {_first_fault(error)}") from None


def write_packed(path: Path, record: BaseModel) -> None:
    """JSON as a gzip file, the same bytes for the same record."""
    write_bytes(path, gzip.compress(record.model_dump_json().encode(), compresslevel=9, mtime=0))


def read_packed(path: Path, kind: type[Record]) -> Record:
    """What `write_packed` wrote. Raises RunFolderError with the file and the first fault."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        data = unpacking.decompress(_bytes_of(path), MAX_WHOLE)
    except zlib.error as error:
        raise RunFolderError(f"{path}: not a gzip file ({error})") from None
    if not unpacking.eof:
        raise RunFolderError(f"{path}: not a whole gzip file, or one of more than {MAX_WHOLE // 1_000_000} MB")
    return _read_json(path, kind, data)


def write_json(path: Path, record: BaseModel) -> None:
    write_whole(path, record.model_dump_json(indent=2) + "\n")


def read_lines(path: Path, kind: type[Record]) -> Iterator[Record]:
    """The lines of a JSONL file of ours, each validated. Raises RunFolderError with file, line and the first fault; a
    last line without its newline, which a kill left, is left out."""
    for number, line in enumerate(_lines(path), 1):
        try:
            yield kind.model_validate_json(line)
        except ValidationError as error:
            raise RunFolderError(f"{path}:{number}: {_first_fault(error)}") from None


def write_lines(path: Path, records: Iterable[BaseModel]) -> None:
    """A JSONL file, whole or not at all."""
    _write_whole(path, (record.model_dump_json().encode() + b"\n" for record in records))


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in fault["loc"])
    return f"{place + ': ' if place else ''}{fault['msg'].removeprefix('Value error, ')}"


class _TaskLine(BaseModel):
    """A line of `tasks.jsonl`. The texts of a domain are None but in its first line."""

    id: str
    domain: str
    domain_number: int
    domain_pddl: str | None
    domain_toml: str | None
    problem_pddl: str
    reference: tuple[tuple[str, ...], ...] | None
    optimal: bool


class RunFolder:
    """A run folder on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self, record: str | None = None) -> None:
        """Make it, for a run that has this record, or for what is no run. Raises RunFolderError where another command's
        run is there."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be made: {error.strerror}; choose another --out") from None
        if not os.access(self.path, os.W_OK):
            raise InputError(f"{self.path}: not writable; choose another --out")
        for name, command in _COMMANDS.items():
            if name != record and (self.path / name).is_file():
                raise RunFolderError(f"{self.path}: holds a run of planbench {command}; choose another --out")

    @contextmanager
    def lock(self) -> Generator[None]:
        """Hold the folder alone. Raises RunFolderError where another process holds it."""
        try:
            file = (self.path / ".lock").open("w")
        except OSError as error:
            raise InputError(f"{self.path}: not writable: {error.strerror}; choose another --out") from None
        with file:
            self._hold(file)
            yield

    def _hold(self, file: IO[Any]) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunFolderError(f"{self.path}: another planbench is writing here; wait for it to end") from None

    def record(self) -> RunRecord | None:
        """run.json, None where there is none yet."""
        path = self.path / RUN
        return read_json(path, RunRecord) if path.is_file() else None

    def summary(self) -> Summary:
        return read_json(self.path / SUMMARY, Summary)

    def write_tasks(self, tasks: Iterable[Task]) -> None:
        """The tasks, a line each; the texts of a domain stand in the first line of that domain only."""
        lines: list[str] = []
        numbers: dict[tuple[str, str], int] = {}
        for task in tasks:
            reference = task.reference
            texts = (task.domain_pddl, task.domain_toml)
            known = texts in numbers
            number = numbers.setdefault(texts, len(numbers))
            row = {
                "id": task.id,
                "domain": task.domain,
                "domain_number": number,
                "domain_pddl": None if known else task.domain_pddl,
                "domain_toml": None if known else task.domain_toml,
                "problem_pddl": task.problem_pddl,
                "reference": None if reference is None else [list(step) for step in reference.steps],
                "optimal": reference is not None and reference.optimal,
            }
            lines.append(json.dumps(row, ensure_ascii=False))
        write_whole(self.path / TASKS, "".join(line + "\n" for line in lines))

    def tasks(self) -> list[Task]:
        """What `write_tasks` wrote."""
        path = self.path / TASKS
        domains: dict[int, tuple[str, str]] = {}
        tasks: list[Task] = []
        for number, line in enumerate(_lines(path), 1):
            try:
                row = _TaskLine.model_validate_json(line)
            except ValidationError as error:
                raise RunFolderError(f"{path}:{number}: not a task of a run ({_first_fault(error)})") from None
            if row.domain_pddl is not None and row.domain_toml is not None:
                domains.setdefault(row.domain_number, (row.domain_pddl, row.domain_toml))
            if row.domain_number not in domains:
                raise RunFolderError(f"{path}:{number}: not a task of a run (no line before it has its domain)")
            pddl, toml = domains[row.domain_number]
            reference = None if row.reference is None else ReferencePlan(row.reference, row.optimal)
            tasks.append(Task(row.id, row.domain, pddl, row.problem_pddl, reference, toml))
        return tasks

    def samples(self) -> Iterator[Sample]:
        """The samples so far, in the order in which they were drawn. Raises RunFolderError at a line that is none."""
        path = self.path / SAMPLES
        if path.is_file():
            yield from read_lines(path, Sample)

    def shard(self, rank: int) -> Path:
        """Where one of several processes appends its samples, until they are gathered; rank 0 needs none."""
        return self.path / (SHARD.format(rank) if rank else SAMPLES)

    def shards(self) -> list[Path]:
        """Those that are there. Raises RunFolderError where one is being written."""
        named = self.path.glob(SHARD.format("*"))
        found = sorted(path for path in named if _SHARD.fullmatch(path.name) and path.is_file())
        for shard in found:
            with shard.open("rb") as file:
                self._hold(file)
        return found

    def keep_samples(self, samples: Iterable[Sample]) -> None:
        """Put these samples in place of those that are there, whole or not at all."""
        write_lines(self.path / SAMPLES, samples)

    @contextmanager
    def appending(self, rank: int = 0) -> Generator[SampleWriter]:
        """Append samples, to the shard of a process where there are several. What a kill left of an unfinished last
        line is cut off first."""
        path = self.shard(rank)
        try:
            with path.open("ab+") as file:
                _cut_torn_line(file)
            # Unbuffered, so that nothing is left to write, and to fail, when it is closed.
            file = path.open("ab", buffering=0)
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from None
        with file:
            self._hold(file)
            yield SampleWriter(file, path)


class SampleWriter:
    """Appends samples, each batch in one go."""

    def __init__(self, file: FileIO, path: Path) -> None:
        self._file, self._path = file, path

    def write(self, samples: Iterable[Sample]) -> None:
        """Raises InputError where the disk takes no more; what it took is a torn line then."""
        left = memoryview(b"".join(sample.model_dump_json().encode() + b"\n" for sample in samples))
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise InputError(
                f"{self._path}: cannot be written: {error.strerror}; mend that, and the same command goes on from here"
            ) from None


def _cut_torn_line(file: BinaryIO) -> None:
    end = file.seek(0, os.SEEK_END)
    position = end
    while position > 0:
        start = max(0, position - 65_536)
        file.seek(start)
        newline = file.read(position - start).rfind(b"\n")
        if newline >= 0:
            position = start + newline + 1
            break
        position = start
    if position != end:
        file.truncate(position)
    file.seek(0, os.SEEK_END)


def _lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a file; a last line without its newline is left out."""
    try:
        with _opened(path) as file:
            while line := file.readline(MAX_LINE):
                if not line.endswith(b"\n"):
                    if len(line) == MAX_LINE:
                        raise RunFolderError(f"{path}: a line longer than {MAX_LINE // 1_000_000} MB")
                    return
                yield line
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror}; is this a planbench run?") from None
