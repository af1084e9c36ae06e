"""Rates against independent implementations, published numbers, and enumeration."""

from __future__ import annotations

import math
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from planbench.metrics.rates import Cell, ks_reported, pass_at_k, rate_with_interval, unanimous_at_k, wilson

COUNTS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_is_scipys(counts: tuple[int, int], level: float) -> None:
    successes, n = counts
    theirs = binomtest(successes, n).proportion_ci(confidence_level=level, method="wilson")
    assert wilson(successes, n, level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_is_newcombes() -> None:
    # Newcombe (1998), Two-sided confidence intervals for the single proportion, Statistics in Medicine 17:857-872,
    # table I, method 3 (score, no continuity correction).
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0000, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (successes, n), interval in published.items():
        assert wilson(successes, n) == pytest.approx(interval, abs=5e-5)


def test_wilson_reaches_the_ends_exactly() -> None:
    for n in (1, 3, 7, 49, 1000):
        nothing, everything = wilson(0, n), wilson(n, n)
        assert nothing is not None
        assert everything is not None
        assert nothing[0] == 0
        assert everything[1] == 1
        assert nothing[1] == pytest.approx(1 - everything[0])


def test_wilson_of_nothing_and_of_nonsense() -> None:
    assert wilson(0, 0) is None
    for successes, n in [(2, 1), (-1, 5), (1, -1)]:
        with pytest.raises(ValueError, match="successes"):
            wilson(successes, n)
    with pytest.raises(ValueError, match="level"):
        wilson(1, 2, 1.0)


def test_at_k_is_what_enumeration_says() -> None:
    for n in range(1, 8):
        for c in range(n + 1):
            outcomes = [True] * c + [False] * (n - c)
            for k in range(1, n + 1):
                draws = list(combinations(outcomes, k))
                assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))
                assert unanimous_at_k(n, c, k) == pytest.approx(sum(map(all, draws)) / len(draws))


def test_at_k_needs_k_samples() -> None:
    for n, c, k in [(2, 1, 3), (2, 1, 0), (2, 3, 1)]:
        with pytest.raises(ValueError, match="samples"):
            pass_at_k(n, c, k)
        with pytest.raises(ValueError, match="samples"):
            unanimous_at_k(n, c, k)


def test_large_counts_do_not_overflow() -> None:
    assert pass_at_k(5000, 1, 2500) == pytest.approx(0.5)
    assert unanimous_at_k(5000, 4999, 2500) == pytest.approx(0.5)


def test_which_ks_get_a_row() -> None:
    assert ks_reported(0) == ks_reported(1) == []
    assert ks_reported(2) == [1, 2]
    assert ks_reported(8) == [1, 2, 4, 8]
    assert ks_reported(10) == [1, 2, 4, 8, 10]


@given(COUNTS)
def test_one_sample_a_task_is_plain_wilson(counts: tuple[int, int]) -> None:
    successes, n = counts
    found = rate_with_interval([Cell(1.0, 1, successes), Cell(0.0, 1, n - successes)])
    assert found is not None
    assert found[0] == pytest.approx(successes / n)
    assert found[1] == pytest.approx(wilson(successes, n))


def test_samples_that_always_agree_are_worth_one_each_task() -> None:
    found = rate_with_interval([Cell(1.0, 8, 30), Cell(0.0, 8, 20)])
    assert found is not None
    assert found[1] == pytest.approx(wilson(30, 50))


def test_tasks_that_never_differ_are_worth_all_their_samples_but_no_more() -> None:
    found = rate_with_interval([Cell(0.5, 8, 1000)])
    assert found is not None
    loose, tight = wilson(500, 1000), wilson(4000, 8000)
    assert loose is not None
    assert tight is not None
    width = found[1][1] - found[1][0]
    assert tight[1] - tight[0] <= width < loose[1] - loose[0]


def test_one_task_says_nothing_about_other_tasks() -> None:
    found = rate_with_interval([Cell(0.5, 100)])
    assert found is not None
    assert found[1] == pytest.approx(wilson(0.5, 1))


def test_no_samples_no_rate() -> None:
    assert rate_with_interval([]) is None
    assert rate_with_interval([Cell(0.0, 0, 5)]) is None


def test_the_clustered_interval_covers_where_the_plain_one_does_not() -> None:
    # 40 tasks, 8 samples each, the tasks' own rates uniform on (0, 1): the true mean is one half.
    random = Random(5)
    clustered = plain = 0
    for _ in range(400):
        solved = [sum(random.random() < rate for _ in range(8)) for rate in [random.random() for _ in range(40)]]
        found, naive = rate_with_interval([Cell(c / 8, 8) for c in solved]), wilson(sum(solved), 320)
        assert found is not None
        assert naive is not None
        clustered += found[1][0] <= 0.5 <= found[1][1]
        plain += naive[0] <= 0.5 <= naive[1]
    assert 0.92 <= clustered / 400 <= 0.98
    assert plain / 400 < 0.85


def test_per_task_weighs_tasks_alike() -> None:
    cells = [Cell(1.0, 9), Cell(0.0, 1)]
    by_sample, by_task = rate_with_interval(cells), rate_with_interval(cells, per_task=True)
    assert by_sample is not None
    assert by_task is not None
    assert by_sample[0] == pytest.approx(0.9)
    assert by_task[0] == pytest.approx(0.5)
    assert all(math.isfinite(end) for end in (*by_sample[1], *by_task[1]))
