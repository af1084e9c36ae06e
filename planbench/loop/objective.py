"""What fine-tuning minimises: the weighted negative log-likelihood of whole completions.

With weights w and completions y of prompts x, of n tokens each:

    loss = sum_i w_i * -log p(y_i | x_i)  /  C

C does not depend on the model, so the gradient is the sum of the traces' own, each times its weight, up to one positive
factor: with 0 and 1 for weights this is the left side of Proposition 1 of the iterative-deployment paper
(arXiv 2512.24940). By default C = sum_i |w_i| n_i over the batch, which makes the loss nats a token. Training passes a
C of its own, the number of traces in the batch times the mean of |w| n over all examples, so that a trace pulls as hard
in whatever company it is drawn.

A long trace counts for more than a short one, as its likelihood does. Where every trace should count alike, whatever
its length, `per_token` divides the weights by the lengths beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

IGNORED = -100
"""A target that the loss leaves out."""


def sequence_nll(logits: Tensor, targets: Tensor) -> Tensor:
    """Nats of each row's targets, summed: `[rows]`, in float32 at least.

    `logits` is `[rows, positions, vocabulary]`, `targets` `[rows, positions]`: the token that follows each position, or
    `IGNORED`.
    """
    return picked_nll(logits[targets != IGNORED], targets)


def picked_nll(picked: Tensor, targets: Tensor) -> Tensor:
    """As `sequence_nll`, of logits `[learned, vocabulary]`: only those whose targets are to be learned."""
    kept = targets != IGNORED
    losses = functional.cross_entropy(
        picked if picked.dtype == torch.float64 else picked.float(), targets[kept], reduction="none"
    )
    rows = kept.nonzero()[:, 0]
    return losses.new_zeros(len(targets)).index_add(0, rows, losses)


def weighted_nll(logits: Tensor, targets: Tensor, weights: Tensor, constant: float | None = None) -> Tensor:
    """The loss of a batch, a scalar; `weights` is `[rows]`, `constant` is C (see above).

    `logits` is as in `sequence_nll`, or `[learned, vocabulary]`: only those whose targets are to be learned.
    """
    picked = logits if logits.ndim == 2 else logits[targets != IGNORED]
    total = (weights * picked_nll(picked, targets)).sum()
    if constant is not None:
        return total / constant
    tokens = (targets != IGNORED).sum(-1)
    return total / (weights.abs() * tokens).sum()


def per_token(weights: Sequence[float], lengths: Sequence[int]) -> list[float]:
    """Weights of whole traces that make each trace count as the mean over its tokens."""
    return [weight / length for weight, length in zip(weights, lengths, strict=True)]
