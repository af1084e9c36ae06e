"""What a row has said so far, and when it is to end: stop tokens, limits, the end of a plan, a budget for thinking.

Text is looked at only after a token that could end a plan or a stretch of reasoning, and first only its tail, so that
the check costs nothing a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from planbench.models.decode import NO_TOKEN, Completion, Row
from planbench.models.thinking import TAGS, TAIL, opened


class Texts:
    """A tokenizer's texts, with what is asked of single tokens remembered."""

    def __init__(self, decode: Callable[[Sequence[int]], str], encode: Callable[[str], Sequence[int]]) -> None:
        self.decode, self.encode = decode, encode
        self._single: dict[int, str] = {}

    def of(self, token: int) -> str:
        if (text := self._single.get(token)) is None:
            text = self._single[token] = self.decode((token,))
        return text


class Speech:
    """One reply as it comes. `add` a token at a time until it says that the reply has ended.

    With a `budget`, reasoning of so many tokens is ended by force: `forced` then names the next token, whatever the
    model would say. `answer` tokens may follow the reasoning.
    """

    def __init__(
        self, row: Row, stop: frozenset[int], texts: Texts | None = None, budget: int | None = None, answer: int = 0
    ) -> None:
        self.row, self.tokens, self.near_ties = row, list[int](), 0
        self._stop, self._texts = stop, texts
        self._stopped = self._by_text = False
        self.finite = True
        self._closing: list[int] = []
        self._budget, self._answer = budget, answer
        self._limit = row.limit
        self._thinking: str | None = None  # the tag that will close it
        self._undecided = False
        # What the prompt opened belongs to the text of which the end of the plan is asked.
        wanted = texts is not None and (budget is not None or row.ended is not None)
        self._before = opened(texts.decode, row.prompt) if texts is not None and wanted else ""
        if budget is not None and texts is not None:
            self._limit = min(row.limit, answer)
            self._undecided = not self._before
            if self._before:
                self._think(TAGS[self._before])

    @property
    def forced(self) -> int | None:
        return self._closing[0] if self._closing else None

    def add(self, token: int) -> bool:
        """Whether the reply has ended with this token."""
        if self._closing:
            del self._closing[0]
            self.tokens.append(token)
            if not self._closing:
                self._answering()
            return len(self.tokens) >= self._limit
        if token == NO_TOKEN:
            self.finite = False
            return True
        if token in self._stop:
            self._stopped = True
            return True
        self.tokens.append(token)
        if self._undecided or self._thinking is not None:
            self._watch_thinking(token)
        if self._thinking is None and self._plan_ended(token):
            self._stopped = self._by_text = True
            return True
        return len(self.tokens) >= self._limit

    def completion(self) -> Completion:
        return Completion(tuple(self.tokens), self._stopped, self.near_ties, self._by_text, self.finite)

    def _think(self, closing: str) -> None:
        self._thinking, self._undecided = closing, False
        self._limit = self.row.limit
        if not self._budget:
            self._close()

    def _close(self) -> None:
        assert self._texts is not None
        self._closing = list(self._texts.encode(f"\n{self._thinking}\n\n"))

    def _answering(self) -> None:
        self._thinking = None
        self._limit = min(self.row.limit, len(self.tokens) + self._answer)

    def _watch_thinking(self, token: int) -> None:
        assert self._texts is not None
        if self._undecided:
            said = self._texts.decode(self.tokens).lstrip()
            tag = next((tag for tag in TAGS if said.startswith(tag)), None)
            if tag is not None:
                self._think(TAGS[tag])
            elif not any(tag.startswith(said) for tag in TAGS):
                self._undecided = False
            return
        assert self._thinking is not None
        if self._thinking[-1] in self._texts.of(token) and self._thinking in self._texts.decode(self.tokens[-TAIL:]):
            self._answering()
        elif len(self.tokens) >= (self._budget or 0):
            self._close()

    def _plan_ended(self, token: int) -> bool:
        ended, texts = self.row.ended, self._texts
        if ended is None or texts is None or not set(ended.last) & set(texts.of(token)):
            return False
        # The tail first, so that a reply full of such characters costs no more than its length.
        tail = len(self.tokens) > TAIL and not ended("\n" + texts.decode(self.tokens[-TAIL:]))
        return not tail and ended(self._before + texts.decode(self.tokens))
