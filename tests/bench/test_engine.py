"""How fast a pretrained language model samples, against a plain loop over `generate` and against what is possible.

Run with `OMP_NUM_THREADS=1 pytest tests/bench/test_engine.py -s`: all are measured in one run, in seconds of the
processor, which other work on the machine does not lengthen much, and the ratios are printed. No test here fails on
time. 64 Blocksworld tasks (TASKS=512 for more) with a solved example before them, so that all prompts begin with the
same 600 tokens or so, are answered greedily with 64 tokens each.

The plain loop is sorted by length; the best of some batch sizes counts (SIZES=16,32), each on as many prompts as fill
one batch, spread over all lengths. The bound is the time of the distinct prompt tokens at the rate at which the library
reads one long text, and of the new tokens at the rate at which it says one token for each of 64 rows behind texts of a
few tokens: what no scheduling can beat. The engine multiplies faster than the library (`planbench.models.packed`), so
the bound is printed a second time, with the library's layers multiplying as the engine's do.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from time import process_time
from typing import Any

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture

from planbench.errors import MissingPackage
from planbench.models import load
from planbench.models.continuous import Engine
from planbench.models.decode import Row
from planbench.models.hf import HfModel
from planbench.models.passes import Passes
from planbench.models.prefixes import shared_prefixes
from planbench.preparation import examples, prepare
from planbench.prompts.styles import build_prompt
from planbench.suite.generator import generate
from tests.scale.bound import distinct_tokens, reading_rate, saying_rate

TASKS = int(os.environ.get("TASKS", "64"))
LIMIT = 64
SHOTS = 1
SIZES = tuple(int(size) for size in os.environ.get("SIZES", "16,32").split(","))


@pytest.fixture(scope="module")
def prompts() -> tuple[HfModel, list[tuple[int, ...]]]:
    try:
        model = load("smollm2-135m", model_args={"device": "cpu"})
    except MissingPackage as error:
        pytest.skip(str(error))
    assert isinstance(model, HfModel)
    tasks = generate("blocksworld", TASKS, plan_length=(4, 24))
    shots = examples(tasks, SHOTS)["blocksworld"]
    texts = [
        build_prompt("pddl", one.compiled, one.task.domain_pddl, one.task.problem_pddl, one.wording, shots)
        for one in prepare(tasks)
    ]
    return model, [tuple(model.prompt_tokens(text)) for text in texts]


@pytest.mark.benchmark(group="sample replies of a language model")
def test_engine(benchmark: BenchmarkFixture, prompts: tuple[HfModel, list[tuple[int, ...]]]) -> None:
    model, texts = prompts
    engine = Engine(model._model, frozenset())
    engine.passes = timed = Timed(model._model)
    limit = 4 if benchmark.disabled else LIMIT  # then that it runs is all that is asked
    rows = [Row(text, limit, 0) for text in (texts[:2] if benchmark.disabled else texts)]

    def sample() -> list[tuple[int, ...]]:
        answers = sorted(engine.run(rows, range(len(rows)), 64), key=lambda answer: answer.index)
        return [answer.completion.tokens for answer in answers if answer.completion is not None]

    start = process_time()
    said = benchmark.pedantic(sample, rounds=1)
    seconds = process_time() - start
    assert [len(tokens) for tokens in said] == [limit] * len(rows)
    if benchmark.stats is None:  # --benchmark-disable: it ran once, untimed
        return
    counts = engine.counts
    groups = shared_prefixes(texts)
    distinct = distinct_tokens(texts)
    long, new = max(texts, key=len), len(rows) * LIMIT
    reading, saying = reading_rate(model._model, long), saying_rate(model._model)
    bound = distinct / reading + new / saying
    with engine.passes.layers.attached():
        fast_reading, fast_saying = reading_rate(model._model, long), saying_rate(model._model)
    fast = distinct / fast_reading + new / fast_saying
    plain = {size: plain_rate(model._model, texts, size) for size in SIZES}
    ours, best = len(rows) / seconds, max(plain.values())
    overhead = counts.seconds / counts.forward_seconds - 1
    benchmark.extra_info |= {"ratio": ours / best, "share_of_bound": bound / seconds, "overhead": overhead}
    benchmark.extra_info["share_of_fast_bound"] = fast / seconds
    print(
        f"\n{len(rows)} prompts of {min(map(len, texts))} to {max(map(len, texts))} tokens, {distinct} distinct in "
        f"{len(groups)} groups, {LIMIT} new each: {seconds:.1f} s, {ours:.3f} tasks/s; generate: "
        + ", ".join(f"{rate:.3f} in batches of {size}" for size, rate in plain.items())
        + f"; ratio {ours / best:.1f}\nreading {timed.reading:.1f} s, steps {timed.saying:.1f} s; "
        f"bound: {distinct} tokens at {reading:.0f}/s and {new} at {saying:.0f}/s: "
        f"{bound:.1f} s; reached {bound / seconds:.0%}; with the engine's products {fast_reading:.0f}/s and "
        f"{fast_saying:.0f}/s: {fast:.1f} s; reached {fast / seconds:.0%}; scheduling {overhead:.1%} of the model's "
        "time"
    )


class Timed(Passes):
    """Adds up the processor's seconds of its two kinds of pass."""

    reading = saying = 0.0

    def read(self, *args: Any, **named: Any) -> Any:
        start = process_time()
        found = super().read(*args, **named)
        self.reading += process_time() - start
        return found

    def step(self, *args: Any, **named: Any) -> Any:
        start = process_time()
        found = super().step(*args, **named)
        self.saying += process_time() - start
        return found


def plain_rate(model: Any, texts: Sequence[tuple[int, ...]], size: int) -> float:
    """Tasks a second of a sorted loop over `generate`, on a batch of prompts of all lengths."""
    ordered = sorted(texts, key=len, reverse=True)
    ordered = ordered[:: max(1, len(ordered) // size)][:size]
    start = process_time()
    for first in range(0, len(ordered), size):
        batch = ordered[first : first + size]
        width = max(map(len, batch))
        model.generate(
            torch.tensor([[0] * (width - len(text)) + list(text) for text in batch]),
            attention_mask=torch.tensor([[0] * (width - len(text)) + [1] * len(text) for text in batch]),
            do_sample=False,
            min_new_tokens=LIMIT,
            max_new_tokens=LIMIT,
            pad_token_id=0,
        )
    return len(ordered) / (process_time() - start)
