"""Fixed batches: rows are sorted by prompt length and cut into batches of one size, from all the rows of a run.

The last bits of a logit depend on the shape of a batch, so an interrupted run goes on to the same replies only if its
batches stay the same. A batch of which any reply is wanted is computed whole. This is how our own forward pass for
small models runs (`planbench.models.small`), whose batches are computed side by side, one thread each, so that a reply
does not hang on how many threads there are; and how models run that the continuous engine does not cover.

A batch that does not fit into memory is computed in halves.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch

from planbench.models.continuous import Answer, out_of_memory
from planbench.models.decode import Completion, Row
from planbench.models.lockstep import one_thread_each
from planbench.models.speech import Speech

Decode = Callable[[Sequence[Row]], list[Completion]]


def longest_first(rows: Sequence[Row], indices: Iterable[int], size: int) -> list[list[int]]:
    """Indices of rows in batches of `size`, the longest prompts first, equal prompts together."""
    order = sorted(indices, key=lambda index: (-len(rows[index].prompt), rows[index].prompt, index))
    return [order[start : start + size] for start in range(0, len(order), size)]


def run_fixed(
    decode: Decode,
    rows: Sequence[Row],
    wanted: Sequence[int],
    size: int,
    speak: Callable[[Row], Speech],
    *,
    abreast: int = 1,
) -> Iterator[Answer]:
    """Answer the rows with indices `wanted`, `abreast` batches of `size` at a time."""
    batches = longest_first(rows, range(len(rows)), size)
    keep = frozenset(wanted)
    needed = [batch for batch in batches if not keep.isdisjoint(batch)]
    abreast = min(abreast, len(needed))

    def answers(batch: Sequence[int]) -> list[Answer]:
        return _batch(decode, rows, batch, abreast, speak)

    done = one_thread_each(answers, needed, abreast) if abreast > 1 else map(answers, needed)
    for batch in done:
        yield from (answer for answer in batch if answer.index in keep)


def _batch(
    decode: Decode, rows: Sequence[Row], batch: Sequence[int], abreast: int, speak: Callable[[Row], Speech]
) -> list[Answer]:
    started = time.perf_counter()
    chosen = [rows[index] for index in batch]
    try:
        completions = decode(chosen)
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        completions = None
    if completions is None:  # outside the handler, whose traceback would keep the memory
        if len(batch) == 1:
            return [Answer(batch[0], None, 0.0)]
        half = len(batch) // 2
        return [
            answer for part in (batch[:half], batch[half:]) for answer in _batch(decode, rows, part, abreast, speak)
        ]
    # Batches that are computed side by side share the machine and therefore its time.
    seconds = (time.perf_counter() - started) / abreast
    work = [len(row.prompt) + completion.generated for row, completion in zip(chosen, completions, strict=True)]
    return [
        Answer(index, until_ended(row, completion, speak), seconds * tokens / sum(work))
        for index, row, completion, tokens in zip(batch, chosen, completions, work, strict=True)
    ]


def until_ended(row: Row, completion: Completion, speak: Callable[[Row], Speech]) -> Completion:
    """A completion, cut where its plan has ended."""
    if row.ended is None:
        return completion
    speech = speak(row)
    if any(speech.add(token) for token in completion.tokens) and (cut := speech.completion()).by_text:
        return cut
    return completion
