"""Are two models the same, as far as some tasks can tell? Tests, intervals and corrections for paired differences.

A difference is that of a task: the share of its samples that are valid in the second run, less that in the first. So
the samples of a task, which resemble each other, are never taken for independent evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from planbench.metrics.rates import wilson
from planbench.records.summary import Interval

DRAWS = 10_000

_EXACT = 50_000_000
_WIDEST = 1_000_000
"""Additions that an exact distribution may take, and how wide it may be; beyond, it is drawn from."""

_AT_ONCE = 2_000_000

Floats = NDArray[np.float64]


def exchange_test(differences: Sequence[Fraction], *, seed: int = 0) -> float:
    """The two-sided p-value of the mean difference under random exchange of the runs, task by task.

    Under the hypothesis that the two runs do not differ, each task's difference is as likely to have the other sign.
    With one sample a task this is McNemar's exact test; with several, Fisher's permutation test for pairs. Exact, by
    adding up the tasks one at a time; where that takes too long, over `DRAWS` random exchanges, counting the observed
    one among them.

    Sources: McNemar (1947), Psychometrika 12:153-157; Fisher (1935), The Design of Experiments, section 21; Phipson and
    Smyth (2010), Permutation p-values should never be zero, Statistical Applications in Genetics 9:39.
    """
    unit = math.lcm(*(one.denominator for one in differences))
    whole = [abs(int(one * unit)) for one in differences if one]
    observed = abs(int(sum(differences) * unit))
    if not whole:
        return 1.0
    common = math.gcd(*whole)
    sizes, far = [one // common for one in whole], observed // common
    if set(sizes) == {1}:
        from scipy.special import bdtr  # pyright: ignore[reportMissingTypeStubs]

        return min(1.0, 2 * float(bdtr((len(sizes) - far) // 2, len(sizes), 0.5)))
    reach = sum(sizes)
    if reach <= _WIDEST and len(sizes) * reach <= _EXACT:
        return _exact(sizes, far)
    # As shares of the whole: in common units they can be larger than any float.
    return _drawn(np.array([size / reach for size in sizes]), far / reach, np.random.default_rng(seed))


def _drawn(sizes: Floats, far: float, generator: np.random.Generator) -> float:
    reached, left = 1, DRAWS
    while left:
        rows = min(left, max(1, _AT_ONCE // len(sizes)))
        sums = np.abs((generator.integers(0, 2, (rows, len(sizes))) * 2.0 - 1) @ sizes)
        # Sums of floats are not equal to the last bit.
        reached += int((sums >= far - 1e-12).sum())
        left -= rows
    return reached / (DRAWS + 1)


def _exact(sizes: Sequence[int], observed: int) -> float:
    """The chance that the sum of `sizes` with random signs is as far from 0 as `observed`."""
    reach = sum(sizes)
    chances = np.zeros(2 * reach + 1)  # of the sums -reach to reach
    chances[reach] = 1.0
    for size in sizes:
        halves = chances / 2
        chances[:] = 0.0
        chances[size:] += halves[: len(halves) - size]
        chances[: len(halves) - size] += halves[size:]
    tail = math.fsum(chances[: reach - observed + 1]) if observed else 0.5
    return min(1.0, 2 * tail)


def difference_interval(differences: Sequence[Fraction], *, seed: int = 0, level: float = 0.95) -> Interval:
    """The percentile bootstrap interval of the mean difference, over tasks.

    Where all tasks have the same difference there is nothing to resample, and no interval of width 0 is claimed: what
    Wilson's leaves open after so many tasks without another outcome may have differed in either direction.

    Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
    """
    values, counts = np.unique([float(one) for one in differences], return_counts=True)
    tasks = int(counts.sum())
    if len(values) == 1:
        unseen = wilson(0, tasks, level)
        assert unseen is not None
        share, value = unseen[1], float(values[0])
        return (1 - share) * value - share, (1 - share) * value + share
    draws = np.random.default_rng(seed).multinomial(tasks, counts / tasks, size=DRAWS) @ values / tasks
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values of a family, corrected for their number: Holm's step-down.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics
    6:65-70.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted
