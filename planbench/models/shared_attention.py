"""Attention of rows that begin alike, inside the library's forward pass.

The rows of a batch are of different ages and share beginnings. What a row attends to has two parts: a prefix, whose
keys and values stand in memory once and which all rows of a group read together, as one product of matrices; and what
is the row's own, the rest of its prompt and what it has said, at the front of a buffer of its own. So no row is padded,
a row can join or leave at any step, and memory and time of a common beginning do not grow with the number of rows.

The library's models ask a registry for their attention and a cache to keep keys and values: ours are entered there. A
`Pass` says, for one forward pass, which row stands where.

Covered: models that take their attention from the registry and keep plain or sliding attention layers, whatever stands
between. What else an attention may do (sinks, biases by position) is not: `planbench.models.passes` notices, by what
the attention is given and by comparing logits, and such a model is decoded in another way.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.cache_utils import Cache, DynamicLayer

NAME = "planbench_shared"
"""Our entry in the library's registry."""

COLUMNS = 64
"""Own tokens are read in multiples of so many: sums over them then do not hang on who else is there."""


@dataclass
class Store:
    """Keys and values of rows, `[slots, heads, tokens, size]` for each layer, made when a layer is first written.

    A batch stands in several, of a few rows each, so that a short row is read as far as the longest of these few.
    """

    slots: int
    tokens: int
    keys: list[Tensor] = field(default_factory=list[Tensor])
    values: list[Tensor] = field(default_factory=list[Tensor])

    def grow(self, tokens: int) -> None:
        """Room for so many tokens, at least."""
        if tokens <= self.tokens:
            return
        # One tensor at a time: twice the memory of one layer, not of all.
        for states in (self.keys, self.values):
            for layer, old in enumerate(states):
                states[layer] = old.new_zeros((self.slots, old.shape[1], tokens, old.shape[3]))
                states[layer][:, :, : self.tokens] = old
        self.tokens = tokens

    def copy(self, slot: int, source: Store, row: int, tokens: int) -> None:
        """Put the first `tokens` of a row of another store (or of this one) into a slot."""
        for ours, theirs in ((self.keys, source.keys), (self.values, source.values)):
            if not ours:
                shapes = ((self.slots, states.shape[1], self.tokens, states.shape[3]) for states in theirs)
                ours.extend(theirs[0].new_zeros(shape) for shape in shapes)
            for into, states in zip(ours, theirs, strict=True):
                into[slot, :, :tokens] = states[row, :, :tokens]

    def clear(self, slot: int) -> None:
        for states in (*self.keys, *self.values):
            states[slot] = 0


@dataclass(frozen=True)
class Prefix:
    """Keys and values `[heads, tokens, size]` of a common beginning, for each layer; none where `tokens` is 0."""

    tokens: int
    keys: Sequence[Tensor] = ()
    values: Sequence[Tensor] = ()


