"""Rates of success with their intervals.

One interval serves every rate here: Wilson's, on an effective number of samples. With one sample a task it is exactly
Wilson's. With K samples a task, samples of the same task resemble each other, so that K times the tasks is not K times
the evidence; the number of samples is divided by the design effect that the tasks themselves show.

Not covered: comparing two runs, which has to be done in pairs; finite sets (an interval speaks of the distribution that
the tasks were drawn from, not of these very tasks).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from planbench.records.summary import Interval


def wilson(successes: float, n: float, level: float = 0.95) -> Interval | None:
    """The score interval of a proportion; None where n is 0. Neither count needs to be whole.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22:209-212.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"wilson: {successes} successes of {n}")
    if not 0 < level < 1:
        raise ValueError(f"wilson: level {level} is not between 0 and 1")
    if n == 0:
        return None
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate = successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


@dataclass(frozen=True, slots=True)
class Cell:
    """`count` tasks that all have the same estimate: `value` in [0, 1] from `trials` samples each."""

    value: float
    trials: int
    count: int = 1


def rate_with_interval(
    cells: Sequence[Cell], *, per_task: bool = False, level: float = 0.95
) -> tuple[float, Interval] | None:
    """The mean of the tasks' estimates and its interval; None where there are no samples.

    A task weighs as many samples as it has, or, with `per_task`, as much as any other. The effective number of samples
    is p(1-p) / v with v the linearised variance of the mean between tasks, reduced by Korn and Graubard's factor for
    the few degrees of freedom behind v, and kept between the number of tasks (all samples of a task agree) and the
    number of samples (they are independent). Where p is 0 or 1 there is nothing to learn the design effect from, and
    the number of tasks is taken.

    Sources: Kish (1965), Survey Sampling; Korn and Graubard (1998), Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data, Survey Methodology 24:193-201; with Wilson's in place
    of Clopper and Pearson's interval as in Dean and Pagano (2015), Journal of Survey Statistics and Methodology
    3:484-503.
    """
    cells = [cell for cell in cells if cell.trials and cell.count]
    weights = [1.0 if per_task else float(cell.trials) for cell in cells]
    total = math.fsum(w * cell.count for w, cell in zip(weights, cells, strict=True))
    if not total:
        return None
    rate = math.fsum(w * cell.count * cell.value for w, cell in zip(weights, cells, strict=True)) / total
    rate = min(1.0, max(0.0, rate))
    samples = sum(cell.trials * cell.count for cell in cells)
    tasks = sum(cell.count for cell in cells)
    # Kish's number of equally weighted tasks: the plain number where all have the same weight.
    least = total * total / math.fsum(w * w * cell.count for w, cell in zip(weights, cells, strict=True))
    effective = least
    spread = rate * (1 - rate)
    if samples > tasks and spread > 0:
        variance = (
            math.fsum(w * w * cell.count * (cell.value - rate) ** 2 for w, cell in zip(weights, cells, strict=True))
            / total**2
        )
        effective = samples if variance == 0 else spread / variance
        effective *= _freedom_factor(samples, tasks, level)
        effective = min(float(samples), max(least, effective))
    interval = wilson(rate * effective, effective, level)
    assert interval is not None
    return rate, interval


def _freedom_factor(samples: int, tasks: int, level: float) -> float:
    """(t with samples - 1 degrees of freedom / t with tasks - 1 degrees)^2: 1 for one sample a task."""
    if tasks < 2:
        return 0.0
    from scipy.special import stdtrit  # pyright: ignore[reportMissingTypeStubs]

    upper = (1 + level) / 2
    return float(stdtrit(samples - 1, upper) / stdtrit(tasks - 1, upper)) ** 2


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that at least one of k of a task's n samples is among its c valid ones; unbiased for k <= n.

    Source: Chen et al. (2021), Evaluating Large Language Models Trained on Code, arXiv:2107.03374, equation 1.
    """
    _check(n, c, k)
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def unanimous_at_k(n: int, c: int, k: int) -> float:
    """The chance that all of k of a task's n samples are among its c valid ones; unbiased for k <= n, by the same
    argument as `pass_at_k`."""
    _check(n, c, k)
    return math.comb(c, k) / math.comb(n, k)


def _check(n: int, c: int, k: int) -> None:
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"{c} valid of {n} samples, k = {k}: need 0 <= valid <= samples and 1 <= k <= samples")


def ks_reported(most: int) -> list[int]:
    """The values of k worth a row where tasks have up to `most` samples: powers of two, and `most` itself."""
    if most < 2:
        return []
    return sorted({1 << power for power in range(most.bit_length())} | {most})
