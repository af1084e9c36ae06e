"""The forward passes that a running batch is made of: reading prompts behind a prefix, and one more token for all.

Products with weights have a multiple of `ROWS` rows. Such products give a row the same bits in any company (tested;
others are multiplied in other ways). What attention sums over is a multiple of `COLUMNS`, of which the hidden ones add
exact zeros, if sums of all lengths are cut up alike: MKL adds up to 192 terms in one piece, 193 to 383 in halves and
more in pieces of 192, in products of four rows and more. So prompts are read together with those that have as many
columns, and a step has none of the lengths between where its products have four rows.

Covered: models that take their attention from the library's registry and whose cache is plain or sliding attention.
`supports` compares logits, for what a model's attention may do besides.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count, islice
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from planbench.models.packed import PackedLayers
from planbench.models.prefixes import Tokens
from planbench.models.shared_attention import COLUMNS, NAME, Pass, Prefix, Store, forward

ROWS = 8
"""Products of matrices have a multiple of so many rows. Others are computed in other ways, with other last bits."""

_CHUNK = 512
"""Tokens of a long prompt that are read at a time: each sees those up to the end of its piece, not all that come."""

_PIECE, _PIECES = 192, 384
"""Up to the first, MKL sums in one piece, from the second on in pieces of the first."""

_PROBE = 12
"""Tokens of the prefix and of the rest on which `supports` tries a model."""


class Passes:
    """The forward passes of a causal LM of transformers in evaluation mode. `supports` says which."""

    def __init__(self, model: Any, packed: bool = True) -> None:
        self.model = model
        self.windows = layer_windows(model) or []
        self.layers = PackedLayers(model if packed else nn.Identity())
        self.seconds = 0.0
        accepted = inspect.signature(model.forward).parameters
        self._positions = "position_ids" in accepted
        self._keep = "logits_to_keep" in accepted
        config = model.config.get_text_config()
        heads = config.num_attention_heads
        self._times = heads // (getattr(config, "num_key_value_heads", None) or heads)

    def read(self, prefix: Prefix, prompts: Sequence[Tokens]) -> tuple[Store, Tensor]:
        """Keys and values of `prompts`, which stand behind `prefix`, and the logits `[prompts, vocabulary]` after.

        For logits that hang on nobody else, all have as many tokens up to a multiple of `COLUMNS`.
        """
        device, ends = self.model.device, [len(prompt) - 1 for prompt in prompts]
        width = up(max(ends) + 1, ROWS)
        store = Store(len(prompts), up(width, COLUMNS))
        tokens = torch.tensor([[*prompt, *[prompt[-1]] * (width - len(prompt))] for prompt in prompts], device=device)
        last_places = torch.tensor(ends, device=device)
        logits: list[Tensor | None] = [None] * len(prompts)
        for first in range(0, width, _CHUNK):
            end = min(first + _CHUNK, width)
            start = torch.full((len(prompts),), first, device=device)
            columns = [up(end, COLUMNS)]
            now = Pass([store], start, end - first, [(prefix, None)], columns, self.windows, first, last_places)
            places = sorted({last - first for last in ends if first <= last < end})
            out = self._forward(now, tokens[:, first:end], places)
            for number, last in enumerate(ends):
                if first <= last < end:
                    logits[number] = out[number, last - first if not self._keep else _kept(places).index(last - first)]
        return store, torch.stack([one for one in logits if one is not None]).float()

    def step(
        self,
        stores: Sequence[Store],
        groups: Sequence[tuple[Prefix, Tensor | None]],
        start: Sequence[int],
        last: Sequence[int],
    ) -> Tensor:
        """The logits `[rows, vocabulary]` after one more token of every slot: row r's `last[r]`, at `start[r]`."""
        left = iter(start)
        columns = [self._columns(max(islice(left, store.slots)) + 1) for store in stores]
        for store, many in zip(stores, columns, strict=True):
            store.grow(many)
        device = self.model.device
        now = Pass(stores, torch.tensor(start, device=device), 1, groups, columns, self.windows)
        return self._forward(now, torch.tensor(last, device=device)[:, None], [0])[:, -1].float()

    def _columns(self, tokens: int) -> int:
        """How many columns of a store are read for so many tokens."""
        columns = up(tokens, COLUMNS)
        return _PIECES if self._times >= 4 and _PIECE < columns < _PIECES else columns

    def _forward(self, now: Pass, tokens: Tensor, places: Sequence[int]) -> Tensor:
        extra: dict[str, Any] = {"position_ids": now.positions()} if self._positions else {}
        if self._keep:
            extra["logits_to_keep"] = 1 if now.width == 1 else torch.tensor(_kept(places), device=tokens.device)
        started = time.perf_counter()
        logits = forward(self.model, now, tokens, extra)
        self.seconds += time.perf_counter() - started
        return logits

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Inside, the model's attention is ours."""
        before = self.model.config._attn_implementation
        self.model.set_attn_implementation(NAME)
        try:
            with torch.inference_mode(), self.layers.attached():
                yield
        finally:
            self.model.set_attn_implementation(before)


