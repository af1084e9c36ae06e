"""Least squares over clusters, against leaving each cluster out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from planbench.metrics.regression import FEWEST, clustered


def drawn(seed: int, clusters: int = 24, size: int = 6) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Two features and a cluster effect; the second feature's coefficient is 2, the first has none."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(clusters), size)
    x = rng.normal(size=(len(of), 2)) + 0.5 * rng.normal(size=(clusters, 2))[of]
    y = 2 * x[:, 1] + rng.normal(size=clusters)[of] + rng.normal(size=len(of)) * (1 + np.abs(x[:, 0]))
    return x, y, of.tolist()


def least_squares(x: np.ndarray, y: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    constants = np.ones((len(y), 1)) if groups is None else (groups[:, None] == np.unique(groups)).astype(float)
    return np.linalg.lstsq(np.column_stack([x, constants]), y, rcond=None)[0][: x.shape[1]]


@pytest.mark.parametrize("within", [False, True])
def test_the_interval_is_the_jackknife_over_clusters(within: bool) -> None:
    x, y, of = drawn(1)
    # Two groups a cluster.
    groups = [2 * cluster + number % 2 for number, cluster in enumerate(of)] if within else None
    found = clustered(x, y, of, groups)
    assert found is not None
    array, clusters = None if groups is None else np.array(groups), np.array(of)
    assert found.coefficients == pytest.approx(least_squares(x, y, array).tolist())
    kinds = np.unique(clusters)
    left_out = np.array(
        [
            least_squares(x[clusters != one], y[clusters != one], None if array is None else array[clusters != one])
            for one in kinds
        ]
    )
    count = len(kinds)
    spread = np.sqrt(((left_out - least_squares(x, y, array)) ** 2).sum(0) * (count - 1) / count)
    for value, (low, high), far in zip(found.coefficients, found.intervals, spread, strict=True):
        reach = far * student.ppf(0.975, count - 1)
        assert (low, high) == pytest.approx((value - reach, value + reach))


def test_intervals_hold_what_they_promise() -> None:
    held = np.zeros(2)
    runs = 300
    for seed in range(runs):
        found = clustered(*drawn(seed))
        assert found is not None
        held += [low <= truth <= high for truth, (low, high) in zip((0, 2), found.intervals, strict=True)]
    # Three standard errors of 300 runs are 3.8 points.
    assert all(share > 0.91 for share in held / runs)


def test_what_has_no_coefficient_is_left_out() -> None:
    x, y, of = drawn(2)
    clusters = np.array(of)
    rare = (clusters < FEWEST - 1) & (np.arange(len(of)) % 6 == 0)
    columns = np.column_stack([np.full(len(y), 3.0), x[:, 0], x[:, 0] * 2 - 1, x[:, 1], rare, clusters])
    assert (found := clustered(columns, y, of)) is not None
    assert found.columns == [1, 3, 5]
    assert (found := clustered(columns, y, of, of)) is not None
    # Within clusters, what is the same in all of one says nothing either.
    assert found.columns == [1, 3]
    assert clustered(x, y, [0] * len(y)) is None
    assert clustered(x[:0], y[:0], []) is None
