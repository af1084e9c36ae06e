"""The forward pass of a small decoder in few operations.

At under a million weights the library's forward pass waits for Python and for memory. Three things make this one
several times faster, and none changes a logit beyond rounding. The prompts of a batch end at the same column, and a
token's column is its position: rotary attention sees differences of positions only, so one rotation serves all rows.
Equal prompts stand in memory once, and their rows read them together, as one product of matrices. Keys and values of
what was said since stand apart, in buffers that double when they are full.

Covered: `LlamaForCausalLM` and `Lfm2ForCausalLM` in float32 on a processor, without biases, with plain rotary
positions. `supports` refuses the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.linalg import vector_norm
from torch.nn.functional import pad, scaled_dot_product_attention, silu

_PREFILL_TOKENS = 4096
"""Tokens of prompts that are read at a time: their activations stay in the processor's cache."""

_FIRST_CAPACITY = 32
"""Tokens that a row's buffers hold at first."""


def supports(model: Any) -> bool:
    """True for a causal LM of transformers that `SmallModel` computes as the library does."""
    if type(model).__name__ not in ("LlamaForCausalLM", "Lfm2ForCausalLM"):
        return False
    config = model.config
    return (
        model.dtype == torch.float32
        and model.device.type == "cpu"
        and (config.rope_parameters or {}).get("rope_type", "default") == "default"
        and getattr(config, "hidden_act", "silu") == "silu"
        and not any(name.endswith(".bias") for name, _ in model.named_parameters())
    )


@dataclass(frozen=True)
class _Attention:
    """`project` [width, (heads + 2 kept) * size] makes queries, keys and values of all heads. Where `norm` [heads +
    kept, size] is there, each query and key is brought to length 1 first and then multiplied by it. The scale of the
    scores is in the queries already."""

    project: Tensor
    out: Tensor
    norm: Tensor | None


@dataclass(frozen=True)
class _Convolution:
    """`project` [width, 3 width] makes the gate of the input, the gate of the output and the input; `taps` [kernel,
    width] are oldest first."""

    project: Tensor
    out: Tensor
    taps: Tensor


@dataclass(frozen=True)
class _Layer:
    """The weights of a norm are in the matrix that follows it, so that a norm only has to bring a row to length 1."""

    mixer: _Attention | _Convolution
    gate_up: Tensor
    down: Tensor


@dataclass
class _Said:
    """What attention keeps. Of the prompts: keys [prompts, kept, size, columns], values [prompts, kept, columns, size].
    Of what was said since: keys and values [rows, kept, capacity, size]."""

    prompt_keys: Tensor
    prompt_values: Tensor
    keys: Tensor
    values: Tensor


@dataclass
class _Past:
    """What a convolution keeps: its inputs [rows, width] at the last columns, oldest first."""

    inputs: list[Tensor]


@dataclass
class Batch:
    """What is remembered of the rows of a batch.

    `group` and `slot` [rows] say which prompt a row has, and which of the prompt's rows it is, out of `slots` at most;
    `hidden` [prompts, 1, 1, 1, columns] is 0 at a prompt's columns and minus infinity before them. `cosine` and `sine`
    [columns, size] rotate. `said` counts the tokens since the prompt.
    """

    group: Tensor
    slot: Tensor
    slots: int
    hidden: Tensor
    cosine: Tensor
    sine: Tensor
    layers: list[_Said | _Past]
    said: int = 0

    def keep(self, rows: Tensor) -> None:
        """Forget all rows but `rows` [n], which rise, and the prompts that have none left."""
        prompts, self.group = self.group[rows].unique(return_inverse=True)
        self.slot = _slots(self.group)
        self.slots = int(self.slot.max()) + 1
        fewer = len(prompts) < len(self.hidden)
        self.hidden = self.hidden[prompts]
        for layer in self.layers:
            if isinstance(layer, _Past):
                layer.inputs = [inputs[rows] for inputs in layer.inputs]
            else:
                layer.keys, layer.values = layer.keys[rows], layer.values[rows]
                if fewer:
                    layer.prompt_keys, layer.prompt_values = layer.prompt_keys[prompts], layer.prompt_values[prompts]


def _slots(group: Tensor) -> Tensor:
    """For each row, how many rows of the same prompt stand before it; `group` [rows] is in any order."""
    order = group.argsort(stable=True)
    counts = group.bincount()
    slots = torch.empty_like(group)
    slots[order] = torch.arange(len(group)) - (counts.cumsum(0) - counts)[group[order]]
    return slots


class SmallModel:
    """The weights of a small decoder, and its two moves: `start` reads prompts, `step` adds a token to every row."""

    def __init__(self, model: Any) -> None:
        """Copies the weights of a model that `supports` accepts."""
        config = model.config
        hybrid = type(model).__name__ == "Lfm2ForCausalLM"
        self._heads: int = config.num_attention_heads
        self._kept: int = config.num_key_value_heads
        self._size: int = getattr(config, "head_dim", None) or config.hidden_size // self._heads
        eps = float(config.norm_eps if hybrid else config.rms_norm_eps)
        self._frequencies: Tensor = model.model.rotary_emb.inv_freq.double()
        state = {name: weight.detach() for name, weight in model.state_dict().items()}
        self._embedding = state["model.embed_tokens.weight"].clone()
        self._width = self._embedding.shape[1]
        # x / sqrt(|x|^2 / n + eps) is sqrt(n) x / hypot(|x|, sqrt(n eps)); the root of n is among the weights.
        self._shift, self._head_shift = (torch.tensor((n * eps) ** 0.5) for n in (self._width, self._size))
        self._head = _after(
            state["model.embedding_norm.weight" if hybrid else "model.norm.weight"], state["lm_head.weight"]
        )
        make = self._lfm2_layer if hybrid else self._llama_layer
        self._layers: list[_Layer] = []
        for index in range(config.num_hidden_layers):
            prefix = f"model.layers.{index}."
            own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
            self._layers.append(make(own))

    def _llama_layer(self, weights: dict[str, Tensor]) -> _Layer:
        queries, keys, values = (weights[f"self_attn.{part}_proj.weight"] for part in "qkv")
        project = _after(weights["input_layernorm.weight"], queries * self._size**-0.5, keys, values)
        return _Layer(
            _Attention(project, _transposed(weights["self_attn.o_proj.weight"]), None),
            _after(
                weights["post_attention_layernorm.weight"],
                weights["mlp.gate_proj.weight"],
                weights["mlp.up_proj.weight"],
            ),
            _transposed(weights["mlp.down_proj.weight"]),
        )

    def _lfm2_layer(self, weights: dict[str, Tensor]) -> _Layer:
        norm = weights["operator_norm.weight"]
        if "conv.conv.weight" in weights:
            mixer = _Convolution(
                _after(norm, weights["conv.in_proj.weight"]),
                _transposed(weights["conv.out_proj.weight"]),
                _transposed(weights["conv.conv.weight"].squeeze(1)),
            )
        else:
            # The root of a head's size, from the norm, and the scale of the scores, its inverse, cancel for queries.
            of_queries = weights["self_attn.q_layernorm.weight"].expand(self._heads, -1)
            of_keys = weights["self_attn.k_layernorm.weight"].expand(self._kept, -1) * self._size**0.5
            mixer = _Attention(
                _after(norm, *(weights[f"self_attn.{part}_proj.weight"] for part in "qkv")),
                _transposed(weights["self_attn.out_proj.weight"]),
                torch.cat([of_queries, of_keys]),
            )
        return _Layer(
            mixer,
            _after(weights["ffn_norm.weight"], weights["feed_forward.w1.weight"], weights["feed_forward.w3.weight"]),
            _transposed(weights["feed_forward.w2.weight"]),
        )

    def start(self, prompts: Sequence[tuple[int, ...]], group: Tensor, steps: int) -> tuple[Batch, Tensor]:
        """Read `prompts` for rows of which row i has prompt `group[i]` and says up to `steps` tokens.

        Returns what is remembered and the logits `[rows, vocabulary]` of each row's first token.
        """
        columns = max(map(len, prompts))
        cosine, sine = self._rotation(columns + steps)
        layers = [self._empty(layer.mixer, len(prompts), columns) for layer in self._layers]
        hidden = torch.zeros(len(prompts), columns)
        for row, prompt in enumerate(prompts):
            hidden[row, : columns - len(prompt)] = float("-inf")
        slot = _slots(group)
        batch = Batch(group, slot, int(slot.max()) + 1, hidden[:, None, None, None], cosine, sine, layers)
        share = max(1, _PREFILL_TOKENS // columns)
        last = [
            self._read(prompts[first : first + share], slice(first, first + share), batch)
            for first in range(0, len(prompts), share)
        ]
        for layer in layers:
            if isinstance(layer, _Past):
                layer.inputs = [inputs[group] for inputs in layer.inputs]
            else:
                rows = len(group)
                layer.keys, layer.values = torch.zeros(2, rows, self._kept, _FIRST_CAPACITY, self._size)
        return batch, torch.cat(last)[group]

    def _rotation(self, columns: int) -> tuple[Tensor, Tensor]:
        angles = torch.outer(torch.arange(columns, dtype=torch.float64), self._frequencies)
        # The first half of a head is turned against the second: x cos + swapped(x) sin, the sign in the sine.
        cosine, sine = angles.cos().float(), angles.sin().float()
        return torch.cat([cosine, cosine], -1), torch.cat([-sine, sine], -1)

    def _empty(self, mixer: _Attention | _Convolution, prompts: int, columns: int) -> _Said | _Past:
        if isinstance(mixer, _Convolution):
            return _Past([torch.zeros(prompts, self._width) for _ in range(len(mixer.taps) - 1)])
        nothing = torch.empty(0)
        keys = torch.zeros(prompts, self._kept, self._size, columns)
        return _Said(keys, torch.zeros(prompts, self._kept, columns, self._size), nothing, nothing)

    def _read(self, prompts: Sequence[tuple[int, ...]], places: slice, batch: Batch) -> Tensor:
        """Fill in what `batch` remembers of the prompts at `places`; the logits `[prompts, vocabulary]` after them."""
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(prompt)) + list(prompt) for prompt in prompts])
        columns = batch.hidden.shape[-1]
        at = slice(columns - width, columns)
        real = batch.hidden[places, 0, 0, 0, at] == 0
        # What stands before a prompt sees itself, or its softmax would have nothing to share out.
        seen = torch.ones(width, width, dtype=torch.bool).tril() & real[:, None]
        seen = (seen | torch.eye(width, dtype=torch.bool))[:, None]
        x = self._embedding[ids]
        for layer, kept in zip(self._layers, batch.layers, strict=True):
            h = self._unit(x)
            if isinstance(layer.mixer, _Convolution):
                assert isinstance(kept, _Past)
                mixed = self._convolve_prompts(layer.mixer, h, real, kept, places)
            else:
                assert isinstance(kept, _Said)
                queries, keys, values = self._heads_of(layer.mixer, h, batch.cosine[at, None], batch.sine[at, None])
                queries, keys, values = (part.transpose(1, 2) for part in (queries, keys, values))
                kept.prompt_keys[places, :, :, at] = keys.transpose(-1, -2)
                kept.prompt_values[places, :, at] = values
                mixed = scaled_dot_product_attention(
                    queries, keys, values, attn_mask=seen, scale=1.0, enable_gqa=self._heads != self._kept
                )
                mixed = mixed.transpose(1, 2).flatten(-2) @ layer.mixer.out
            x = self._inner(layer, x + mixed)
        return self._logits(x[:, -1])

    def _convolve_prompts(self, mixer: _Convolution, h: Tensor, real: Tensor, kept: _Past, places: slice) -> Tensor:
        gate, out_gate, inputs = (h @ mixer.project).chunk(3, dim=-1)
        inputs = gate * inputs * real[..., None]
        past = len(kept.inputs)
        inputs = pad(inputs, (0, 0, past, 0))
        for age, store in enumerate(kept.inputs):
            store[places] = inputs[:, inputs.shape[1] - past + age]
        width = h.shape[1]
        convolved = sum((tap * inputs[:, age : age + width] for age, tap in enumerate(mixer.taps)), torch.zeros(()))
        return (out_gate * convolved) @ mixer.out

    def step(self, tokens: Tensor, batch: Batch) -> Tensor:
        """The logits `[rows, vocabulary]` after one more token `[rows]` of every row."""
        x = self._embedding[tokens]
        for layer, kept in zip(self._layers, batch.layers, strict=True):
            h = self._unit(x)
            if isinstance(layer.mixer, _Convolution):
                assert isinstance(kept, _Past)
                mixed = _convolve(layer.mixer, h, kept)
            else:
                assert isinstance(kept, _Said)
                mixed = self._attend(layer.mixer, h, kept, batch)
            x = self._inner(layer, x.addmm_(mixed, layer.mixer.out))
        batch.said += 1
        return self._logits(x)

    def _attend(self, mixer: _Attention, h: Tensor, kept: _Said, batch: Batch) -> Tensor:
        """Attention `[rows, heads * size]` of each row's new token to its prompt and to what it said since."""
        rows, said = len(h), batch.said
        prompts, _, size, columns = kept.prompt_keys.shape
        at = columns + said
        queries, keys, values = self._heads_of(mixer, h, batch.cosine[at], batch.sine[at])
        if said == kept.keys.shape[2]:
            kept.keys, kept.values = (
                torch.cat([store, torch.zeros_like(store)], 2) for store in (kept.keys, kept.values)
            )
        kept.keys[:, :, said], kept.values[:, :, said] = keys, values
        # Heads that share keys stand together: [rows, kept, heads / kept, size].
        queries = queries.unflatten(1, (self._kept, -1))
        shared = queries.shape[2]
        grid = (prompts, self._kept, batch.slots, shared)
        where = (batch.group, slice(None), batch.slot)

        asked = queries.new_zeros(*grid, size)
        asked[where] = queries
        scores = torch.bmm(asked.view(-1, batch.slots * shared, size), kept.prompt_keys.flatten(0, 1))
        scores = scores.view(*grid, columns) + batch.hidden
        # Fewer columns than these go through a loop of torch's that is slower than the product of more.
        wide = max(_FIRST_CAPACITY, said + 1)
        since = torch.bmm(queries.reshape(-1, shared, size), kept.keys.flatten(0, 1)[:, :wide].transpose(1, 2))
        since[..., said + 1 :] = float("-inf")
        weights = torch.cat([scores[where], since.view(rows, self._kept, shared, -1)], -1).softmax(-1)

        of_prompts, of_since = weights.split([columns, wide], -1)
        scores[where] = of_prompts
        mixed = torch.bmm(scores.view(-1, batch.slots * shared, columns), kept.prompt_values.flatten(0, 1))
        mixed = mixed.view(*grid, size)[where]
        mixed += torch.bmm(of_since.flatten(0, 1), kept.values.flatten(0, 1)[:, :wide]).view_as(mixed)
        return mixed.reshape(rows, -1)

    def _heads_of(self, mixer: _Attention, h: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries [..., heads, size], keys and values [..., kept, size] of `h` [..., width], rotated."""
        turned = self._heads + self._kept
        heads = (h @ mixer.project).unflatten(-1, (turned + self._kept, self._size))
        both, values = heads.split([turned, self._kept], -2)
        if mixer.norm is not None:
            both = _unit(both, self._head_shift) * mixer.norm
        both = torch.addcmul(both * cosine, both.roll(self._size // 2, -1), sine)
        queries, keys = both.split([self._heads, self._kept], -2)
        return queries, keys, values

    def _inner(self, layer: _Layer, x: Tensor) -> Tensor:
        gate, up = (self._unit(x) @ layer.gate_up).chunk(2, dim=-1)
        return x + silu(gate).mul_(up) @ layer.down

    def _logits(self, x: Tensor) -> Tensor:
        return self._unit(x) @ self._head

    def _unit(self, x: Tensor) -> Tensor:
        return _unit(x, self._shift)


def _unit(x: Tensor, shift: Tensor) -> Tensor:
    """`x` [..., n] brought to length 1, or less where it is not long against `shift`."""
    return x / torch.hypot(vector_norm(x, dim=-1, keepdim=True), shift)


def _convolve(mixer: _Convolution, h: Tensor, kept: _Past) -> Tensor:
    gate, out_gate, inputs = (h @ mixer.project).chunk(3, dim=-1)
    window = [*kept.inputs, gate * inputs]
    kept.inputs = window[1:]
    convolved = window[0] * mixer.taps[0]
    for tap, values in zip(mixer.taps[1:], window[1:], strict=True):
        convolved.addcmul_(tap, values)
    return convolved.mul_(out_gate)


def _after(norm: Tensor, *weights: Tensor) -> Tensor:
    """Weights [out, in] that follow a norm of weights `norm` [in], as one matrix [in, out] for what has length 1."""
    return _transposed(*(weight * norm * len(norm) ** 0.5 for weight in weights))


def _transposed(*weights: Tensor) -> Tensor:
    """Weights [out, in] one below the other, as one matrix [in, out] of its own."""
    return torch.cat(weights).t().contiguous()
