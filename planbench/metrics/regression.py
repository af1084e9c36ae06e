"""Least squares with intervals for observations that come in clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from planbench.records.summary import Interval

Floats = NDArray[np.float64]

FEWEST = 10
"""A coefficient that fewer clusters speak of has no interval worth the name."""

_NOTHING = 1e-9
_DEPENDENT = 1e-7
"""A column of which less than this share of its length is not explained by those before it is left out."""


@dataclass(frozen=True, slots=True)
class Regression:
    """`columns` are the places of the columns that were kept, in order; coefficients and intervals are theirs."""

    columns: list[int]
    coefficients: list[float]
    intervals: list[Interval]
    r_squared: float


def clustered(
    x: Floats, y: Floats, clusters: Sequence[int], groups: Sequence[int] | None = None, level: float = 0.95
) -> Regression | None:
    """Regress `y` `[n]` on `x` `[n, columns]` and a constant, or a constant for each of `groups`, which must lie within
    clusters. Columns that follow from others, or that vary in fewer than FEWEST clusters, are left out; None where no
    column stays, or too few clusters.

    The covariance is the jackknife's over clusters (CR3), (G-1)/G times the sum over G clusters of the outer product of
    what leaving one out changes; intervals are Student's with G-1 degrees of freedom. It errs on the wide side where a
    few clusters carry a coefficient, where the usual sandwich is far too narrow. Source: Cameron and Miller (2015), A
    practitioner's guide to cluster-robust inference, Journal of Human Resources 50:317-372, section VI.B; MacKinnon,
    Nielsen and Webb (2023), Cluster-robust inference: a guide to empirical practice, Journal of Econometrics 232.
    """
    from scipy.special import stdtrit  # pyright: ignore[reportMissingTypeStubs]

    if not len(y):
        return None
    kinds, of = np.unique(np.asarray(clusters), return_inverse=True)
    within = np.zeros(len(y), dtype=np.int64) if groups is None else np.asarray(groups, dtype=np.int64)
    x, y = _less_means(x, within), _less_means(y[:, None], within)[:, 0]
    columns = _independent(x, _spread(x, of, groups is None))
    count = len(kinds)
    if not columns or count <= len(columns) + 1:
        return None
    # The constants of groups lie within clusters, so leaving a cluster out changes none of the others. A constant over
    # all is a column like any other.
    kept = x[:, columns] if groups is not None else np.column_stack([x[:, columns], np.ones(len(y))])
    width = kept.shape[1]
    moments, products = np.zeros((count, width, width)), np.zeros((count, width))
    np.add.at(moments, of, kept[:, :, None] * kept[:, None, :])
    np.add.at(products, of, kept * y[:, None])
    whole = cast("Floats", np.linalg.solve(moments.sum(0), products.sum(0)))
    rest = cast("Floats", np.linalg.pinv(moments.sum(0) - moments, hermitian=True))
    left = rest @ (products.sum(0) - products)[..., None]
    changes = (left[..., 0] - whole)[:, : len(columns)]
    deviations = np.sqrt((changes**2).sum(0) * (count - 1) / count)
    reach = float(stdtrit(count - 1, 0.5 + level / 2)) * deviations
    residuals, total = y - kept @ whole, float(y @ y)
    return Regression(
        columns,
        [float(value) for value in whole[: len(columns)]],
        [(float(value - far), float(value + far)) for value, far in zip(whole, reach, strict=False)],
        1 - float(residuals @ residuals) / total if total else 0.0,
    )


def _spread(x: Floats, of: NDArray[np.int64], over_all: bool) -> list[int]:
    """Columns that vary in enough clusters: within them, or over all of them where they are compared with each other,
    where that is to be unlike their most frequent value."""
    kept: list[int] = []
    for number in range(x.shape[1]):
        column = x[:, number]
        size = float(np.abs(column).max(initial=0))
        if over_all:
            values, counts = np.unique(column.round(9), return_counts=True)
            column = column - values[counts.argmax()]
        moved = np.unique(of[np.abs(column) > 1e-6 * size]) if size > _NOTHING else of[:0]
        if len(moved) >= FEWEST:
            kept.append(number)
    return kept


def _less_means(x: Floats, groups: NDArray[np.int64]) -> Floats:
    _, order = np.unique(groups, return_inverse=True)
    sums = np.zeros((int(order.max(initial=-1)) + 1, x.shape[1]))
    np.add.at(sums, order, x)
    return x - (sums / np.bincount(order)[:, None])[order]


def _independent(x: Floats, columns: Sequence[int]) -> list[int]:
    """Those of the columns that are no combination of those before them."""
    basis: list[Floats] = []
    kept: list[int] = []
    for number in columns:
        column = x[:, number]
        size = float(np.linalg.norm(column))
        rest = column.copy()
        for _ in range(2):
            for direction in basis:
                rest = rest - direction * float(direction @ rest)
        left = float(np.linalg.norm(rest))
        if left > _DEPENDENT * size:
            basis.append(rest / left)
            kept.append(number)
    return kept
