"""Proximal policy optimisation (Schulman et al., arXiv 1707.06347), as small as it gets, for many runs side by side.

One token is one step of an episode and the reward comes with the last; gamma is 1, advantages are generalised ones
(Schulman et al., arXiv 1506.02438). The value head is one more output of the net. There is no term for entropy and
none for the distance from a reference, as Cruz et al. have none; advantages are normalised in each minibatch and
gradients clipped, as is usual. `tests/bias/test_arms.py` compares whole trainings with a plain one.

Not covered: clipping the value's loss, early stopping by divergence.
"""

from __future__ import annotations

import torch
from torch import Tensor

from planbench.bias.answers import Task
from planbench.bias.arms import Budget, Data, Dice, Tick, adam, batches, update
from planbench.bias.nets import Net
from planbench.bias.policy import answer, log_chances, logits_of


def advantages_of(rewards: Tensor, values: Tensor, lambda_: float) -> Tensor:
    """Generalised advantages `[..., steps]` from rewards `[...]` at the end and `values` `[..., steps]` before each
    step, with gamma 1."""
    steps = values.shape[-1]
    found: list[Tensor] = []
    ahead = torch.zeros_like(rewards)
    for step in reversed(range(steps)):
        following = rewards if step == steps - 1 else values[..., step + 1]
        ahead = following - values[..., step] + lambda_ * ahead
        found.append(ahead)
    return torch.stack(found[::-1], -1)


def policy_loss(chances: Tensor, old: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """The clipped surrogate, negated, of each token; log-probabilities in nats. Any shape, all alike."""
    ratio = (chances - old).exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)


def ppo(net: Net, data: Data, task: Task, budget: Budget, dice: Dice, tick: Tick) -> None:
    """Needs a net with one output more than the task's: the value."""
    optimizer = adam(net, budget.lr)
    runs = len(data.labels)
    every = torch.arange(runs)[:, None]
    for done, rows in batches(dice, data.labels.shape[1], budget.epochs, budget.rollout):
        part = data.at(rows)
        answers = answer(net, part.prompts, task, dice.generators)
        rewards = task.reward(part.labels, answers)
        with torch.no_grad():
            old, values = _judged(net, part.prompts, answers, task.outputs)
            advantages = advantages_of(rewards, values, budget.lambda_)
            returns = advantages + values
        for _, some in batches(dice, rows.shape[1], budget.passes, budget.batch):
            chances, now = _judged(net, part.prompts[every, some], answers[every, some], task.outputs)
            fair = _normalised(advantages[every, some])
            loss = policy_loss(chances, old[every, some], fair, budget.clip)
            value = (now - returns[every, some]).square()
            update(optimizer, (loss + budget.value * value).mean((-1, -2)), net, budget.max_norm)
        tick(done)


def _judged(net: Net, prompts: Tensor, answers: Tensor, outputs: int) -> tuple[Tensor, Tensor]:
    """Log-probabilities of the tokens of `answers`, and the values before each: both `[runs, rows, steps]`."""
    logits = logits_of(net, prompts, answers)
    return log_chances(logits[..., :outputs], answers), logits[..., outputs]


def _normalised(advantages: Tensor) -> Tensor:
    flat = advantages.flatten(1)
    mean, spread = flat.mean(1), flat.std(1)
    return (advantages - mean[:, None, None]) / (spread[:, None, None] + 1e-8)
