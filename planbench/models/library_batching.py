"""Continuous batching by transformers itself (`engine=cb`): for a GPU, where its kernels are the fast way.

Rows are handed over some hundred at a time, so that replies are kept as they come. What is sampled there is drawn from
one generator for all rows: a run is repeatable as a whole, and its replies hang on their company. Not covered: budgets
for thinking. Not tested on a GPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from transformers import GenerationConfig

from planbench.errors import InputError, PlanbenchError
from planbench.models.continuous import Answer
from planbench.models.decode import Row, completions
from planbench.models.fixed import longest_first, until_ended
from planbench.models.speech import Speech

_HANDED_OVER = 512


def check_library(model: Any) -> None:
    """Raises InputError where the library's engine cannot run."""
    if model.device.type != "cuda":
        raise InputError(f"--model-arg engine=cb: runs on a CUDA device, not on {model.device}; leave it out")
    if not hasattr(model, "generate_batch"):
        raise InputError("--model-arg engine=cb: this version of transformers has none for this model; leave it out")


def run_library(
    model: Any,
    stop: frozenset[int],
    rows: Sequence[Row],
    wanted: Sequence[int],
    speak: Callable[[Row], Speech],
    *,
    temperature: float,
    top_p: float,
) -> Iterator[Answer]:
    """Answer the rows with indices `wanted`, the longest first. Raises PlanbenchError where the engine fails."""
    for batch in longest_first(rows, wanted, _HANDED_OVER):
        chosen = [rows[index] for index in batch]
        drawn = {"temperature": temperature, "top_p": top_p, "top_k": 0} if temperature > 0 else {}
        config = GenerationConfig(
            do_sample=temperature > 0,
            max_new_tokens=max(row.limit for row in chosen),
            eos_token_id=sorted(stop) or None,
            **drawn,
        )
        torch.manual_seed(chosen[0].seed % 2**63)
        started = time.perf_counter()
        outputs = model.generate_batch(inputs=[list(row.prompt) for row in chosen], generation_config=config)
        seconds = (time.perf_counter() - started) / len(batch)
        of_prompt: dict[tuple[int, ...], list[Any]] = {}
        for output in outputs.values():
            of_prompt.setdefault(tuple(output.prompt_ids), []).append(output)
        for index, row in zip(batch, chosen, strict=True):
            answers = of_prompt.get(row.prompt)
            if not answers:
                raise PlanbenchError("engine=cb: the library left a prompt without an answer; type engine=continuous")
            output = answers.pop()
            if output.error is not None:
                raise PlanbenchError(f"engine=cb: {output.error}; type engine=continuous")
            (completion,) = completions([list(output.generated_tokens)], [row], stop)
            yield Answer(index, until_ended(row, completion, speak), seconds)
