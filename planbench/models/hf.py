"""Any causal language model, through transformers: requests in, replies out.

Requests are sorted by prompt length (equal prompts together) and cut into batches of one size, longest first, from
*all* the requests of a run: the last bits of a logit depend on the shape of a batch, so an interrupted run goes on to
the same replies only if its batches stay the same. A batch of which any reply is wanted is computed whole.

Two engines compute the logits: the library's forward pass, for any model, and our own (planbench.models.small), for
small models on a processor. There, batches are computed side by side, one thread each, so that a reply does not hang on
how many threads there are.

Not covered: more than one process, and making a batch smaller that does not fit into memory, which would have to be
done the same way again on the next run (it is an error that says so).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from planbench.errors import InputError
from planbench.models.catalog import LoadOptions, shipped_folder
from planbench.models.decode import Completion, Row, decode
from planbench.models.hf_load import Loaded, load_checkpoint, locate
from planbench.models.hf_prompt import PromptEncoder, stop_tokens, template_options
from planbench.models.lockstep import decode_small, one_thread_each
from planbench.models.small import SmallModel, supports
from planbench.records import Prompt, Reply, Request, SamplingSettings

ENGINES = ("auto", "own", "transformers")

_SMALL = 20_000_000
"""Parameters up to which `auto` takes our own engine; beyond, both wait for the same products of matrices."""

_ROWS = 512
"""Rows of a batch of our own engine, at most."""


def load_named(name: str, options: LoadOptions) -> HfModel:
    """A checkpoint by folder or hub name."""
    return load_folder(locate(name, options), name.rstrip("/") or name, options)


def load_shipped(name: str, options: LoadOptions) -> HfModel:
    """A small planner that ships with the package."""
    return load_folder(shipped_folder(name), name, options)


def load_folder(folder: Path, name: str, options: LoadOptions) -> HfModel:
    """A checkpoint by folder, shown in tables as `name`."""
    template = template_options(options.args)
    loaded = load_checkpoint(folder, options)
    return HfModel(name, loaded, options.batch_size, template, options.args.get("engine", "auto"))


class HfModel:
    """A causal language model in memory, as a `Model`."""

    def __init__(
        self, name: str, loaded: Loaded, batch_size: int | None, template: dict[str, bool], engine: str = "auto"
    ) -> None:
        self.name = name
        self._loaded = loaded
        self._model, self._tokenizer = loaded.model, loaded.tokenizer
        self._batch_size = batch_size
        self._small = SmallModel(loaded.model) if _engine(engine, loaded.model) == "own" else None
        self._encoder = PromptEncoder(loaded.tokenizer, name, template)
        self._vocabulary = int(loaded.model.get_input_embeddings().weight.shape[0])
        self._stop = stop_tokens(loaded.model.generation_config, loaded.model.config, loaded.tokenizer)
        self._stop |= self._encoder.turn_end()
        # What stands under padding is masked; it only has to be a token of the model.
        pad = loaded.tokenizer.pad_token_id
        self._pad = pad if pad is not None and 0 <= pad < self._vocabulary else 0
        text_config = loaded.model.config.get_text_config()
        self.max_context = _positive(getattr(text_config, "max_position_embeddings", None))
        style = loaded.files.config.get("planbench_prompt_style")
        self.prompt_style = style if isinstance(style, str) else None
        self.default_max_tokens = _positive(loaded.files.config.get("planbench_max_tokens"))
        device = torch.device(loaded.device).type
        options = repr(sorted(template.items()))
        self.fingerprint = loaded.files.fingerprint(self._engine, loaded.dtype, device, options)

    def describe(self) -> dict[str, str | int | float | bool | None]:
        return {
            "kind": "transformers",
            "architecture": str(self._loaded.files.config["model_type"]),
            "parameters": self._parameters,
            "dtype": self._loaded.dtype,
            "device": self._loaded.device,
            "engine": self._engine,
            "source": str(self._loaded.files.folder),
            "adapter": None if self._loaded.files.adapter is None else str(self._loaded.files.adapter),
            "chat_template": self._encoder.chat,
            "template_hash": self._encoder.template_hash,
            "bos_token": self._tokenizer.bos_token,
            "eos_token": self._tokenizer.eos_token,
            "pad_token": self._tokenizer.pad_token,
            "stop_tokens": " ".join(self._tokenizer.convert_ids_to_tokens(sorted(self._stop))),
            "thinking": self._encoder.options.get("enable_thinking"),
            "max_context": self.max_context,
            "batch_size": self._batch_size,
        }

    @property
    def _engine(self) -> str:
        return "transformers" if self._small is None else "own"

    @property
    def _parameters(self) -> int:
        return _parameters(self._model)

    def prompt_tokens(self, prompt: Prompt) -> list[int]:
        """The token ids that the model is given for a prompt."""
        return self._encoder.encode(prompt)

    def rendered(self, prompt: Prompt) -> str:
        """The text that the model is given for a prompt, special tokens included."""
        return self._encoder.rendered(prompt)

    def replies(
        self, requests: Sequence[Request], done: Collection[int], settings: SamplingSettings
    ) -> Iterator[tuple[int, Reply]]:
        """As `Model.replies`. A prompt that leaves no room in the context gets an empty reply that ended by length."""
        finished = frozenset(done)
        encoded: dict[Prompt, tuple[int, ...]] = {}
        rows: dict[int, Row] = {}
        for position, request in enumerate(requests):
            if (prompt := encoded.get(request.prompt)) is None:
                prompt = encoded[request.prompt] = tuple(self.prompt_tokens(request.prompt))
            refusal = self._refusal(prompt)
            if refusal is None:
                room = settings.max_tokens if self.max_context is None else self.max_context - len(prompt)
                rows[position] = Row(prompt, min(room, settings.max_tokens), request.seed)
            elif position not in finished:
                yield position, refusal
        order = sorted(rows, key=lambda position: (-len(rows[position].prompt), rows[position].prompt, position))
        size = self._batch_size or self._automatic_batch_size(rows.values(), settings.max_tokens)
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        wanted = [batch for batch in batches if not finished.issuperset(batch)]
        batches_of_rows = [[rows[position] for position in batch] for batch in wanted]
        for batch, replies in zip(wanted, self._batches(batches_of_rows, settings), strict=True):
            for position, reply in zip(batch, replies, strict=True):
                if position not in finished:
                    yield position, reply

    def _batches(self, batches: Sequence[Sequence[Row]], settings: SamplingSettings) -> Iterator[list[Reply]]:
        if self._small is None:
            return (self._batch(rows, settings) for rows in batches)
        abreast = min(torch.get_num_threads(), len(batches))
        return one_thread_each(partial(self._batch, settings=settings, abreast=abreast), batches, abreast)

    def _refusal(self, prompt: tuple[int, ...]) -> Reply | None:
        """The reply to a prompt that cannot be decoded from, None for any other."""
        if not prompt or max(prompt) >= self._vocabulary:
            what = "the prompt has no tokens" if not prompt else "the tokenizer has tokens that the model lacks"
            return Reply("", "error", prompt_tokens=len(prompt), completion_tokens=0, error=what)
        if self.max_context is not None and len(prompt) >= self.max_context:
            what = f"the prompt's {len(prompt)} tokens fill the model's context of {self.max_context}"
            return Reply("", "length", prompt_tokens=len(prompt), completion_tokens=0, error=what)
        return None

    def _batch(self, rows: Sequence[Row], settings: SamplingSettings, abreast: int = 1) -> list[Reply]:
        """The replies of one batch, one of `abreast` that share the machine and therefore its time."""
        started = time.perf_counter()
        how = {"stop": self._stop, "temperature": settings.temperature, "top_p": settings.top_p}
        try:
            if self._small is None:
                completions = decode(self._model, rows, pad=self._pad, **how)
            else:
                completions = decode_small(self._small, rows, **how)
        except torch.OutOfMemoryError as error:
            smaller = f"type --batch-size {len(rows) // 2}" if len(rows) > 1 else "type a smaller --max-tokens"
            raise InputError(
                f"{self.name}: a batch of {len(rows)} does not fit into the memory of {self._loaded.device}; {smaller}"
            ) from error
        seconds = (time.perf_counter() - started) / abreast
        work = [len(row.prompt) + completion.generated for row, completion in zip(rows, completions, strict=True)]
        return [
            self._reply(row, completion, seconds * tokens / sum(work))
            for row, completion, tokens in zip(rows, completions, work, strict=True)
        ]

    def _reply(self, row: Row, completion: Completion, seconds: float) -> Reply:
        # Special tokens inside a reply stay: to drop an unknown word from `stack a <unk> b` would mend the plan.
        text = self._tokenizer.decode(completion.tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return Reply(
            text,
            "stop" if completion.stopped else "length",
            prompt_tokens=len(row.prompt),
            completion_tokens=completion.generated,
            seconds=seconds,
        )

    def _automatic_batch_size(self, rows: Collection[Row], max_tokens: int) -> int:
        """Rows a batch: what keeps the device busy, as far as the cache of the longest row fits the memory for it.

        On a processor a larger batch stops paying early, and sooner for a larger model (measured: about 250 rows at a
        million parameters, about 16 at a hundred million).
        """
        on_cpu = torch.device(self._loaded.device).type == "cpu"
        busy = max(4, min(256, int(2e9 / max(self._parameters, 1)))) if on_cpu else 128
        if self._small is not None:
            # Several batches even of few rows, so that no thread is idle.
            busy = max(32, min(_ROWS, -(-len(rows) // 4)))
        budget = 2**30 if on_cpu else 8 * 2**30
        longest = max((len(row.prompt) for row in rows), default=1) + max_tokens
        fitting = budget // max(1, longest * _cache_bytes(self._model))
        return max(1, min(busy, fitting))


def _engine(wanted: str, model: Any) -> str:
    """`own` or `transformers`, as asked for or, with `auto`, as suits the model."""
    if wanted not in ENGINES:
        raise InputError(f"--model-arg engine={wanted}: type one of {', '.join(ENGINES)}")
    if wanted == "own" and not supports(model):
        raise InputError(
            "--model-arg engine=own: covers Llama and LFM2 in float32 on a cpu, no other; type engine=transformers"
        )
    if wanted == "auto":
        return "own" if supports(model) and _parameters(model) <= _SMALL else "transformers"
    return wanted


def _parameters(model: Any) -> int:
    return sum(weight.numel() for weight in model.parameters())


def _cache_bytes(model: Any) -> int:
    """Bytes that one token of one row takes in an attention cache."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", None) or 1
    kept = getattr(config, "num_key_value_heads", None) or heads
    size = getattr(config, "head_dim", None) or getattr(config, "hidden_size", 0) // heads
    return 2 * getattr(config, "num_hidden_layers", 1) * kept * size * model.dtype.itemsize


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
