"""From samples to a summary: every figure of `planbench.records.summary`, computed here.

The order of the samples makes no difference to any figure, to the last bit: counts are whole, and sums of floats are
exact before they are rounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from planbench.core.verdict import VERDICT_KINDS
from planbench.metrics.columns import HARNESS_ERROR, UNKNOWN, VALID, Columns, Floats, Ints, fold
from planbench.metrics.horizon import horizon
from planbench.metrics.lengths import length_bins
from planbench.metrics.rates import Cell, ks_reported, pass_at_k, rate_with_interval, unanimous_at_k
from planbench.records.sample import Sample
from planbench.records.summary import AtK, Interval, LengthBin, Part, PlanLength, Seconds, Summary, Tokens


def summarise(
    samples: Iterable[Sample], *, model: str, model_fingerprint: str, prompt: str, finished: bool, seed: int = 0
) -> Summary:
    """What the samples come to, in total and by domain. The samples are read once; `seed` is the bootstrap's."""
    columns, domains = fold(samples)
    parts = {
        name: _part(columns.where(columns.domain == number), seed)
        for number, name in sorted(enumerate(domains), key=lambda numbered: numbered[1])
    }
    # A field that is itself a record must not be dumped and read again: `dict` keeps it as it is.
    return Summary(
        **dict(_part(columns, seed)),
        model=model,
        model_fingerprint=model_fingerprint,
        prompt=prompt,
        finished=finished,
        by_domain=parts,
    )


def _part(asked: Columns, seed: int) -> Part:
    judged = asked.where(asked.verdict != HARNESS_ERROR)
    valid = judged.where(judged.verdict == VALID)
    tasks = _Tasks(judged)
    rate = _rate(tasks.samples, tasks.solved)
    counts = np.bincount(asked.verdict, minlength=len(VERDICT_KINDS))
    known = tasks.reference >= 0
    return Part(
        tasks=len(np.unique(asked.task)),
        samples=len(asked),
        valid_rate=None if rate is None else rate[0],
        valid_ci=None if rate is None else rate[1],
        solved_tasks=int((tasks.solved > 0).sum()),
        verdicts={kind: int(count) for kind, count in zip(VERDICT_KINDS, counts, strict=True)},
        at_k=_at_k(tasks),
        by_length=_by_length(asked, tasks),
        horizon=horizon(tasks.reference[known], (tasks.solved / tasks.samples)[known], seed=seed),
        longest_reference_solved=_largest(valid.reference_length),
        longest_plan=_largest(valid.length),
        plan_length=_plan_length(judged, valid),
        first_failure=_first_failure(judged),
        tokens=_tokens(judged, tasks),
        seconds=_seconds(judged, tasks),
    )


class _Tasks:
    """Per task with a judged sample: its number, its judged samples, how many are valid, its reference length."""

    def __init__(self, judged: Columns) -> None:
        numbers, place = np.unique(judged.task, return_inverse=True)
        self.samples: Ints = np.bincount(place, minlength=len(numbers))
        self.solved: Ints = np.bincount(place[judged.verdict == VALID], minlength=len(numbers))
        self.reference: Ints = np.full(len(numbers), UNKNOWN, dtype=np.int64)
        np.maximum.at(self.reference, place, judged.reference_length)

    def __len__(self) -> int:
        return len(self.samples)


def _kinds(samples: Ints, solved: Ints) -> list[tuple[int, int, int]]:
    """(samples, solved, number of tasks like this), in order."""
    if not len(samples):
        return []
    kinds, counts = np.unique(np.column_stack([samples, solved]), axis=0, return_counts=True)
    return [(int(n), int(c), int(count)) for (n, c), count in zip(kinds, counts, strict=True)]


def _rate(samples: Ints, solved: Ints) -> tuple[float, Interval] | None:
    found = rate_with_interval([Cell(c / n, n, count) for n, c, count in _kinds(samples, solved)])
    # The rate itself is a ratio of two counts, so it is given as that, free of rounding.
    return None if found is None else (int(solved.sum()) / int(samples.sum()), found[1])


