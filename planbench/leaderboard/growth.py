"""Iterate runs: how a model grew over generations, shown on a page of its own beside the table.

The pools and held-out tasks of such a run are no named sets, and its samples are too many to publish; so these numbers
are the run's own and are shown as that, never ranked. What is checked is that the file is whole, that it is of the
form that `planbench iterate` writes, that its rates are those of its counts, and those over seeds their mean.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from planbench.errors import InputError, RunFolderError
from planbench.leaderboard.entry import Card, Day, Id, Line, plain, without_folder
from planbench.leaderboard.reading import EntryFault, as_record, first_fault, read_bytes, read_document
from planbench.leaderboard.store import EntryFolder
from planbench.records.files import ITERATE, SUMMARY, read_json, write_whole
from planbench.records.iterate import SPLITS, Across, Generation, IterateRecord, IterateSummary
from planbench.records.summary import Part
from planbench.wording import shown

MAX_BYTES = 4_000_000
ROUNDING = 1e-9


class Growth(BaseModel):
    """`growth/<id>.json`."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True, allow_inf_nan=False
    )

    schema_version: Literal[1] = Field(default=1, alias="schema")
    id: Id
    planbench: Line
    date: Day
    card: Card
    summary: IterateSummary
    checksum: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] = ""

    @property
    def title(self) -> str:
        return self.card.title or self.summary.model

    def text(self) -> str:
        return growth_text(self.model_dump(mode="json"))


def growth_text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def growth_checksum(document: dict[str, Any]) -> str:
    return blake2b(growth_text({**document, "checksum": ""}).encode(), digest_size=16).hexdigest()


def add_growth(run: Path, folder: EntryFolder, card: Card) -> Path:
    """Add an iterate run. Raises RunFolderError where it is unfinished or does not hold together."""
    record, summary = read_json(run / ITERATE, IterateRecord), read_json(run / SUMMARY, IterateSummary)
    if not summary.finished:
        raise RunFolderError(f"{run}: unfinished; type its command again to go on")
    # Which tasks were solved first is for the run's own page; here they would be most of the file.
    summary = summary.model_copy(
        update={
            "model": without_folder(summary.model),
            "first_solved": [],
            "config": _bare(summary.config),
            "ended": {where: _without_paths(why) for where, why in summary.ended.items()},
        }
    )
    word = re.sub(r"[^a-z0-9]+", "-", (card.title or summary.model).lower()).strip("-")[:60].strip("-") or "run"
    identity = blake2b(summary.model_dump_json().encode(), digest_size=4).hexdigest()
    try:
        growth = Growth(
            id=f"{word}-{identity}",
            planbench=record.planbench,
            date=record.started[:10],
            card=card,
            summary=summary,
        )
    except ValidationError as error:
        raise RunFolderError(f"{run}: {first_fault(error)}") from None
    growth = growth.model_copy(update={"checksum": growth_checksum(growth.model_dump(mode="json"))})
    try:
        # As whoever verifies it will.
        faults = list(_faults(_read(growth.text().encode(), f"growth/{growth.id}.json")))
    except EntryFault as error:
        faults = [str(error)]
    if faults:
        raise RunFolderError(f"{run}: {faults[0]}")
    try:
        folder.growth.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder.growth}: cannot be made: {error.strerror}; choose another --folder") from None
    path = folder.growth / f"{growth.id}.json"
    write_whole(path, growth.text())
    return path


def read_growth(folder: EntryFolder, name: str) -> Growth:
    """Raises EntryFault."""
    data = read_bytes(folder.growth / f"{name}.json", MAX_BYTES)
    growth = _read(data, f"growth/{name}.json")
    if growth.id != name:
        raise EntryFault(f"growth/{name}.json: holds {growth.id}; a file is called as what it holds")
    return growth


def _read(data: bytes, name: str) -> Growth:
    document = read_document(data, name, signed=True)
    growth = as_record(document, Growth, name)
    if growth_checksum(document) != growth.checksum or growth_text(document).encode() != data:
        raise EntryFault(f"{name}: was changed after it was written")
    return growth


