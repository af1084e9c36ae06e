"""The one place where the `pddl` package is called: declarations of typed variables go in, our values come out.

What `pddl` 0.5.1 needs, and how it gets it here:
- Building a parser takes 0.1 to 0.5 s, a parse 2 to 6 ms, so one parser is kept. A failed parse leaves it in an
  unusable state, so it is dropped with any exception.
- It keeps requirements of one text for the next that declares none: every script declares all.
- It sets `sys.tracebacklimit` for the whole process: put back afterwards.
- Its sets forget the order of the file: order is taken from the tree.
- It merges parameters of one name: refused before (`planbench.core.check`).
- It rejects names that begin with a digit or are also a keyword (`problem`, `when`) and `- object` where no type is
  declared: every name is handed over under an alias (`n12`, `?v3`), `object` too.
- Places are known for syntax errors only: tokens are handed over one a line, so that its line number leads back to the
  token in the file.

Formulas are read from the tree (`planbench.core.formulas`), and so is plain data, which is most of a problem's text
(`planbench.core.parse`): 10,000 facts take 50 ms so, 370 ms by way of `pddl`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

# pyright: reportMissingTypeStubs=false
from lark.exceptions import UnexpectedInput, UnexpectedToken
from pddl.parser.domain import DomainParser

from planbench.core import syntax
from planbench.core.tree import CLOSING, Group, Text

_REQUIREMENTS = [":strips", ":typing", ":equality", ":negative-preconditions", ":action-costs", ":numeric-fluents"]
_READABLE = {
    "LPAR": "(",
    "RPAR": ")",
    "NAME": "a name",
    "TYPE_SEP": "-",
    "NUMBER": "a number",
    "QMARK": "a variable",
    "$END": "the end",
}

_parsers: list[DomainParser] = []
"""The parser, where there is one."""

_lock = Lock()


class Script:
    """Tokens for `pddl`, one a line, each with the place that it came from."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.lines: list[str] = []
        self.origins: list[tuple[Group, int | None] | None] = []
        self.aliases: dict[str, str] = {}
        self.names: dict[str, str] = {}

    def say(self, *words: str) -> None:
        """Words of our own."""
        self.lines.extend(words)
        self.origins.extend([None] * len(words))

    def begin(self) -> None:
        """`(define (domain ...) (:requirements ...)`, which the caller closes."""
        self.say("(", "define", "(", "domain", "d0", ")", "(", ":requirements", *_REQUIREMENTS, ")")

    def word(self, word: str, group: Group, index: int) -> None:
        self.lines.append("either" if index == 0 and word == "either" else self.alias(word))
        self.origins.append((group, index))

    def alias(self, word: str) -> str:
        """The name under which `pddl` sees a name of the file."""
        if word == "-":
            return word
        if word not in self.aliases:
            alias = f"?v{len(self.aliases)}" if word.startswith("?") else f"n{len(self.aliases)}"
            self.aliases[word] = alias
            self.names[alias.removeprefix("?")] = word
        return self.aliases[word]

    def typed_list(self, group: Group, first: int = 0) -> None:
        """Variables with their types in parentheses, after a name or without, from the index `first` on."""
        self._open(group)
        for k, node in enumerate(group):
            if k < first:
                continue
            if isinstance(node, Group):
                self.typed_list(node)
            else:
                self.word(node, group, k)
        self._close(group)

    def _open(self, group: Group) -> None:
        self.lines.append("(")
        self.origins.append((group, None))

    def _close(self, group: Group) -> None:
        self.lines.append(")")
        self.origins.append((group, CLOSING))

    def parse(self) -> Any:
        """What `pddl` makes of the script; its errors become ours here."""
        with _lock:
            limit = getattr(sys, "tracebacklimit", None)
            try:
                parser = _parsers.pop() if _parsers else DomainParser()
                result = parser("\n".join(self.lines))
                _parsers.append(parser)
                return result
            except Exception as error:  # pddl and lark document none of theirs, and a file must not crash us
                raise self._fault(error) from None
            finally:
                if limit is None:
                    with suppress(AttributeError):
                        del sys.tracebacklimit
                else:
                    sys.tracebacklimit = limit

    def _fault(self, error: Exception) -> Exception:
        """`error` in the words and the places of the file."""
        if not isinstance(error, UnexpectedInput):
            first = str(error).strip().splitlines()
            return self.text.fault(f"not readable as PDDL: {self._named(first[0] if first else type(error).__name__)}")
        line = error.line - 1
        origin = self.origins[line] if 0 <= line < len(self.origins) else None
        if origin is None:
            origin = next((known for known in reversed(self.origins[: max(line, 0)]) if known is not None), None)
        found = self._named(self.lines[line]) if 0 <= line < len(self.lines) else "the end"
        what = f"unexpected {found}"
        if isinstance(error, UnexpectedToken):
            expected = sorted(_READABLE.get(name, name.lower()) for name in error.expected)
            what += f", expected {', '.join(expected[:6])}{', ...' if len(expected) > 6 else ''}"
        return self.text.fault(what, *origin) if origin else self.text.fault(what)

    def _named(self, words: str) -> str:
        parts = words.replace("'", " ").split()
        return " ".join(self.names.get(part.removeprefix("?"), part) for part in parts)

    # --- pddl's objects as ours

    def name(self, alias: object) -> str:
        return self.names.get(str(alias), str(alias))

    def term(self, term: Any) -> str:
        return self.name(term.name)

    def parameters(self, terms: Iterable[Any]) -> tuple[syntax.Parameter, ...]:
        return tuple(
            syntax.Parameter(self.term(term), tuple(sorted(map(self.name, term.type_tags))) or (syntax.OBJECT,))
            for term in terms
        )


@dataclass(frozen=True)
class Declarations:
    """What is declared with typed variables. `lists` holds the variables of each list, by its group's offset."""

    predicates: dict[str, tuple[syntax.Parameter, ...]]
    functions: dict[str, tuple[syntax.Parameter, ...]]
    lists: dict[int, tuple[syntax.Parameter, ...]]


def read_declarations(
    text: Text,
    types: Iterable[str],
    predicates: Sequence[Group],
    functions: Sequence[Group],
    lists: Sequence[tuple[Group, int]],
) -> Declarations:
    """Predicates, functions and `lists`, the variables of actions, rules and quantifiers: each a group and the
    index of its first variable."""
    script = Script(text)
    script.begin()
    script.say("(", ":types", script.alias(syntax.OBJECT), *map(script.alias, types), ")")
    for section, skeletons in ((":predicates", predicates), (":functions", functions)):
        if skeletons:
            script.say("(", section)
            for skeleton in skeletons:
                script.typed_list(skeleton)
            script.say(")")
    for k, (group, first) in enumerate(lists):
        script.say("(", ":action", f"a{k}", ":parameters")
        script.typed_list(group, first)
        script.say(":precondition", "(", "and", ")", ":effect", "(", "and", ")", ")")
    script.say(")")
    domain = script.parse()
    read = {
        "predicates": {script.name(known.name): script.parameters(known.terms) for known in domain.predicates},
        "functions": {script.name(known.name): script.parameters(known.terms) for known in domain.functions},
    }
    by_name = {str(action.name): script.parameters(action.parameters) for action in domain.actions}
    return Declarations(
        {skeleton.head: read["predicates"][skeleton.head] for skeleton in predicates},
        {skeleton.head: read["functions"][skeleton.head] for skeleton in functions},
        {group.at: by_name[f"a{k}"] for k, (group, _) in enumerate(lists)},
    )
