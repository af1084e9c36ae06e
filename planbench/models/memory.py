"""How many rows fit into memory, and keep a device busy."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import psutil
import torch

from planbench.models.decode import Row

_SMALL_ROWS = 512
"""Rows of a batch of our own forward pass, at most."""

_CPU_ROWS = 64
"""Beyond, a processor's products of matrices are no faster a row (measured at 135 million parameters)."""

_GPU_ROWS = 256
_UNKNOWN = 2**30


def cache_bytes(model: Any) -> int:
    """Bytes that one token of one row takes as keys and values."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_attention_heads", None) or 1
    kept = getattr(config, "num_key_value_heads", None) or heads
    size = getattr(config, "head_dim", None) or getattr(config, "hidden_size", 0) // heads
    return 2 * getattr(config, "num_hidden_layers", 1) * kept * size * model.dtype.itemsize


def free_bytes(device: torch.device) -> int:
    """Memory that a device can still give; a cautious guess where it does not say."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if device.type == "cpu":
        return int(psutil.virtual_memory().available)
    return 8 * _UNKNOWN


def rows_at_once(rows: Collection[Row], token_bytes: int, device: torch.device, parameters: int, engine: str) -> int:
    """Rows of a batch: what keeps the device busy, as far as the longest rows fit into half of what is free.

    For fixed batches, which decide the last bits of a reply, the number hangs on the rows and the model alone.
    """
    longest = max((len(row.prompt) + row.limit for row in rows), default=1)
    on_cpu = device.type == "cpu"
    if engine == "continuous":
        busy, budget = _CPU_ROWS if on_cpu else _GPU_ROWS, free_bytes(device) // 2
    else:
        busy = max(4, min(256, int(2e9 / max(parameters, 1)))) if on_cpu else 128
        budget = _UNKNOWN if on_cpu else 8 * _UNKNOWN
    if engine == "own":
        # Several batches even of few rows, so that no thread is idle.
        busy = max(32, min(_SMALL_ROWS, -(-len(rows) // 4)))
    return max(1, min(busy, budget // max(1, longest * token_bytes)))
