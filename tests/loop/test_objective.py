"""The loss that fine-tuning minimises, against its formula written out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from planbench.loop.objective import IGNORED, per_token, sequence_nll, weighted_nll


def drawn(seed: int, rows: int, positions: int, vocabulary: int = 5) -> tuple[Tensor, Tensor]:
    """Logits, and targets of which about half are left out; each row has at least one."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, positions, vocabulary, generator=generator, dtype=torch.float64)
    targets = torch.randint(0, vocabulary, (rows, positions), generator=generator)
    left_out = torch.rand(rows, positions, generator=generator) < 0.5
    left_out[torch.arange(rows), torch.randint(0, positions, (rows,), generator=generator)] = False
    return logits, targets.masked_fill(left_out, IGNORED)


def naive(logits: Tensor, targets: Tensor) -> tuple[list[float], list[int]]:
    """Nats and targets of each row, by the formula."""
    nats: list[float] = []
    counts: list[int] = []
    for row, wanted in zip(logits.tolist(), targets.tolist(), strict=True):
        kept = [(scores, target) for scores, target in zip(row, wanted, strict=True) if target != IGNORED]
        nats.append(sum(math.log(sum(map(math.exp, scores))) - scores[target] for scores, target in kept))
        counts.append(len(kept))
    return nats, counts


@settings(deadline=None)
@given(st.integers(0, 10**6), st.lists(st.floats(-3, 3), min_size=1, max_size=4), st.integers(1, 6))
def test_the_loss_is_its_formula(seed: int, weights: list[float], positions: int) -> None:
    logits, targets = drawn(seed, len(weights), positions)
    nats, counts = naive(logits, targets)
    assert sequence_nll(logits, targets).tolist() == pytest.approx(nats)
    total = sum(w * n for w, n in zip(weights, nats, strict=True))
    given_ = torch.tensor(weights, dtype=torch.float64)
    assert float(weighted_nll(logits, targets, given_, 7.0)) == pytest.approx(total / 7)
    size = sum(abs(w) * n for w, n in zip(weights, counts, strict=True))
    if size > 1e-6:
        assert float(weighted_nll(logits, targets, given_)) == pytest.approx(total / size)


def test_a_row_without_a_target_counts_nothing() -> None:
    logits, targets = drawn(1, 3, 4)
    targets[1] = IGNORED
    without = weighted_nll(logits[[0, 2]], targets[[0, 2]], torch.ones(2).double())
    assert float(weighted_nll(logits, targets, torch.ones(3).double())) == pytest.approx(float(without))


def test_weight_two_is_the_row_twice_and_weight_zero_no_row() -> None:
    logits, targets = drawn(2, 3, 4)

    def loss(rows: Sequence[int], weights: Sequence[float]) -> float:
        return float(weighted_nll(logits[list(rows)], targets[list(rows)], torch.tensor(weights).double()))

    assert loss((0, 1, 2), (2.0, 1.0, 1.0)) == pytest.approx(loss((0, 0, 1, 2), (1.0, 1.0, 1.0, 1.0)))
    assert loss((0, 1, 2), (1.0, 0.0, 1.0)) == pytest.approx(loss((0, 2), (1.0, 1.0)))


def test_half_precision_is_summed_in_single() -> None:
    logits, targets = drawn(3, 2, 6)
    half = logits.to(torch.bfloat16)
    assert sequence_nll(half, targets).dtype == torch.float32
    assert sequence_nll(half, targets).tolist() == pytest.approx(naive(half.double(), targets)[0], rel=1e-5)


def test_per_token_weights_make_every_trace_a_mean() -> None:
    logits, targets = drawn(4, 3, 6)
    nats, counts = naive(logits, targets)
    weights = per_token([1.0, 2.0, 0.5], counts)
    expected = sum(w * n / c for w, n, c in zip([1.0, 2.0, 0.5], nats, counts, strict=True)) / 3.5
    assert float(weighted_nll(logits, targets, torch.tensor(weights).double())) == pytest.approx(expected)
