"""The estimator behind extractability: nets made anew for each block and trained on all labels before it.

A net that is trained on few labels, or on random ones, is sure of what it does not know, and its cross-entropy says
more about when training stopped than about the feature. So an eighth of the known labels is held back, and the net's
checkpoints, from no step at all (a fair coin) to the last, predict together, each with the weight that it has earned on
what was held back: a Bayesian mixture, with half of the prior on the coin. It is early stopping in the form of a code.
Accuracy is that of the last block's prediction on prompts (where prompts have cases: on cases) of which no label was
sent: labels that are known by heart do not make it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from planbench.bias.arms import Data, Dice, adam, batches, update
from planbench.bias.extraction import Code, online_code
from planbench.bias.nets import Net

MakeNet = Callable[[Sequence[int]], Net]
"""A net of two outputs from a seed a run."""

CHECKPOINTS = 8
_HELD_BACK = 8
_ROWS = 2_048


@dataclass(frozen=True)
class ProbeBudget:
    """At least `steps` updates, so that few labels are learned too."""

    epochs: int = 4
    steps: int = 60
    batch: int = 128
    lr: float = 2e-3


@dataclass(frozen=True)
class Extraction:
    """The code of a feature's labels and the probe's accuracy."""

    code: Code
    accuracy: float


def extract(make: MakeNet, data: Data, tested: Data, seeds: Sequence[int], budget: ProbeBudget) -> list[Extraction]:
    """Of several features at once, a run each; `data` is in the order in which it is sent, `tested` what accuracy is
    measured on."""
    runs, examples = data.labels.shape
    chances: dict[int, NDArray[np.float64]] = {}
    right: list[float] = [0.0] * runs

    def predict(known: int, coming: int) -> NDArray[np.float64]:
        if known not in chances:
            fresh = [seed * 1_000_003 + known for seed in seeds]
            ahead, labels = data.prompts[:, known : known + coming], data.labels[:, known : known + coming]
            last = known + coming == examples
            asked = torch.cat([ahead, tested.prompts], 1) if last else ahead
            of_one = _mixture(make(fresh), data, known, asked, Dice(fresh), budget)
            if last:
                right[:] = ((of_one[:, coming:] > 0.5) == (tested.labels == 1)).double().mean(1).tolist()
            of_one = of_one[:, :coming]
            chances[known] = torch.where(labels == 1, of_one, 1 - of_one).numpy()
        return chances[known]

    codes = [online_code(examples, lambda known, coming, run=run: predict(known, coming)[run]) for run in range(runs)]
    return [Extraction(code, accuracy) for code, accuracy in zip(codes, right, strict=True)]


def _mixture(net: Net, data: Data, known: int, ahead: Tensor, dice: Dice, budget: ProbeBudget) -> Tensor:
    """The chance of label 1 for each of the prompts `ahead`, after the first `known` labels: `[runs, rows]`."""
    held = max(1, known // _HELD_BACK) if known > 1 else 0
    learned = known - held
    kept, kept_labels = data.prompts[:, learned:known], data.labels[:, learned:known]
    size = min(budget.batch, learned)
    epochs = max(budget.epochs, -(-budget.steps // (learned // size)))
    total = epochs * (learned // size)
    stops = {max(1, round(total * (n / CHECKPOINTS) ** 2)) for n in range(1, CHECKPOINTS + 1)}
    optimizer = adam(net, budget.lr)
    runs = len(data.labels)
    earned = [torch.zeros(runs, dtype=torch.float64) - held + np.log2(len(stops))]  # the coin's log weight, in bits
    said = [torch.full((runs, ahead.shape[1]), 0.5, dtype=torch.float64)]
    for number, (_, rows) in enumerate(batches(dice, learned, epochs, size), 1):
        part = Data(data.prompts[:, :learned], data.labels[:, :learned]).at(rows)
        logits = net(part.prompts)[:, :, 0, :2]
        losses = functional.cross_entropy(logits.flatten(0, 1), part.labels.flatten(), reduction="none")
        update(optimizer, losses.view(runs, -1).mean(1), net)
        if number in stops:
            of_one = _chances(net, kept)
            bits = torch.where(kept_labels == 1, of_one, 1 - of_one).log2().sum(1)
            earned.append(bits)
            said.append(_chances(net, ahead))
    weights = torch.softmax(torch.stack(earned) * np.log(2), 0)
    return (weights[..., None] * torch.stack(said)).sum(0)


@torch.no_grad()
def _chances(net: Net, prompts: Tensor) -> Tensor:
    """The chance of label 1, kept off 0 and 1 by a hair's breadth: `[runs, rows]`, float64."""
    parts = [net(part)[:, :, 0, :2].double().softmax(-1)[..., 1] for part in prompts.split(_ROWS, 1)]
    return torch.cat(parts, 1).clamp(1e-7, 1 - 1e-7)