def _kept(places: Sequence[int]) -> list[int]:
    """Places whose logits are computed: those wanted, and more of the first ones up to a multiple of `ROWS`."""
    others = (place for place in count() if place not in places)
    return sorted([*places, *islice(others, up(max(1, len(places)), ROWS) - len(places))])


def up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def layer_windows(model: Any) -> list[int | None] | None:
    """How far each layer looks back, None for all the way; None in all where it has layers of another kind."""
    if getattr(model, "_is_stateful", False) or "past_key_values" not in inspect.signature(model.forward).parameters:
        return None
    if not getattr(model, "_supports_attention_backend", False):
        return None
    config = model.config.get_text_config()
    # The one has sliding attention's cache and is none; of the other, positions hang on the longest row of a batch.
    if "chunked_attention" in (getattr(config, "layer_types", None) or ()) or "longrope" in _rope_types(config):
        return None
    windows: list[int | None] = []
    for layer in DynamicCache(config=model.config).layers:
        if type(layer) is DynamicLayer:
            windows.append(None)
        elif type(layer) is DynamicSlidingWindowLayer:
            windows.append(layer.sliding_window)
        else:
            return None
    return windows or None


def _rope_types(config: Any) -> set[object]:
    """Of all the layers, where kinds of layers have their own."""
    said = getattr(config, "rope_parameters", None) or {}
    return {one.get("rope_type") for one in (said, *said.values()) if isinstance(one, dict)}


def supports(model: Any) -> bool:
    """Whether the engine computes a model's logits as the library does: tried, on a few tokens."""
    windows = layer_windows(model)
    if windows is None:
        return False
    vocabulary = int(model.get_input_embeddings().weight.shape[0])
    tokens = tuple((7 * number + 1) % vocabulary for number in range(2 * _PROBE))
    passes = Passes(model, packed=False)
    try:
        with torch.inference_mode():
            expected = model(input_ids=torch.tensor([tokens], device=model.device)).logits[0].float()
        with passes.attached():
            store, _ = passes.read(Prefix(0), [tokens[:_PROBE]])
            prefix = Prefix(
                _PROBE,
                [keys[0, :, :_PROBE] for keys in store.keys],
                [values[0, :, :_PROBE] for values in store.values],
            )
            own, logits = passes.read(prefix, [tokens[_PROBE:-1]])
            more = passes.step([own], [(prefix, None)], [_PROBE - 1], tokens[-1:])
    except Exception:  # a model of another make can fail in any way; it is decoded by the library then
        return False
    found = torch.cat([logits, more])
    close = 1e-3 if model.dtype == torch.float32 else 0.1
    return bool((found - expected[-2:]).abs().max() <= close * max(1.0, float(expected.abs().max())))
