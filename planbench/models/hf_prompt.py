"""From a prompt to token ids: chat template, plain text, or raw.

A raw prompt, and any prompt for a model without a chat template, is tokenized as text, with the special tokens that
the tokenizer itself puts in front. Through a chat template the messages go as turns. Where the template refuses a
system turn, or drops it without a word, the system's text opens the first user turn instead, so that no model is
measured without its instructions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from planbench.errors import CheckpointError, InputError
from planbench.models.hf_bounds import LONGEST, Overrun, bounded, check_template
from planbench.models.hf_files import one_line, refusing
from planbench.records import Message, Prompt

_PROBE = "planbench-probe"


THINKING = {"yes": True, "no": False}


def template_options(args: Mapping[str, str]) -> dict[str, bool]:
    """What `--model-arg thinking=` hands to the chat template. Raises InputError for any word but yes and no."""
    thinking = args.get("thinking", "")
    if thinking and thinking not in THINKING:
        raise InputError(f"--model-arg thinking={thinking}: type yes or no")
    return {"enable_thinking": THINKING[thinking]} if thinking else {}


class PromptEncoder:
    """`encode(prompt)` for one tokenizer; `options` are handed to the chat template (`enable_thinking`)."""

    def __init__(self, tokenizer: Any, source: str, options: Mapping[str, bool] | None = None) -> None:
        self.tokenizer, self.source, self.options = tokenizer, source, dict(options or {})
        self.chat = bool(getattr(tokenizer, "chat_template", None))
        self.system_turns = False
        self._ids(_PROBE, special=True)  # a damaged tokenizer may load and fail at its first text
        if not self.chat:
            if self.options:
                raise InputError(f"--model-arg thinking=: {source} has no chat template that could switch it")
            return
        try:
            for text in _texts(tokenizer.chat_template):
                check_template(text)
            self._render((Message("user", _PROBE),), first=True)
        # A template is a program that came with the checkpoint: it can fail in any way.
        except Exception as error:
            raise CheckpointError(f"{source}: its chat template does not render ({one_line(error)})") from error
        try:
            self.system_turns = _PROBE in self._render((Message("system", _PROBE), Message("user", "?")), True)
        except Exception:  # as above; refusing a system turn is what many templates do on purpose
            self.system_turns = False

    def encode(self, prompt: Prompt) -> list[int]:
        """The token ids that the model is given. Raises CheckpointError where the chat template takes too much."""
        text, special = self._text(prompt)
        return self._ids(text, special=special)

    def rendered(self, prompt: Prompt) -> str:
        """The very text that is tokenized, behind the special tokens that the tokenizer puts in front of it."""
        text, special = self._text(prompt)
        if not special:
            return text
        with_front, without = self._ids(text, special=True), self._ids(text, special=False)
        front = with_front[: len(with_front) - len(without)]
        return self.tokenizer.decode(front, skip_special_tokens=False) + text if front else text

    def _text(self, prompt: Prompt) -> tuple[str, bool]:
        """What is tokenized, and whether the tokenizer adds its special tokens."""
        if self.chat and not prompt.raw:
            messages = prompt.messages if self.system_turns else without_system(prompt.messages)
            try:
                text = self._render(messages)
            # As below: a template can fail on one prompt and not on another.
            except Exception as error:
                raise CheckpointError(
                    f"{self.source}: its chat template does not render this prompt ({one_line(error)})"
                ) from error
            return _plain(text), False
        text = "".join(message.content for message in prompt.messages) if prompt.raw else prompt.text
        return _plain(text), True

    @property
    def template_hash(self) -> str | None:
        """16 hexadecimal digits over the chat template, None where there is none."""
        if not self.chat:
            return None
        digest = blake2b(digest_size=8)
        for text in _texts(self.tokenizer.chat_template):
            digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
        return digest.hexdigest()

    def turn_end(self) -> frozenset[int]:
        """The special token that the chat template writes behind an assistant's turn: a model that was trained on the
        template ends its replies with it, whether or not the checkpoint says so."""
        if not self.chat:
            return frozenset()
        known = self.tokenizer.added_tokens_decoder
        first = self.after_reply()[:1]
        return frozenset(token for token in first if token in known and known[token].special)

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

    def decoded(self, ids: Sequence[int]) -> str:
        """The text of token ids, special tokens included."""
        with refusing(self.source, "its tokenizer cannot be used"):
            return self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)

    def _render(self, messages: tuple[Message, ...], first: bool = False) -> str:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        # A prompt that ends in the assistant's own words is to be continued, not answered.
        continued = turns[-1]["role"] == "assistant"
        with bounded(first):
            text: str = self.tokenizer.apply_chat_template(
                turns,
                tokenize=False,
                add_generation_prompt=not continued,
                continue_final_message=continued,
                **self.options,
            )
        if len(text) > LONGEST:
            raise Overrun(f"it writes more than {LONGEST:,} characters")
        return text

    def _ids(self, text: str, *, special: bool) -> list[int]:
        text = _plain(text)
        with refusing(self.source, "its tokenizer cannot be used"):
            ids = list(self.tokenizer(text, add_special_tokens=special)["input_ids"])
        end = self.tokenizer.eos_token_id
        # Some tokenizers close every text, made for training; a prompt is open at its end.
        if special and ids and ids[-1] == end and not text.endswith(str(self.tokenizer.eos_token)):
            ids.pop()
        if not ids and self.tokenizer.bos_token_id is not None:
            ids.append(self.tokenizer.bos_token_id)
        return ids


def _plain(text: str) -> str:
    """Half a surrogate pair is no text to a tokenizer, and would raise there."""
    return text.encode("utf-8", "replace").decode()


def _texts(template: str | Mapping[str, str]) -> list[str]:
    """The chat template, or each of several."""
    return [template] if isinstance(template, str) else [template[name] for name in sorted(template)]


def stop_tokens(generation_config: Any, config: Any, tokenizer: Any) -> frozenset[int]:
    """Every token that ends a reply: of the generation config, of the config, and the tokenizer's own."""
    found: list[Any] = []
    for value in (
        getattr(generation_config, "eos_token_id", None),
        getattr(config.get_text_config(), "eos_token_id", None),
        tokenizer.eos_token_id,
    ):
        found += value if isinstance(value, list | tuple) else [] if value is None else [value]
    if not all(isinstance(token, int) and not isinstance(token, bool) for token in found):
        where = getattr(tokenizer, "name_or_path", "the checkpoint")
        raise CheckpointError(f"{where}: its eos_token_id is no number of a token; correct generation_config.json")
    return frozenset(token for token in found if token >= 0)


def without_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The same messages with the system's text moved to the front of the first user turn."""
    instructions = "\n\n".join(message.content for message in messages if message.role == "system")
    others = [message for message in messages if message.role != "system"]
    if not instructions:
        return tuple(others)
    if others and others[0].role == "user":
        return (Message("user", f"{instructions}\n\n{others[0].content}"), *others[1:])
    return (Message("user", instructions), *others)
