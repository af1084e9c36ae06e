"""What no scheduling can beat: a model's time for the distinct tokens of some prompts, and for the new ones.

Prompt tokens go at the rate at which the library reads one long text, new tokens at the rate at which it says one token
for each of 64 rows behind texts of a few tokens.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import DynamicCache

from planbench.models.prefixes import shared_prefixes

Clock = Callable[[], float]


def distinct_tokens(texts: Sequence[tuple[int, ...]]) -> int:
    """Tokens of the prompts, with what the prompts of a group begin with once."""
    return sum(
        len(group.prefix) + sum(len(one) - len(group.prefix) for one in group.prompts)
        for group in shared_prefixes(texts)
    )


def reading_rate(model: Any, text: tuple[int, ...], clock: Clock = time.process_time) -> float:
    """Prompt tokens a second, the best of three readings of one long text."""
    ids, times = torch.tensor([text]), list[float]()
    with torch.inference_mode():
        for _ in range(3):
            start = clock()
            model(input_ids=ids, use_cache=True, logits_to_keep=1)
            times.append(clock() - start)
    return len(text) / min(times)


def saying_rate(model: Any, clock: Clock = time.process_time, rows: int = 64, steps: int = 6) -> float:
    """New tokens a second for `rows` rows behind texts of one token, the best of some steps."""
    cache, ids, times = DynamicCache(config=model.config), torch.ones(rows, 1, dtype=torch.long), list[float]()
    with torch.inference_mode():
        for _ in range(steps):
            start = clock()
            logits = model(input_ids=ids, past_key_values=cache, use_cache=True).logits
            ids = logits[:, -1:].argmax(-1)
            times.append(clock() - start)
    return rows / min(times)


def bound_seconds(model: Any, texts: Sequence[tuple[int, ...]], new: int, clock: Clock) -> float:
    """Seconds for the prompts and `new` tokens in all, at the library's rates."""
    return distinct_tokens(texts) / reading_rate(model, max(texts, key=len), clock) + new / saying_rate(model, clock)
