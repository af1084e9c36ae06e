"""Least squares with intervals for observations that come in clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planbench.records.summary import Interval

Floats = NDArray[np.float64]

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
    clusters. None where there are fewer than two clusters, or no more clusters' worth of data than columns.

    The covariance is Liang and Zeger's (1986), times G/(G-1) * (n-1)/(n-k) for G clusters and k columns; intervals are
    Student's with G-1 degrees of freedom. Constants of groups within clusters are not counted in k. Source of both:
    Cameron and Miller (2015), A practitioner's guide to cluster-robust inference, Journal of Human Resources
    50:317-372, sections II.C and III.
    """
    from scipy.special import stdtrit  # pyright: ignore[reportMissingTypeStubs]

    kinds = np.unique(np.asarray(clusters))
    within = np.zeros(len(y), dtype=np.int64) if groups is None else np.asarray(groups, dtype=np.int64)
    x, y = _less_means(x, within), _less_means(y[:, None], within)[:, 0]
    columns = _independent(x)
    k = len(columns) + (groups is None)
    if len(kinds) < 2 or not columns or len(y) <= k or len(kinds) <= len(columns):
        return None
    kept = x[:, columns]
    bread = np.linalg.inv(kept.T @ kept)
    coefficients = bread @ (kept.T @ y)
    residuals = y - kept @ coefficients
    order = np.searchsorted(kinds, np.asarray(clusters))
    scores = np.zeros((len(kinds), len(columns)))
    np.add.at(scores, order, kept * residuals[:, None])
    count, n = len(kinds), len(y)
    covariance = bread @ (scores.T @ scores) @ bread * (count / (count - 1)) * ((n - 1) / (n - k))
    reach = float(stdtrit(count - 1, 0.5 + level / 2)) * np.sqrt(np.diag(covariance))
    total = float(y @ y)
    return Regression(
        columns,
        [float(value) for value in coefficients],
        [(float(value - far), float(value + far)) for value, far in zip(coefficients, reach, strict=True)],
        1 - float(residuals @ residuals) / total if total else 0.0,
    )


def _less_means(x: Floats, groups: NDArray[np.int64]) -> Floats:
    _, order = np.unique(groups, return_inverse=True)
    sums = np.zeros((int(order.max(initial=-1)) + 1, x.shape[1]))
    np.add.at(sums, order, x)
    return x - (sums / np.bincount(order)[:, None])[order]


def _independent(x: Floats) -> list[int]:
    """Columns that are no combination of those before them."""
    basis: list[Floats] = []
    kept: list[int] = []
    for number in range(x.shape[1]):
        column = x[:, number]
        size = float(np.linalg.norm(column))
        rest = column.copy()
        for _ in range(2):
            for direction in basis:
                rest = rest - direction * float(direction @ rest)
        left = float(np.linalg.norm(rest))
        # Means leave rounding behind, in proportion to what they were taken from.
        if size > _DEPENDENT * np.sqrt(len(column)) and left > _DEPENDENT * size:
            basis.append(rest / left)
            kept.append(number)
    return kept
