"""How fast the small planner samples; the library's `generate` does the same work beside it.

Run with `pytest tests/bench -s`: the ratio to `generate` is printed. No test here fails on time. The planner has the
shape of the one that ships and fresh weights, so that its words are nearly as likely as one another; a few of them end
a reply, after some thirty words on average.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from planbench.models.decode import Row
from planbench.models.lockstep import decode_small
from planbench.models.small import SmallModel
from planbench.preparation import prepare
from planbench.pretrain.checkpoint import new_model, new_tokenizer
from planbench.pretrain.config import PretrainConfig
from planbench.pretrain.corpus import base_examples, vocabulary
from planbench.prompts.compact import build
from planbench.suite.generator import generate

TASKS = 64
SAMPLES = 8
LIMIT = 96
STOP = list(range(1, 7))


@pytest.fixture(scope="module")
def sampling() -> tuple[Any, list[tuple[int, ...]]]:
    """A planner, and Blocksworld tasks of 4 to 24 steps as it reads them, eight times each."""
    words = vocabulary(list(base_examples(PretrainConfig().domains, 30, seed=0, longest=6)))
    tokenizer = new_tokenizer(words)
    tasks = prepare(generate("blocksworld", TASKS, plan_length=(4, 24)))
    texts = [build(task.compiled, task.task.domain_pddl, task.task.problem_pddl, task.wording).text for task in tasks]
    prompts = sorted((tuple(tokenizer(text)["input_ids"]) for text in texts), key=len)
    return new_model(PretrainConfig(spread=0.02), len(words)).eval(), [
        prompt for prompt in prompts for _ in range(SAMPLES)
    ]


@pytest.mark.benchmark(group="sample replies of the small planner")
def test_sampling(benchmark: BenchmarkFixture, sampling: tuple[Any, list[tuple[int, ...]]]) -> None:
    model, prompts = sampling
    small = SmallModel(model)
    rows = [Row(prompt, LIMIT, seed) for seed, prompt in enumerate(prompts)]
    said = benchmark.pedantic(
        lambda: decode_small(small, rows, stop=frozenset(STOP), temperature=1.0), rounds=5, warmup_rounds=1
    )
    words = sum(completion.generated for completion in said)
    assert 20 < words / len(rows) < 40
    if benchmark.stats is None:  # --benchmark-disable: it ran once, untimed
        return
    seconds = benchmark.stats["median"]
    theirs = {size: librarys_rate(model, prompts, size) for size in (64, 256)}
    best = max(theirs.values())
    ours = words / seconds
    benchmark.extra_info |= {
        "replies_per_second": round(len(rows) / seconds),
        "tokens_per_second": round(ours),
        "generate_tokens_per_second": {size: round(rate) for size, rate in theirs.items()},
    }
    print(
        f"\nsampling: {len(rows) / seconds:,.0f} replies/s, {ours:,.0f} tokens/s; generate: "
        + ", ".join(f"{rate:,.0f} tokens/s in batches of {size}" for size, rate in theirs.items())
        + f"; ratio {ours / best:.1f}"
    )


def librarys_rate(model: Any, prompts: list[tuple[int, ...]], size: int) -> float:
    """Tokens a second that `generate` samples, stop tokens counted and padding not, in batches of `size` rows."""
    torch.manual_seed(0)
    words = 0
    start = perf_counter()
    for first in range(0, len(prompts), size):
        batch = prompts[first : first + size]
        width = max(map(len, batch))
        output = model.generate(
            torch.tensor([[0] * (width - len(prompt)) + list(prompt) for prompt in batch]),
            attention_mask=torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in batch]),
            do_sample=True,
            top_k=0,
            max_new_tokens=LIMIT,
            eos_token_id=STOP,
            pad_token_id=0,
        )[:, width:]
        ended = torch.isin(output, torch.tensor(STOP)).cumsum(-1)
        words += int(((ended - torch.isin(output, torch.tensor(STOP)).int()) == 0).sum())
    return words / (perf_counter() - start)
