"""A finished run becomes an entry.

The entry is verified before it is written, so that what is added is what anyone will find again. What a run's folder
says of its machine and its command line is kept only as far as it says something of the result: no paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from planbench.errors import InputError, RunFolderError
from planbench.leaderboard.entry import (
    Card,
    Entry,
    Measured,
    SamplesFile,
    Settings,
    StoredSample,
    Tasks,
    digest,
    id_stem,
    without_folder,
)
from planbench.leaderboard.reading import EntryFault, first_fault
from planbench.leaderboard.store import EntryFolder, Stored, pack, read_entry
from planbench.leaderboard.verify import Verification, Watch, book_of, check, judge_sample, summary_of
from planbench.records import task_set_hash
from planbench.records.files import RUN, RunFolder
from planbench.records.run import RunRecord
from planbench.records.sample import Sample
from planbench.suite.sets import task_sets

LONGEST_STEP = 200
"""A step longer than this is no action; its first characters say so as well as all of them."""

_MACHINE = ("system", "python", "processor", "cores")


def make_card(fields: dict[str, Any]) -> Card:
    """What was typed about the model. Raises InputError with the field."""
    try:
        return Card.model_validate(fields)
    except ValidationError as error:
        raise InputError(f"--{first_fault(error)}") from None


def add(run: Path, folder: EntryFolder, card: Card, watch: Watch = lambda what: None) -> tuple[Entry, Path]:
    """Add a run. Raises RunFolderError where it cannot be an entry, InputError where the folder cannot be written."""
    entry, packed = entry_of(RunFolder(run), card, watch)
    # The same samples are the same entry, whatever an earlier planbench made the end of its id of.
    for known in folder.by_samples().get(entry.samples.sha256, [])[:1]:
        entry = entry.model_copy(update={"id": known}).sealed()
    found = Verification(entry.id)
    try:
        # As whoever verifies it will.
        data = entry.text().encode()
        stored = Stored(read_entry(entry.id, data), (digest(data), digest(packed)), packed)
        check(stored, found, watch=watch)
    except EntryFault as error:
        raise RunFolderError(f"{run}: {error}") from None
    if not found.verified:
        raise RunFolderError(f"{run}: does not verify: {found.faults[0]}; type: planbench score {run}")
    path = folder.write(entry, packed)
    folder.mark([(entry.id, stored.digests)], [])
    return entry, path


def entry_of(run: RunFolder, card: Card, watch: Watch = lambda what: None) -> tuple[Entry, bytes]:
    """The entry of a run, and its samples packed. Raises RunFolderError."""
    record = run.record()
    if record is None:
        raise RunFolderError(f"{run.path}: no {RUN} in it; give the folder that planbench eval wrote with --out")
    name = _set_name(record, run.path)
    samples = sorted(run.samples(), key=lambda sample: (sample.task, sample.task_hash, sample.index))
    _check_finished(record, samples, run.path)
    try:
        stored = [_stored(sample) for sample in samples]
        packed, size = pack(stored)
        entry = _entry(record, name, card, SamplesFile(count=len(stored), bytes=size, sha256=digest(packed)))
    except ValidationError as error:
        raise RunFolderError(f"{run.path}: {first_fault(error)}") from None
    watch(f"making the tasks of {name}")
    book = book_of(entry)
    for hash in (record.config.tasks.hash, task_set_hash(run.tasks())):
        if hash != book.hash:
            raise RunFolderError(f"{run.path}: its tasks are not those of set {name} (hash {hash}, not {book.hash})")
    counted = (judge_sample(sample, book.tasks[sample.hash])[1] for sample in stored if sample.hash in book.tasks)
    return entry.model_copy(update={"results": summary_of(entry, counted)}).sealed(), packed


def _entry(record: RunRecord, name: str, card: Card, file: SamplesFile) -> Entry:
    config = record.config
    model = Measured(
        name=without_folder(config.model),
        fingerprint=config.model_fingerprint,
        kind=str(record.model.get("kind") or "model"),
        described={key: value for key, value in record.model.items() if key != "kind" and _is_short(value)},
    )
    settings = Settings(
        prompt=config.prompt,
        shots=config.shots,
        rename=config.rename,  # pyright: ignore[reportArgumentType]
        temperature=config.temperature,
        top_p=config.top_p,
        max_tokens=config.max_tokens,
        samples=config.samples,
        seed=config.seed,
        max_thinking_tokens=config.max_thinking_tokens,
        model_args={key: without_folder(value) for key, value in config.model_args.items()},
    )
    identity = repr((model.fingerprint, settings, file.sha256))
    return Entry(
        id=f"{id_stem(model, settings, name)}-{blake2b(identity.encode(), digest_size=4).hexdigest()}",
        planbench=record.planbench,
        date=record.started[:10],
        card=card,
        model=model,
        settings=settings,
        tasks=Tasks(set=name, tasks=config.tasks.tasks, hash=config.tasks.hash),
        versions=record.versions,
        machine={key: record.machine[key] for key in _MACHINE if key in record.machine},
        samples=file,
        results=summary_of_nothing(),
    )


def summary_of_nothing() -> Any:
    """Stands in for the results until they are counted."""
    from planbench.metrics import summarise

    return summarise([], model="", model_fingerprint="", prompt="", finished=False)


def _set_name(record: RunRecord, path: Path) -> str:
    spec = record.config.tasks.spec
    name = spec.get("set")
    if not isinstance(name, str) or name not in task_sets():
        raise RunFolderError(
            f"{path}: its tasks are no named set, so that nobody could make them again; "
            "measure the model with --tasks standard"
        )
    if set(spec) != {"set"}:
        narrowed = ", ".join(f"--{key.replace('_', '-')}" for key in spec if key != "set")
        raise RunFolderError(f"{path}: only a part of set {name} ({narrowed}); measure the model on all of it")
    return name


def _check_finished(record: RunRecord, samples: Sequence[Sample], path: Path) -> None:
    wanted = record.config.tasks.tasks * record.config.samples
    if len(samples) != wanted:
        raise RunFolderError(
            f"{path}: unfinished, with {len(samples):,} of {wanted:,} samples; type its command again to go on"
        )
    errors = sum(sample.verdict.kind == "harness_error" for sample in samples)
    if errors:
        raise RunFolderError(
            f"{path}: {errors:,} of {wanted:,} samples failed through no fault of the model; type its command again to "
            "retry them"
        )


def _stored(sample: Sample) -> StoredSample:
    return StoredSample(
        task=sample.task,
        hash=sample.task_hash,
        index=sample.index,
        verdict=sample.verdict.kind,
        step=sample.verdict.step,
        finish=sample.finish,
        prompt_tokens=sample.prompt_tokens,
        completion_tokens=sample.completion_tokens,
        seconds=sample.seconds,
        plan=None if sample.plan is None else [step[:LONGEST_STEP] for step in sample.plan],
    )


def _is_short(value: object) -> bool:
    """Whether a value says something in a line: no path, no template."""
    return not isinstance(value, str) or (
        len(value) <= LONGEST_STEP and value.isprintable() and not set(value) & set("/\\<>`")
    )
