"""Linear layers whose weights are laid out once for the processor, in float32.

torch multiplies float32 matrices with MKL, which lays the weights out anew for every product; a copy of them in
oneDNN's own layout makes the same product faster, most of all with few rows. A row's result is the same bits beside any
others from 2 rows on (tried: 2 to 720 rows at ten shapes of matrices, with one thread and with two).

Not covered: other types of numbers, other devices, layers that are no plain `torch.nn.Linear`, and models of more than
`LARGEST` bytes, for which a second copy would be too much. They are multiplied as torch does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

LARGEST = 2**31
"""Bytes of the linear layers of a model, at most: they take as much again while the engine lives."""


class PackedLayers:
    """The linear layers of a model in evaluation mode. Their weights must not change any more."""

    def __init__(self, model: Any) -> None:
        layers = [layer for layer in model.modules() if _plain(layer)]
        self._forwards: list[tuple[nn.Linear, Callable[[Tensor], Tensor]]] = []
        if sum(layer.weight.numel() * 4 for layer in layers) <= LARGEST and layers and _works():
            self._forwards = [(layer, partial(_multiply, _packed(layer.weight), layer.bias)) for layer in layers]

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Inside, the model's layers multiply with the packed weights."""
        for layer, forward in self._forwards:
            vars(layer)["forward"] = forward
        try:
            yield
        finally:
            for layer, _ in self._forwards:
                del vars(layer)["forward"]


def _plain(layer: nn.Module) -> bool:
    if type(layer) is not nn.Linear or "forward" in vars(layer):  # a forward of its own: someone else's hook
        return False
    return layer.weight.dtype == torch.float32 and layer.weight.device.type == "cpu"


def _packed(weight: Tensor) -> Tensor:
    # The number is a hint at the rows there will be; the layout serves any.
    return torch.ops.mkldnn._reorder_linear_weight(weight.detach(), 64)


def _multiply(weight: Tensor, bias: Tensor | None, states: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(states, weight, bias, "none", [], "")


def _works() -> bool:
    """Whether this build of torch has the operations, which are the ones that its own compiler uses."""
    weight, states = torch.arange(12.0).view(3, 4), torch.arange(8.0).view(2, 4)
    try:
        return torch.allclose(_multiply(_packed(weight), None, states), states @ weight.T)
    except (AttributeError, RuntimeError):
        return False