def check_growth(folder: EntryFolder, name: str) -> list[str]:
    """What is wrong with an iterate run, a line each."""
    try:
        return list(_faults(read_growth(folder, name)))
    except EntryFault as error:
        return [str(error)]


def _faults(growth: Growth) -> Iterator[str]:
    yield from _text_faults(growth.summary.model_dump(mode="json"), "summary")
    for arm, generations in growth.summary.arms.items():
        if not generations:
            yield f"{arm}: an arm without generations"
        for generation in generations:
            for split in SPLITS:
                part = getattr(generation, split)
                if part is not None:
                    yield from _part_faults(part, f"{arm}, generation {generation.generation}, {split}")
    for row in growth.summary.across:
        yield from _across_faults(row, growth.summary.arms[row.arm])


def _text_faults(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _text_faults(str(key), f"a key of {place}")
            yield from _text_faults(one, f"{place}.{shown(str(key), 40)}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _text_faults(one, f"{place}.{number}")
    elif isinstance(value, str):
        try:
            plain(value)
        except ValueError as error:
            yield f"{place}: {error}"


def _part_faults(part: Part, place: str) -> Iterator[str]:
    if sum(part.verdicts.values()) != part.samples:
        yield f"{place}: {sum(part.verdicts.values())} verdicts on {part.samples} samples"
    judged = part.samples - part.verdicts.get("harness_error", 0)
    rate = part.verdicts.get("valid", 0) / judged if judged > 0 else None
    if (rate is None) != (part.valid_rate is None) or (
        rate is not None and part.valid_rate is not None and not math.isclose(rate, part.valid_rate, abs_tol=1e-12)
    ):
        yield f"{place}: a valid rate of {part.valid_rate}, where the verdicts say {rate}"


def _across_faults(row: Across, generations: Sequence[Generation]) -> Iterator[str]:
    """Over seeds: the rate is the mean of theirs, as far as harness errors leave it open."""
    place = f"{row.arm}, generation {row.generation}, {row.split} over seeds"
    of_seeds = (getattr(one, row.split) for one in generations if one.generation == row.generation)
    parts: list[Part] = [part for part in of_seeds if part is not None]
    if row.seeds != len(parts) or not parts:
        yield f"{place}: of {row.seeds} seeds, where {len(parts)} are there"
        return
    lost = sum(part.verdicts.get("harness_error", 0) for part in parts)
    if any(part.samples <= lost for part in parts):
        yield f"{place}: {lost} harness errors leave nothing to tell a rate by"
        return
    low, high = (sum(ends) / len(parts) for ends in zip(*(_ends(part, lost) for part in parts), strict=True))
    if not low - ROUNDING <= row.rate <= high + ROUNDING:
        mean = f"{low}" if low == high else f"{low} to {high}"
        yield f"{place}: a rate of {row.rate}, where the mean of the seeds is {mean}"
    if not row.ci[0] - ROUNDING <= row.rate <= row.ci[1] + ROUNDING:
        yield f"{place}: an interval of {row.ci} about a rate of {row.rate}"
    longest = max((part.longest_reference_solved or 0 for part in parts), default=0)
    if (row.longest_reference_solved or 0) != longest:
        yield f"{place}: {row.longest_reference_solved} as the longest solved, where the seeds say {longest}"


def _ends(part: Part, lost: int) -> tuple[float, float]:
    """What a seed's rate can be over the tasks that were judged with every seed, where `lost` samples of all seeds
    failed: those of its own could have been anything, and any of its tasks may be left out for another seed's."""
    valid, own = part.verdicts.get("valid", 0), part.verdicts.get("harness_error", 0)
    left = part.samples - lost
    return max(0.0, (valid - lost) / left), min(1.0, (valid + own) / left)


def _bare(value: Any) -> Any:
    """A configuration without the folders of somebody's machine."""
    if isinstance(value, dict):
        return {key: _bare(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_bare(one) for one in value]
    return without_folder(value) if isinstance(value, str) else value


def _without_paths(sentence: str) -> str:
    """As `without_folder`, of each path in it."""
    return re.sub(r"(?<![\w./])[/~](?!/)[^\s:;,'\"]+", lambda path: Path(path[0]).name, sentence)
