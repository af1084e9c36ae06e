"""The summary says what the samples say, and does not depend on their order."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest
from pydantic import ValidationError

from planbench.core.verdict import VERDICT_KINDS
from planbench.metrics import pass_at_k, summarise, wilson
from planbench.records.sample import Sample
from planbench.records.summary import Summary
from tests.metrics.samples import run, sample


def summary(samples: list[Sample]) -> Summary:
    return summarise(samples, model="m", model_fingerprint="f", prompt="pddl", finished=True)


def test_a_small_run_by_hand() -> None:
    found = summary(
        [
            sample("a", "valid", reference=4, length=4, seconds=1.0, tokens=20),
            sample("b", "valid", reference=8, length=10, seconds=2.0, tokens=40),
            sample("c", "inapplicable", reference=16, length=10, step=5, seconds=3.0, tokens=60),
            sample("d", "no_plan", reference=16, seconds=1.0, tokens=80),
            sample("e", "harness_error", reference=32, seconds=50.0, tokens=900),
            sample("f", "malformed", reference=16, length=4, step=4, domain="grid", seconds=1.0, tokens=0),
        ]
    )
    assert (found.tasks, found.samples) == (6, 6)
    assert found.valid_rate == 2 / 5
    assert found.valid_ci == pytest.approx(wilson(2, 5))
    assert found.solved_tasks == 2
    assert found.verdicts == {
        "valid": 2, "no_plan": 1, "malformed": 1, "inapplicable": 1, "goal_missed": 0, "harness_error": 1,
    }  # fmt: skip
    assert [(b.low, b.high, b.tasks, b.samples, b.valid_rate) for b in found.by_length] == [
        (1, 4, 1, 1, 1.0), (5, 8, 1, 1, 1.0), (13, 16, 3, 3, 0.0), (25, 32, 1, 1, None),
    ]  # fmt: skip
    assert found.longest_reference_solved == 8
    assert found.longest_plan == 10
    assert found.plan_length.mean == 7
    assert found.plan_length.median == 7
    assert found.plan_length.max == 10
    assert found.plan_length.ratio_to_reference == pytest.approx((1 + 10 / 8) / 2)
    assert found.plan_length.quality == pytest.approx((1 + 8 / 10) / 5)
    assert found.first_failure == pytest.approx((5 / 10 + 4 / 4) / 2)
    assert found.tokens.completion_total == 200
    assert found.tokens.completion_mean == 40
    assert found.tokens.per_task == 40
    assert found.tokens.per_solved == 100
    assert found.seconds.total == 8.0
    assert found.seconds.per_task == 8.0 / 5
    assert found.seconds.per_solved == 4.0
    assert list(found.by_domain) == ["blocksworld", "grid"]
    assert found.by_domain["grid"].valid_rate == 0
    assert found.by_domain["grid"].horizon.reason == "no task solved"
    assert found.at_k == []


@pytest.mark.parametrize("samples", [[], [sample("a", "harness_error"), sample("b", "harness_error")]])
def test_nothing_judged_means_no_rates_rather_than_zero(samples: list[Sample]) -> None:
    found = summary(samples)
    assert found.samples == len(samples)
    assert found.valid_rate is None
    assert found.valid_ci is None
    assert found.horizon.value is None
    assert found.plan_length.quality is None
    assert found.tokens.completion_total is None
    assert found.seconds.per_task is None
    assert all(b.valid_rate is None for b in found.by_length)


def test_failures_of_ours_change_no_measure() -> None:
    samples = run(1)
    ours = [sample(f"x{number}", "harness_error", reference=7) for number in range(20)]
    with_ours, without = summary(samples + ours), summary(samples)
    changed = {name for name in Summary.model_fields if getattr(with_ours, name) != getattr(without, name)}
    assert changed <= {"tasks", "samples", "verdicts", "by_length", "by_domain"}
    assert [b.valid_rate for b in with_ours.by_length] == [b.valid_rate for b in without.by_length]


@pytest.mark.parametrize("samples", [1, 4])
def test_the_order_of_samples_makes_no_difference(samples: int) -> None:
    lines = run(2, samples=samples)
    shuffled = list(lines)
    Random(0).shuffle(shuffled)
    assert summary(lines).model_dump_json() == summary(shuffled).model_dump_json()


def test_the_parts_add_up() -> None:
    lines = run(3, samples=2, domains=("blocksworld", "grid", "logistics"))
    whole = summary(lines)
    parts = whole.by_domain.values()
    assert sum(part.tasks for part in parts) == whole.tasks
    assert sum(part.solved_tasks for part in parts) == whole.solved_tasks
    assert whole.verdicts == {kind: sum(part.verdicts[kind] for part in parts) for kind in VERDICT_KINDS}
    assert sum(whole.verdicts.values()) == whole.samples == len(lines)
    assert sum(b.samples for b in whole.by_length) == whole.samples


def test_several_samples_a_task() -> None:
    lines = [line for line in run(4, samples=4) if line.verdict.kind != "harness_error"]
    solved = Counter(line.task for line in lines if line.verdict.kind == "valid")
    tried = Counter(line.task for line in lines)
    found = summary(lines)
    assert [row.k for row in found.at_k] == [1, 2, 4]
    for row in found.at_k:
        estimates = [pass_at_k(n, solved[task], row.k) for task, n in tried.items() if n >= row.k]
        assert row.tasks == len(estimates)
        assert row.pass_rate == pytest.approx(sum(estimates) / len(estimates))
        assert row.unanimous_rate <= row.pass_rate
        assert row.pass_ci[0] <= row.pass_rate <= row.pass_ci[1]
    plain = wilson(sum(solved.values()), len(lines))
    assert plain is not None
    assert found.valid_ci is not None
    assert found.valid_ci[1] - found.valid_ci[0] > plain[1] - plain[0]


def test_the_same_task_name_in_two_domains_is_two_tasks() -> None:
    assert summary([sample("a", domain="grid"), sample("a", domain="logistics")]).tasks == 2


def test_what_is_not_known_is_left_out() -> None:
    found = summary(
        [
            sample("a", "valid", reference=None, length=3, tokens=None),
            sample("b", "valid", reference=4, length=0, cost=0.0, tokens=None),
            sample("c", "goal_missed", reference=None, tokens=None, seconds=float("nan")),
        ]
    )
    assert found.plan_length.ratio_to_reference == 0
    assert found.plan_length.quality == 1
    assert found.tokens.completion_total is None
    assert found.tokens.per_task is None
    assert found.seconds.total == 1.0
    assert [b.tasks for b in found.by_length] == [1]


def test_a_summary_survives_its_file() -> None:
    found = summary(run(5, samples=3))
    text = found.model_dump_json()
    assert Summary.model_validate_json(text) == found
    data = json.loads(text)
    # The keys that summary.json promises to its readers.
    promised = {
        "schema", "model", "tasks", "samples", "valid_rate", "valid_ci", "verdicts", "by_domain", "by_length",
        "horizon", "longest_reference_solved", "plan_length", "tokens", "seconds",
    }  # fmt: skip
    assert promised <= set(data)
    assert {"low", "high", "tasks", "valid_rate", "valid_ci"} <= set(data["by_length"][0])
    assert {"value", "low", "high", "extrapolated"} <= set(data["horizon"])
    assert {"mean", "median", "max", "ratio_to_reference"} <= set(data["plan_length"])
    with pytest.raises(ValidationError):
        Summary.model_validate_json(json.dumps(data | {"surprise": 1}))
