"""How long one more token takes: our engine's step beside the library's caches, dynamic, static, and compiled.

Run with `OMP_NUM_THREADS=1 pytest tests/bench/test_decoding.py -s`: SmolLM2-135M, prompts of 256 tokens that have
nothing in common, greedy, in seconds of the processor. A step of the library is what a reply of `MANY` tokens takes
longer than one of `FEW`, by the number of tokens between. The batch has 8 rows (ROWS=1,8,64: each of these). Seconds of
compiling are printed and not in the steps.
"""

from __future__ import annotations

import os
from time import process_time
from typing import Any

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from transformers import CompileConfig

from planbench.errors import MissingPackage
from planbench.models import load
from planbench.models.continuous import Engine
from planbench.models.decode import Row
from planbench.models.hf import HfModel
from tests.bench.test_engine import Timed

ROWS = tuple(int(rows) for rows in os.environ.get("ROWS", "8").split(","))
WIDTH = 256
FEW, MANY = 4, 36
COMPILING: Any = CompileConfig(fullgraph=False)
COMPILING._compile_all_devices = True  # on a processor it is left out otherwise
COMPILED = "static, compiled"
CACHES: dict[str, dict[str, Any]] = {
    "dynamic": {},
    "static": {"cache_implementation": "static"},
    COMPILED: {"cache_implementation": "static", "compile_config": COMPILING},
}


@pytest.fixture(scope="module")
def model() -> HfModel:
    try:
        found = load("smollm2-135m", model_args={"device": "cpu"})
    except MissingPackage as error:
        pytest.skip(str(error))
    assert isinstance(found, HfModel)
    return found


@pytest.mark.benchmark(group="one more token for a batch")
@pytest.mark.parametrize("rows", ROWS)
def test_step(benchmark: BenchmarkFixture, model: HfModel, rows: int) -> None:
    quick = benchmark.disabled  # then that all say the same is all that is asked
    rows, width, many = (2, 16, 8) if quick else (rows, WIDTH, MANY)
    prompts = torch.randint(3, 40_000, (rows, width), generator=torch.Generator().manual_seed(0))
    engine = Engine(model._model, frozenset())
    engine.passes = timed = Timed(model._model)
    asked = [Row(tuple(prompt), many, 0) for prompt in prompts.tolist()]
    said = benchmark.pedantic(lambda: list(engine.run(asked, range(rows), rows)), rounds=1)
    ours = timed.saying / (many - 1)
    expected = [one.completion.tokens for one in sorted(said, key=lambda one: one.index) if one.completion is not None]
    steps, compiling = dict[str, float](), 0.0
    for name in [cache for cache in CACHES if not quick or cache != COMPILED]:
        first, found = generated(model._model, prompts, many, CACHES[name])
        assert [tuple(tokens) for tokens in found] == expected
        (short, _), (long, _) = (generated(model._model, prompts, tokens, CACHES[name]) for tokens in (FEW, many))
        steps[name] = (long - short) / (many - FEW)
        if name == COMPILED:
            compiling = first - long
    benchmark.extra_info |= {f"ratio, {name}": step / ours for name, step in steps.items()}
    print(
        f"\n{rows} rows behind {width} tokens: ours {1e3 * ours:.1f} ms; "
        + ", ".join(f"{name} {1e3 * step:.1f} ms ({step / ours:.2f} times)" for name, step in steps.items())
        + f"; compiling {compiling:.0f} s"
    )


def generated(model: Any, prompts: torch.Tensor, tokens: int, how: dict[str, Any]) -> tuple[float, list[list[int]]]:
    """Seconds of the processor for replies of so many tokens, and the replies."""
    start = process_time()
    found = model.generate(
        prompts,
        attention_mask=torch.ones_like(prompts),
        do_sample=False,
        min_new_tokens=tokens,
        max_new_tokens=tokens,
        pad_token_id=0,
        **how,
    )
    return process_time() - start, found[:, prompts.shape[1] :].tolist()
