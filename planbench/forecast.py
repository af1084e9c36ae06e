"""What an evaluation would take, before it takes it: tasks, samples, tokens, disk, memory, time.

Prompt tokens are counted with the model's own tokenizer and chat template, without its weights: in all, and as often as
an engine that shares what prompts begin with has to read them. Tokens of replies are estimated from the reference
plans as the model would have to write them (`expected`), and bounded by the limit (`most`); a model that reasons
before it answers lies between the two. Time is measured, on a few replies, where the model is at hand and small;
elsewhere it is not guessed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from planbench.models import Model, load
from planbench.models.base import refuse_thinking
from planbench.models.catalog import (
    FOLDERS,
    SCHEMES,
    LoadOptions,
    checkpoint_folder,
    hub_name,
    prompt_encoder,
    resolve,
    suggestion,
)
from planbench.models.hf_adapter import checked
from planbench.models.hf_files import CheckpointFiles
from planbench.preparation import Prepared
from planbench.prompts.styles import Shot, write_answer
from planbench.records import Request, SamplingSettings
from planbench.records.sampling import DEFAULT_TOKENS
from planbench.requests import prompt_of, request_of

MEASURED_BYTES = 200_000_000
"""The time of a checkpoint of more weights is not measured: reading it alone may take minutes."""

SAMPLE_BYTES = 700
"""Of a line of samples.jsonl, beside the reply."""

LETTERS_A_TOKEN = 4
_TRIED = 64


@dataclass(frozen=True)
class EvalForecast:
    """Totals of an evaluation. None where it cannot be known here; `unknown` says why. `distinct_prompt_tokens` are
    read where what prompts share is read once. `memory_bytes` are weights, as they are computed with here, and
    the keys and values of one batch's longest rows; `seconds` the sampling on this machine."""

    tasks: int
    samples: int
    prompt: str
    prompt_tokens: int | None
    distinct_prompt_tokens: int | None
    expected_tokens: int
    most_tokens: int | None
    disk_bytes: int
    weights_bytes: int | None = None
    memory_bytes: int | None = None
    seconds: float | None = None
    unknown: str = ""


def forecast_eval(
    name: str,
    prepared: Sequence[Prepared],
    shots: Mapping[str, Sequence[Shot]],
    prompt: str | None,
    settings: SamplingSettings,
    max_tokens: int | None,
    options: LoadOptions,
) -> EvalForecast:
    """What `evaluate` would do. The token limit of `settings` gives way to `max_tokens`, and where that is None to the
    model's own. Raises InputError for a model or a setting that there is not, as far as that is known without asking a
    server or the hub."""
    loader, argument = resolve(name, options)
    files, unknown, model = None, "", None
    if loader in FOLDERS:
        files, unknown = _files(name, loader, argument, options)
    elif loader == SCHEMES["server"]:
        from planbench.models.server.model import check

        check(argument, options, settings)
    else:
        model = _loaded(name, options)
        refuse_thinking(name, settings)
    config: Mapping[str, Any] = files.config if files else {}
    style = prompt or _text(config.get("planbench_prompt_style")) or "pddl"
    limit = max_tokens or _count(config.get("planbench_max_tokens")) or DEFAULT_TOKENS
    limit += settings.max_thinking_tokens or 0
    samples = settings.samples
    expected = samples * sum(answer_tokens(one, style) for one in prepared)
    total = distinct = longest = None
    if files is not None:
        encoder = prompt_encoder(name, model_args=options.args, trust_remote_code=options.trust_remote_code)
        assert encoder is not None
        encoded = [encoder.encode(prompt_of(one, style, shots.get(one.task.domain, ()))) for one in prepared]
        total, distinct = samples * sum(map(len, encoded)), distinct_tokens(encoded)
        longest = max(map(len, encoded)) + limit
    letters = 7 if style == "compact" else LETTERS_A_TOKEN
    weights = sum(path.stat().st_size for path in files.weights) if files else None
    if weights is not None and weights <= MEASURED_BYTES:
        model = _loaded(name, options)
    seconds = None
    # What a planner or a server takes hangs on more than a few tasks.
    if model is not None and loader != SCHEMES["planner"]:
        drawn = replace(settings, max_tokens=limit, max_thinking_tokens=None)
        seconds = seconds_a_reply(model, prepared, shots, style, drawn) * samples * len(prepared)
    elif not unknown:
        unknown = "time is measured for small checkpoints only" if files else f"what {name} takes is not known here"
    return EvalForecast(
        tasks=len(prepared),
        samples=samples * len(prepared),
        prompt=style,
        prompt_tokens=total,
        distinct_prompt_tokens=distinct,
        expected_tokens=expected,
        most_tokens=samples * len(prepared) * limit,
        disk_bytes=samples * len(prepared) * SAMPLE_BYTES + expected * letters,
        weights_bytes=weights,
        memory_bytes=None if files is None or longest is None else _memory(files, options, longest),
        seconds=seconds,
        unknown=unknown,
    )


