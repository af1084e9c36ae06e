"""How fast the small planner learns; the library's forward pass does the same work beside it.

Run with `pytest tests/bench -s`: the ratio is printed. No test here fails on time.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor
from torch.nn import functional

from planbench.models import small_pass
from planbench.models.stretch import stretched
from planbench.pretrain.checkpoint import new_model, new_tokenizer
from planbench.pretrain.config import PretrainConfig
from planbench.pretrain.corpus import base_examples, vocabulary
from planbench.pretrain.train import Batches

IGNORED = -100


@pytest.mark.benchmark(group="a step of training of the small planner")
def test_training(benchmark: BenchmarkFixture) -> None:
    """Loss and gradients of eight batches of 32 plans of 8 to 16 steps, positions stretched."""
    config = PretrainConfig()
    examples = list(base_examples(config.domains, 60, seed=0, longest=16))
    words = vocabulary(examples)
    model = new_model(config, len(words)).train()
    longer = [example for example in examples if len(example.plan) >= 8]
    batches = Batches(longer, dict(new_tokenizer(words).get_vocab()), config.batch).deal(8, Random(0))
    places = [stretched(len(tokens), tokens.shape[1], 2.0, Random(1)) for tokens, _ in batches]

    def ours(tokens: Tensor, targets: Tensor, positions: Tensor) -> Tensor:
        learned = targets != IGNORED
        return functional.cross_entropy(small_pass.logits(model, tokens, positions, learned), targets[learned])

    def theirs(tokens: Tensor, targets: Tensor, positions: Tensor) -> Tensor:
        mask = torch.ones_like(tokens)
        logits = model(input_ids=tokens, position_ids=positions, attention_mask=mask, use_cache=False).logits
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)

    def learn(loss: Callable[[Tensor, Tensor, Tensor], Tensor]) -> float:
        model.zero_grad()
        total = 0.0
        for (tokens, targets), positions in zip(batches, places, strict=True):
            value: Any = loss(tokens, targets, positions)
            value.backward()
            total += value.item()
        return total

    total = benchmark.pedantic(lambda: learn(ours), rounds=5, warmup_rounds=1)
    assert total == pytest.approx(learn(theirs), rel=1e-4)
    if benchmark.stats is None:  # --benchmark-disable: it ran once, untimed
        return
    # By turns, since a machine's speed wanders by more than what is measured.
    turns = [(timed(lambda: learn(ours)), timed(lambda: learn(theirs))) for _ in range(7)]
    seconds, library = (median(column) for column in zip(*turns, strict=True))
    tokens = sum(tokens.numel() for tokens, _ in batches)
    benchmark.extra_info |= {"tokens_per_second": round(tokens / seconds), "library": round(tokens / library)}
    print(
        f"\ntraining: {tokens / seconds:,.0f} tokens/s; the library's forward pass: {tokens / library:,.0f}; "
        f"ratio {library / seconds:.2f}"
    )


def timed(work: Callable[[], float]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start
