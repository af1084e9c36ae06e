"""Reasoning that a chat template opens in the prompt, so that the reply begins in the middle of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

TAGS = {"<think>": "</think>", "<thinking>": "</thinking>", "<thought>": "</thought>", "[THINK]": "[/THINK]"}
"""How reasoning opens and closes. Other ways are not budgeted."""

TAIL = 24
"""Tokens in which the tail of a text is looked for."""

_OPEN = re.compile("|".join(map(re.escape, TAGS)))


def opened(decode: Callable[[Sequence[int]], str], prompt: Sequence[int]) -> str:
    """The tag of the reasoning that a prompt ends in, empty where it ends in none."""
    tail, found = decode(prompt[-TAIL:]), ""
    for tag in _OPEN.finditer(tail):
        if TAGS[tag[0]] not in tail[tag.end() :]:
            found = tag[0]
    return found


def stored(reply: str, tag: str) -> str:
    """A reply behind a prompt that opened `tag`, as text by itself: a closing tag alone makes all before it reasoning,
    and where there is none the opening one says that all of it is."""
    return tag + reply if tag and TAGS[tag] not in reply else reply


def written(text: str, tag: str) -> str:
    """What the model wrote of what `stored` made of it."""
    return text[len(tag) :] if tag and TAGS[tag] not in text and text.startswith(tag) else text
