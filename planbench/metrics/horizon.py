"""The horizon: the reference length at which the valid rate is one half.

    P(valid | length) = 1 / (1 + exp(-(a + b log2 length)))        horizon = 2^(-a/b)

The fit maximises Firth's penalised likelihood, which stays finite where the data separate (every task up to some
length solved, none beyond: a common outcome, for which the plain fit has no solution). Each task counts once, with the
share of its samples that are valid, as the samples of a task are no independent evidence about its length.

The interval is a percentile bootstrap over tasks, made not to claim more than the resamples show. One that separates
places the horizon only somewhere in the gap between the longest length solved and the shortest failed (nothing solved:
below the shortest; everything: above the longest), so it counts with one end of the gap for each end of the interval.
One whose rate does not fall with length places it nowhere and counts against both ends. An end that is not pinned down
is None.

An estimate up to `REACH` times beyond the tested lengths is given and marked; further out, or where the rate does not
fall with length, there is no value but a reason.

Not covered: lapses (a model that fails one task in five at any length has a horizon that speaks of those too), and
features of a task other than its length.

Sources: Firth (1993), Bias reduction of maximum likelihood estimates, Biometrika 80:27-38; Heinze and Schemper (2002),
A solution to the problem of separation in logistic regression, Statistics in Medicine 21:2409-2419; the idea of a
horizon at one half: Kwa et al. (2025), Measuring AI Ability to Complete Long Tasks, arXiv:2503.14499.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planbench.records.summary import Horizon

REACH = 4
"""How many times beyond the tested lengths an extrapolated horizon is still worth giving."""

REPLICATES = 1000
_ITERATIONS = 60
_LONGEST_STEP = 5.0
_HALVINGS = 12

Floats = NDArray[np.float64]


def horizon(
    lengths: Sequence[int] | NDArray[np.int64],
    solved: Sequence[float] | Floats,
    *,
    level: float = 0.95,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Horizon:
    """The horizon of tasks with these reference lengths, each solved in this share of its samples (0 to 1).

    The order of the tasks makes no difference. Tasks with a reference of length 0 are left out.
    """
    tasks = np.column_stack([np.asarray(lengths, dtype=np.float64), np.asarray(solved, dtype=np.float64)])
    tasks = tasks[tasks[:, 0] > 0]
    if not len(tasks):
        return Horizon(value=None, reason="no task with a known reference length")
    # Tasks with equal length and outcome are interchangeable: a resample is a multinomial draw over these kinds.
    kinds, counts = np.unique(tasks, axis=0, return_counts=True)
    tested, of_length = np.unique(kinds[:, 0], return_inverse=True)
    indicator = np.zeros((len(kinds), len(tested)))
    indicator[np.arange(len(kinds)), of_length.reshape(-1)] = 1.0
    by_solved = indicator * kinds[:, 1:2]

    if not kinds[:, 1].any():
        return Horizon(value=None, reason="no task solved")
    if kinds[:, 1].min() == 1:
        return Horizon(value=None, reason="every task solved")
    if len(tested) == 1:
        return Horizon(value=None, reason="one reference length only")

    shortest, longest = float(tested[0]), float(tested[-1])
    floor, ceiling = shortest / REACH, longest * REACH
    whole = counts[None, :].astype(np.float64)
    value = float(_estimates(tested, whole @ indicator, whole @ by_solved)[0])
    if np.isnan(value):
        return Horizon(value=None, reason="the valid rate does not fall with length")
    if not floor <= value <= ceiling:
        side = f"over {REACH} times the longest" if value > ceiling else f"under 1/{REACH} of the shortest"
        return Horizon(value=None, extrapolated=True, reason=f"{side} length tested")

    generator = np.random.Generator(np.random.PCG64(seed))
    draws = generator.multinomial(int(counts.sum()), counts / counts.sum(), size=replicates).astype(np.float64)
    lows, highs = _bounds(tested, draws @ indicator, draws @ by_solved)
    cut = int((1 - level) / 2 * replicates)
    low, high = float(np.sort(lows)[cut]), float(np.sort(highs)[-1 - cut])
    return Horizon(
        value=_rounded(value),
        low=_rounded(min(low, value)) if low >= floor else None,
        high=_rounded(max(high, value)) if high <= ceiling else None,
        extrapolated=not shortest <= value <= longest,
    )


def _rounded(steps: float) -> float:
    # Four decimals of a step: what is left of the last digits differs between builds of numpy.
    return round(steps, 4)


def _estimates(tested: Floats, n: Floats, y: Floats) -> Floats:
    """For each row of n (tasks per length) and y (solved per length) the horizon in steps; NaN where the rate does not
    fall with length."""
    intercept, slope = _firth(np.log2(tested), n, y)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(slope < 0, np.exp2(-intercept / slope), np.nan)


def _bounds(tested: Floats, n: Floats, y: Floats) -> tuple[Floats, Floats]:
    """What each resample says about the low and about the high end: its estimate twice, where it has one."""
    estimates = _estimates(tested, n, y)
    lows, highs = np.nan_to_num(estimates, nan=0.0, posinf=np.inf), np.nan_to_num(estimates, nan=np.inf, posinf=np.inf)
    last_solved = np.where(y > 0, tested, 0.0).max(axis=1)
    first_failed = np.where(y < n, tested, np.inf).min(axis=1)
    separated = last_solved < first_failed
    return np.where(separated, last_solved, lows), np.where(separated, first_failed, highs)


def _firth(x: Floats, n: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Intercepts and slopes of Firth's logistic regression of y successes in n trials on x, one fit a row.

    Newton steps on the modified score, with the 2x2 information inverted by hand so that all rows go at once; a step
    that lowers the penalised likelihood is halved until it does not. NaN where a row has one distinct x only.
    """
    # In units of their own spread, so that lengths close together need no longer steps than lengths far apart.
    middle, spread = x.mean(), x.std()
    z = (x - middle) / spread
    fits = np.full((len(n), 2), np.nan)
    rows = np.flatnonzero((n > 0).sum(axis=1) > 1)
    fits[rows] = 0.0
    for _ in range(_ITERATIONS):
        if not len(rows):
            break
        trials, successes, here = n[rows], y[rows], fits[rows]
        step = np.clip(_newton_step(z, trials, successes, here), -_LONGEST_STEP, _LONGEST_STEP)
        before = _penalised(z, trials, successes, here)
        for _ in range(_HALVINGS):
            worse = _penalised(z, trials, successes, here + step) < before
            if not worse.any():
                break
            step[worse] /= 2
        fits[rows] = here + step
        rows = rows[np.abs(step).max(axis=1) > 1e-7]
    slope = fits[:, 1] / spread
    return fits[:, 0] - slope * middle, slope


