"""Muon for the weight matrices of a small model.

The momentum of a matrix is replaced by the nearest matrix with singular values near one, found with five steps of a
Newton-Schulz iteration (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024, which gives the
three coefficients). Matrices of one shape go through it together: at the size of our planners, a matrix at a time (as
`torch.optim.Muon` does) costs several times as much as the products themselves.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """`lr` is the size of an update's singular values for a square matrix, larger by sqrt(rows / columns) for a tall
    one; `weight_decay` is decoupled, as in AdamW."""

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95, weight_decay: float = 0.01
    ) -> None:
        matrices = list(parameters)
        if any(matrix.ndim != 2 for matrix in matrices):
            raise ValueError("Muon takes matrices only")
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # no closures
        """One update from the gradients as they stand."""
        for group in self.param_groups:
            shapes: dict[tuple[int, int], list[Tensor]] = {}
            for matrix in group["params"]:
                if matrix.grad is not None:
                    shapes.setdefault((min(matrix.shape), max(matrix.shape)), []).append(matrix)
            for matrices in shapes.values():
                self._step_together(matrices, group["lr"], group["momentum"], group["weight_decay"])

    def _step_together(self, matrices: list[Tensor], lr: float, momentum: float, weight_decay: float) -> None:
        wide = []
        for matrix in matrices:
            assert matrix.grad is not None
            state = self.state[matrix]
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(matrix)
            state["momentum"].lerp_(matrix.grad, 1 - momentum)
            ahead = matrix.grad.lerp(state["momentum"], momentum)
            wide.append(ahead if ahead.shape[0] <= ahead.shape[1] else ahead.mT)
        for matrix, update in zip(matrices, _orthogonal(torch.stack(wide)), strict=True):
            rows, columns = matrix.shape
            matrix.mul_(1 - lr * weight_decay)
            matrix.add_(update if rows <= columns else update.mT, alpha=-lr * max(1.0, rows / columns) ** 0.5)


def _orthogonal(stack: Tensor) -> Tensor:
    """A stack of wide matrices, each with its singular values brought near one."""
    a, b, c = _COEFFICIENTS
    stack = stack / (stack.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = stack @ stack.mT
        stack = a * stack + (b * gram + c * (gram @ gram)) @ stack
    return stack
