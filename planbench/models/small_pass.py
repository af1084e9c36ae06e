"""The forward pass of a small decoder for training, in few operations.

The weights stay where they are, in a model of transformers, so that whatever else handles it, optimizers and saving,
needs to know nothing. What is saved over the library's own pass: logits, and the last layer's second half, are
computed only where something is to be learned; queries and keys go through norm and rotation together; a norm is one
operation.

Covered: `Lfm2ForCausalLM` in float32 on a processor, without biases, ending in a layer of either kind. `supports`
refuses the rest.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from planbench.models import small


def supports(model: Any) -> bool:
    """True for a causal LM of transformers that `logits` computes as the library does."""
    config = model.config
    return (
        type(model).__name__ == "Lfm2ForCausalLM"
        and small.supports(model)
        and config.num_key_value_heads == config.num_attention_heads
    )


def logits(model: Any, tokens: Tensor, positions: Tensor, learned: Tensor, seen: Tensor | None = None) -> Tensor:
    """Logits `[n, vocabulary]` at the `n` places where `learned` is true, in the order of `logits[learned]`.

    `tokens`, `positions` and `learned` are `[rows, columns]`. Padding stands on the right, where a causal model never
    looks. `seen` `[rows, 1, columns, columns]` is what attention may look at, from where; None stands for all that came
    before (`planbench.models.forgetting`).
    """
    body, (rows, columns) = model.model, tokens.shape
    kept = learned.flatten().nonzero()[:, 0]
    eps: float = model.config.norm_eps
    cosine, sine = _rotation(body, positions)
    x = functional.embedding(tokens.flatten(), body.embed_tokens.weight)
    last = len(body.layers) - 1
    for number, layer in enumerate(body.layers):
        normed = _norm(x, layer.operator_norm.weight, eps)
        if layer.is_attention_layer:
            attention = layer.self_attn
            mixed, out = _attend(attention, normed, (rows, columns), cosine, sine, seen, eps), attention.out_proj
        else:
            mixed, out = _convolve(layer.conv, normed, (rows, columns)), layer.conv.out_proj
        if number == last:
            x, mixed = x[kept], mixed[kept]
        x = x + functional.linear(mixed, out.weight)
        normed = _norm(x, layer.ffn_norm.weight, eps)
        feed = layer.feed_forward
        gate = functional.silu(functional.linear(normed, feed.w1.weight))
        x = x + functional.linear(gate * functional.linear(normed, feed.w3.weight), feed.w2.weight)
    return functional.linear(_norm(x, body.embedding_norm.weight, eps), model.lm_head.weight)


def _norm(x: Tensor, weight: Tensor | None, eps: float) -> Tensor:
    return functional.rms_norm(x, (x.shape[-1],), weight, eps)


def _rotation(body: Any, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and signed sine `[places, 1, size]` of the rotary angles."""
    angles = positions.flatten()[:, None].float() * body.rotary_emb.inv_freq.float()
    cosine, sine = angles.cos(), angles.sin()
    return torch.cat((cosine, cosine), -1)[:, None], torch.cat((-sine, sine), -1)[:, None]


def _attend(
    attention: Any,
    x: Tensor,
    shape: tuple[int, int],
    cosine: Tensor,
    sine: Tensor,
    seen: Tensor | None,
    eps: float,
) -> Tensor:
    """What causal attention brings together `[places, width]`, before the projection out."""
    rows, columns = shape
    size: int = attention.head_dim
    heads = attention.q_proj.weight.shape[0] // size
    project = torch.cat((attention.q_proj.weight, attention.k_proj.weight))
    both = _norm(functional.linear(x, project).view(len(x), 2 * heads, size), None, eps)
    scale = torch.stack((attention.q_layernorm.weight, attention.k_layernorm.weight))
    both = both * scale.repeat_interleave(heads, 0)
    turned = torch.cat((both[..., size // 2 :], both[..., : size // 2]), -1)
    both = (both * cosine + turned * sine).view(rows, columns, 2 * heads, size).transpose(1, 2)
    values = functional.linear(x, attention.v_proj.weight).view(rows, columns, heads, size).transpose(1, 2)
    found = functional.scaled_dot_product_attention(
        both[:, :heads], both[:, heads:], values, attn_mask=seen, is_causal=seen is None
    )
    return found.transpose(1, 2).reshape(len(x), -1)


def _convolve(conv: Any, x: Tensor, shape: tuple[int, int]) -> Tensor:
    """What a gated short convolution brings together `[places, width]`, before the projection out."""
    rows, columns = shape
    into, out, value = functional.linear(x, conv.in_proj.weight).chunk(3, -1)
    taps = conv.conv.weight[:, 0]
    kernel = taps.shape[1]
    padded = functional.pad((into * value).view(rows, columns, -1), (0, 0, kernel - 1, 0))
    mixed = padded[:, :columns] * taps[:, 0]
    for tap in range(1, kernel):
        mixed = mixed + padded[:, tap : tap + columns] * taps[:, tap]
    return out * mixed.reshape(len(x), -1)