@dataclass
class Pass:
    """One forward pass of `width` tokens for each row.

    The rows stand in the slots of `stores`, one store after the other, and are read there as far as `columns` say for
    each store. A row's tokens go to its slot from `start[r]` on; with a width above 1 there is one store, and all rows
    start at the same place. `groups` are prefixes and the rows that have them, None for all rows. `ends` say where the
    last token of each row goes, where some behind it are filling.
    """

    stores: Sequence[Store]
    start: Tensor
    width: int
    groups: Sequence[tuple[Prefix, Tensor | None]]
    columns: Sequence[int]
    windows: Sequence[int | None]
    first: int = 0
    ends: Tensor | None = None
    _hidden: dict[int | None, Tensor] = field(default_factory=dict[int | None, Tensor])
    pieces: list[tuple[Store, slice, int]] = field(init=False)
    """Each store, its rows and how many of its columns are read."""

    def __post_init__(self) -> None:
        ends = list(accumulate((store.slots for store in self.stores), initial=0))
        places = [slice(first, end) for first, end in pairwise(ends)]
        self.pieces = list(zip(self.stores, places, self.columns, strict=True))
        self._slots = torch.arange(max(store.slots for store in self.stores), device=self.start.device)
        self.before = torch.zeros_like(self.start)
        for prefix, rows in self.groups:
            if rows is None:
                self.before += prefix.tokens
            else:
                self.before[rows] = prefix.tokens
        # In such multiples too, or what is a row's own would stand elsewhere beside a longer prefix than its own.
        self.shared = -(-max(prefix.tokens for prefix, _ in self.groups) // COLUMNS) * COLUMNS

    def positions(self) -> Tensor:
        """The position `[rows, width]` of each token in its text."""
        own = self.start[:, None] + torch.arange(self.width, device=self.start.device)
        # A table of positions ends where the context does, and filling may reach beyond.
        return self.before[:, None] + (own if self.ends is None else own.minimum(self.ends[:, None]))

    def write(self, layer: int, keys: Tensor, values: Tensor) -> None:
        for store, rows, _ in self.pieces:
            for states, new in ((store.keys, keys[rows]), (store.values, values[rows])):
                if layer == len(states):
                    states.append(new.new_zeros((store.slots, new.shape[1], store.tokens, new.shape[3])))
                if self.width == 1:
                    states[layer][self._slots[: store.slots], :, self.start[rows]] = new[:, :, 0]
                else:
                    states[layer][:, :, self.first : self.first + self.width] = new

    def hidden(self, layer: int) -> Tensor:
        """What may not be looked at: true in `[rows, 1, 1, width, shared + most columns]`."""
        window = self.windows[layer]
        if window not in self._hidden:
            device, columns = self.start.device, max(self.columns)
            own = torch.arange(columns, device=device)
            asked = self.start[:, None] + torch.arange(self.width, device=device)
            mask = torch.zeros(len(self.start), self.width, self.shared + columns, dtype=torch.bool, device=device)
            mask[..., self.shared :] = own > asked[..., None]
            common = torch.arange(self.shared, device=device)
            mask[..., : self.shared] = (common >= self.before[:, None])[:, None]
            if window is not None:
                oldest = (asked + self.before[:, None] - window)[..., None]
                mask[..., : self.shared] |= common <= oldest
                mask[..., self.shared :] |= own + self.before[:, None, None] <= oldest
            self._hidden[window] = mask[:, None, None]
        return self._hidden[window]


_CURRENT: ContextVar[Pass] = ContextVar("planbench pass")


class _Layer(DynamicLayer):
    """Hands new keys and values to the current pass."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        _CURRENT.get().write(self.number, key_states, value_states)
        return key_states, value_states

    def get_seq_length(self) -> int:
        now = _CURRENT.get()
        return now.shared + now.first


def forward(model: Any, now: Pass, tokens: Tensor, extra: dict[str, Any]) -> Tensor:
    """The logits of one pass; `tokens` is `[rows, width]`. The model's attention must be set to `NAME`."""
    cache = Cache(layers=[_Layer(number) for number in range(len(now.windows))])
    token = _CURRENT.set(now)
    try:
        return model(input_ids=tokens, past_key_values=cache, use_cache=True, **extra).logits
    finally:
        _CURRENT.reset(token)


def _attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    softcap: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """As the library's attention functions: `[rows, heads, width, size]` in, `[rows, width, heads, size]` out."""
    now, layer = _CURRENT.get(), module.layer_idx
    if attention_mask is not None or kwargs.get("s_aux") is not None:
        raise NotImplementedError("attention with a mask of the model's own, or with sinks")
    if now.width > 1 and softcap is None:
        return _attend_reading(now, layer, query, scaling), None
    rows, heads, width, size = query.shape
    kept = key.shape[1]
    times = heads // kept * width
    query = (query * (size**-0.5 if scaling is None else scaling)).reshape(rows, kept, times, size)
    scores = query.new_empty(rows, kept, times, now.shared + max(now.columns))
    for store, at, columns in now.pieces:
        keys = store.keys[layer][:, :, :columns]
        scores[at, ..., now.shared : now.shared + columns] = query[at] @ keys.transpose(-1, -2)
    for prefix, of in now.groups:
        if not prefix.tokens:
            continue
        asked = _together(query if of is None else query[of])
        found = _apart(asked @ prefix.keys[layer].transpose(-1, -2), times)
        if of is None:
            scores[..., : prefix.tokens] = found
        else:
            scores[of, ..., : prefix.tokens] = found
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    # What stands behind a shorter prefix or in a store of fewer columns was never written; it is hidden with the rest.
    wide = scores.view(rows, kept, heads // kept, width, -1)
    wide.masked_fill_(now.hidden(layer), float("-inf"))
    shares = scores.softmax(-1, dtype=torch.float32).to(value.dtype)
    mixed = torch.cat(
        [
            shares[at, ..., now.shared : now.shared + columns] @ store.values[layer][:, :, :columns]
            for store, at, columns in now.pieces
        ]
    )
    for prefix, of in now.groups:
        if not prefix.tokens:
            continue
        share = shares[..., : prefix.tokens] if of is None else shares[of, ..., : prefix.tokens]
        found = _apart(_together(share) @ prefix.values[layer], times)
        if of is None:
            mixed += found
        else:
            mixed[of] += found
    return mixed.view(rows, heads, width, -1).transpose(1, 2).contiguous(), None


def _attend_reading(now: Pass, layer: int, query: Tensor, scaling: float | None) -> Tensor:
    """The same for rows that are read, which share one prefix: it is put before each row's own, so that torch's
    attention can take all in pieces that stay near the processor."""
    (prefix, _), (store, _, columns) = now.groups[0], now.pieces[0]
    both: list[Tensor] = []
    for common, own in ((prefix.keys, store.keys), (prefix.values, store.values)):
        rows = own[layer][:, :, :columns]
        joined = rows.new_zeros(*rows.shape[:2], now.shared + columns, rows.shape[3])
        if prefix.tokens:
            joined[:, :, : prefix.tokens] = common[layer]
        joined[:, :, now.shared :] = rows
        both.append(joined)
    seen = ~now.hidden(layer)[:1, 0]
    mixed = scaled_dot_product_attention(query, *both, attn_mask=seen, scale=scaling, enable_gqa=True)
    return mixed.transpose(1, 2).contiguous()


def _together(states: Tensor) -> Tensor:
    """`[rows, heads, times, n]` as `[heads, rows * times, n]`: one product of matrices for all rows."""
    return states.transpose(0, 1).flatten(1, 2)


def _apart(states: Tensor, times: int) -> Tensor:
    """The inverse of `_together`."""
    return states.unflatten(1, (-1, times)).transpose(0, 1)


AttentionInterface.register(NAME, _attend)