def _at_k(tasks: _Tasks) -> list[AtK]:
    rows: list[AtK] = []
    for k in ks_reported(int(tasks.samples.max(initial=0))):
        kinds = [(n, c, count) for n, c, count in _kinds(tasks.samples, tasks.solved) if n >= k]
        passed = rate_with_interval([Cell(pass_at_k(n, c, k), n, count) for n, c, count in kinds], per_task=True)
        agreed = rate_with_interval([Cell(unanimous_at_k(n, c, k), n, count) for n, c, count in kinds], per_task=True)
        assert passed is not None
        assert agreed is not None
        rows.append(
            AtK(
                k=k,
                tasks=sum(count for _, _, count in kinds),
                pass_rate=passed[0],
                pass_ci=passed[1],
                unanimous_rate=agreed[0],
                unanimous_ci=agreed[1],
            )
        )
    return rows


def _by_length(asked: Columns, tasks: _Tasks) -> list[LengthBin]:
    bins: list[LengthBin] = []
    lengths, place = np.unique(asked.reference_length, return_inverse=True)
    for low, high in length_bins(int(length) for length in lengths if length >= 0):
        inside = ((lengths >= low) & (lengths <= high))[place]
        chosen = (tasks.reference >= low) & (tasks.reference <= high)
        rate = _rate(tasks.samples[chosen], tasks.solved[chosen])
        bins.append(
            LengthBin(
                low=low,
                high=high,
                tasks=len(np.unique(asked.task[inside])),
                samples=int(inside.sum()),
                valid_rate=None if rate is None else rate[0],
                valid_ci=None if rate is None else rate[1],
            )
        )
    return bins


def _plan_length(judged: Columns, valid: Columns) -> PlanLength:
    lengths = valid.length[valid.length >= 0]
    both = (valid.length >= 0) & (valid.reference_length > 0)
    return PlanLength(
        mean=_mean(lengths),
        median=float(np.median(lengths)) if len(lengths) else None,
        max=_largest(valid.length),
        ratio_to_reference=_mean(valid.length[both] / valid.reference_length[both]),
        quality=_quality(judged),
    )


def _quality(judged: Columns) -> float | None:
    """Reference cost / plan cost where valid, 0 elsewhere; 1 for a plan of cost 0, where the ratio has no value.

    Source: the satisficing track of the International Planning Competition since 2008.
    """
    solved = judged.verdict == VALID
    # A valid plan of unknown cost cannot be scored, and would count as unsolved if it were kept.
    scored = np.isfinite(judged.reference_cost) & (~solved | np.isfinite(judged.cost))
    cost, reference, valid = judged.cost[scored], judged.reference_cost[scored], solved[scored]
    ratio = np.ones(len(cost))
    np.divide(reference, cost, out=ratio, where=valid & (cost > 0))
    return _mean(np.where(valid, ratio, 0.0))


def _first_failure(judged: Columns) -> float | None:
    failed = (judged.verdict != VALID) & (judged.step > 0) & (judged.length > 0)
    return _mean(np.minimum(judged.step[failed] / judged.length[failed], 1.0))


def _tokens(judged: Columns, tasks: _Tasks) -> Tokens:
    prompt = judged.prompt_tokens[judged.prompt_tokens >= 0]
    completion = judged.completion_tokens[judged.completion_tokens >= 0]
    total = int(completion.sum()) if len(completion) else None
    return Tokens(
        prompt_mean=_mean(prompt),
        completion_mean=_mean(completion),
        completion_total=total,
        per_task=_share(total, len(tasks)),
        per_solved=_share(total, int((tasks.solved > 0).sum())),
    )


def _seconds(judged: Columns, tasks: _Tasks) -> Seconds:
    total = math.fsum(judged.seconds[np.isfinite(judged.seconds)].tolist())
    return Seconds(
        total=total, per_task=_share(total, len(tasks)), per_solved=_share(total, int((tasks.solved > 0).sum()))
    )


def _share(total: float | None, among: int) -> float | None:
    return None if total is None or not among else total / among


def _mean(numbers: Ints | Floats | NDArray[np.floating]) -> float | None:
    return math.fsum(numbers.tolist()) / len(numbers) if len(numbers) else None


def _largest(numbers: Ints) -> int | None:
    largest = int(numbers.max(initial=UNKNOWN))
    return None if largest == UNKNOWN else largest