def _information(z: Floats, trials: Floats, fits: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Rate and weight of each cell, the weighted mean of z, and the weighted sum of squares about it."""
    rate = 1 / (1 + np.exp(-np.clip(fits[:, :1] + fits[:, 1:] * z, -30, 30)))
    weight = trials * rate * (1 - rate)
    mean = (weight * z).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)
    return rate, weight, mean, np.maximum((weight * (z - mean) ** 2).sum(axis=1, keepdims=True), 1e-300)


def _newton_step(z: Floats, trials: Floats, successes: Floats, fits: Floats) -> Floats:
    rate, weight, mean, squares = _information(z, trials, fits)
    total = weight.sum(axis=1, keepdims=True)
    leverage = weight * (1 / total + (z - mean) ** 2 / squares)
    residual = successes - trials * rate + leverage * (0.5 - rate)
    slope = (residual * (z - mean)).sum(axis=1, keepdims=True) / squares
    return np.hstack([residual.sum(axis=1, keepdims=True) / total - slope * mean, slope])


def _penalised(z: Floats, trials: Floats, successes: Floats, fits: Floats) -> Floats:
    """The log likelihood plus half the logarithm of the information's determinant, for each row."""
    logit = np.clip(fits[:, :1] + fits[:, 1:] * z, -30, 30)
    _, weight, _, squares = _information(z, trials, fits)
    penalty = (np.log(weight.sum(axis=1)) + np.log(squares[:, 0])) / 2
    return (successes * logit - trials * np.logaddexp(0, logit)).sum(axis=1) + penalty
