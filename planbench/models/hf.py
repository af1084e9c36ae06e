"""Any causal language model, through transformers: requests in, replies out.

Engines, by `--model-arg engine=`:

    continuous     rows join and leave a running batch and share what they begin with (planbench.models.continuous)
    own            our own forward pass for small models on a processor, in fixed batches (planbench.models.small)
    transformers   the library's forward pass in fixed batches (planbench.models.fixed, planbench.models.decode)
    cb             the library's own continuous batching, on a GPU (planbench.models.library_batching)
    vllm           vLLM, where it is installed (planbench.models.vllm)

`auto` takes `own` for small models that it covers, else `continuous`, else `transformers`: for models that keep their
state in another way than as keys and values.

Not covered: more than one process.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from planbench.errors import InputError
from planbench.models.catalog import LoadOptions, shipped_folder
from planbench.models.continuous import Answer, Engine
from planbench.models.decode import Completion, Row, decode
from planbench.models.fixed import run_fixed
from planbench.models.hf_load import Loaded, load_checkpoint, locate
from planbench.models.hf_prompt import PromptEncoder, stop_tokens, template_options
from planbench.models.lockstep import decode_small
from planbench.models.memory import cache_bytes, rows_at_once
from planbench.models.passes import supports as covers
from planbench.models.small import SmallModel, supports
from planbench.models.speech import Speech, Texts
from planbench.models.thinking import opened, stored
from planbench.records import Prompt, Reply, Request, SamplingSettings

ENGINES = ("auto", "own", "continuous", "transformers", "cb", "vllm")

_SMALL = 20_000_000
"""Parameters up to which `auto` takes our own engine; beyond, both wait for the same products of matrices."""

_CLOSING = 16
"""Tokens, at most, that end reasoning by force."""


def load_named(name: str, options: LoadOptions) -> HfModel:
    """A checkpoint by folder or hub name."""
    return load_folder(locate(name, options), name.rstrip("/") or name, options)


def load_shipped(name: str, options: LoadOptions) -> HfModel:
    """A small planner that ships with the package."""
    return load_folder(shipped_folder(name), name, options)


def load_folder(folder: Path, name: str, options: LoadOptions) -> HfModel:
    """A checkpoint by folder, shown in tables as `name`."""
    template = template_options(options.args)
    engine = options.args.get("engine", "auto")
    if engine not in ENGINES:
        raise InputError(f"--model-arg engine={engine}: type one of {', '.join(ENGINES)}")
    if engine == "vllm":
        from planbench.models.vllm import load_vllm

        return HfModel(name, load_vllm(folder, options), options.batch_size, template, engine)
    return HfModel(name, load_checkpoint(folder, options), options.batch_size, template, engine)


class HfModel:
    """A causal language model in memory, as a `Model`."""

    def __init__(
        self, name: str, loaded: Loaded, batch_size: int | None, template: dict[str, bool], engine: str = "auto"
    ) -> None:
        self.name = name
        self._loaded = loaded
        self._model, self._tokenizer = loaded.model, loaded.tokenizer
        self._batch_size = batch_size
        self._engine = _engine(engine, loaded.model)
        self._small = SmallModel(loaded.model) if self._engine == "own" else None
        self._encoder = PromptEncoder(loaded.tokenizer, name, template)
        self._vocabulary = int(loaded.model.get_input_embeddings().weight.shape[0])
        self._stop = stop_tokens(loaded.model.generation_config, loaded.model.config, loaded.tokenizer)
        self._stop |= self._encoder.turn_end()
        self._stop = frozenset(token for token in self._stop if token < self._vocabulary)
        self._texts = Texts(self._decoded, self._encoder.text_ids)
        self.engine = Engine(loaded.model, self._stop) if self._engine == "continuous" else None
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
            "parameters": self._parameters or None,
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
            "stop_tokens": " ".join(
                token or "?" for token in self._tokenizer.convert_ids_to_tokens(sorted(self._stop))
            ),
            "thinking": self._encoder.options.get("enable_thinking"),
            "max_context": self.max_context,
            "batch_size": self._batch_size,
        }

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
        budget = settings.max_thinking_tokens
        if budget is not None and self.engine is None:
            other = self._engine != "vllm" and covers(self._model)
            raise InputError(
                f"--max-thinking-tokens: engine {self._engine} of {self.name} cannot end reasoning; leave it out"
                + (", or type --model-arg engine=continuous" if other else "")
            )
        finished = frozenset(done)
        encoded: dict[Prompt, tuple[int, ...]] = {}
        rows: list[Row] = []
        positions: list[int] = []
        most = settings.max_tokens + (0 if budget is None else budget + _CLOSING)
        for position, request in enumerate(requests):
            if (prompt := encoded.get(request.prompt)) is None:
                prompt = encoded[request.prompt] = tuple(self.prompt_tokens(request.prompt))
            refusal = self._refusal(prompt)
            if refusal is None:
                room = most if self.max_context is None else self.max_context - len(prompt)
                rows.append(Row(prompt, min(room, most), request.seed, request.ended))
                positions.append(position)
            elif position not in finished:
                yield position, refusal
        wanted = [index for index, position in enumerate(positions) if position not in finished]
        for answer in self._answers(rows, wanted, settings) if wanted else ():
            yield positions[answer.index], self._answered(rows[answer.index], answer)

    def _answers(self, rows: Sequence[Row], wanted: Sequence[int], settings: SamplingSettings) -> Iterator[Answer]:
        def speak(row: Row) -> Speech:
            return Speech(row, self._stop, self._texts, settings.max_thinking_tokens, settings.max_tokens)

        how: dict[str, Any] = {"temperature": settings.temperature, "top_p": settings.top_p}
        if self._engine == "cb":
            from planbench.models.library_batching import run_library

            return run_library(self._model, self._stop, rows, wanted, speak, **how)
        if self._engine == "vllm":
            return self._model.run(self._stop, rows, wanted, speak, **how)
        if self.engine is not None:
            return self.engine.run(rows, wanted, self._most_rows([rows[index] for index in wanted]), speak=speak, **how)
        how["stop"] = self._stop
        if self._small is None:
            return run_fixed(
                partial(decode, self._model, pad=self._pad, **how), rows, wanted, self._most_rows(rows), speak
            )
        # Several batches even of few rows, so that no thread is idle.
        return run_fixed(
            partial(decode_small, self._small, **how),
            rows,
            wanted,
            self._most_rows(rows),
            speak,
            abreast=torch.get_num_threads(),
        )

    def _most_rows(self, rows: Sequence[Row]) -> int:
        if self._batch_size is not None:
            return self._batch_size
        device = torch.device(self._loaded.device)
        return rows_at_once(rows, cache_bytes(self._model), device, self._parameters, self._engine)

    def _refusal(self, prompt: tuple[int, ...]) -> Reply | None:
        """The reply to a prompt that cannot be decoded from, None for any other."""
        if not prompt or max(prompt) >= self._vocabulary:
            what = "the prompt has no tokens" if not prompt else "the tokenizer has tokens that the model lacks"
            return Reply("", "error", prompt_tokens=len(prompt), completion_tokens=0, error=what)
        if self.max_context is not None and len(prompt) >= self.max_context:
            what = f"the prompt's {len(prompt)} tokens fill the model's context of {self.max_context}"
            return Reply("", "length", prompt_tokens=len(prompt), completion_tokens=0, error=what)
        return None

    def _answered(self, row: Row, answer: Answer) -> Reply:
        if answer.completion is None:
            what = f"its {len(row.prompt)} prompt tokens and {row.limit} more do not fit into memory"
            return Reply("", "error", prompt_tokens=len(row.prompt), completion_tokens=0, error=what)
        if not answer.completion.finite:
            what = f"the model's numbers overflow in {self._loaded.dtype}"
            what += "" if self._loaded.dtype == "float32" else "; type --model-arg dtype=float32"
            return Reply("", "error", prompt_tokens=len(row.prompt), completion_tokens=0, error=what)
        return self._reply(row, answer.completion, answer.seconds)

    def _reply(self, row: Row, completion: Completion, seconds: float) -> Reply:
        return Reply(
            stored(self._decoded(completion.tokens), opened(self._decoded, row.prompt)),
            "stop" if completion.stopped else "length",
            prompt_tokens=len(row.prompt),
            completion_tokens=completion.generated,
            seconds=seconds,
            near_ties=completion.near_ties,
        )

    def _decoded(self, tokens: Sequence[int]) -> str:
        # Special tokens inside a reply stay: to drop an unknown word from `stack a <unk> b` would mend the plan.
        return self._encoder.decoded(tokens)


def _engine(wanted: str, model: Any) -> str:
    """The engine that is asked for or, with `auto`, that suits the model."""
    if wanted == "cb":
        from planbench.models.library_batching import check_library

        check_library(model)
    if wanted == "own" and not supports(model):
        raise InputError(
            "--model-arg engine=own: covers Llama and LFM2 in float32 on a cpu, no other; type engine=transformers"
        )
    if wanted == "auto" and supports(model) and _parameters(model) <= _SMALL:
        return "own"
    if wanted in ("auto", "continuous"):
        if covers(model):
            return "continuous"
        if wanted == "continuous":
            raise InputError(
                "--model-arg engine=continuous: covers models of plain and sliding attention alone; "
                "type engine=transformers"
            )
        return "transformers"
    return wanted


def _parameters(model: Any) -> int:
    return sum(weight.numel() for weight in model.parameters())


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
