"""Decoding with `SmallModel`: all rows of a batch say one token at a time; rows that have ended leave the batch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from planbench.models.decode import NO_TOKEN, Completion, Row, TokenChoice, completions
from planbench.models.small import SmallModel

_Work = TypeVar("_Work")
_Result = TypeVar("_Result")

_LEAVING = 8
"""Rows leave once one in so many has ended: to copy what the others said costs about as much as a token of theirs."""


def decode_small(
    model: SmallModel, rows: Sequence[Row], *, stop: frozenset[int], temperature: float = 0.0, top_p: float = 1.0
) -> list[Completion]:
    """One completion a row, in order."""
    choose = TokenChoice(rows, temperature, top_p)
    distinct = {prompt: index for index, prompt in enumerate(dict.fromkeys(row.prompt for row in rows))}
    group = torch.tensor([distinct[row.prompt] for row in rows])
    limits = torch.tensor([row.limit for row in rows])
    stops = torch.tensor(sorted(stop), dtype=torch.long)
    steps = int(limits.max())
    with torch.inference_mode():
        tokens = torch.zeros(len(rows), steps, dtype=torch.long)
        batch, logits = model.start(list(distinct), group, steps)
        present = torch.arange(len(rows))  # the row that stands at each place of the batch
        alive = torch.ones(len(rows), dtype=torch.bool)
        for step in range(steps):
            chosen = choose(logits, present, step)
            tokens[present, step] = chosen
            alive &= ~torch.isin(chosen, stops) & (limits[present] > step + 1) & (chosen != NO_TOKEN)
            left = int(alive.sum())
            if not left:
                break
            if (len(present) - left) * _LEAVING >= len(present):
                kept = alive.nonzero().squeeze(-1)
                batch.keep(kept)
                chosen, present, alive = chosen[kept], present[kept], alive[kept]
            logits = model.step(chosen.clamp(min=0), batch)
    return completions(tokens.tolist(), rows, stop)


def one_thread_each(do: Callable[[_Work], _Result], pieces: Sequence[_Work], abreast: int) -> Generator[_Result]:
    """What `do` makes of each piece, in order; `abreast` pieces at a time, each in one thread of torch's.

    Two batches in two threads take less time than one after the other in two threads each: the operations of a small
    model are too short to be shared out.
    """
    if not pieces:
        return
    threads = torch.get_num_threads()
    pool = ThreadPoolExecutor(abreast, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield from pool.map(do, pieces)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # a worker's setting is also the default of threads that start later
