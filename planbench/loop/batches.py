"""Examples drawn, split and stacked: what a training step is fed with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from random import Random

import torch
from torch import Tensor

from planbench.loop.examples import TrainExample
from planbench.loop.objective import IGNORED

Use = tuple[Sequence[int], Sequence[int], float]
"""One use of an example: token ids of prompt and completion, and the weight."""


@dataclass(frozen=True, slots=True)
class Batch:
    """`tokens` and `targets` are `[rows, positions]`, `weights` `[rows]`. A target is the token after its position, or
    `IGNORED`, within the prompt and in the padding on the right. No target stands before position `first`."""

    tokens: Tensor
    targets: Tensor
    weights: Tensor
    first: int

    def part(self, rows: Sequence[int]) -> Batch:
        """Some rows; one that is there already has no weight any more where it comes in for want of another, as -1."""
        places = [max(row, 0) for row in rows]
        weights = torch.where(torch.tensor(rows) < 0, 0.0, self.weights[places])
        return Batch(self.tokens[places], self.targets[places], weights, self.first)


def stack(uses: Sequence[Use], pad: int) -> Batch:
    """Stack uses, each with at least one token of a prompt. The last token of a completion is a target alone."""
    width = max(len(prompt) + len(completion) - 1 for prompt, completion, _ in uses)
    tokens = torch.full((len(uses), width), pad)
    targets = torch.full((len(uses), width), IGNORED)
    for row, (prompt, completion, _) in enumerate(uses):
        ids = [*prompt, *completion][:-1]
        tokens[row, : len(ids)] = torch.tensor(ids)
        targets[row, len(prompt) - 1 : len(ids)] = torch.tensor(completion)
    weights = torch.tensor([weight for _, _, weight in uses])
    return Batch(tokens, targets, weights, min(len(prompt) for prompt, _, _ in uses) - 1)


def share(rows: int, rank: int, of: int) -> list[int]:
    """The rows of a batch that one process of several computes; -1, the first row without its weight, where there is
    none for it: it has to take part all the same."""
    return list(range(rank, rows, of)) or [-1]


def use(example: TrainExample, weight: float, rng: Random | None = None) -> Use:
    """An example as it stands, or freshly drawn where there is a source of randomness and it can be."""
    if rng is None or example.fresh is None:
        return example.prompt, example.completion, weight
    return *example.fresh(rng), weight


def draws(lengths: Sequence[int], size: int, rng: Random, group: int = 1) -> Iterator[list[int]]:
    """Batches of `size` examples out of those with these lengths, without end: all of them in random order, then all
    again. A batch may hold the end of one round and the start of the next.

    With `group` above 1 so many batches are drawn at once, dealt out by length, and come in random order: less padding,
    and batches that are less mixed.
    """
    left: list[int] = []
    while True:
        drawn: list[int] = []
        while len(drawn) < size * group:
            if not left:
                left = rng.sample(range(len(lengths)), len(lengths))
            drawn.append(left.pop())
        if group > 1:
            drawn.sort(key=lambda index: lengths[index])
        starts = range(0, len(drawn), size)
        for start in rng.sample(starts, group) if group > 1 else starts:
            yield drawn[start : start + size]


def split_tasks(
    examples: Sequence[TrainExample], share: float, seed: int
) -> tuple[list[TrainExample], list[TrainExample]]:
    """Training and validation, no task in both: about `share` of the tasks are held out, at least one where there are
    two or more.

    Tasks are ranked by a hash with the training's seed, so each generation holds out others.
    """
    tasks = sorted({example.task_hash for example in examples}, key=lambda task: _rank(task, seed))
    count = max(1, round(share * len(tasks))) if share > 0 else 0
    held_out = set(tasks[: min(count, len(tasks) - 1)])
    return (
        [example for example in examples if example.task_hash not in held_out],
        [example for example in examples if example.task_hash in held_out],
    )


def _rank(task: str, seed: int) -> bytes:
    return blake2b(f"{seed}-{task}".encode(), digest_size=16).digest()
