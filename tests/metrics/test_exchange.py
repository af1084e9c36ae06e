"""Tests of paired differences, against enumeration, scipy and a textbook's correction."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random

import numpy as np
import pytest
from scipy.stats import binomtest, permutation_test

from planbench.metrics import exchange
from planbench.metrics.exchange import difference_interval, exchange_test, holm
from planbench.metrics.rates import wilson


def enumerated(differences: list[Fraction]) -> float:
    """Every way to exchange the runs, task by task, in whole fractions."""
    observed = abs(sum(differences))
    sums = [
        abs(sum(sign * one for sign, one in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(one >= observed for one in sums) / len(sums)


def drawn(seed: int, tasks: int, ns: tuple[int, ...]) -> list[Fraction]:
    """Differences of shares of different numbers of samples."""
    random = Random(seed)
    return [
        Fraction(random.randint(0, n), n) - Fraction(random.randint(0, m), m)
        for n, m in ((random.choice(ns), random.choice(ns)) for _ in range(tasks))
    ]


@pytest.mark.parametrize("seed", range(12))
def test_exact_p_is_that_of_all_exchanges(seed: int) -> None:
    differences = drawn(seed, 1 + seed, ((1,), (4,), (2, 3, 5))[seed % 3])
    assert exchange_test(differences) == pytest.approx(enumerated(differences), abs=1e-12)


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (10, 2), (7, 7), (3, 40), (900, 1000)])
def test_with_one_sample_a_task_it_is_mcnemars(gained: int, lost: int) -> None:
    differences = [Fraction(1)] * gained + [Fraction(-1)] * lost + [Fraction(0)] * 5
    expected = binomtest(gained, gained + lost, 0.5).pvalue if gained + lost else 1.0
    assert exchange_test(differences) == pytest.approx(expected, rel=1e-9)


def test_it_agrees_with_scipy_on_what_cannot_be_enumerated_by_hand() -> None:
    differences = drawn(5, 15, (8,))
    values = np.array([float(one) for one in differences])
    by_scipy = permutation_test((values,), np.sum, permutation_type="samples", n_resamples=2**16)
    assert exchange_test(differences) == pytest.approx(float(by_scipy.pvalue), abs=1e-9)


def test_what_is_drawn_agrees_with_what_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = [*drawn(2, 60, (4,)), *[Fraction(1, 4)] * 6]
    exact = exchange_test(differences)
    assert 0.01 < exact < 0.9
    monkeypatch.setattr(exchange, "_EXACT", 0)
    # Four standard errors of ten thousand draws.
    assert exchange_test(differences) == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 10_000) ** 0.5)
    assert exchange_test([Fraction(n, n + 1) for n in range(1, 200)]) == pytest.approx(1 / 10_001)
    # In their common unit they are larger than any float.
    assert exchange_test([Fraction(1, 10_000 - n) for n in range(300)]) == pytest.approx(1 / 10_001)


def test_the_interval_is_that_of_the_mean() -> None:
    differences = drawn(7, 400, (4,))
    values = np.array([float(one) for one in differences])
    low, high = difference_interval(differences)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.05)
    # Samples of a task are no further evidence: the same shares of more samples have the same interval.
    assert difference_interval([Fraction(2 * one.numerator, 2 * one.denominator) for one in differences]) == (low, high)


def test_an_interval_has_a_width_where_nothing_differs() -> None:
    unseen = wilson(0, 50)
    assert unseen is not None
    assert difference_interval([Fraction(0)] * 50) == pytest.approx((-unseen[1], unseen[1]))
    low, high = difference_interval([Fraction(1)] * 50)
    assert (low, high) == pytest.approx((1 - 2 * unseen[1], 1.0))


def test_the_interval_holds_what_it_says() -> None:
    random, held = Random(1), 0
    for _ in range(200):
        tasks = [Fraction(int(random.random() < 0.55) - int(random.random() < 0.4)) for _ in range(80)]
        low, high = difference_interval(tasks)
        held += low <= 0.15 <= high
    assert 0.89 <= held / 200 <= 0.995


def test_holm_is_the_papers() -> None:
    # The example of Wright (1992), Adjusted p-values for simultaneous inference, Biometrics 48:1005-1013, by hand.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []
