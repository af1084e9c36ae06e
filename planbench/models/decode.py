"""Decoding: prompts as token ids in, completions as token ids out, one batch at a time.

Greedy is argmax. A sampled token is found by inverting the distribution at a uniform number; a row draws all its
numbers from a generator of its own before the first step, so that what a row samples hangs on its seed and on its
logits, never on its neighbours. Three things make it faster than the library's general loop and none of them changes
a result beyond rounding: equal prompts (several samples of a task) are read once and their cache is copied; the cache
grows in blocks, not by one allocation a token; rows that have ended leave the batch once half of it has.

A model whose state is not a plain attention cache (Mamba, hybrids) goes through the library's own `generate`, with the
same choice of tokens; RWKV one row at a time, as the library mixes up the rows of its batches. Not covered: beam
search, penalties, top-k, joining a running batch.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, GenerationConfig, LogitsProcessor, LogitsProcessorList
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from planbench.records.sampling import Ending

NEAR = 1e-4
"""Two logits that differ by less may change places by rounding in float32."""

_ALONE = frozenset({"rwkv"})

NO_TOKEN = -1
"""What is chosen where the largest logit is no finite number: the model's numbers overflow."""

_BLOCK = 128
"""Tokens by which a cache grows: few enough to waste little memory, many enough that copying costs nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One reply to decode: at least one prompt token, at most `limit` (1 or more) new ones. `ended` tells from a text
    whether it holds a whole plan, after which nothing is wanted."""

    prompt: tuple[int, ...]
    limit: int
    seed: int
    ended: Ending | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """New tokens, the stop token left out. `stopped` is False where the limit ended the reply; `generated` counts the
    stop token too. `by_text`: the end of the plan ended it, and no stop token. `near_ties` counts the greedy choices
    between two logits less than `NEAR` apart. `finite` is False where logits that are no numbers ended it."""

    tokens: tuple[int, ...]
    stopped: bool
    near_ties: int = 0
    by_text: bool = False
    finite: bool = True

    @property
    def generated(self) -> int:
        return len(self.tokens) + (self.stopped and not self.by_text)


class TokenChoice:
    """How the next token of each row is chosen from its logits: settings and the rows' own random numbers."""

    def __init__(self, rows: Sequence[Row], temperature: float, top_p: float) -> None:
        self.temperature, self.top_p = temperature, top_p
        self.uniform = torch.empty(0)
        if temperature > 0:
            steps = max(row.limit for row in rows)
            self.uniform = torch.stack([draws(row.seed, steps) for row in rows])

    def __call__(self, logits: Tensor, rows: Tensor, step: int) -> Tensor:
        """Tokens `[n]` (or `NO_TOKEN`) for logits `[n, vocabulary]` of the rows with indices `rows` `[n]`, at step
        `step` from 0."""
        if self.temperature <= 0:
            best, tokens = logits.max(-1)
            return tokens.masked_fill(~best.isfinite(), NO_TOKEN)
        return sampled(logits, self.uniform[rows.cpu(), step], self.temperature, self.top_p)


def draws(seed: int, steps: int) -> Tensor:
    """A row's own uniform numbers `[steps]`. The first ones do not hang on how many there are."""
    return torch.rand(steps, generator=torch.Generator().manual_seed(seed % 2**63))


def sampled(logits: Tensor, uniform: Tensor, temperature: float, top_p: float) -> Tensor:
    """Tokens `[n]` at which the distributions of logits `[n, vocabulary]` reach the numbers `uniform` `[n]`, `NO_TOKEN`
    where there is no distribution."""
    # In doubles where there are any: over a large vocabulary a sum of floats loses the tail.
    wide = torch.float32 if logits.device.type == "mps" else torch.float64
    logits = logits.to(wide)
    # The largest logit becomes 0 before the division, so that no temperature overflows.
    largest = logits.amax(-1, keepdim=True)
    weights = ((logits - largest) / temperature).exp()
    uniform = uniform.to(logits.device, wide).unsqueeze(-1)
    none = ~largest.isfinite()
    if top_p >= 1:
        return _invert(weights, uniform).masked_fill(none, NO_TOKEN).squeeze(-1)
    # The nucleus: the fewest likeliest tokens whose mass reaches top_p (Holtzman et al. 2020, section 3.1).
    ordered, tokens = weights.sort(dim=-1, descending=True, stable=True)
    before = ordered.cumsum(-1) - ordered
    beyond = before >= top_p * ordered.sum(-1, keepdim=True)
    beyond[..., 0] = False
    # Drawn from in the order of the vocabulary: in that of the weights, two that are as good as equal would change
    # places by rounding.
    nucleus = torch.empty_like(weights).scatter_(-1, tokens, ordered.masked_fill(beyond, 0))
    return _invert(nucleus, uniform).masked_fill(none, NO_TOKEN).squeeze(-1)


def _invert(weights: Tensor, uniform: Tensor) -> Tensor:
    """The index `[n, 1]` at which the running sum of `weights` first exceeds `uniform` times the whole."""
    running = weights.cumsum(-1)
    whole = running[..., -1:]
    # Rounding could leave the target at the very end, which no running sum exceeds.
    target = torch.minimum(uniform * whole, torch.nextafter(whole, torch.zeros_like(whole)))
    return torch.searchsorted(running, target, right=True)


class _GrowingLayer(DynamicLayer):
    """A layer's keys and values `[rows, heads, tokens, size]`, as views of buffers that grow by blocks."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._stores = [states[..., :0, :] for states in (key_states, value_states)]
        used = self.get_seq_length()
        end = used + key_states.shape[-2]
        for index, states in enumerate((key_states, value_states)):
            if end > self._stores[index].shape[-2]:
                wider = states.new_empty((*states.shape[:-2], end + _BLOCK, states.shape[-1]))
                wider[..., :used, :] = self._stores[index][..., :used, :]
                self._stores[index] = wider
            self._stores[index][..., used:end, :] = states
        self.keys, self.values = (store[..., :end, :] for store in self._stores)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        end = self.get_seq_length()
        if end:
            self._stores = [store[indices] for store in self._stores]
            self.keys, self.values = (store[..., :end, :] for store in self._stores)


def decode(
    model: Any, rows: Sequence[Row], *, stop: frozenset[int], pad: int, temperature: float = 0.0, top_p: float = 1.0
) -> list[Completion]:
    """One completion a row, in order. `model` is a causal LM of transformers in evaluation mode."""
    if len(rows) > 1 and model.config.model_type in _ALONE:
        how: dict[str, Any] = {"stop": stop, "pad": pad, "temperature": temperature, "top_p": top_p}
        return [completion for row in rows for completion in decode(model, [row], **how)]
    choose = TokenChoice(rows, temperature, top_p)
    cache = _attention_cache(model)
    with torch.inference_mode():
        tokens = (
            _generate(model, rows, stop, pad, choose) if cache is None else _loop(model, cache, rows, stop, pad, choose)
        )
    return completions(tokens.tolist(), rows, stop)


def completions(tokens: Sequence[list[int]], rows: Sequence[Row], stop: frozenset[int]) -> list[Completion]:
    """What each row said: its tokens up to the first stop token, its limit or `NO_TOKEN`."""
    return [_completion(line, row.limit, stop) for line, row in zip(tokens, rows, strict=True)]


def _completion(tokens: list[int], limit: int, stop: frozenset[int]) -> Completion:
    for position, token in enumerate(tokens[:limit]):
        if token in stop:
            return Completion(tuple(tokens[:position]), stopped=True)
        if token == NO_TOKEN:
            return Completion(tuple(tokens[:position]), stopped=False, finite=False)
    return Completion(tuple(tokens[:limit]), stopped=False)


def _attention_cache(model: Any) -> DynamicCache | None:
    """An empty cache of plain attention layers, None where the model keeps its state in another way."""
    if getattr(model, "_is_stateful", False) or "past_key_values" not in inspect.signature(model.forward).parameters:
        return None
    cache = DynamicCache(config=model.config)
    if any(type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer) for layer in cache.layers):
        return None
    cache.layers = [_GrowingLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def _padded(prompts: Sequence[tuple[int, ...]], pad: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Prompts padded on the left, and their mask (1 where a token is real), both `[prompts, longest]`."""
    width = max(map(len, prompts))
    ids = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=device)
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
    return ids, mask


