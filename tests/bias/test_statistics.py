"""The statistics against scipy's, and what is dropped and when."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from planbench.bias.statistics import arm_result, bootstrap, f1, features_p, logistic, spearman, spearman_p
from planbench.records.bias import ExtractionCell, TrainingCell

RATES = (0.0, 0.1, 0.5)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=20))
@settings(max_examples=40, deadline=None)
def test_spearman_is_scipys_ties_and_all(points: list[tuple[int, int]]) -> None:
    x, y = zip(*points, strict=True)
    found = spearman(x, y)
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(np.asarray(stats.spearmanr(x, y))[0], abs=1e-12)


def test_p_is_the_share_of_pairings_as_far_apart() -> None:
    x, y = [1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 3.0, 2.0, 5.0, 4.0]
    found = spearman(x, y)
    assert found is not None
    every = [spearman(order, y) or 0.0 for order in permutations(x)]
    share = sum(abs(rho) >= abs(found) - 1e-12 for rho in every) / 120
    assert spearman_p(x, y, np.random.default_rng(0)) == pytest.approx(share)


def test_p_of_many_pairs_is_near_the_t_approximation() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=14)
    y = x + rng.normal(size=14)
    p = spearman_p(x.tolist(), y.tolist(), rng)
    assert p == pytest.approx(np.asarray(stats.spearmanr(x, y))[1], abs=0.01)


def test_p_over_features_is_fair_where_features_decide_and_p_over_pairs_is_not() -> None:
    """Every ordered pair of six features, of which each has a hardness and, by chance, a way to score."""
    features = list(permutations("abcdef", 2))
    rng = np.random.default_rng(0)
    over_pairs = over_features = 0
    for _ in range(60):
        hardness, luck = (dict(zip("abcdef", rng.normal(size=6), strict=True)) for _ in range(2))
        x, y = ([of[t] - of[s] for t, s in features] for of in (hardness, luck))
        over_pairs += np.asarray(stats.spearmanr(x, y))[1] <= 0.05
        over_features += (features_p(features, x, y, rng) or 0.0) <= 0.05
    assert over_features <= 8  # of 60, 3 are expected
    assert over_pairs >= 20


def test_p_over_features_by_hand() -> None:
    """Two targets with two spurious features of their own: four namings, of which none but the first and, both sides
    turned, the last is as far."""
    features = [("t", "s"), ("t", "r"), ("u", "s"), ("u", "r")]
    rng = np.random.default_rng(0)
    assert features_p(features, [1, 2, 3, 4], [1, 2, 3, 4], rng) == 0.5
    # Targets that are spurious features too change their names in both roles: ab's place is ba's under one naming.
    features = list(permutations("abc", 2))
    x = [5.0, 1.0, 6.0, 2.0, 3.0, 4.0]
    others = [
        spearman([x[features.index((new["abc".index(t)], new["abc".index(s)]))] for t, s in features], x) or 0.0
        for new in permutations("abc")
    ]
    assert features_p(features, x, x, rng) == sum(abs(rho) >= 1 - 1e-12 for rho in others) / 6


def test_the_interval_holds_the_truth_and_narrows_with_pairs() -> None:
    rng = np.random.default_rng(1)
    widths: list[float] = []
    for pairs in (8, 60):
        x = rng.normal(size=(pairs, 1)).repeat(4, 1)
        found = bootstrap(x, x + 0.5 * rng.normal(size=(pairs, 4)), rng)
        assert found is not None
        assert found[0] < 0.97 < found[1] + 0.05
        widths.append(found[1] - found[0])
    assert widths[1] < widths[0]


def test_f1_is_the_formula() -> None:
    right = {"both": 0.9, "neither": 1.0, "s-only": 0.4, "t-only": 0.7}
    hits, false, missed = 0.9 + 0.7, 0.0 + 0.6, 0.1 + 0.3
    precision, recall = hits / (hits + false), hits / (hits + missed)
    found = f1({name: np.array(share) for name, share in right.items()})
    assert float(found) == pytest.approx(2 * precision * recall / (precision + recall))


def test_the_logistic_curve_is_found_again() -> None:
    at = np.linspace(-5, 5, 15)
    fit = logistic((2**at).tolist(), (0.6 + 0.35 / (1 + np.exp(-(0.4 + 1.3 * at)))).tolist())
    assert fit is not None
    assert (fit.lowest, fit.highest, fit.intercept, fit.slope) == pytest.approx((0.6, 0.95, 0.4, 1.3), abs=1e-3)


def cells(pair: str, seed: int, relative: float, right: float, accuracy: float) -> tuple[ExtractionCell, TrainingCell]:
    probe = ExtractionCell(
        model="lstm",
        pair=pair,
        seed=seed,
        blocks=(10, 90),
        target_bits=(10.0, 30.0),
        spurious_bits=(10.0, 40 * relative - 10),
        target_accuracy=accuracy,
        spurious_accuracy=0.99,
        seconds=1.0,
    )
    scores = {"both": (1.0,) * 3, "neither": (1.0,) * 3, "s-only": (right, right, 1.0), "t-only": (right, right, 1.0)}
    trained = TrainingCell(
        model="lstm", arm="supervised", pair=pair, seed=seed, rates=RATES, scores=scores, seconds=1.0
    )
    return probe, trained


def test_the_order_in_which_cells_ended_changes_nothing() -> None:
    """Nor does a probe of a seed that is not trained yet, but for the mean of its kind."""
    rng = np.random.default_rng(0)
    made = [
        cells(pair, seed, relative * float(rng.uniform(0.8, 1.2)), min(1.0, right * float(rng.uniform(0.8, 1.2))), 0.99)
        for seed in range(5)
        for pair, relative, right in (("a", 0.5, 0.2), ("b", 0.9, 0.5), ("c", 1.1, 0.4), ("d", 2.0, 0.7), ("e", 3, 0.8))
    ]
    named = [(name, "t", "s") for name in "abcde"]
    probes, trained = [a for a, _ in made], [b for _, b in made]
    found = arm_result("supervised", "lstm", named, probes, trained, "F1")
    orders = [rng.permutation(len(made)) for _ in range(2)]
    shuffled = [[of[place] for place in order] for of, order in zip((probes, trained), orders, strict=True)]
    assert arm_result("supervised", "lstm", named, shuffled[0], shuffled[1], "F1") == found
    early = arm_result("supervised", "lstm", named, probes, [one for one in trained if one.seed < 3], "F1")
    as_far = [one for one in probes if one.seed < 3], [one for one in trained if one.seed < 3]
    assert early.ci == arm_result("supervised", "lstm", named, *as_far, "F1").ci


def test_pairs_whose_probe_fails_are_dropped_by_name_and_counted_beside() -> None:
    made = [
        cells(pair, seed, relative, right, accuracy)
        for seed in (0, 1)
        for pair, relative, right, accuracy in (
            ("a", 0.5, 0.1, 0.99),
            ("b", 1.0, 0.5, 0.99),
            ("c", 2.0, 0.9, 0.91),
            ("d", 4.0, 0.0, 0.9),
        )
    ]
    named = [(name, "t", "s") for name in "abcd"]
    found = arm_result("supervised", "lstm", named, [a for a, _ in made], [b for _, b in made], "F1")
    assert [pair.pair for pair in found.pairs] == ["a", "b", "c"]
    assert [dropped.pair for dropped in found.dropped] == ["d"]
    assert "90.0%" in found.dropped[0].why
    assert found.spearman == pytest.approx(1)
    assert found.with_dropped == pytest.approx(spearman([0.5, 1, 2, 4], [1, 2, 3, 0]))
    assert found.seeds == 2
    assert [pair.relative for pair in found.pairs] == pytest.approx([0.5, 1, 2])
    assert [pair.evidence for pair in found.pairs] == [0.5, 0.5, 0.5]


def test_p_over_features_says_nothing_where_names_do_not_tell_pairs_apart_or_share_nothing() -> None:
    rng = np.random.default_rng(0)
    x = list(range(6))
    assert features_p([("t", "s")] * 6, x, x, rng) is None
    assert features_p([(f"t{place}", f"s{place}") for place in x], x, x, rng) is None
