"""What a model is asked to do with a prompt: name its label, or write digits in the order that the label asks for.

A demonstration is an answer of the full reward.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor


class Task(ABC):
    """`outputs` are the tokens that may be written, `steps` how many are; a written token is read back as it is. An
    answer with a score of `full` is kept by deployment."""

    outputs: int
    steps: int
    full = 1.0

    @abstractmethod
    def reward(self, labels: Tensor, answers: Tensor) -> Tensor:
        """Of `answers` [..., steps] for `labels` [...]: [...]. What is trained on."""

    def score(self, labels: Tensor, answers: Tensor) -> Tensor:
        """The same as a number in [0, 1]: what is reported."""
        return self.reward(labels, answers)

    @abstractmethod
    def demonstrate(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Answers [..., steps] of the full reward, drawn evenly."""


class Naming(Task):
    """The answer is the label."""

    outputs = 2
    steps = 1

    def reward(self, labels: Tensor, answers: Tensor) -> Tensor:
        return (answers[..., 0] == labels).float()

    def demonstrate(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        return labels[..., None]


class Ordering(Task):
    """Cruz's task: `steps` of ten digits, which should ascend where the label is 1 and descend where it is 0.

    The reward is the number of steps in the right order from the start, up to the first that is not, over all there
    are: 0, 1/4, ... 1 for five digits. Equal neighbours are in neither order, or a constant answer would earn a full
    reward under both labels.
    """

    outputs = 10

    def __init__(self, steps: int = 5) -> None:
        self.steps = steps

    def reward(self, labels: Tensor, answers: Tensor) -> Tensor:
        rise = answers[..., 1:] - answers[..., :-1]
        right = torch.where(labels[..., None] == 1, rise > 0, rise < 0)
        return right.int().cumprod(-1).sum(-1) / (self.steps - 1)

    def demonstrate(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        keys = torch.rand(*labels.shape, self.outputs, generator=generator)
        chosen = keys.argsort(-1)[..., : self.steps].sort(-1).values
        return torch.where(labels[..., None] == 1, chosen, chosen.flip(-1))


ANSWERS: dict[str, type[Naming] | type[Ordering]] = {"naming": Naming, "ordering": Ordering}
