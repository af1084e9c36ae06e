"""Comparisons of runs made by hand."""

from __future__ import annotations

import pytest

from planbench.metrics.compare import Results, compare, results_of
from planbench.records.comparison import ComparedRun, Comparison
from planbench.records.sample import Sample
from tests.metrics.samples import run, sample


def compared(*runs: list[Sample]) -> Comparison:
    def one(label: str, samples: list[Sample]) -> tuple[ComparedRun, Results]:
        line = ComparedRun(label=label, folder=label, model="m", prompt="p", tasks=0, samples=0, valid_rate=0)
        return line, results_of(samples)

    return compare([one(f"run {number}", samples) for number, samples in enumerate(runs)])


def test_tasks_that_changed_are_named() -> None:
    first = [sample("a", "valid"), sample("b", "no_plan", reference=20), sample("c", "goal_missed", domain="grid")]
    second = [
        sample("a", "inapplicable", step=2),
        sample("b", "valid", reference=20),
        sample("c", "valid", domain="grid"),
    ]
    (pair,) = compared(first, second).pairs
    assert (pair.overall.gained, pair.overall.lost, pair.overall.test) == (2, 1, "mcnemar")
    assert pair.overall.difference == pytest.approx(1 / 3)
    assert [(one.task, one.first, one.second) for one in pair.gained] == [
        ("b", {"no_plan": 1}, {"valid": 1}),
        ("c", {"goal_missed": 1}, {"valid": 1}),
    ]
    assert [(one.task, one.second) for one in pair.lost] == [("a", {"inapplicable": 1})]
    assert {name: (of.tasks, of.difference) for name, of in pair.by_domain.items()} == {
        "blocksworld": (2, 0.0),
        "grid": (1, 1.0),
    }
    assert [(of.low, of.high, of.tasks) for of in pair.by_length] == [(1, 4, 2), (17, 24, 1)]


def test_a_task_counts_once_whatever_its_samples_and_our_failures_not_at_all() -> None:
    first = [sample("a", "valid", index=0), sample("a", "no_plan", index=1), sample("b", "no_plan")]
    second = [sample("a", "valid"), sample("a", "harness_error", index=1), sample("b", "harness_error")]
    comparison = compared(first, second)
    (pair,) = comparison.pairs
    # Task b has no judged sample in the second run.
    assert (comparison.tasks, comparison.unjudged, comparison.elsewhere) == (1, 1, 0)
    assert (pair.overall.first, pair.overall.second, pair.overall.test) == (0.5, 1.0, "sign-flip")
    with pytest.raises(ValueError, match="no task in common"):
        compared(first[2:], second[2:])


def test_the_other_way_round_is_the_same_with_the_other_sign() -> None:
    first, second = run(1, samples=3), run(2, samples=2)
    (there,), (back,) = compared(first, second).pairs, compared(second, first).pairs
    assert there.overall.p_value == pytest.approx(back.overall.p_value, abs=1e-12)
    assert there.overall.difference == pytest.approx(-back.overall.difference)
    assert {one.task_hash for one in there.gained} == {one.task_hash for one in back.lost}
    assert (
        sum(of.tasks for of in there.by_domain.values())
        == sum(of.tasks for of in there.by_length)
        == there.overall.tasks
    )


def test_pairs_of_three_runs_are_corrected_together_and_common_tasks_alone_count() -> None:
    runs = [run(seed) for seed in (1, 2, 3)]
    comparison = compared(runs[0], runs[1][:40], runs[2])
    assert [(pair.first, pair.second) for pair in comparison.pairs] == [(0, 1), (0, 2), (1, 2)]
    assert comparison.elsewhere == 20
    for pair in comparison.pairs:
        assert pair.overall.tasks == comparison.tasks <= 40
        assert pair.overall.p_adjusted >= pair.overall.p_value
    smallest = min(comparison.pairs, key=lambda pair: pair.overall.p_value)
    assert smallest.overall.p_adjusted == pytest.approx(min(1, 3 * smallest.overall.p_value))
