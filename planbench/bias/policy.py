"""A net as a policy: the chance of an answer, answers drawn from it, and how well they do in each section."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from planbench.bias.answers import Task
from planbench.bias.nets import Generators, Net, drawn

_ROWS = 2_048


def logits_of(net: Net, prompts: Tensor, answers: Tensor) -> Tensor:
    """Logits `[runs, rows, steps, outputs]` of each token of `answers` [runs, rows, steps] after `prompts`
    [runs, rows, positions] and what stands before it."""
    steps = answers.shape[-1]
    return net(torch.cat([prompts, answers[..., :-1]], -1), steps)


def log_chances(logits: Tensor, answers: Tensor) -> Tensor:
    """Log-probabilities `[..., steps]` of the tokens of `answers`, in nats."""
    return logits.log_softmax(-1).gather(-1, answers[..., None])[..., 0]


@torch.no_grad()
def answer(net: Net, prompts: Tensor, task: Task, generators: Generators = None) -> Tensor:
    """Answers `[runs, rows, steps]`: drawn with a generator a run, so that runs do not meddle with each other; the
    likeliest token at each step without."""
    return net.write(prompts, task.steps, task.outputs, generators)


def answer_and_chance(
    net: Net, prompts: Tensor, task: Task, generators: list[torch.Generator]
) -> tuple[Tensor, Tensor]:
    """Answers drawn, and their log-probabilities `[runs, rows]`, through which gradients flow."""
    if task.steps == 1:  # one pass of the net is enough for both
        logits = net(prompts)[:, :, :, : task.outputs]
        answers = drawn(logits.detach(), generators)
    else:
        answers = answer(net, prompts, task, generators)
        logits = logits_of(net, prompts, answers)[..., : task.outputs]
    return answers, log_chances(logits, answers).sum(-1)


def rewards_by_section(net: Net, sections: Mapping[str, tuple[Tensor, int]], task: Task) -> dict[str, list[float]]:
    """Mean score of likeliest answers by section, a number a run. A section is its prompts `[rows, positions]`, the
    same for every run, and their label."""
    found: dict[str, list[float]] = {}
    for name, (prompts, label) in sections.items():
        total = torch.zeros(net.runs, dtype=torch.float64)
        for part in prompts.split(_ROWS):
            rows = part.expand(net.runs, -1, -1)
            labels = torch.full(rows.shape[:2], label)
            total += task.score(labels, answer(net, rows, task)).double().sum(1)
        found[name] = (total / len(prompts)).tolist()
    return found
