"""What fine-tuning reads: a trace as token ids with a weight.

For models of the compact style every use of a trace can draw new names for the objects of its task, as in their
training from scratch: prompt and reply are renamed together, word by word. A reply that is no plan is renamed like any
other; words that name no object of the vocabulary stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from planbench.errors import InputError
from planbench.prompts.compact import Scene
from planbench.prompts.compact_names import fresh_names, renaming
from planbench.records import Prompt
from planbench.records.trace import Trace

if TYPE_CHECKING:
    from planbench.models.completions import CompletionEncoder

Fresh = Callable[[Random], tuple[list[int], list[int]]]
"""One use of an example: token ids of the prompt and of the completion."""


@dataclass(frozen=True, slots=True)
class TrainExample:
    """Token ids of a prompt and of its completion, stop token included where the reply ended by itself.

    `weight` is the whole trace's, `behaviour` the log-probability, in nats, that the model which sampled it gave it,
    where that is known. `task_hash` says which examples are of one task, for the validation split. `fresh`, where there
    is one, draws the ids anew for every use of the example in training; validation uses those that stand here.
    """

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    weight: float
    task_hash: str
    fresh: Fresh | None = None
    behaviour: float | None = None


def train_example(
    encoder: CompletionEncoder,
    prompt: Prompt,
    trace: Trace,
    weight: float,
    scene: Scene | None = None,
    behaviour: float | None = None,
) -> TrainExample:
    """A trace as an example. `scene` is its task, for the compact style alone: given, its objects are named anew at
    every use. Raises InputError for a tokenizer that takes the compact style apart in another way than word by word.
    """
    encoded = encoder.encode(prompt, trace.reply, trace.finish)
    fresh = None
    if scene is not None:
        text = "".join(message.content for message in prompt.messages)
        end = encoded.completion[len(encoded.completion) - (trace.finish == "stop") :]
        fresh = _Renamed(encoder, scene, text.split(), trace.reply.split(), end)
        if fresh.ids({}) != (list(encoded.prompt), list(encoded.completion)):
            raise InputError("objects can only be renamed for a model with one token a word; turn the renaming off")
    return TrainExample(encoded.prompt, encoded.completion, weight, trace.task_hash, fresh, behaviour)


@dataclass(frozen=True, slots=True)
class _Renamed:
    """`Fresh` for the compact style. `end` are the ids behind the reply, at most a stop token."""

    encoder: CompletionEncoder
    scene: Scene
    prompt: list[str]
    reply: list[str]
    end: tuple[int, ...]

    def ids(self, words: Mapping[str, str]) -> tuple[list[int], list[int]]:
        prompt, reply = ([words.get(word, word) for word in text] for text in (self.prompt, self.reply))
        return self.encoder.word_ids(prompt), [*self.encoder.word_ids(reply), *self.end]

    def __call__(self, rng: Random) -> tuple[list[int], list[int]]:
        return self.ids(renaming(self.scene, fresh_names(self.scene, rng)))
