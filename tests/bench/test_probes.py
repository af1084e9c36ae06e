"""How fast the LSTMs of a bias run learn; torch's own, run by run, does the same work beside them.

Run with `pytest tests/bench -s`: the ratio is printed. No test here fails on time.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor

from planbench.bias.nets import Lstm

WORDS, WIDTH, ROWS = 26, 64, 128


@pytest.mark.benchmark(group="a step of the LSTMs of a bias run")
@pytest.mark.parametrize(("runs", "positions"), [(7, 6), (7, 42), (2, 42)])
def test_lstm(benchmark: BenchmarkFixture, runs: int, positions: int) -> None:
    """Loss and gradients of a batch of 128 prompts a run: of the toy suite, of planning, of planning's probes."""
    torch.set_num_threads(1)
    net = Lstm(list(range(runs)), WORDS, 2, WIDTH)
    theirs = [torch.nn.LSTM(WIDTH, WIDTH, batch_first=True) for _ in range(runs)]
    with torch.no_grad():
        for run, lstm in enumerate(theirs):
            ours = (net.inward[run], net.onward[run], net.bias[run], torch.zeros_like(net.bias[run]))
            for weights, value in zip(lstm.parameters(), ours, strict=True):
                weights.copy_(value)
        net.head.normal_()
    tokens = torch.randint(0, WORDS, (runs, ROWS, positions))

    def plain() -> Tensor:
        read = [lstm(net.embedding[run][tokens[run]])[0][:, -1] @ net.head[run] for run, lstm in enumerate(theirs)]
        return torch.stack(read)

    def learn(logits: Callable[[], Tensor]) -> float:
        net.zero_grad()
        for lstm in theirs:
            lstm.zero_grad()
        loss = logits().logsumexp(-1).mean()
        loss.backward()
        return loss.item()

    def timed(logits: Callable[[], Tensor]) -> float:
        started = perf_counter()
        learn(logits)
        return perf_counter() - started

    def together() -> Tensor:
        return net(tokens)[:, :, 0]

    total = benchmark.pedantic(lambda: learn(together), rounds=3, warmup_rounds=1)
    assert total == pytest.approx(learn(plain), rel=1e-4)
    times = [(timed(plain), timed(together)) for _ in range(7)]
    ratio = median(slow / fast for slow, fast in times)
    print(f"\n{runs} LSTMs, {positions} positions: {ratio:.2f} times torch's own")
