"""Continuous batching: rows join a running batch as soon as there is room and leave it as soon as they have ended.

Prompts are read in packs of a few hundred tokens, longest first, each behind the common beginning of its group
(`planbench.models.prefixes`), which is read once. All samples of a prompt start from one reading of it. A step adds a
token to every row that is there. Each row stands in a slot of a store of keys and values
(`planbench.models.shared_attention`), eight to a store; the last row moves into the slot of one that left.

What a row says does not hang on its company, for two reasons. Beginnings are shared among all the prompts of a run,
whichever of them are still wanted; and a row's logits are the same bits beside any others (`planbench.models.passes`).
So an interrupted run goes on to the same samples, and recomputes nothing but the rows that were in flight. Where
products of matrices do hang on the company (a mixture of experts, whose experts see few rows each; accelerators), it is
rounding that differs, and only a choice between two tokens that are as good as equal can differ with it.

Where memory runs out, the rows in flight go back to the queue and the batch is half as large from then on. A row that
does not fit alone is given up, and the run goes on as before it.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from planbench.models.decode import NEAR, NO_TOKEN, Completion, Row, draws, sampled
from planbench.models.passes import ROWS, Passes, up
from planbench.models.prefixes import Group, Tokens, shared_prefixes
from planbench.models.shared_attention import COLUMNS, Prefix, Store
from planbench.models.speech import Speech

_PACK = 512
"""Tokens of prompts that are read together: enough to keep a processor busy."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a row: `completion` None where it does not fit into memory. `seconds` is its share."""

    index: int
    completion: Completion | None
    seconds: float


@dataclass
class _Read:
    """A prompt that has been read, and the rows that wait to start from it."""

    group: int
    store: Store
    place: int
    tokens: int
    logits: Tensor
    waiting: deque[int]
    seconds: float


@dataclass
class _Active:
    """A row in its slot: `own` tokens of it are in the store, `last` is the one that goes in next."""

    index: int
    group: int
    own: int
    last: int
    speech: Speech
    uniform: list[float]
    seconds: float


@dataclass
class Counts:
    """What a run of the engine did. `batch` is the largest number of rows at a time, after any halving."""

    steps: int = 0
    read: int = 0
    said: int = 0
    forward_seconds: float = 0.0
    seconds: float = 0.0
    halvings: int = 0
    batch: int = 0


class Engine:
    """A causal LM of transformers in evaluation mode, of those that `planbench.models.passes.supports`."""

    def __init__(self, model: Any, stop: frozenset[int]) -> None:
        self.passes, self.stop, self.counts = Passes(model), stop, Counts()

    def run(
        self,
        rows: Sequence[Row],
        wanted: Sequence[int],
        most: int,
        *,
        temperature: float = 0.0,
        top_p: float = 1.0,
        speak: Callable[[Row], Speech] | None = None,
    ) -> Iterator[Answer]:
        """Answer the rows with indices `wanted`, in any order, up to `most` at a time."""
        return _Run(self, rows, wanted, most, temperature, top_p, speak or (lambda row: Speech(row, self.stop))).all()