_ROWS = 64
"""Rows of a batch that memory is told for: what a processor takes at once where that much is free."""


def _loaded(name: str, options: LoadOptions) -> Model:
    return load(
        name,
        model_args=options.args,
        batch_size=options.batch_size,
        trust_remote_code=options.trust_remote_code,
    )


def _files(name: str, loader: str, argument: str, options: LoadOptions) -> tuple[CheckpointFiles | None, str]:
    # A hub name would be downloaded, which is more than a dry run should do.
    there = loader != SCHEMES["hf"] or argument.startswith((".", "/", "~")) or Path(argument).exists()
    if not there and not suggestion(argument):
        from planbench.models.hf_load import ARGS

        hub_name(argument.partition("@")[0])
        options.check_args("a checkpoint", ARGS)
        return None, f"{name} is not on this machine, so its tokens, memory and time are not known"
    return checked(checkpoint_folder(name, options), options), ""


def distinct_tokens(prompts: Sequence[Sequence[int]]) -> int:
    """Tokens that are read where each beginning that prompts share is read once: the nodes of their prefix tree."""
    ordered = sorted(map(tuple, prompts))
    return sum(map(len, ordered)) - sum(_shared(one, other) for one, other in pairwise(ordered))


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def answer_tokens(one: Prepared, style: str) -> int:
    """Of the reference plan as a reply. Without the tokenizer: a word of the compact style, or four letters, each."""
    reference = one.task.reference
    if reference is None:
        return 0
    answer = write_answer(style, reference.steps, one.compiled, one.wording)
    return 1 + (len(answer.split()) if style == "compact" else len(answer) // LETTERS_A_TOKEN)


def seconds_a_reply(
    model: Model,
    prepared: Sequence[Prepared],
    shots: Mapping[str, Sequence[Shot]],
    style: str,
    settings: SamplingSettings,
) -> float:
    """Measured, on a few tasks, spread over the set."""
    # The middle of each of as many pieces: tasks mostly lie in order of length.
    pieces = min(_TRIED, len(prepared))
    tried = [prepared[(2 * piece + 1) * len(prepared) // (2 * pieces)] for piece in range(pieces)]
    requests: list[Request] = [
        request_of(one, prompt_of(one, style, shots.get(one.task.domain, ())), 0, settings) for one in tried
    ]
    started = time.perf_counter()
    replies = sum(1 for _ in model.replies(requests, frozenset(), settings))
    return (time.perf_counter() - started) / max(1, replies)


def _memory(files: CheckpointFiles, options: LoadOptions, longest: int) -> int:
    from planbench.models.hf_load import computed_bytes

    weights, size = computed_bytes(files, options)
    return weights + longest * _ROWS * size * _token_numbers(files.config)


def _token_numbers(config: Mapping[str, Any]) -> int:
    """Numbers of the keys and values of a token; 0 where the config says too little."""
    text = config.get("text_config") if isinstance(config.get("text_config"), dict) else config
    assert isinstance(text, Mapping)
    heads = _count(text.get("num_attention_heads")) or 1
    kept = _count(text.get("num_key_value_heads")) or heads
    size = _count(text.get("head_dim")) or (_count(text.get("hidden_size")) or 0) // heads
    return 2 * (_count(text.get("num_hidden_layers")) or 0) * kept * size


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
