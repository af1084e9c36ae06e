"""Log-probabilities of completions under a model, in nats, as the model samples at temperature 1.

In single precision, over all tokens of a completion, its stop token included where the reply ended by itself. One pass
for all uses: what a generation gave its own replies, what later ones give them, and the ratio of the two within a
training, so that equal weights give a ratio of 1 up to rounding.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from planbench.errors import InputError
from planbench.loop.batches import stack, use
from planbench.loop.examples import TrainExample
from planbench.loop.finetune_config import FinetuneConfig
from planbench.loop.objective import IGNORED, picked_nll, sequence_nll
from planbench.loop.ratios import factors
from planbench.models import small_pass
from planbench.models.catalog import LoadOptions
from planbench.models.hf_load import load_checkpoint

_BATCH = 64


def log_probabilities(
    checkpoint: Path,
    examples: Sequence[TrainExample],
    watch: Callable[[int, int], None] = lambda done, total: None,
    *,
    batch: int = _BATCH,
    trust_remote_code: bool = False,
) -> list[float]:
    """Of each example under the model in folder `checkpoint`."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    loaded = load_checkpoint(checkpoint, LoadOptions({"device": "cpu"}, trust_remote_code=trust_remote_code))
    model = loaded.model.float().to(device).eval()
    by_size = sorted(range(len(examples)), key=lambda index: len(examples[index].prompt + examples[index].completion))
    found = [0.0] * len(examples)
    for start in range(0, len(by_size), batch):
        members = by_size[start : start + batch]
        told = of_model(model, [examples[index] for index in members], loaded.tokenizer.pad_token_id or 0)
        for index, value in zip(members, told.tolist(), strict=True):
            found[index] = value
        watch(start + len(members), len(examples))
    return found


@torch.no_grad()
def of_model(model: Any, examples: Sequence[TrainExample], pad: int) -> Tensor:
    """`[examples]`, on the processor, of a model in memory and evaluation mode."""
    batch = stack([use(example, 1.0) for example in examples], pad)
    device = next(model.parameters()).device
    rows, width = batch.tokens.shape
    if device.type == "cpu" and small_pass.supports(model):
        learned = batch.targets != IGNORED
        picked = small_pass.logits(model, batch.tokens, torch.arange(width).expand(rows, width), learned)
        return -picked_nll(picked, batch.targets)
    # Padding stands on the right, where a causal model never looks: no mask is needed.
    keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
    extra: dict[str, Any] = {"logits_to_keep": width - batch.first} if keeps else {}
    logits = model(input_ids=batch.tokens.to(device), use_cache=False, **extra).logits
    targets = batch.targets[:, width - logits.shape[1] :].to(device)
    return -sequence_nll(logits, targets).cpu()


def reweighted(
    model: Any, examples: Sequence[TrainExample], weights: Sequence[float], config: FinetuneConfig, pad: int
) -> list[float]:
    """The weights times the factors of `config.ratio`, for the model as it is now.

    Raises InputError where it is not known how likely a trace was when it was sampled.
    """
    if any(example.behaviour is None for example in examples):
        raise InputError(f"ratio {config.ratio}: it is not known how likely the traces were when they were sampled")
    if config.ratio == "taper" and min(weights) >= 0:
        return list(weights)
    was_training = model.training
    model.eval()
    now = of_model(model, examples, pad).double()
    model.train(was_training)
    then = torch.tensor([example.behaviour for example in examples], dtype=torch.float64)
    tokens = torch.tensor([len(example.completion) for example in examples])
    given = torch.tensor(list(weights), dtype=torch.float64)
    return (given * factors(now, then, tokens, given, config.ratio, config.most)).tolist()
