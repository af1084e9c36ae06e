"""PDDL text as nested groups of words, before any meaning: what stands between which parentheses, and where.

This pass is linear and sees every text first, so the limits on size, depth and names hold for whatever comes after.
Letters are lowered here (PDDL knows no case), ASCII only: `str.lower` would turn a Kelvin sign into a k.
"""

from __future__ import annotations

import re
from itertools import islice
from string import ascii_lowercase, ascii_uppercase

from planbench.errors import PddlError

MAX_CHARACTERS = 5_000_000
MAX_DEPTH = 200
MAX_NAME = 200

CLOSING = -1
"""In place of an element's index: the group's closing parenthesis."""

MAX_KNOWN = 50_000

_TOKEN = re.compile(r"[()]|[^\s()]+")
_WORD = re.compile(r"[?:]?[a-z0-9_][a-z0-9_.@+-]*|[-+*/=<>]|<=|>=|-?\d+(\.\d+)?|#t")
_COMMENT = re.compile(r";[^\n]*")
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)

_known: dict[str, str] = {}
"""Words found to be PDDL names before, and the one string that stands for each: it takes less memory, and tuples of
words compare by identity."""


class Group(list["str | Group"]):
    """What stands between two parentheses: words and further groups. `at` counts the tokens of the text before its
    opening parenthesis."""

    __slots__ = ("at",)
    at: int

    @classmethod
    def empty(cls, at: int) -> Group:
        """What is not there, but has a place."""
        group = cls()
        group.at = at
        return group

    @property
    def head(self) -> str:
        """The first word, empty where the group does not begin with one."""
        first = self[0] if self else ""
        return first if isinstance(first, str) else ""

    def words(self) -> tuple[str, ...] | None:
        """The group as a tuple where it holds words only."""
        words = tuple([node for node in self if isinstance(node, str)])
        return words if len(words) == len(self) else None


def lower(text: str) -> str:
    """ASCII letters in lower case; length and all else unchanged."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


class Text:
    """A PDDL text and its name, for error messages that carry a place. `upper`: some of it is in upper case."""

    def __init__(self, text: str, source: str) -> None:
        if len(text) > MAX_CHARACTERS:
            raise PddlError(f"{len(text):,} characters, more than the {MAX_CHARACTERS:,} that are read", source)
        text = text.removeprefix("\ufeff")
        if ";" in text:
            text = _COMMENT.sub(lambda comment: " " * len(comment.group()), text)
        self.text = lower(text)
        self.source = source
        self.upper = text != self.text

    def fault(self, what: str, group: Group | None = None, index: int | None = None) -> PddlError:
        """An error at a group, at its element `index`, or at the closing parenthesis where that is `CLOSING`."""
        if group is None:
            return PddlError(what, self.source)
        return self._at(what, self._token(group, index))

    def _token(self, group: Group, index: int | None) -> int:
        """Where a group or its element stands, in tokens. Words carry no places, which would cost more memory than the
        text: the rare error reads the group once more and counts."""
        if index is None or index >= len(group):
            return group.at
        depth = seen = 0
        for number, token in enumerate(islice(_TOKEN.finditer(self.text), group.at + 1, None), start=group.at + 1):
            word = token.group()
            if depth == 0 and (seen == index or (word == ")" and index == CLOSING)):
                return number
            seen += depth == 0
            depth += (word == "(") - (word == ")")
        return group.at

    def tree(self) -> Group:
        """The one group that the text consists of."""
        # As the regular expression finds them, in a third of the time.
        words = self.text.replace("(", " ( ").replace(")", " ) ").split()
        outside = group = Group()
        outer: list[Group] = []
        known = _known.get
        for number, word in enumerate(words):
            if word == "(":
                if not outer and outside:
                    raise self._at("text after the end of the definition", number)
                outer.append(group)
                if len(outer) > MAX_DEPTH:
                    raise self._at(f"parentheses nested deeper than {MAX_DEPTH}", number)
                inner = Group()
                inner.at = number
                group.append(inner)
                group = inner
            elif word == ")":
                if not outer:
                    raise self._at("a ) without its (", number)
                group = outer.pop()
            elif not outer:
                raise self._at("text after the end of the definition" if outside else "expected ( at the start", number)
            else:
                group.append(known(word) or self._new(word, number))
        if outer:
            raise self._at("this ( is never closed", group.at)
        if not outside:
            raise PddlError("nothing to read, expected (define ...)", self.source)
        root = outside[0]
        assert isinstance(root, Group)
        return root

    def _new(self, word: str, number: int) -> str:
        """A word that was not met before, checked."""
        if len(word) > MAX_NAME:
            raise self._at(f"a name of {len(word):,} characters, at most {MAX_NAME} are read", number)
        if not _WORD.fullmatch(word):
            raise self._at(f"{word!a} is no PDDL name", number)
        if len(_known) >= MAX_KNOWN:
            _known.clear()
        _known[word] = word
        return word

    def _at(self, what: str, number: int) -> PddlError:
        """An error at a token, by line and column, both from 1."""
        token = next(islice(_TOKEN.finditer(self.text), number, None))
        line = self.text.count("\n", 0, token.start()) + 1
        return PddlError(what, self.source, line, token.start() - self.text.rfind("\n", 0, token.start()))
