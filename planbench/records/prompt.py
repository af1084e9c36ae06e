"""A prompt: what a model is given for one task, before any chat template."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Literal


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Prompt:
    """Messages in a style. With `raw`, the contents are joined and given to the model as they are, never wrapped in a
    chat template: the way of models trained on bare text, as our own."""

    style: str
    messages: tuple[Message, ...]
    raw: bool = False

    @property
    def text(self) -> str:
        """The messages as plain text, for models without a chat template."""
        return "\n\n".join(message.content for message in self.messages)

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits over style, roles and contents."""
        digest = blake2b(self.style.encode(), digest_size=8)
        for message in self.messages:
            digest.update(f"\0{message.role}\0".encode())
            digest.update(message.content.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()
