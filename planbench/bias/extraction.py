"""How easily a feature is extracted: minimum description length by online coding (Voita and Titov 2020).

The labels of a probe set are sent block by block. The first block costs a bit a label; each later one the cross-entropy
of its labels, in bits, under an estimator made anew from all blocks before it. The sum is the code's length: true sums
over examples, never means of means. A feature that is easy to extract is learned from few examples, and short.

Not covered: variational codes, of which no paper followed here has the numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCHEDULE = (0.1, 0.1, 0.2, 0.4, 0.8, 1.6, 3.05, 6.25, 12.5, 25.0, 50.0)
"""The blocks, in percent of the data."""

Estimator = Callable[[int, int], NDArray[np.float64]]
"""From the number of labels known, and how many are to come, to the probability given to each of these as it is: `[to
come]`. It may look at the known labels and at all inputs, never at a label to come before that label's turn."""


@dataclass(frozen=True)
class Code:
    """`bits` a block, their sizes, and the sum."""

    blocks: tuple[int, ...]
    bits: tuple[float, ...]

    @property
    def total(self) -> float:
        return sum(self.bits)

    @property
    def per_example(self) -> float:
        return self.total / sum(self.blocks)


def block_sizes(examples: int) -> tuple[int, ...]:
    """The schedule in whole examples: ends are rounded, so that the sizes sum to `examples`; empty blocks are left
    out."""
    ends = np.rint(np.cumsum(SCHEDULE) / sum(SCHEDULE) * examples).astype(int)
    sizes = np.diff(ends, prepend=0)
    return tuple(int(size) for size in sizes if size > 0)


def online_code(examples: int, estimator: Estimator) -> Code:
    """The code of `examples` binary labels."""
    sizes = block_sizes(examples)
    bits = [float(sizes[0])]
    known = sizes[0]
    for size in sizes[1:]:
        bits.append(float(-np.log2(estimator(known, size)).sum()))
        known += size
    return Code(sizes, tuple(bits))


def relative(spurious: float, target: float) -> float:
    """MDL(s) / MDL(t): above 1, the target is the easier one."""
    return spurious / target


def krichevsky_trofimov(labels: Sequence[int]) -> Estimator:
    """The estimator that adds a half to each count, and learns from each label as it comes: no probe, but what a probe
    can be checked against."""
    ones = np.concatenate([[0], np.cumsum(labels)])

    def estimate(known: int, coming: int) -> NDArray[np.float64]:
        before = np.arange(known, known + coming)
        chance = (ones[before] + 0.5) / (before + 1)
        return np.where(np.asarray(labels)[before] == 1, chance, 1 - chance)

    return estimate