def _loop(
    model: Any, cache: DynamicCache, rows: Sequence[Row], stop: frozenset[int], pad: int, choose: TokenChoice
) -> Tensor:
    device = model.device
    accepted = inspect.signature(model.forward).parameters
    distinct = {prompt: index for index, prompt in enumerate(dict.fromkeys(row.prompt for row in rows))}
    ids, mask = _padded(list(distinct), pad, device)

    def forward(ids: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
        """The logits `[rows, vocabulary]` after the last token of each row."""
        extra: dict[str, Any] = {"position_ids": positions} if "position_ids" in accepted else {}
        if "logits_to_keep" in accepted:
            extra["logits_to_keep"] = 1
        output = model(input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True, **extra)
        return output.logits[:, -1].float()

    logits = forward(ids, mask, (mask.cumsum(-1) - 1).clamp(min=0))
    if len(distinct) < len(rows):
        source = torch.tensor([distinct[row.prompt] for row in rows], device=device)
        cache.batch_select_indices(source)
        logits, mask = logits[source], mask[source]

    limits = torch.tensor([row.limit for row in rows], device=device)
    stops = torch.tensor(sorted(stop), device=device, dtype=torch.long)
    steps = int(limits.max())
    tokens = torch.full((len(rows), steps), pad, device=device)
    width = mask.shape[1]
    mask = torch.cat([mask, mask.new_ones(len(rows), steps)], -1)
    positions = mask[:, :width].sum(-1, keepdim=True)
    present = torch.arange(len(rows), device=device)  # the row that stands at each place of the batch
    alive = torch.ones(len(rows), dtype=torch.bool, device=device)
    for step in range(steps):
        chosen = choose(logits, present, step)
        tokens[present[alive], step] = chosen[alive]
        alive &= ~torch.isin(chosen, stops) & (limits[present] > step + 1) & (chosen != NO_TOKEN)
        left = int(alive.sum())
        if not left:
            break
        if 2 * left <= len(present):
            kept = alive.nonzero().squeeze(-1)
            cache.batch_select_indices(kept)
            chosen, mask, positions, present, alive = (part[kept] for part in (chosen, mask, positions, present, alive))
        logits = forward(chosen.clamp(min=0).unsqueeze(-1), mask[:, : width + step + 1], positions + step)
    return tokens


class _Choose(LogitsProcessor):
    """`TokenChoice` inside the library's greedy search: the chosen token alone keeps a finite score."""

    def __init__(self, choose: TokenChoice, width: int) -> None:
        self.choose, self.width = choose, width
        self.chosen: list[Tensor] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        rows = torch.arange(len(scores), device=scores.device)
        chosen = self.choose(scores, rows, input_ids.shape[1] - self.width)
        self.chosen.append(chosen)
        return torch.full_like(scores, float("-inf")).scatter(-1, chosen.clamp(min=0).unsqueeze(-1), 0.0)


def _generate(model: Any, rows: Sequence[Row], stop: frozenset[int], pad: int, choose: TokenChoice) -> Tensor:
    ids, mask = _padded([row.prompt for row in rows], pad, model.device)
    settings = GenerationConfig(
        do_sample=False,
        max_new_tokens=max(row.limit for row in rows),
        eos_token_id=sorted(stop) or None,
        pad_token_id=pad,
    )
    choosing = _Choose(choose, ids.shape[1])
    own = model.generation_config
    model.generation_config = GenerationConfig()  # the library takes from it what is not said: penalties, beams
    try:
        model.generate(
            ids, attention_mask=mask, generation_config=settings, logits_processor=LogitsProcessorList([choosing])
        )
    finally:
        model.generation_config = own
    return torch.stack(choosing.chosen, -1)