class _Run:
    """One call of `Engine.run`."""

    def __init__(
        self,
        engine: Engine,
        rows: Sequence[Row],
        wanted: Sequence[int],
        most: int,
        temperature: float,
        top_p: float,
        speak: Callable[[Row], Speech],
    ) -> None:
        self.engine, self.passes, self.rows, self.speak = engine, engine.passes, rows, speak
        self.most = max(1, most)
        self.temperature, self.top_p = temperature, top_p
        self.groups = shared_prefixes(row.prompt for row in rows)
        self.queue = _queue(self.groups, rows, wanted)
        self.prefixes: dict[int, Prefix] = {}
        self.ready: deque[_Read] = deque()
        self.active: list[_Active] = []
        self.stores: list[Store] = []
        self.done: list[Answer] = []
        self.failed: tuple[int, ...] = ()
        self.before: dict[int, int] = {}

    def all(self) -> Iterator[Answer]:
        counts = self.engine.counts = Counts(batch=self.most)
        self.passes.seconds = 0.0
        while self.queue or self.ready or self.active:
            started = time.perf_counter()
            try:
                with self.passes.attached():
                    self._fill()
                    if self.active:
                        self._step()
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
                self._back_off()
            counts.seconds += time.perf_counter() - started
            counts.forward_seconds = self.passes.seconds
            yield from self.done
            self.done.clear()

    def _fill(self) -> None:
        """Let waiting rows join, and read prompts where none waits."""
        while len(self.active) < self.most:
            if not self.ready:
                if not self.queue:
                    return
                self._read_pack()
            first = self.ready[0]
            count = min(len(first.waiting), self.most - len(self.active))
            joining = [self._start(first, first.waiting[number]) for number in range(count)]
            chosen = self._choose(first.logits.expand(count, -1), joining)
            for row, token in zip(joining, chosen, strict=True):
                row.seconds = first.seconds
                if not self._says(row, token):
                    self._settle(len(self.active), row, first.store, first.place)
                    self.active.append(row)
                first.waiting.popleft()  # last: had memory run out before, the row would wait still
            if not first.waiting:
                self.ready.popleft()

    def _settle(self, slot: int, row: _Active, source: Store, place: int) -> None:
        """Put a row that stands in a place of `source` into a slot."""
        number, at = divmod(slot, ROWS)
        if number == len(self.stores):
            self.stores.append(Store(ROWS, up(row.own + 1, COLUMNS)))
        self.stores[number].grow(up(row.own, COLUMNS))
        self.stores[number].copy(at, source, place, row.own)

    def _start(self, read: _Read, index: int) -> _Active:
        row = self.rows[index]
        uniform = draws(row.seed, row.limit).tolist() if self.temperature > 0 else []
        return _Active(index, read.group, read.tokens, 0, self.speak(row), uniform, 0.0)

    def _read_pack(self) -> None:
        started = time.perf_counter()
        group = self.queue[0][0]
        prefix = self._prefix(group)
        pack = [self.queue[0]]
        width = max(ROWS, len(pack[0][1]) - prefix.tokens)
        for other in islice(self.queue, 1, self.most):
            # As many columns as its own length asks for: how a long sum is cut up hangs on its length.
            same = up(len(other[1]) - prefix.tokens, COLUMNS) == up(width, COLUMNS)
            if other[0] != group or not same or (len(pack) + 1) * width > _PACK:
                break
            pack.append(other)
        own = [prompt[prefix.tokens :] for _, prompt, _ in pack]
        store, logits = self.passes.read(prefix, own)
        self.engine.counts.read += sum(map(len, own))
        seconds = (time.perf_counter() - started) / sum(len(waiting) for _, _, waiting in pack)
        for place, (_, _, waiting) in enumerate(pack):
            self.queue.popleft()
            self.ready.append(
                _Read(group, store, place, len(own[place]), logits[place : place + 1], deque(waiting), seconds)
            )

    def _prefix(self, group: int) -> Prefix:
        """The prefix of a group, read when it is first asked for and forgotten when no row has it any more."""
        if group not in self.prefixes:
            used = {row.group for row in self.active}
            self.prefixes = {number: prefix for number, prefix in self.prefixes.items() if number in used}
            tokens = self.groups[group].prefix
            if tokens:
                store, _ = self.passes.read(Prefix(0), [tokens])
                keys = [states[0, :, : len(tokens)].contiguous() for states in store.keys]
                values = [states[0, :, : len(tokens)].contiguous() for states in store.values]
                self.prefixes[group] = Prefix(len(tokens), keys, values)
                self.engine.counts.read += len(tokens)
            else:
                self.prefixes[group] = Prefix(0)
        return self.prefixes[group]

    def _step(self) -> None:
        started = time.perf_counter()
        active, spare = self.active, -len(self.active) % ROWS
        start = [*(row.own for row in active), *[0] * spare]
        last = [*(row.last for row in active), *[0] * spare]
        logits = self.passes.step(self.stores, self._placed(spare), start, last)[: len(active)]
        chosen = self._choose(logits, active)
        self.engine.counts.steps += 1
        share = (time.perf_counter() - started) / len(active)
        left: list[int] = []
        for slot, (row, token) in enumerate(zip(active, chosen, strict=True)):
            row.own += 1
            row.seconds += share
            if self._says(row, token):
                left.append(slot)
        for slot in reversed(left):
            if not active[slot].speech.finite:  # what it leaves behind is hidden, but nothing times NaN is NaN
                number, place = divmod(slot, ROWS)
                self.stores[number].clear(place)
            last = len(active) - 1
            if slot < last:
                number, place = divmod(last, ROWS)
                self._settle(slot, active[last], self.stores[number], place)
                active[slot] = active[last]
            active.pop()  # last: had memory run out before, the row would be there still
        del self.stores[up(len(active), ROWS) // ROWS :]

    def _placed(self, spare: int) -> list[tuple[Prefix, Tensor | None]]:
        """The prefixes of the rows that are there. Rows of filling have that of the first group."""
        numbers = [row.group for row in self.active]
        there = sorted(set(numbers))
        if len(there) == 1:
            return [(self.prefixes[there[0]], None)]
        numbers += [there[0]] * spare
        placed: list[tuple[Prefix, Tensor | None]] = []
        for group in there:
            at = [place for place, own in enumerate(numbers) if own == group]
            at += at[:1] * (-len(at) % ROWS)  # a row again and again, as filling
            placed.append((self.prefixes[group], torch.tensor(at, device=self.passes.model.device)))
        return placed

    def _choose(self, logits: Tensor, rows: Sequence[_Active]) -> list[int]:
        if self.temperature > 0:
            uniform = torch.tensor([row.uniform[len(row.speech.tokens)] for row in rows])
            chosen = sampled(logits, uniform, self.temperature, self.top_p).tolist()
        else:
            best, tokens = logits.max(-1)
            near = ((logits > best[:, None] - NEAR).sum(-1) > 1).tolist()
            chosen = tokens.masked_fill(~best.isfinite(), NO_TOKEN).tolist()
            for row, close in zip(rows, near, strict=True):
                row.speech.near_ties += close
        return [
            token if row.speech.forced is None else row.speech.forced for row, token in zip(rows, chosen, strict=True)
        ]

    def _says(self, row: _Active, token: int) -> bool:
        """Whether the row has ended with this token."""
        row.last = token
        self.engine.counts.said += 1
        if row.speech.add(token):
            self.failed = ()
            self.done.append(Answer(row.index, row.speech.completion(), row.seconds))
            return True
        return False

    def _back_off(self) -> None:
        """Put the rows in flight back, and go on with half as many. A row that fails alone twice running is given up,
        with all samples of its prompt where that cannot be read, and as many as before it failed go on."""
        reading = not (self.ready or self.active)
        back: dict[tuple[int, Tokens], list[int]] = {}
        ended = {answer.index for answer in self.done}
        for row in self.active:  # first, to be tried again first
            back.setdefault((row.group, self.rows[row.index].prompt), []).append(row.index)
        for read in self.ready:
            for index in read.waiting:
                back.setdefault((read.group, self.rows[index].prompt), []).append(index)
        self.ready.clear()
        self.active.clear()
        self.prefixes.clear()
        self.stores.clear()
        gc.collect()
        if self.passes.model.device.type == "cuda":
            torch.cuda.empty_cache()
        for (group, prompt), indices in reversed(back.items()):
            if left := [index for index in dict.fromkeys(indices) if index not in ended]:
                self.queue.appendleft((group, prompt, left))
        self.engine.counts.halvings += 1
        flight = list(islice((index for _, _, indices in self.queue for index in indices), self.most))
        for index in flight:
            self.before.setdefault(index, self.most)
        alone = () if self.most > 1 or not flight else tuple(self.queue[0][2]) if reading else (flight[0],)
        if alone and alone == self.failed:
            group, prompt, indices = self.queue.popleft()
            if left := indices[len(alone) :]:
                self.queue.appendleft((group, prompt, left))
            self.done.extend(Answer(index, None, 0.0) for index in alone)
            self.most, self.failed = self.before[alone[0]], ()
            self.before.clear()
        else:
            self.most, self.failed = max(1, self.most // 2), alone
        self.engine.counts.batch = self.most


def _queue(groups: Sequence[Group], rows: Sequence[Row], wanted: Sequence[int]) -> deque[tuple[int, Tokens, list[int]]]:
    """Group, prompt and rows of each prompt that is wanted: group by group, the longest first."""
    of: dict[Tokens, list[int]] = {}
    for index in wanted:
        of.setdefault(rows[index].prompt, []).append(index)
    queue: deque[tuple[int, Tokens, list[int]]] = deque()
    for number, group in enumerate(groups):
        for prompt in sorted(group.prompts, key=len, reverse=True):
            if prompt in of:
                queue.append((number, prompt, of[prompt]))
    return queue


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whatever device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return any(said in str(error).lower() for said in ("can't allocate memory", "not enough memory", "out of memory"))
