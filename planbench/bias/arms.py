"""The ways to train. All see prompts of the same training set, for as many answers, and differ in what they are told.

`supervised`   demonstrations, by cross-entropy
`reinforce`    the reward of an answer drawn from the policy, less the mean reward of the batch's other answers
`group`        several answers a prompt, rewards less their mean over their standard deviation; equal ones say nothing
`ppo`          clipped policy gradient with a value head (`planbench.bias.ppo`)
`deployment`   iterative deployment: answer every prompt, keep what earned the full reward in this generation or an
               earlier one, fine-tune on that by cross-entropy, deploy again

Every run has random numbers of its own, so that its neighbours change nothing. `planbench.loop` does this for language
models and planning tasks; here are the same rules on nets that train side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from planbench.bias.answers import Task
from planbench.bias.nets import Net
from planbench.bias.policy import answer, answer_and_chance, log_chances, logits_of

Tick = Callable[[float], None]
"""Told the share that is done."""


@dataclass(frozen=True)
class Budget:
    """`epochs` times the training set is seen, `batch` prompts an update. `group` answers a prompt, for that arm; PPO
    gathers `rollout` prompts and goes `passes` times over them."""

    epochs: int = 4
    batch: int = 128
    lr: float = 2e-3
    group: int = 8
    rollout: int = 512
    passes: int = 5
    clip: float = 0.2
    value: float = 0.5
    lambda_: float = 0.95
    max_norm: float = 0.5


@dataclass(frozen=True)
class Data:
    """Prompts `[runs, n, positions]` and labels `[runs, n]`."""

    prompts: Tensor
    labels: Tensor

    def of(self, runs: slice) -> Data:
        return Data(self.prompts[runs], self.labels[runs])

    def at(self, chosen: Tensor) -> Data:
        """The rows `chosen` [runs, rows] of each run."""
        runs = torch.arange(len(chosen))[:, None]
        return Data(self.prompts[runs, chosen], self.labels[runs, chosen])


class Dice:
    """A generator for each run."""

    def __init__(self, seeds: Sequence[int]) -> None:
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def shuffled(self, count: int) -> Tensor:
        return torch.stack([torch.randperm(count, generator=g) for g in self.generators])

    def demonstrations(self, task: Task, labels: Tensor) -> Tensor:
        return torch.stack([task.demonstrate(row, g) for row, g in zip(labels, self.generators, strict=True)])


def batches(dice: Dice, examples: int, epochs: int, size: int) -> Iterator[tuple[float, Tensor]]:
    """Rows `[runs, size]` epoch by epoch in random order, with the share that is done. A rest joins no batch."""
    size = min(size, examples)
    each = examples // size
    for epoch in range(epochs):
        order = dice.shuffled(examples)
        for number in range(each):
            yield (epoch * each + number + 1) / (epochs * each), order[:, number * size : (number + 1) * size]


def adam(net: Net, lr: float) -> torch.optim.Adam:
    return torch.optim.Adam(net.parameters(), lr=lr, fused=True)


def update(optimizer: torch.optim.Optimizer, losses: Tensor, net: Net, max_norm: float | None = None) -> None:
    """A step down `losses` [runs], gradients clipped run by run."""
    optimizer.zero_grad(set_to_none=True)
    losses.sum().backward()
    if max_norm is not None:
        clip_runs(net, max_norm)
    optimizer.step()


def clip_runs(net: Net, max_norm: float) -> None:
    """Shorten each run's gradient to `max_norm`, as it would be alone."""
    gradients = [p.grad if net.stacked else p.grad[None] for p in net.parameters() if p.grad is not None]
    norms = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0).sqrt()
    share = (max_norm / (norms + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(share.view(-1, *[1] * (gradient.ndim - 1)))


def cross_entropy(net: Net, prompts: Tensor, answers: Tensor) -> Tensor:
    """Mean nats a row, by run: `[runs]`."""
    return -log_chances(logits_of(net, prompts, answers), answers).sum(-1).mean(-1)


def supervised(net: Net, data: Data, task: Task, budget: Budget, dice: Dice, tick: Tick) -> None:
    optimizer = adam(net, budget.lr)
    for done, rows in batches(dice, data.labels.shape[1], budget.epochs, budget.batch):
        part = data.at(rows)
        update(optimizer, cross_entropy(net, part.prompts, dice.demonstrations(task, part.labels)), net)
        tick(done)


def reinforce(net: Net, data: Data, task: Task, budget: Budget, dice: Dice, tick: Tick) -> None:
    optimizer = adam(net, budget.lr)
    for done, rows in batches(dice, data.labels.shape[1], budget.epochs, budget.batch):
        part = data.at(rows)
        answers, chances = answer_and_chance(net, part.prompts, task, dice.generators)
        rewards = task.reward(part.labels, answers)
        update(optimizer, -(left_out(rewards) * chances).mean(-1), net)
        tick(done)


def left_out(rewards: Tensor) -> Tensor:
    """Rewards `[..., rows]`, each less the mean of the others, which is a baseline without bias."""
    rows = rewards.shape[-1]
    return (rewards - rewards.mean(-1, keepdim=True)) * (rows / max(1, rows - 1))


def group(net: Net, data: Data, task: Task, budget: Budget, dice: Dice, tick: Tick) -> None:
    optimizer = adam(net, budget.lr)
    size = max(1, budget.batch // budget.group)
    for done, rows in batches(dice, data.labels.shape[1], budget.epochs, budget.batch):
        # As many answers as the other arms draw, on fewer prompts.
        part = data.at(rows[:, :size].repeat_interleave(budget.group, 1))
        answers, chances = answer_and_chance(net, part.prompts, task, dice.generators)
        rewards = task.reward(part.labels, answers).unflatten(-1, (-1, budget.group))
        update(optimizer, -(within_group(rewards).flatten(-2) * chances).mean(-1), net)
        tick(done)


def within_group(rewards: Tensor) -> Tensor:
    """Rewards `[..., group]` less their mean, over their standard deviation; 0 where all are equal."""
    centred = rewards - rewards.mean(-1, keepdim=True)
    spread = rewards.std(-1, correction=0, keepdim=True)
    return torch.where(spread > 1e-6, centred / spread.clamp(min=1e-6), torch.zeros(()))


def deployment(net: Net, data: Data, task: Task, budget: Budget, dice: Dice, tick: Tick) -> None:
    """`budget.epochs` generations, each of which answers every prompt once."""
    runs, examples = data.labels.shape
    answers = torch.zeros(runs, examples, task.steps, dtype=torch.long)
    kept = torch.zeros(runs, examples, dtype=torch.bool)
    updates = max(1, examples // budget.batch)
    optimizer = adam(net, budget.lr)
    for generation in range(budget.epochs):
        for rows in torch.arange(examples).split(1_024):
            said = answer(net, data.prompts[:, rows], task, dice.generators)
            right = task.score(data.labels[:, rows], said) >= task.full
            answers[:, rows] = torch.where(right[..., None], said, answers[:, rows])
            kept[:, rows] |= right
        pools = [row.nonzero()[:, 0] for row in kept]
        for number in range(updates):
            # A run that has kept nothing yet repeats prompts with a weight of nothing.
            chosen = torch.stack(
                [
                    (pool if len(pool) else torch.arange(examples))[
                        torch.randint(len(pool) or examples, (budget.batch,), generator=g)
                    ]
                    for pool, g in zip(pools, dice.generators, strict=True)
                ]
            )
            some = torch.tensor([float(len(pool) > 0) for pool in pools])
            part = data.at(chosen)
            said = answers[torch.arange(runs)[:, None], chosen]
            update(optimizer, some * cross_entropy(net, part.prompts, said), net)
            tick((generation + (number + 1) / updates) / budget.epochs)
