"""Training texts in which a planner sees little of what it wrote itself, so that it does not learn to count its steps.

A planner taught three moves at most learns, among else, that the third move is the last one, and has nothing to go by
in a longer plan. Where only the last few words of a plan are seen beside the prompt, a step can only be learned as what
follows from the task and the steps just before: that holds in a plan of any length. Some texts stay whole, as all are
when the planner is deployed.
"""

from __future__ import annotations

from random import Random

import torch
from torch import Tensor

WINDOW = (8, 24)
"""Words: the last step or two of a plan, up to the last four or five."""


def seen(learned: Tensor, share: float, rng: Random) -> Tensor | None:
    """What may be seen from where: `[rows, 1, columns, columns]`, true where a word (second to last axis) sees another.
    None, for all that came before, where `share` is 0.

    `learned` `[rows, columns]` is true where the next word is learned: from the last word of the prompt on. With
    probability `share`, drawn row by row, a word of the plan sees of the plan only the last w words, itself among them,
    w being drawn from `WINDOW`, both ends included; the prompt it sees whole.
    """
    if not share:
        return None
    rows, columns = learned.shape
    starts = learned.int().argmax(1) + 1
    widths = torch.tensor([rng.randint(*WINDOW) if rng.random() < share else columns for _ in range(rows)])
    places = torch.arange(columns)
    ago = places[:, None] - places
    prompt = places < starts[:, None]
    return ((ago >= 0) & (prompt[:, None] | (ago < widths[:, None, None])))[:, None]
