"""From a prompt to token ids: chat template, plain text, or raw.

A raw prompt, and any prompt for a model without a chat template, is tokenized as text, with the special tokens that
the tokenizer itself puts in front. Through a chat template the messages go as turns. Where the template refuses a
system turn, or drops it without a word, the system's text opens the first user turn instead, so that no model is
measured without its instructions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planbench.errors import CheckpointError
from planbench.models.hf_files import one_line
from planbench.records import Message, Prompt

_PROBE = "planbench-probe"


class PromptEncoder:
    """`encode(prompt)` for one tokenizer; `options` are handed to the chat template (`enable_thinking`)."""

    def __init__(self, tokenizer: Any, source: str, options: Mapping[str, bool] | None = None) -> None:
        self.tokenizer, self.options = tokenizer, dict(options or {})
        self.chat = bool(getattr(tokenizer, "chat_template", None))
        self.system_turns = False
        if not self.chat:
            return
        try:
            self._render((Message("user", _PROBE),))
        # A template is a program that came with the checkpoint: it can fail in any way.
        except Exception as error:
            raise CheckpointError(f"{source}: its chat template does not render ({one_line(error)})") from error
        try:
            self.system_turns = _PROBE in self._render((Message("system", _PROBE), Message("user", "?")))
        except Exception:  # as above; refusing a system turn is what many templates do on purpose
            self.system_turns = False

    def encode(self, prompt: Prompt) -> list[int]:
        """The token ids that the model is given."""
        if self.chat and not prompt.raw:
            messages = prompt.messages if self.system_turns else without_system(prompt.messages)
            return self._ids(self._render(messages), special=False)
        text = "".join(message.content for message in prompt.messages) if prompt.raw else prompt.text
        return self._ids(text, special=True)

    def after_reply(self) -> list[int]:
        """The token ids that the chat template writes behind an assistant's turn."""
        turns = (Message("user", "?"), Message("assistant", _PROBE), Message("user", "?"))
        try:
            text = self._render(turns)
        except Exception:  # as above; there are templates for one turn only
            return []
        return self._ids(text.partition(_PROBE)[2], special=False)

    def text_ids(self, text: str) -> list[int]:
        """The token ids of a text that stands behind a prompt: nothing is put in front of it."""
        return self._ids(text, special=False) if text else []

    def _render(self, messages: tuple[Message, ...]) -> str:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        # A prompt that ends in the assistant's own words is to be continued, not answered.
        continued = turns[-1]["role"] == "assistant"
        return self.tokenizer.apply_chat_template(
            turns,
            tokenize=False,
            add_generation_prompt=not continued,
            continue_final_message=continued,
            **self.options,
        )

    def _ids(self, text: str, *, special: bool) -> list[int]:
        # Half a surrogate pair is no text to a tokenizer, and would raise there.
        text = text.encode("utf-8", "replace").decode()
        ids = list(self.tokenizer(text, add_special_tokens=special)["input_ids"])
        end = self.tokenizer.eos_token_id
        # Some tokenizers close every text, made for training; a prompt is open at its end.
        if special and ids and ids[-1] == end and not text.endswith(str(self.tokenizer.eos_token)):
            ids.pop()
        if not ids and self.tokenizer.bos_token_id is not None:
            ids.append(self.tokenizer.bos_token_id)
        return ids


def stop_tokens(generation_config: Any, config: Any, tokenizer: Any) -> frozenset[int]:
    """Every token that ends a reply: of the generation config, of the config, and the tokenizer's own."""
    found: set[int] = set()
    for value in (
        getattr(generation_config, "eos_token_id", None),
        getattr(config.get_text_config(), "eos_token_id", None),
        tokenizer.eos_token_id,
    ):
        found.update(value if isinstance(value, list | tuple) else [] if value is None else [value])
    return frozenset(int(token) for token in found)


def without_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The same messages with the system's text moved to the front of the first user turn."""
    instructions = "\n\n".join(message.content for message in messages if message.role == "system")
    others = [message for message in messages if message.role != "system"]
    if not instructions:
        return tuple(others)
    if others and others[0].role == "user":
        return (Message("user", f"{instructions}\n\n{others[0].content}"), *others[1:])
    return (Message("user", instructions), *others)
