"""All requests of a run, made when they are looked at: a million of them take no more memory than their tasks.

Task by task, the samples of a task one after the other. A request has a key and a seed that depend on nothing else in
the run, so that it is the same whoever draws it, and in whatever company.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import overload

from planbench.preparation import Prepared
from planbench.prompts.styles import Shot, build_prompt, end_of
from planbench.records import Prompt, Request, SamplingSettings
from planbench.records.sample import Sample


class Requests(Sequence[Request]):
    """The requests for some tasks, by position."""

    def __init__(
        self, prepared: Sequence[Prepared], style: str, shots: Mapping[str, Sequence[Shot]], settings: SamplingSettings
    ) -> None:
        self._settings = settings
        self._tasks = [(one, prompt_of(one, style, shots.get(one.task.domain, ()))) for one in prepared]
        self._places = {one.task.hash: place for place, one in enumerate(prepared)}

    def __len__(self) -> int:
        return len(self._tasks) * self._settings.samples

    @overload
    def __getitem__(self, position: int) -> Request: ...
    @overload
    def __getitem__(self, position: slice) -> Sequence[Request]: ...
    def __getitem__(self, position: int | slice) -> Request | Sequence[Request]:
        if isinstance(position, slice):
            return [self[one] for one in range(*position.indices(len(self)))]
        if not -len(self) <= position < len(self):
            raise IndexError(position)
        place, index = divmod(position % len(self), self._settings.samples)
        return request_of(*self._tasks[place], index, self._settings)

    def task(self, position: int) -> Prepared:
        """The task that a request is about."""
        return self._tasks[position // self._settings.samples][0]

    def position(self, sample: Sample) -> int | None:
        """Which request a sample answers; None where it answers none of these."""
        place = self._places.get(sample.task_hash)
        if place is None or not 0 <= sample.index < self._settings.samples:
            return None
        one, prompt = self._tasks[place]
        if sample.key != key_of(one, prompt, sample.index):
            return None
        return place * self._settings.samples + sample.index

    def share(self, rank: int, of: int) -> Requests:
        """Those of every `of`-th task from number `rank` on: what one process of several draws. Tasks mostly lie in
        order of length, so each share has short ones and long ones."""
        share = Requests((), "", {}, self._settings)
        share._tasks = self._tasks[rank::of]
        share._places = {one.task.hash: place for place, (one, _) in enumerate(share._tasks)}
        return share

    def shortest_prompts(self) -> dict[str, Prompt]:
        """Of each domain."""
        shortest: dict[str, Prompt] = {}
        for one, prompt in self._tasks:
            there = shortest.setdefault(one.task.domain, prompt)
            if len(prompt.text) < len(there.text):
                shortest[one.task.domain] = prompt
        return shortest


def requests_of(one: Prepared, style: str, shots: Sequence[Shot], settings: SamplingSettings) -> list[Request]:
    """The requests of one task: one a sample."""
    prompt = prompt_of(one, style, shots)
    return [request_of(one, prompt, index, settings) for index in range(settings.samples)]


def prompt_of(one: Prepared, style: str, shots: Sequence[Shot]) -> Prompt:
    return build_prompt(style, one.compiled, one.task.domain_pddl, one.task.problem_pddl, one.wording, shots)


def request_of(one: Prepared, prompt: Prompt, index: int, settings: SamplingSettings) -> Request:
    key = key_of(one, prompt, index)
    digest = blake2b(f"{settings.seed}-{key}".encode(), digest_size=8).digest()
    seed = int.from_bytes(digest) >> 1
    return Request(key, prompt, one.compiled, one.task.hash, index, seed, one.policy, end_of(prompt.style))


def key_of(one: Prepared, prompt: Prompt, index: int) -> str:
    return f"{one.task.hash}-{prompt.hash}-{index}"
