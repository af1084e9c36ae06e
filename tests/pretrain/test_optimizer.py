"""Muon against its own formula on one matrix at a time, and against PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from planbench.pretrain.train import Muon

SHAPES = [(12, 12), (8, 20), (20, 8), (12, 12), (20, 8), (3, 1)]
LR, MOMENTUM, DECAY = 0.1, 0.95, 0.05


def parameters(seed: int) -> list[torch.Tensor]:
    made = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=made) for shape in SHAPES]


def steps(matrices: list[torch.Tensor], optimizer: torch.optim.Optimizer, count: int) -> None:
    for step in range(count):
        for matrix, gradient in zip(matrices, parameters(100 + step), strict=True):
            matrix.grad = gradient
        optimizer.step()


def polar(matrix: np.ndarray) -> np.ndarray:
    """The Newton-Schulz iteration on the singular values alone, which is all that it changes."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values = values / np.linalg.norm(matrix)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left @ np.diag(values) @ right


def test_updates_are_those_of_the_formula() -> None:
    """Several steps: the momentum, its look ahead, the decay and the share of tall matrices all show."""
    matrices = parameters(0)
    expected = [matrix.double().numpy().copy() for matrix in matrices]
    momenta = [np.zeros(shape) for shape in SHAPES]
    steps(matrices, Muon(matrices, lr=LR, momentum=MOMENTUM, weight_decay=DECAY), 4)
    for step in range(4):
        for index, gradient in enumerate(parameters(100 + step)):
            given = gradient.double().numpy()
            momenta[index] = MOMENTUM * momenta[index] + (1 - MOMENTUM) * given
            ahead = MOMENTUM * momenta[index] + (1 - MOMENTUM) * given
            rows, columns = given.shape
            expected[index] = expected[index] * (1 - LR * DECAY) - LR * max(1, rows / columns) ** 0.5 * polar(ahead)
    for matrix, wanted in zip(matrices, expected, strict=True):
        np.testing.assert_allclose(matrix.numpy(), wanted, atol=2e-5)


def test_updates_are_near_those_of_pytorch() -> None:
    """PyTorch's goes matrix by matrix and in bfloat16, three significant digits."""
    ours, theirs = parameters(1), [torch.nn.Parameter(matrix) for matrix in parameters(1)]
    steps(ours, Muon(ours, lr=LR, momentum=MOMENTUM, weight_decay=DECAY), 3)
    steps([*theirs], torch.optim.Muon(theirs, lr=LR, momentum=MOMENTUM, weight_decay=DECAY), 3)
    for one, other, start in zip(ours, theirs, parameters(1), strict=True):
        moved = float((one - start).norm())
        assert float((one - other.detach()).norm()) < 0.02 * moved


@pytest.mark.parametrize("shape", [(24, 24), (16, 40), (40, 16)])
def test_an_update_has_singular_values_near_one(shape: tuple[int, int]) -> None:
    """Whatever the size of the gradient: a start from zero, so that the weights are the update."""
    for scale in (1e-4, 1.0, 1e4):
        matrix = torch.zeros(shape)
        matrix.grad = scale * torch.randn(shape, generator=torch.Generator().manual_seed(2))
        Muon([matrix], lr=1.0, weight_decay=0.0).step()
        values = torch.linalg.svdvals(matrix) / max(1.0, shape[0] / shape[1]) ** 0.5
        # The smallest of a square matrix lie so near zero that five rounds do not bring them up.
        assert float(values.max()) < 1.3
        assert float(values.median()) > 0.6


def test_matrices_only_and_none_without_a_gradient() -> None:
    with pytest.raises(ValueError, match="matrices only"):
        Muon([torch.zeros(3)], lr=0.1)
    left, moved = torch.ones(2, 2), torch.ones(2, 2)
    moved.grad = torch.eye(2)
    Muon([left, moved], lr=0.1).step()
    assert torch.equal(left, torch.ones(2, 2))
    assert not torch.equal(moved, torch.ones(2, 2))
