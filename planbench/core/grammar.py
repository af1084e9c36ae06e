"""The one place where the `pddl` package is called: a domain's words or a goal go in, our formulas come out.

What `pddl` 0.5.1 needs, and how it gets it here:
- Building a parser takes 0.1 to 0.5 s, a parse 2 to 6 ms, so one parser is kept. A failed parse leaves it in an
  unusable state, so it is dropped with any exception.
- Its parser of problems refuses `=` in a goal, whatever is declared: a goal is read as a precondition.
- It keeps constants and requirements of one text for the next that declares none: every script declares all.
- It sets `sys.tracebacklimit` for the whole process: put back afterwards.
- Its sets forget the order of the file: order is taken from the tree.
- It merges parameters of one name: refused before (`planbench.core.check`).
- It rejects names that begin with a digit or are also a keyword (`problem`, `when`), a constant that shares its name
  with a variable, and `- object` where no type is declared: every name is handed over under an alias (`n12`, `?v3`),
  `object` too.
- It reads `()` as an effect as the empty *disjunction*: `(and)` is written in its place. Conjunctions come back flat
  and without repetitions, which is harmless but for cost increments, counted before (`planbench.core.check`).
- Places are known for syntax errors only: tokens are handed over one a line, so that its line number leads back to the
  token in the file.

The facts of `:init` and the lists of types, constants and objects are plain data and most of a problem's text. They
are read from the tree (`planbench.core.parse`), in their order and each with its place, and never come here: 10,000
facts take 50 ms so, 370 ms by way of `pddl`.
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
from pddl.logic import base, functions, predicates
from pddl.parser.domain import DomainParser

from planbench.core import syntax
from planbench.core.tree import CLOSING, Group, Text

_STRUCTURE = frozenset(["and", "not", "=", "increase", "either"])
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

    def collect(self, group: Group | None) -> None:
        """Gives every word of a formula its alias."""
        for k, node in enumerate(group or ()):
            if isinstance(node, Group):
                self.collect(node)
            elif k > 0:
                self.alias(node)

    def word(self, word: str, group: Group, index: int, verbatim: bool = False) -> None:
        self.lines.append(word if verbatim else self.alias(word))
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

    def group(self, group: Group) -> None:
        """A formula or a typed list as it stands in the file."""
        if not group:
            self.say("(", "and", ")")
            return
        self._open(group)
        for k, node in enumerate(group):
            if isinstance(node, Group):
                self.group(node)
            else:
                structural = k == 0 and node in _STRUCTURE
                self.word(node, group, k, verbatim=structural or (group.head == "increase" and k == 2))
        self._close(group)

    def typed_list(self, group: Group) -> None:
        """Variables with their types in parentheses, after a name or without."""
        self._open(group)
        for k, node in enumerate(group):
            if isinstance(node, Group):
                self.group(node)
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

    def formula(self, formula: Any) -> Any:
        """A `pddl` formula as ours: a condition or an effect, as what went in was the one or the other."""
        match formula:
            case None:
                return syntax.TRUE
            case base.And():
                return syntax.And(tuple(map(self.formula, formula.operands)))
            case base.Not():
                return syntax.Not(self.formula(formula.argument))
            case predicates.EqualTo():
                return syntax.Equal(self.term(formula.left), self.term(formula.right))
            case predicates.Predicate():
                return syntax.Atom(self.name(formula.name), tuple(map(self.term, formula.terms)))
            case functions.Increase():
                return syntax.Increase(self._amount(formula.operands[1]))
            case _:
                raise self.text.fault(f"({type(formula).__name__.lower()} ...) is not supported")

    def _amount(self, expression: Any) -> float | syntax.Atom:
        if isinstance(expression, functions.NumericValue):
            return float(expression.value)
        return syntax.Atom(self.name(expression.name), tuple(map(self.term, expression.terms)))


@dataclass(frozen=True)
class Declarations:
    """What a domain declares with typed variables."""

    predicates: dict[str, tuple[syntax.Parameter, ...]]
    functions: dict[str, tuple[syntax.Parameter, ...]]
    parameters: list[tuple[syntax.Parameter, ...]]


def read_declarations(
    text: Text, types: Iterable[str], predicates: Sequence[Group], functions: Sequence[Group], actions: Sequence[Group]
) -> Declarations:
    """Predicates, functions and the parameters of actions; `actions` are their lists of parameters."""
    script = Script(text)
    script.begin()
    script.say("(", ":types", script.alias(syntax.OBJECT), *map(script.alias, types), ")")
    for section, skeletons in ((":predicates", predicates), (":functions", functions)):
        if skeletons:
            script.say("(", section)
            for skeleton in skeletons:
                script.typed_list(skeleton)
            script.say(")")
    for k, parameters in enumerate(actions):
        script.say("(", ":action", f"a{k}", ":parameters")
        script.typed_list(parameters)
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
        [by_name[f"a{k}"] for k in range(len(actions))],
    )


def read_bodies(
    text: Text, bodies: Sequence[tuple[tuple[syntax.Parameter, ...], Group | None, Group | None]]
) -> list[tuple[syntax.Formula, syntax.Effect]]:
    """Precondition and effect of each action, given its parameters and the two groups; a missing one is true."""
    script = Script(text)
    for _, precondition, effect in bodies:
        for body in (precondition, effect):
            script.collect(body)
    constants = [alias for alias in script.aliases.values() if not alias.startswith("?")]
    script.begin()
    if constants:
        script.say("(", ":constants", *constants, ")")
    for k, (parameters, precondition, effect) in enumerate(bodies):
        script.say("(", ":action", f"a{k}", ":parameters", "(")
        script.say(*(script.alias(parameter.name) for parameter in parameters), ")")
        for key, body in ((":precondition", precondition), (":effect", effect)):
            script.say(key)
            script.group(body if body is not None else Group(0))
        script.say(")")
    script.say(")")
    domain = script.parse()
    by_name = {str(action.name): action for action in domain.actions}
    actions = [by_name[f"a{k}"] for k in range(len(bodies))]
    return [(script.formula(action.precondition), script.formula(action.effect)) for action in actions]


def read_goal(text: Text, goal: Group) -> syntax.Formula:
    """A problem's goal: the precondition of an action without parameters."""
    return read_bodies(text, [((), goal, None)])[0][0]
