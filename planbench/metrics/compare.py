"""Runs on the same tasks, compared in pairs: overall, by domain, by length, task by task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from planbench.core.verdict import VERDICT_KINDS
from planbench.metrics.exchange import difference_interval, exchange_test, holm
from planbench.metrics.lengths import length_bin
from planbench.records.comparison import BinDifference, Change, ComparedRun, Comparison, Difference, PairOfRuns
from planbench.records.sample import Sample

LISTED = 1_000
"""Changed tasks of a pair that are listed in each direction, at most."""

_VALID, _ERROR = VERDICT_KINDS.index("valid"), VERDICT_KINDS.index("harness_error")


@dataclass(frozen=True)
class TaskResult:
    """What a run made of a task: `counts` are its samples by verdict, in the order of VERDICT_KINDS."""

    task: str
    task_hash: str
    domain: str
    reference_length: int | None
    counts: list[int]

    @property
    def judged(self) -> int:
        return sum(self.counts) - self.counts[_ERROR]

    @property
    def rate(self) -> Fraction:
        """Of its judged samples, those that are valid."""
        return Fraction(self.counts[_VALID], self.judged)


Results = dict[tuple[str, str], TaskResult]
"""By domain and task hash."""


def results_of(samples: Iterable[Sample]) -> Results:
    """The samples of a run, by task; they are read once."""
    found: Results = {}
    for sample in samples:
        key = sample.domain, sample.task_hash
        if (task := found.get(key)) is None:
            counts = [0] * len(VERDICT_KINDS)
            task = TaskResult(sample.task, sample.task_hash, sample.domain, sample.reference_length, counts)
            found[key] = task
        task.counts[VERDICT_KINDS.index(sample.verdict.kind)] += 1
    return found


def compare(runs: Sequence[tuple[ComparedRun, Results]], *, seed: int = 0) -> Comparison:
    """Compare runs, each against each. Of a `ComparedRun` that is given, `tasks`, `samples` and `valid_rate` are filled
    in. Raises ValueError where no task is left to compare."""
    everywhere = set[tuple[str, str]]().union(*(results for _, results in runs))
    common = [key for key in runs[0][1] if all(key in results for _, results in runs)]
    keys = sorted(key for key in common if all(results[key].judged for _, results in runs))
    if not keys:
        raise ValueError("no task in common")
    columns = [[results[key] for key in keys] for _, results in runs]
    pairs = [
        _pair(first, second, columns[first], columns[second], seed)
        for first, second in combinations(range(len(runs)), 2)
    ]
    adjusted = holm([pair.overall.p_value for pair in pairs])
    return Comparison(
        runs=[
            run.model_copy(
                update={
                    "tasks": len(results),
                    "samples": sum(task.judged for task in column),
                    "valid_rate": float(sum(task.rate for task in column) / len(column)),
                }
            )
            for (run, results), column in zip(runs, columns, strict=True)
        ],
        tasks=len(keys),
        elsewhere=len(everywhere) - len(common),
        unjudged=len(common) - len(keys),
        pairs=[
            pair.model_copy(update={"overall": pair.overall.model_copy(update={"p_adjusted": p})})
            for pair, p in zip(pairs, adjusted, strict=True)
        ],
    )


def _pair(first: int, second: int, ours: Sequence[TaskResult], theirs: Sequence[TaskResult], seed: int) -> PairOfRuns:
    both = list(zip(ours, theirs, strict=True))
    domains = sorted({one.domain for one in ours})
    bins = sorted({length_bin(one.reference_length) for one in ours if one.reference_length is not None})
    by_domain = [_difference([pair for pair in both if pair[0].domain == name], seed) for name in domains]
    by_length = [
        _difference(
            [pair for pair in both if pair[0].reference_length is not None and low <= pair[0].reference_length <= high],
            seed,
        )
        for low, high in bins
    ]
    changes = sorted(
        (_change(one, other) for one, other in both if one.rate != other.rate),
        key=lambda change: (-abs(change.difference), change.domain, change.reference_length or 0, change.task),
    )
    return PairOfRuns(
        first=first,
        second=second,
        overall=_difference(both, seed),
        by_domain=dict(zip(domains, _adjusted(by_domain), strict=True)),
        by_length=[
            BinDifference(**dict(of), low=low, high=high)
            for (low, high), of in zip(bins, _adjusted(by_length), strict=True)
        ],
        gained=[change for change in changes if change.difference > 0][:LISTED],
        lost=[change for change in changes if change.difference < 0][:LISTED],
    )


def _difference(both: Sequence[tuple[TaskResult, TaskResult]], seed: int) -> Difference:
    differences = [other.rate - one.rate for one, other in both]
    p_value = exchange_test(differences, seed=seed)
    single = all(one.judged == other.judged == 1 for one, other in both)
    return Difference(
        tasks=len(both),
        first=float(sum(one.rate for one, _ in both) / len(both)),
        second=float(sum(other.rate for _, other in both) / len(both)),
        difference=float(sum(differences) / len(both)),
        ci=difference_interval(differences, seed=seed),
        gained=sum(one > 0 for one in differences),
        lost=sum(one < 0 for one in differences),
        test="mcnemar" if single else "sign-flip",
        p_value=p_value,
        p_adjusted=p_value,
    )


def _adjusted(family: Sequence[Difference]) -> list[Difference]:
    adjusted = holm([one.p_value for one in family])
    return [one.model_copy(update={"p_adjusted": p}) for one, p in zip(family, adjusted, strict=True)]


def _change(one: TaskResult, other: TaskResult) -> Change:
    return Change(
        task=one.task,
        task_hash=one.task_hash,
        domain=one.domain,
        reference_length=one.reference_length,
        first={kind: count for kind, count in zip(VERDICT_KINDS, one.counts, strict=True) if count},
        second={kind: count for kind, count in zip(VERDICT_KINDS, other.counts, strict=True) if count},
        difference=float(other.rate - one.rate),
    )
