"""PDDL text as nested groups of words, before any meaning: what stands between which parentheses, and where.

This pass is linear and sees every text first, so the limits on size, depth and names hold for whatever comes after.
Letters are lowered here (PDDL knows no case), ASCII only: `str.lower` would turn a Kelvin sign into a k.
"""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase

from planbench.errors import PddlError

MAX_CHARACTERS = 5_000_000
MAX_DEPTH = 200
MAX_NAME = 200

CLOSING = -1
"""In place of an element's index: the group's closing parenthesis."""

_TOKEN = re.compile(r";[^\n]*|[()]|[^\s();]+")
_WORD = re.compile(r"[?:]?[a-z0-9_][a-z0-9_.@+-]*|[-+*/=<>]|<=|>=|-?\d+(\.\d+)?|#t")
_COMMENT = re.compile(r";[^\n]*")
_UPPER = re.compile(r"[A-Z]")
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


class Group(list["str | Group"]):
    """What stands between two parentheses: words and further groups. `at` and `until` are the parentheses' offsets."""

    __slots__ = ("at", "until")

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = self.until = at

    @property
    def head(self) -> str:
        """The first word, empty where the group does not begin with one."""
        first = self[0] if self else ""
        return first if isinstance(first, str) else ""

    def words(self) -> tuple[str, ...] | None:
        """The group as a tuple where it holds words only."""
        words = tuple(node for node in self if isinstance(node, str))
        return words if len(words) == len(self) else None


def lower(text: str) -> str:
    """ASCII letters in lower case; length and all else unchanged."""
    return text.translate(_LOWER)


class Text:
    """A PDDL text and its name, for error messages that carry a place. `upper`: some of it is in upper case."""

    def __init__(self, text: str, source: str) -> None:
        if len(text) > MAX_CHARACTERS:
            raise PddlError(f"{len(text):,} characters, more than the {MAX_CHARACTERS:,} that are read", source)
        text = text.removeprefix("\ufeff")
        self.text = lower(text)
        self.source = source
        self.upper = text != self.text and _UPPER.search(_COMMENT.sub("", text)) is not None

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1."""
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)

    def fault(self, what: str, group: Group | None = None, index: int | None = None) -> PddlError:
        """An error at a group, at its element `index`, or at the closing parenthesis where that is `CLOSING`."""
        if group is None:
            return PddlError(what, self.source)
        return PddlError(what, self.source, *self.place(self.offset(group, index)))

    def offset(self, group: Group, index: int | None = None) -> int:
        """Where a group or its element stands. Words carry no places, which would cost more memory than the text:
        the rare error reads the group once more and counts."""
        if index == CLOSING:
            return group.until
        if index is None or index >= len(group):
            return group.at
        node = group[index]
        if isinstance(node, Group):
            return node.at
        depth, seen = 0, 0
        for match in _TOKEN.finditer(self.text, group.at + 1):
            token = match.group()
            if token.startswith(";"):
                continue
            if depth == 0:
                if seen == index:
                    return match.start()
                seen += 1
            depth += (token == "(") - (token == ")")
        return group.at

    def tree(self) -> Group:
        """The one group that the text consists of."""
        root: Group | None = None
        open_groups: list[Group] = []
        known: dict[str, str] = {}  # one string a word: less memory, and tuples of words compare by identity
        for match in _TOKEN.finditer(self.text):
            token = match.group()
            if token[0] == ";":
                continue
            if token == "(":
                group = Group(match.start())
                if open_groups:
                    open_groups[-1].append(group)
                elif root is None:
                    root = group
                else:
                    raise self._at("text after the end of the definition", match.start())
                open_groups.append(group)
                if len(open_groups) > MAX_DEPTH:
                    raise self._at(f"parentheses nested deeper than {MAX_DEPTH}", match.start())
            elif token == ")":
                if not open_groups:
                    raise self._at("a ) without its (", match.start())
                open_groups.pop().until = match.start()
            elif not open_groups:
                what = "text after the end of the definition" if root is not None else "expected ( at the start"
                raise self._at(what, match.start())
            else:
                word = known.get(token)
                if word is None:
                    self._check_word(token, match.start())
                    word = known.setdefault(token, token)
                open_groups[-1].append(word)
        if open_groups:
            raise self._at("this ( is never closed", open_groups[-1].at)
        if root is None:
            raise PddlError("nothing to read, expected (define ...)", self.source)
        return root

    def _check_word(self, token: str, offset: int) -> None:
        if len(token) > MAX_NAME:
            raise self._at(f"a name of {len(token):,} characters, at most {MAX_NAME} are read", offset)
        if not _WORD.fullmatch(token):
            raise self._at(f"{token!a} is no PDDL name", offset)

    def _at(self, what: str, offset: int) -> PddlError:
        return PddlError(what, self.source, *self.place(offset))
