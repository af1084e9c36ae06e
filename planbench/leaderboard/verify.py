"""An entry, recomputed: its tasks are made again from the name of their set, every plan is judged again, every number
counted again. All that is wrong is named, each in a line.

What this cannot show is that the model that is named wrote the plans: a plan that is valid is valid, whoever found it.
Tokens and seconds, too, are the word of whoever measured them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any

from pydantic import ValidationError

from planbench.core.judge import judge
from planbench.core.plan import read_plan
from planbench.core.verdict import Verdict
from planbench.errors import PlanbenchError
from planbench.leaderboard.entry import Entry, StoredSample, digest, id_stem
from planbench.leaderboard.reading import EntryFault, first_fault, read_document, unpacked_lines
from planbench.leaderboard.store import EntryFolder, Stored
from planbench.metrics import summarise
from planbench.preparation import Prepared, prepare
from planbench.prompts.styles import STYLES
from planbench.records import task_set_hash
from planbench.records.sample import Sample, VerdictRecord
from planbench.records.summary import Summary
from planbench.suite.sets import make_set, task_sets
from planbench.wording import shown

MAX_FAULTS = 20
"""How many faults of an entry are named; the others are counted."""

RELATIVE = 1e-9
HORIZON_STEPS = 2e-4
"""Floats may differ by their last digits between machines; horizons, which are rounded to four decimals, by one of
these. Counts may not differ."""

Watch = Callable[[str], None]


@dataclass
class Verification:
    """What came out for one entry. `plans` were judged; `others` are faults beyond `MAX_FAULTS`."""

    id: str
    faults: list[str] = field(default_factory=list[str])
    others: int = 0
    plans: int = 0
    digests: tuple[str, str] | None = None

    @property
    def verified(self) -> bool:
        return not self.faults

    def fault(self, what: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(what)
        else:
            self.others += 1


@dataclass(frozen=True)
class Book:
    """The tasks of a set as they were asked, by hash. With some of its domains alone, `hash` is not that of the set."""

    tasks: dict[str, Prepared]
    hash: str


@cache
def task_book(name: str, rename: str, seed: int, domains: tuple[str, ...] = ()) -> Book:
    """The tasks of a named set, made again, once for all entries. Raises EntryFault for a set that there is not, or
    that this copy of planbench makes otherwise."""
    if name not in task_sets():
        raise EntryFault(f"there is no task set {shown(name, 60)!r}: there is {', '.join(task_sets())}")
    try:
        prepared = prepare(make_set(name, domains or None), rename, seed)
    except PlanbenchError as error:
        raise EntryFault(str(error)) from None
    return Book({one.task.hash: one for one in prepared}, task_set_hash(one.task for one in prepared))


def book_of(entry: Entry, domains: Sequence[str] = ()) -> Book:
    rename = entry.settings.rename
    return task_book(entry.tasks.set, rename, 0 if rename == "none" else entry.settings.seed, tuple(domains))


def verify(
    folder: EntryFolder, name: str, domains: Sequence[str] = (), watch: Watch = lambda what: None
) -> Verification:
    """Verify an entry of a folder. With `domains`, its plans in these alone: a quick look that marks nothing."""
    found = Verification(name)
    try:
        stored = folder.read(name)
        check(stored, found, domains, watch)
        found.digests = stored.digests
    except EntryFault as error:
        found.fault(str(error))
    return found


def check(stored: Stored, found: Verification, domains: Sequence[str] = (), watch: Watch = lambda what: None) -> None:
    """Everything about an entry that can be wrong, once its form is right. Raises EntryFault where nothing more can be
    said."""
    entry = stored.entry
    if digest(stored.packed) != entry.samples.sha256:
        found.fault("samples: another file than the entry was made with (SHA-256)")
    _check_words(entry, found)
    watch(f"making the tasks of {entry.tasks.set}")
    book = book_of(entry, domains)
    if not domains:
        _check_set(entry, book, found)
    watch(f"judging {entry.id}")
    seen: set[tuple[str, int]] = set()
    # Judged as they are read: with their plans all at once they would not fit in memory.
    judged = _judged(entry, _samples(stored, found), book, seen, found, partial=bool(domains))
    counted = summary_of(entry, judged)
    _check_complete(entry, seen, book, found, partial=bool(domains))
    if not domains:
        errors = counted.verdicts.get("harness_error", 0)
        if errors:
            # They leave every rate, and nobody but the sender knows what became of them.
            found.fault(f"{errors} of {counted.samples} samples are harness errors; a run with any does not count")
        if found.faults:
            return  # every number would differ, and that would hide what is wrong
        for what in differences(entry.results.model_dump(mode="json"), counted.model_dump(mode="json"), "results"):
            found.fault(what)


def summary_of(entry: Entry, samples: Iterable[Sample]) -> Summary:
    """What the samples come to, as `planbench eval` counts it."""
    return summarise(
        samples,
        model=entry.model.name,
        model_fingerprint=entry.model.fingerprint,
        prompt=entry.settings.prompt,
        finished=True,
    )


def judge_sample(sample: StoredSample, one: Prepared) -> tuple[Verdict, Sample]:
    """The verdict on a stored plan, judged now, and the sample that metrics count."""
    if sample.plan is None:
        kind = sample.verdict if sample.verdict == "harness_error" else "no_plan"
        verdict = Verdict(kind)
    else:
        verdict = judge(one.compiled, read_plan("\n".join(sample.plan)))
    # Built without checks, which the parts have had: counting is what takes time otherwise.
    return verdict, Sample.model_construct(
        domain=one.task.domain,
        task_hash=sample.hash,
        prompt_tokens=sample.prompt_tokens,
        completion_tokens=sample.completion_tokens,
        seconds=sample.seconds,
        verdict=VerdictRecord.model_construct(kind=verdict.kind, step=verdict.step),
        length=verdict.length,
        cost=verdict.cost,
        reference_length=one.task.reference_length,
        reference_cost=one.reference_cost,
    )


def differences(said: Any, counted: Any, place: str) -> Iterator[str]:
    """Where two summaries differ, as `results.by_domain.grid.verdicts.valid: 12 there, 11 counted`."""
    if isinstance(said, dict) and isinstance(counted, dict):
        for key in sorted({*said, *counted}, key=str):
            if key not in said or key not in counted:
                missing = "missing" if key not in said else "there, and nothing like it was counted"
                yield f"{place}.{shown(str(key), 60)}: {missing}"
            else:
                yield from differences(said[key], counted[key], f"{place}.{shown(str(key), 60)}")
    elif isinstance(said, list) and isinstance(counted, list):
        if len(said) != len(counted):
            yield f"{place}: {len(said)} there, {len(counted)} counted"
        for number, (one, other) in enumerate(zip(said, counted, strict=False)):
            yield from differences(one, other, f"{place}.{number}")
    elif not _same(said, counted, ".horizon." in place):
        yield f"{place}: {shown(str(said), 60)} there, {shown(str(counted), 60)} counted"


def _same(said: Any, counted: Any, is_horizon: bool) -> bool:
    if isinstance(said, float) or isinstance(counted, float):
        if said is None or counted is None:
            return False
        return math.isclose(said, counted, rel_tol=RELATIVE, abs_tol=HORIZON_STEPS if is_horizon else 1e-12)
    return bool(said == counted) and isinstance(said, bool) == isinstance(counted, bool)


def _check_words(entry: Entry, found: Verification) -> None:
    stem = id_stem(entry.model, entry.settings, entry.tasks.set)
    if not re.fullmatch(rf"{re.escape(stem)}-[0-9a-f]{{8}}", entry.id):
        found.fault(f"id: of this model, prompt and set it is {stem}- and eight hexadecimal digits")
    # It may be tomorrow already where it was run.
    if date.fromisoformat(entry.date) > date.today() + timedelta(days=1):
        found.fault(f"date: {entry.date} is yet to come")
    if entry.settings.prompt not in STYLES:
        found.fault(f"settings.prompt: there is no style {shown(entry.settings.prompt, 60)!r}")


def _check_set(entry: Entry, book: Book, found: Verification) -> None:
    asked = entry.tasks
    if asked.hash != book.hash:
        found.fault(f"tasks.hash: {asked.hash} there, the tasks of {asked.set} have {book.hash}")
    if asked.tasks != len(book.tasks):
        found.fault(f"tasks.tasks: {asked.tasks} there, {asked.set} has {len(book.tasks)}")


def _samples(stored: Stored, found: Verification) -> Iterator[StoredSample]:
    """The lines of the samples that are well formed. Reading ends where there are more than the entry says, or where
    enough of them are none: half a million empty lines are a few kilobytes, and would take minutes."""
    said = stored.entry.samples
    name = "samples"
    number = wrong = 0
    for number, line in enumerate(unpacked_lines(stored.packed, said.bytes, name), start=1):
        if number > said.count:
            raise EntryFault(f"{name}: more than the {said.count:,} lines that the entry says")
        sample = _sample(line, f"{name}:{number}", found)
        if sample is not None:
            yield sample
            continue
        wrong += 1
        if wrong > MAX_FAULTS:
            raise EntryFault(f"{name}: not read beyond line {number:,}, as so many are no samples")
    if number != said.count:
        found.fault(f"{name}: {number:,} lines, where the entry says {said.count:,}")


def read_samples(stored: Stored) -> list[StoredSample]:
    """The samples of an entry that verifies."""
    return list(_samples(stored, Verification(stored.entry.id)))


def _sample(line: bytes, place: str, found: Verification) -> StoredSample | None:
    try:
        sample = StoredSample.model_validate_json(line)
    except ValidationError as error:
        fault = first_fault(error)
    else:
        if sample.line() == line:
            return sample
        fault = "not as planbench writes it: spacing, order of keys, or spelling of numbers"
    try:
        read_document(line, place)
    except EntryFault as worse:
        found.fault(str(worse))
    else:
        found.fault(f"{place}: {fault}")
    return None


def _judged(
    entry: Entry,
    samples: Iterable[StoredSample],
    book: Book,
    seen: set[tuple[str, int]],
    found: Verification,
    *,
    partial: bool,
) -> Iterator[Sample]:
    """The samples of the tasks in the book, each of which is put among those `seen`, by task and number."""
    for number, sample in enumerate(samples, start=1):
        one = book.tasks.get(sample.hash)
        if one is None:
            if not partial:
                found.fault(f"samples:{number}: {_task(sample)} is no task of {entry.tasks.set}")
            continue
        found.plans += sample.plan is not None
        if one.task.id != sample.task:
            found.fault(f"samples:{number}: {_task(sample)} is called {one.task.id} in {entry.tasks.set}")
        key = (one.task.hash, sample.index)
        if key in seen:
            found.fault(f"samples:{number}: sample {sample.index} of {_task(sample)} stands there twice")
            continue
        seen.add(key)
        if sample.index >= entry.settings.samples:
            found.fault(
                f"samples:{number}: sample {sample.index} of {_task(sample)}, of {entry.settings.samples} a task"
            )
        verdict, counted = judge_sample(sample, one)
        if (verdict.kind, verdict.step) != (sample.verdict, sample.step):
            found.fault(
                f"samples:{number}: {_task(sample)}: {_said(sample.verdict, sample.step)} there,"
                f" judged {_said(verdict.kind, verdict.step)}"
            )
        yield counted


def _check_complete(
    entry: Entry, seen: Set[tuple[str, int]], book: Book, found: Verification, *, partial: bool
) -> None:
    for key, one in book.tasks.items():
        for index in range(entry.settings.samples):
            if (key, index) not in seen:
                found.fault(f"samples: sample {index} of {one.task.id} is missing")
    wanted = entry.tasks.tasks * entry.settings.samples
    if not partial and entry.samples.count != wanted:
        found.fault(f"samples.count: {entry.samples.count:,} there, {wanted:,} were asked for")


def _task(sample: StoredSample) -> str:
    return shown(sample.task, 60)


def _said(kind: str, step: int | None) -> str:
    return kind if step is None else f"{kind} at step {step}"
