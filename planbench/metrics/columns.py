"""Samples as columns of numbers: what the measures need of a sample, in about 80 bytes, so that a million samples fit
in memory. Replies and plans are read past once and dropped."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planbench.core.verdict import VERDICT_KINDS
from planbench.records.sample import MOST, Sample

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

UNKNOWN = -1
"""In a column of whole numbers: not known. In a column of floats that is NaN."""

VALID = VERDICT_KINDS.index("valid")
HARNESS_ERROR = VERDICT_KINDS.index("harness_error")
_VERDICT_NUMBER = {kind: number for number, kind in enumerate(VERDICT_KINDS)}
_INT_COLUMNS = 8
_FLOAT_COLUMNS = 3


@dataclass(frozen=True)
class Columns:
    """One entry a sample in each column. `task` and `domain` number the tasks and domains of the whole run in the
    order they were met; `verdict` is a position in VERDICT_KINDS; `step` is the failing step, from 1."""

    task: Ints
    domain: Ints
    verdict: Ints
    step: Ints
    length: Ints
    reference_length: Ints
    prompt_tokens: Ints
    completion_tokens: Ints
    cost: Floats
    reference_cost: Floats
    seconds: Floats

    def where(self, chosen: NDArray[np.bool_]) -> Columns:
        if chosen.all():
            return self
        return Columns(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def __len__(self) -> int:
        return len(self.task)


def fold(samples: Iterable[Sample]) -> tuple[Columns, list[str]]:
    """The columns of the samples, and the domains by number. Two samples are of one task where domain and task hash
    agree."""
    ints = [array("q") for _ in range(_INT_COLUMNS)]
    floats = [array("d") for _ in range(_FLOAT_COLUMNS)]
    tasks: dict[tuple[str, str], int] = {}
    domains: dict[str, int] = {}
    for sample in samples:
        verdict = sample.verdict
        whole = (
            tasks.setdefault((sample.domain, sample.task_hash), len(tasks)),
            domains.setdefault(sample.domain, len(domains)),
            _VERDICT_NUMBER[verdict.kind],
            _whole(verdict.step),
            _whole(sample.length),
            _whole(sample.reference_length),
            _whole(sample.prompt_tokens),
            _whole(sample.completion_tokens),
        )
        for column, number in zip(ints, whole, strict=True):
            column.append(number)
        seconds = sample.seconds if sample.seconds <= MOST else None
        for column, real in zip(floats, (sample.cost, sample.reference_cost, seconds), strict=True):
            column.append(math.nan if real is None or not math.isfinite(real) or real < 0 else real)
    return Columns(*(_frozen(column) for column in (*ints, *floats))), list(domains)


def _whole(number: int | None) -> int:
    return UNKNOWN if number is None or number < 0 else number


def _frozen(column: array[Any]) -> NDArray[Any]:
    return np.frombuffer(column, dtype=column.typecode) if len(column) else np.empty(0, dtype=column.typecode)
