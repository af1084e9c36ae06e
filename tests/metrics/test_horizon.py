"""The horizon recovers the truth, covers it, and says so where there is none to recover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from planbench.metrics.horizon import REACH, _firth, horizon  # pyright: ignore[reportPrivateUsage]

Simulated = tuple[np.ndarray, np.ndarray]


def simulated(generator: np.random.Generator, tasks: int, truth: float, slope: float) -> Simulated:
    lengths = generator.integers(2, 60, tasks)
    rate = 1 / (1 + (lengths / truth) ** (slope / np.log(2)))
    return lengths, (generator.random(tasks) < rate).astype(float)


@pytest.mark.parametrize(("truth", "slope"), [(6, 2.0), (12, 1.0), (30, 1.5)])
def test_recovers_the_truth(truth: float, slope: float) -> None:
    found = horizon(*simulated(np.random.default_rng(1), 20_000, truth, slope))
    assert found.value == pytest.approx(truth, rel=0.06)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= truth <= found.high
    assert not found.extrapolated


def test_the_interval_covers() -> None:
    generator = np.random.default_rng(2)
    hits = 0
    for _ in range(200):
        found = horizon(*simulated(generator, 100, 12, 1.5), replicates=300)
        assert found.value is not None
        hits += (found.low or 0) <= 12 <= (found.high or np.inf)
    assert 0.88 <= hits / 200 <= 0.99


def test_the_fit_maximises_firths_penalised_likelihood() -> None:
    # An independent maximiser without derivatives, on grouped data of all shapes, separated ones included.
    generator = np.random.default_rng(3)
    for trial in range(60):
        x = np.sort(generator.random(generator.integers(2, 8)) * 6)
        n = generator.integers(1, 5 if trial % 2 else 40, len(x)).astype(float)
        y = n * (x < 3) if trial % 3 == 0 else np.floor(generator.random(len(x)) * (n + 1))

        def loss(ab: np.ndarray, x: np.ndarray = x, n: np.ndarray = n, y: np.ndarray = y) -> float:
            logit = ab[0] + ab[1] * x
            weight = n / (2 + np.exp(logit) + np.exp(-logit))
            information = np.array([[weight.sum(), weight @ x], [weight @ x, weight @ (x * x)]])
            return float(n @ np.logaddexp(0, logit) - y @ logit - np.linalg.slogdet(information)[1] / 2)

        best = minimize(loss, [0, 0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000})
        intercept, slope = _firth(x, n[None], y[None])
        assert (intercept[0], slope[0]) == pytest.approx(tuple(best.x), rel=1e-4, abs=1e-4)


def test_separated_lengths_leave_the_gap_open() -> None:
    found = horizon([4] * 50 + [32] * 50, [1.0] * 50 + [0.0] * 50)
    assert found.value == pytest.approx(np.sqrt(4 * 32), rel=0.01)
    assert (found.low, found.high) == (4, 32)


@pytest.mark.parametrize(
    ("lengths", "solved", "reason"),
    [
        ([], [], "known reference length"),
        ([0, 0], [1, 1], "known reference length"),
        ([4, 8, 16], [0, 0, 0], "no task solved"),
        ([4, 8, 16], [1, 1, 1], "every task solved"),
        ([4, 4, 4], [1, 0, 1], "one reference length"),
        ([4, 8, 16, 32], [0, 0, 1, 1], "does not fall"),
        ([4] * 100 + [32] * 100, [1] + [0] * 199, "under 1/4"),
        ([4] * 100 + [32] * 100, [1] * 199 + [0], "over 4 times"),
    ],
)
def test_no_value_but_a_reason(lengths: list[int], solved: list[float], reason: str) -> None:
    found = horizon(lengths, solved)
    assert found.value is None
    assert found.low is None
    assert found.high is None
    assert reason in found.reason


def test_marked_when_outside_the_lengths_tested() -> None:
    found = horizon([4] * 40 + [8] * 40 + [16] * 40, [1] * 40 + [1] * 30 + [0] * 10 + [1] * 24 + [0] * 16)
    assert found.extrapolated
    assert found.value is not None
    assert 16 < found.value <= 16 * REACH


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 80), st.sampled_from([0.0, 0.25, 0.5, 1.0])), max_size=30),
    st.randoms(use_true_random=False),
)
def test_total_ordered_and_blind_to_the_order_of_tasks(tasks: list[tuple[int, float]], random: object) -> None:
    found = horizon([length for length, _ in tasks], [solved for _, solved in tasks], replicates=50)
    shuffled = list(tasks)
    random.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue]
    assert found == horizon([length for length, _ in shuffled], [solved for _, solved in shuffled], replicates=50)
    assert (found.value is None) == bool(found.reason)
    if found.value is not None:
        assert (found.low or 0) <= found.value <= (found.high or np.inf)


def test_the_seed_is_the_only_chance() -> None:
    lengths, solved = simulated(np.random.default_rng(4), 60, 12, 1.0)
    assert horizon(lengths, solved, seed=7) == horizon(lengths, solved, seed=7)
    assert horizon(lengths, solved, seed=7) != horizon(lengths, solved, seed=8)
