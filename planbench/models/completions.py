"""From a prompt and the reply to it back to token ids: what fine-tuning reads.

    prompt       exactly the ids that the model is given for the prompt, template and opened reasoning included
    completion   the ids of the reply, all of it, and a stop token if the reply ended by itself

The loss is on the completion alone. A reply that a limit cut off has no stop token: that would teach to stop there.

A run folder keeps replies as text, so the ids are those that the tokenizer gives the text. A model may have written
the same text in another way (`pick` + `-up` for `pick-up`); training on the tokenizer's own way is what the text says.

Which stop token, where a model has several: for a chat prompt the one that the chat template writes behind an
assistant's turn; else the tokenizer's end-of-sequence token; else the smallest. Any of them ends a reply, but only one
of them is what the model was taught to end this kind of text with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from planbench.errors import CheckpointError
from planbench.models.catalog import LoadOptions
from planbench.models.hf_load import load_texts
from planbench.models.hf_prompt import PromptEncoder, stop_tokens
from planbench.models.thinking import opened, written
from planbench.records import FinishReason, Prompt


@dataclass(frozen=True, slots=True)
class EncodedReply:
    """Token ids of a prompt and of the completion that is learned."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]


class CompletionEncoder:
    """`encode(prompt, reply, finish)` for one checkpoint; `source` is its name in messages, `template` the options of
    the chat template, which must be those that it was sampled with."""

    def __init__(
        self, tokenizer: Any, stop: frozenset[int], source: str, template: Mapping[str, bool] | None = None
    ) -> None:
        self.tokenizer = tokenizer
        self._encoder = PromptEncoder(tokenizer, source, template)
        self._stop, self._source = stop | self._encoder.turn_end(), source
        self._prompts: dict[Prompt, tuple[tuple[int, ...], str]] = {}
        self._chat_stop: int | None = None

    @classmethod
    def load(
        cls, folder: Path, template: Mapping[str, bool] | None = None, *, trust_remote_code: bool = False
    ) -> CompletionEncoder:
        """For the checkpoint in `folder`, without loading its weights."""
        tokenizer, config, generation = load_texts(folder, LoadOptions(trust_remote_code=trust_remote_code))
        return cls(tokenizer, stop_tokens(generation, config, tokenizer), str(folder), template)

    def encode(self, prompt: Prompt, reply: str, finish: FinishReason) -> EncodedReply:
        """Raises CheckpointError where the reply ended by itself and the checkpoint says no token that ends one."""
        if (known := self._prompts.get(prompt)) is None:
            ids = tuple(self._encoder.encode(prompt))
            known = self._prompts[prompt] = ids, opened(self._encoder.decoded, ids)
        ids, tag = known
        end = (self.stop_token(prompt),) if finish == "stop" else ()
        return EncodedReply(ids, (*self._encoder.text_ids(written(reply, tag)), *end))

    def word_ids(self, words: Iterable[str]) -> list[int]:
        """The ids of words for a tokenizer with one token a word; any other word is its unknown token."""
        unknown: int = self.tokenizer.unk_token_id
        return [self._vocabulary.get(word, unknown) for word in words]

    @cached_property
    def _vocabulary(self) -> dict[str, int]:
        return dict(self.tokenizer.get_vocab())

    def stop_token(self, prompt: Prompt) -> int:
        """The token that ends a reply to `prompt`."""
        if not self._stop:
            raise CheckpointError(
                f"{self._source}: no token that ends a reply; add eos_token_id to its generation_config.json"
            )
        if self._encoder.chat and not prompt.raw:
            if self._chat_stop is None:
                written = (token for token in self._encoder.after_reply() if token in self._stop)
                self._chat_stop = next(written, self._plain_stop())
            return self._chat_stop
        return self._plain_stop()

    def _plain_stop(self) -> int:
        own = self.tokenizer.eos_token_id
        return own if own in self._stop else min(self._stop)
