"""Paired comparison and means over seeds, against closed forms and against scipy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binomtest, sem, t

from planbench.metrics import wilson
from planbench.metrics.exchange import difference_interval
from planbench.metrics.paired import mean_over_seeds, paired, student


def _solved(*rows: list[int]) -> np.ndarray:
    return np.array(rows, dtype=float)


def test_counts_and_p_value_are_mcnemars() -> None:
    # The discordant pairs of a textbook table: 10 gained, 2 lost, 88 the same.
    first = _solved([0] * 10 + [1] * 2 + [1] * 40 + [0] * 48)
    second = _solved([1] * 10 + [0] * 2 + [1] * 40 + [0] * 48)
    result = paired(first, second)
    assert (result.gained, result.lost) == (10, 2)
    assert result.difference == pytest.approx(0.08)
    # Twice the tail of a fair coin: 2 * (1 + 12 + 66) / 2**12.
    assert result.p_value == pytest.approx(2 * (1 + 12 + 66) / 2**12)
    assert result.ci[0] < 0.08 < result.ci[1]


def test_no_difference_is_no_evidence() -> None:
    same = _solved([0, 1, 1, 0])
    assert paired(same, same).p_value == 1.0
    # So few tasks without a difference leave one open.
    assert paired(same, same).ci == difference_interval([Fraction(0)] * 4)
    low, high = paired(_solved([0] * 200), _solved([0] * 200)).ci
    assert -0.02 < low < 0 < high < 0.02


def test_interval_of_one_seed_agrees_with_the_exact_variance() -> None:
    rng = np.random.default_rng(3)
    first, second = (rng.random((1, 400)) < rate for rate in (0.3, 0.5))
    result = paired(first.astype(float), second.astype(float))
    difference = second.astype(float) - first
    half = 1.96 * difference.std() / np.sqrt(400)
    assert result.ci[1] - result.ci[0] == pytest.approx(2 * half, rel=0.1)


def test_seeds_that_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(5)
    alike = (rng.random((4, 300)) < 0.5).astype(float)
    apart = np.stack([(rng.random(300) < rate).astype(float) for rate in (0.2, 0.4, 0.6, 0.8)])
    (_, one), (_, other) = mean_over_seeds(alike), mean_over_seeds(apart)
    assert other[1] - other[0] > 2 * (one[1] - one[0])


@pytest.mark.parametrize(("seeds", "low", "high"), [(3, 0.7, 0.9), (20, 0.88, 1.0)])
def test_how_often_the_interval_over_seeds_holds_the_truth(seeds: int, low: float, high: float) -> None:
    """Where seeds differ by ten points: with three of them less often than 95% says, as the docs tell, and with many
    about as often."""
    rng = np.random.default_rng(17)
    held = 0
    for _ in range(300):
        rates = np.clip(rng.normal(0.4, 0.1, seeds), 0, 1)
        one, other = mean_over_seeds((rng.random((seeds, 300)) < rates[:, None]).astype(float))[1]
        held += one <= 0.4 <= other
    assert low < held / 300 < high


def test_students_interval_agrees_with_scipy() -> None:
    for values in ([1.0, 2.0], [0.3, -1.2, 4.0], [2.0, 2.5, 1.5, 2.2]):
        mean, (low, high) = student(values)
        wanted = t.interval(0.95, len(values) - 1, np.mean(values), sem(values))
        assert (mean, low, high) == pytest.approx((np.mean(values), *wanted))
    with pytest.raises(ValueError, match="1 values"):
        student([1.0])


def test_more_than_one_seed_has_no_p_value() -> None:
    assert paired(_solved([0, 1], [0, 0]), _solved([1, 1], [1, 0])).p_value is None


@pytest.mark.parametrize("rate", [0, 1])
def test_all_or_nothing_keeps_an_interval(rate: int) -> None:
    solved = np.full((3, 50), float(rate))
    assert mean_over_seeds(solved) == (rate, wilson(50 * rate, 50))


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="paired"):
        paired(_solved([0, 1]), _solved([0, 1, 1]))
    with pytest.raises(ValueError, match="mean_over_seeds"):
        mean_over_seeds(np.empty((0, 5)))


def test_p_value_agrees_with_scipy() -> None:
    rng = np.random.default_rng(11)
    for _ in range(20):
        first, second = ((rng.random((1, 60)) < 0.5).astype(float) for _ in range(2))
        gained, lost = int((second > first).sum()), int((second < first).sum())
        assert paired(first, second).p_value == pytest.approx(binomtest(gained, gained + lost).pvalue)
