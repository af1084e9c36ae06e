"""Positions with gaps, so that a small planner learns to read further apart than its training texts are long."""

from __future__ import annotations

from random import Random

import torch
from torch import Tensor


def stretched(rows: int, width: int, stretch: float, rng: Random) -> Tensor:
    """Positions `[rows, width]`, increasing in each row and below `stretch` times the width, how far being drawn row by
    row."""
    return torch.tensor([sorted(rng.sample(range(int(width * rng.uniform(1, stretch))), width)) for _ in range(rows)])
