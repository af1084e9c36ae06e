"""Two models, or several seeds of them, on the same tasks.

Rows are seeds, columns tasks: `solved[s, t]` is the share of the samples of task t, with seed s, that are valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb

import numpy as np
from numpy.typing import NDArray

from planbench.metrics.exchange import difference_interval
from planbench.metrics.rates import wilson
from planbench.records.summary import Interval

Solved = NDArray[np.float64]
"""[seeds, tasks], in [0, 1]."""

DRAWS = 2_000


@dataclass(frozen=True, slots=True)
class Paired:
    """`difference` is second less first. `p_value` is None with more than one seed: tasks then stand in the table more
    than once, which McNemar's test does not allow for."""

    gained: int
    lost: int
    difference: float
    ci: Interval
    p_value: float | None


def paired(first: Solved, second: Solved, *, seed: int = 0) -> Paired:
    """Compare two models on the same tasks and seeds. Raises ValueError where the shapes differ or are empty.

    Source of the test: McNemar (1947), Note on the sampling error of the difference between correlated proportions,
    Psychometrika 12:153-157, in its exact binomial form.
    """
    if first.shape != second.shape or first.ndim != 2 or not first.size:
        raise ValueError(f"paired: {first.shape} and {second.shape}")
    difference = second - first
    gained, lost = int((difference > 0).sum()), int((difference < 0).sum())
    p_value = None
    if len(first) == 1:
        p_value = _mcnemar(gained, lost)
    return Paired(gained, lost, float(difference.mean()), _of_difference(difference, seed), p_value)


def _of_difference(difference: Solved, seed: int) -> Interval:
    """As `planbench.metrics.exchange.difference_interval` where all differences are one: none of width 0 is claimed."""
    if difference.min() == difference.max():
        return difference_interval([Fraction(float(difference.flat[0]))] * difference.shape[1])
    return _bootstrap(difference, seed)


def _mcnemar(gained: int, lost: int) -> float:
    """Twice the tail of a fair coin, in whole numbers until the end."""
    tail = sum(comb(gained + lost, count) for count in range(min(gained, lost) + 1))
    return min(1.0, 2 * tail / 2 ** (gained + lost))


def mean_over_seeds(solved: Solved, *, seed: int = 0) -> tuple[float, Interval]:
    """The mean rate and its bootstrap interval, over seeds and tasks. With one seed, or two, the interval speaks of
    tasks alone, or nearly: what a seed changes is then not known."""
    if solved.ndim != 2 or not solved.size:
        raise ValueError(f"mean_over_seeds: {solved.shape}")
    rate = float(solved.mean())
    if rate in (0.0, 1.0):
        # Nothing varies, so there is nothing to draw from; what so many tasks alone would leave open is left open.
        interval = wilson(rate * solved.shape[1], solved.shape[1])
        assert interval is not None
        return rate, interval
    return rate, _bootstrap(solved, seed)


def student(values: Sequence[float], level: float = 0.95) -> tuple[float, Interval]:
    """The mean of independent values, two or more, and Student's interval of it."""
    from scipy.special import stdtrit  # pyright: ignore[reportMissingTypeStubs]

    if len(values) < 2:
        raise ValueError(f"student: {len(values)} values")
    mean = float(np.mean(values))
    far = float(stdtrit(len(values) - 1, 0.5 + level / 2) * np.std(values, ddof=1) / np.sqrt(len(values)))
    return mean, (mean - far, mean + far)


def _bootstrap(values: Solved, seed: int) -> Interval:
    """The percentile interval of the mean, rows and columns drawn with replacement, each on its own.

    Source: Owen (2007), The pigeonhole bootstrap, Annals of Applied Statistics 1:386-411, which shows it to be
    conservative where both rows and columns are many. Three rows are not: where seeds differ much, 95% of three are
    nearer to 80 (`tests/metrics/test_paired.py`), so the seeds' own rates belong beside it.
    """
    rng = np.random.default_rng(seed)
    seeds, tasks = values.shape
    rows = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=DRAWS) / seeds
    columns = rng.multinomial(tasks, np.full(tasks, 1 / tasks), size=DRAWS) / tasks
    means = np.einsum("ds,st,dt->d", rows, values, columns, optimize=True)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
