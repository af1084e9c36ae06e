"""One protocol for whatever answers a prompt."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from planbench.errors import InputError
from planbench.records import Reply, Request, SamplingSettings


class Model(Protocol):
    """Whatever answers a prompt.

    `name` is what tables show; `fingerprint` changes whenever the same request could be answered differently (weights,
    tokenizer, template, dtype, engine). `prompt_style` is the style that the model was trained on, None where any will
    do. `max_context` is in tokens, None where unbounded. `default_max_tokens` is the reply length that the model asks
    for when the user names none, None where it has no opinion.
    """

    name: str
    fingerprint: str
    prompt_style: str | None
    max_context: int | None
    default_max_tokens: int | None

    def describe(self) -> dict[str, str | int | float | bool | None]:
        """What run.json keeps of the model: kind, parameters, dtype, where it came from."""
        ...

    def replies(
        self, requests: Sequence[Request], done: Collection[int], settings: SamplingSettings
    ) -> Iterator[tuple[int, Reply]]:
        """Yield `(position in requests, reply)`, in any order, once for each position that is not in `done`.

        A reply depends on `requests` and `settings` alone, never on `done`, so that an interrupted run goes on to the
        same samples. An engine whose arithmetic depends on the composition of a batch either forms its batches from all
        of `requests`, or sees to it that a row's logits are the same bits in any company; where it can do neither
        (planbench.models.continuous says where), what differs is rounding, and only a choice between two tokens that
        are as good as equal can turn out differently.
        """
        ...


def refuse_thinking(name: str, settings: SamplingSettings) -> None:
    """For models whose replies no budget for reasoning changes."""
    if settings.max_thinking_tokens is not None:
        raise InputError(f"--max-thinking-tokens: {name} does not reason before it answers; leave it out")
