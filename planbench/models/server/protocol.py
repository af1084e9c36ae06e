"""A request as JSON, a reply out of JSON.

The chat protocol takes messages, and the server renders them with the model's template; the text protocol takes the
text as it stands. A raw prompt, which must not be wrapped in a template, always goes by the text protocol.

What a model reasoned before it answered comes in a field of its own from servers that tell the two apart. It is put
in front of the answer, between <think> and </think>, which is how a reply in process has it: the reader of plans leaves
it out, and the trace has all that was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from planbench.models.server.faults import Fault, message_of
from planbench.records import FinishReason, Prompt, SamplingSettings

Api = Literal["chat", "completions"]
Body = dict[str, Any]

PATHS: dict[Api, str] = {"chat": "/chat/completions", "completions": "/completions"}
SAMPLED = frozenset({"temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stream"})
"""Fields that say how a reply is drawn."""

_REASONING = ("reasoning_content", "reasoning", "thinking")
_CUT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
_BROKEN = frozenset({"abort", "aborted", "error", "failed", "cancelled", "load", "unload"})
_SEED = 2**31
"""Seeds are sent below this: some servers keep them in 32 bits, with a sign."""
_TAG = re.compile(r"[<\[◁]\s?[/|]|assistantfinal|<unused", re.IGNORECASE)
"""What the end of reasoning looks like, in any model's way."""
_REFUSED = r"(?:un(?:supported|known|recogni[sz]ed|expected)|extra|invalid|forbidden|not (?:supported|allowed))"
_NO_SEED = re.compile(rf"\b{_REFUSED}\b[^.]{{0,60}}\bseed\b|\bseed\b[^.]{{0,60}}\b{_REFUSED}\b", re.IGNORECASE)
"""A server that takes no seed says so in some such words; a text about seeds does not."""
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass
class Dialect:
    """What a server turned out to want otherwise. `extra` are fields of the user's; one of None is left out.
    `nullable`: a limit of null is taken for as much as fits."""

    api: Api = "chat"
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    limit: str = "max_tokens"
    seeded: bool = True
    nullable: bool = True

    def api_of(self, prompt: Prompt) -> Api:
        return "completions" if prompt.raw else self.api

    def body(self, model: str, prompt: Prompt, seed: int, settings: SamplingSettings, *, limited: bool = True) -> Body:
        """What is sent. Everything that decides a reply is said, as servers have defaults of their own."""
        body: Body = {"model": model}
        if self.api_of(prompt) == "chat":
            body["messages"] = [{"role": one.role, "content": _sendable(one.content)} for one in prompt.messages]
            limit = self.limit
        else:
            text = "".join(one.content for one in prompt.messages) if prompt.raw else prompt.text
            body["prompt"] = _sendable(text)
            limit = "max_tokens"
        body |= {"temperature": settings.temperature, "top_p": settings.top_p, "stream": False}
        if limited:
            body[limit] = settings.max_tokens
        if self.seeded:
            body["seed"] = seed % _SEED
        body |= self.extra
        body = {key: value for key, value in body.items() if value is not None}
        if not limited and self.nullable and "prompt" in body and "max_tokens" not in self.extra:
            body["max_tokens"] = None  # all the room there is; left out, it would be 16
        return body

    def adapt(self, sent: Body, reason: str) -> bool:
        """Whether a request that was rejected is worth sending again, said otherwise. Only what leaves the sampling
        as it was is changed."""
        if "max_completion_tokens" in reason and "max_tokens" in sent and "messages" in sent:
            self.limit = "max_completion_tokens"
            return "max_tokens" not in self.extra
        if "max_tokens" in reason and sent.get("max_tokens", 0) is None:
            self.nullable = False
            return True
        if _NO_SEED.search(reason) and "seed" in sent and "seed" not in self.extra:
            self.seeded = False
            return True
        return False


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply as the server gave it. `model` is what the server calls itself, empty where it does not say."""

    text: str
    finish: FinishReason
    prompt_tokens: int | None
    completion_tokens: int | None
    model: str


def read_answer(data: Any, api: Api, max_tokens: int) -> Answer:
    """The reply in a response. Raises Fault where there is none."""
    if not isinstance(data, dict):
        raise Fault("trouble", "the answer is JSON, but no object")
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        said = message_of(data) if data.get("error") else ""
        raise Fault("trouble", f"the answer has no choices in it{f': {said}' if said else ''}")
    usage = data.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    written = _count(usage.get("completion_tokens"))
    why = choice.get("finish_reason")
    why = why if isinstance(why, str) else ""
    if why in _BROKEN or choice.get("error"):
        said = message_of(choice) if choice.get("error") else f"finish reason {why}"
        raise Fault("trouble", f"the server broke the reply off: {said}")
    text, thought = _chat_text(choice) if api == "chat" else (_string(choice.get("text")), "")
    if text is None:
        raise Fault("trouble", "the answer has no text in it")
    cut = why in _CUT or (not why and written is not None and written >= max_tokens)
    if thought:
        text = _with_reasoning(thought, text, cut)
    model = data.get("model")
    return Answer(
        _SURROGATE.sub("\ufffd", text),
        "length" if cut else "stop",
        _count(usage.get("prompt_tokens")),
        written,
        model if isinstance(model, str) else "",
    )


def _with_reasoning(thought: str, text: str, cut: bool) -> str:
    """Reasoning and answer as one text."""
    if _TAG.search(thought):
        # Tags in the reasoning could end it too soon; all before a closing tag that closes nothing is reasoning.
        return f"<think>\n{thought}\n</think>\n</think>\n\n{text}"
    if cut and not text.strip():
        # A model cut off while it thinks has given no answer; the tag left open says so.
        return f"<think>\n{thought}"
    return f"<think>\n{thought}\n</think>\n\n{text}"


def _chat_text(choice: Mapping[str, Any]) -> tuple[str | None, str]:
    """Answer and reasoning of a chat choice; the first is None where there is no message."""
    message = choice.get("message")
    if not isinstance(message, dict):
        return None, ""
    thought = next((value for name in _REASONING if isinstance(value := message.get(name), str) and value), "")
    content = message.get("content")
    if isinstance(content, list):
        text, parts = _parts(content)
        return text, thought or parts
    if content is None:
        # A refusal is an answer; so is nothing at all, from a model that only thought or called a tool.
        return _string(message.get("refusal")) or "", thought
    return _string(content), thought


def _parts(content: list[Any]) -> tuple[str, str]:
    """Text and reasoning of a content in parts."""
    said: list[str] = []
    thought: list[str] = []
    for part in content:
        if not isinstance(part, dict):
            continue
        if isinstance(part.get("text"), str):
            said.append(part["text"])
        inner = part.get("thinking")
        for piece in inner if isinstance(inner, list) else [inner]:
            piece = piece.get("text") if isinstance(piece, dict) else piece
            if isinstance(piece, str):
                thought.append(piece)
    return "".join(said), "".join(thought)


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40 else None


def _sendable(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)
