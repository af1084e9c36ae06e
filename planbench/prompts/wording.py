"""How a domain is said in English: the `[english]` table of its domain.toml, filled up from the names in the PDDL.

    [english]
    intro = "There are blocks on a table. ..."            what the world is, in a few sentences
    [english.objects]     block = "block"                 the noun for a type, in the singular
    [english.predicates]  on = "block {0} is on block {1}"    a fact; the same sentence says a goal
    [english.actions.stack]
    step = "stack block {0} on top of block {1}"          a step, as the model is to write it
    rule = "To stack a block on another, ..."             when it may be done and what it changes

`{0}` is the first argument's name; `{0:noun}` puts the noun of the object's type before it ("truck t1"). Whatever is
missing, up to the whole table, is worded from names alone ("do stack with b1, b2"), so that any domain has a wording
and a renamed one tells nothing of what it was. Reading replies in this wording is `planbench.prompts.lexicon`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from planbench.core.syntax import (
    OBJECT,
    TOTAL_COST,
    Action,
    Atom,
    Change,
    Domain,
    Equal,
    Formula,
    Not,
    Parameter,
    literals,
)
from planbench.core.verdict import Plan, Step
from planbench.core.write import expression_text, formula_text
from planbench.errors import InputError
from planbench.prompts.layout import GOAL, KEYS, PLAIN, Layout
from planbench.records.toml import read_toml

PLACEHOLDER = re.compile(r"\{(\d{1,3})(:noun)?\}")


@dataclass(frozen=True, slots=True)
class Wording:
    """A domain in English, complete: each type, predicate and action has an entry. `objects` has the noun for a type,
    `kinds` what stands before a list of its objects. `layout` is for the compact style."""

    intro: str
    objects: Mapping[str, str]
    kinds: Mapping[str, str]
    predicates: Mapping[str, str]
    steps: Mapping[str, str]
    rules: Mapping[str, str]
    layout: Layout = PLAIN

    def fact(self, predicate: str, arguments: Sequence[str], types: Mapping[str, str]) -> str:
        """A fact as a clause without capital and full stop. `types` maps object names to types."""
        return self._said(self.predicates[predicate], arguments, types)

    def step(self, step: Step, types: Mapping[str, str]) -> str:
        """A step as the model is asked to write it."""
        return self._said(self.steps[step[0]], step[1:], types)

    def plan(self, plan: Plan, types: Mapping[str, str]) -> str:
        """A plan, one step a line."""
        return "".join(self.step(step, types) + "\n" for step in plan)

    def step_form(self, action: Action) -> str:
        """The form of an action's steps, parameters in capitals: `stack block X on top of block Y`."""
        names = [parameter.name.lstrip("?").upper() for parameter in action.parameters]
        types = _nouns(action)
        return self._said(self.steps[action.name], names, types)

    def _said(self, template: str, arguments: Sequence[str], types: Mapping[str, str]) -> str:
        def fill(found: re.Match[str]) -> str:
            name = arguments[int(found[1])]
            noun = self.objects.get(types.get(name, ""), "") if found[2] else ""
            return f"{noun} {name}".strip()

        return PLACEHOLDER.sub(fill, template)


def generic_wording(domain: Domain) -> Wording:
    """A wording from names alone."""
    return _completed(domain, "", {}, {}, {}, {})


def load_wording(folder: Path, domain: Domain) -> Wording:
    """The wording of the domain in a folder: that of its domain.toml where there is one, completed.

    Raises InputError where the file cannot be read or does not fit the domain.
    """
    path = folder / "domain.toml"
    if not path.is_file():
        return generic_wording(domain)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read as text ({error}); see `planbench domains` for those there are"
        ) from None
    return read_wording(text, domain, str(path))


def read_wording(text: str, domain: Domain, source: str = "domain.toml") -> Wording:
    """The wording in the text of a domain.toml, completed from the names of the domain."""
    whole = read_toml(text, source)
    english = _table(whole, "english", source)
    _only(english, {"intro", "objects", "predicates", "actions"}, "[english]", source)
    objects = _texts(_table(english, "objects", source), "[english.objects]", source)
    predicates = _texts(_table(english, "predicates", source), "[english.predicates]", source)
    actions = _table(english, "actions", source)
    _only(objects, {*domain.types, OBJECT}, "[english.objects]", source, "types of the domain")
    _only(predicates, domain.predicates, "[english.predicates]", source, "predicates of the domain")
    _only(actions, domain.actions, "[english.actions]", source, "actions of the domain")
    steps: dict[str, str] = {}
    rules: dict[str, str] = {}
    for name in actions:
        where = f"[english.actions.{name}]"
        entry = _texts(_table(actions, name, source), where, source)
        _only(entry, {"step", "rule"}, where, source)
        if "step" in entry:
            steps[name] = entry["step"]
            _check(entry["step"], len(domain.actions[name].parameters), f"{where} step", source, every=True)
        if "rule" in entry:
            rules[name] = entry["rule"]
    for name, sentence in predicates.items():
        _check(sentence, len(domain.predicates[name]), f"[english.predicates] {name}", source)
    intro = english.get("intro", "")
    if not isinstance(intro, str):
        raise InputError(f"{source}: [english] intro must be a text; put it in quotes")
    compact = _table(whole, "compact", source)
    _only(compact, set(KEYS), "[compact]", source)
    for key, named in compact.items():
        known = {*domain.predicates, *(f"{GOAL}{name}" for name in domain.predicates if key == "nest")}
        if not isinstance(named, list) or not all(
            isinstance(name, str) and name in known for name in cast("list[object]", named)
        ):
            raise InputError(f"{source}: [compact] {key} must be a list of predicates of the domain")
    return replace(_completed(domain, intro, objects, predicates, steps, rules), layout=Layout.of(compact))


def _completed(
    domain: Domain,
    intro: str,
    objects: Mapping[str, str],
    predicates: Mapping[str, str],
    steps: Mapping[str, str],
    rules: Mapping[str, str],
) -> Wording:
    if not (intro and domain.actions.keys() <= rules.keys()):
        intro = " ".join([intro, *_kinship(domain)]).strip()
    wording = Wording(
        intro=intro,
        objects={kind: objects.get(kind, kind) for kind in (OBJECT, *domain.types)},
        # Made-up words have no plural that one could rely on.
        kinds={
            kind: _plural(objects[kind]) if kind in objects else f"of type {kind}" for kind in (OBJECT, *domain.types)
        },
        predicates={
            name: predicates.get(name, f"{name} holds" + (f" for {_places(parameters)}" if parameters else ""))
            for name, parameters in domain.predicates.items()
        },
        steps={
            name: steps.get(name, f"do {name}" + (f" with {_places(action.parameters)}" if action.parameters else ""))
            for name, action in domain.actions.items()
        },
        rules={},
    )
    spelled = {name: rules.get(name) or rule_of(action, wording) for name, action in domain.actions.items()}
    return replace(wording, rules=spelled)


def _kinship(domain: Domain) -> list[str]:
    """What a wording has to say where the introduction or a rule comes from names: which types are kinds of others."""
    return [
        f"Every {kind} is {_a(parent)}."
        for kind, parents in domain.types.items()
        for parent in parents
        if parent != OBJECT
    ]


def _places(parameters: Sequence[Parameter]) -> str:
    return ", ".join(f"{{{index}}}" for index in range(len(parameters)))


def rule_of(action: Action, wording: Wording) -> str:
    """When an action may be done and what it changes, from its definition."""
    kinds = {parameter.name.lstrip("?").upper(): parameter.types for parameter in action.parameters}
    types = _nouns(action)
    nouns = (f"{name} is {' or '.join(_a(wording.objects.get(kind, kind)) for kind in kinds[name])}" for name in kinds)
    needed = clauses(action.precondition, wording, types, _variable)
    effects = list(literals(action.effect))
    changes = [(part, positive) for part, positive in effects if isinstance(part, Atom)]
    made, unmade = (
        [_clause(part, wording, types, _variable) for part, positive in changes if positive is sign]
        for sign in (True, False)
    )
    costs = [_amount(part) for part, _ in effects if isinstance(part, Change) and _plain_cost(part)]
    # What goes beyond facts is said as PDDL, which is exact.
    made += [
        formula_text(part)
        for part, _ in effects
        if not isinstance(part, Atom) and not (isinstance(part, Change) and _plain_cost(part))
    ]
    parts = {"Here": ", ".join(nouns), "Needed": "; ".join(needed), "Then": "; ".join(made)}
    parts |= {"No longer": "; ".join(unmade), "It costs": ", ".join(costs)}
    return " ".join(
        f"{head}{' ' if head in {'Here', 'It costs'} else ': '}{text}." for head, text in parts.items() if text
    )


def _nouns(action: Action) -> dict[str, str]:
    """The type of each parameter, in capitals; of several types none is the noun for all that it may be."""
    return {
        parameter.name.lstrip("?").upper(): parameter.types[0]
        for parameter in action.parameters
        if len(parameter.types) == 1
    }


def clauses(
    formula: Formula, wording: Wording, types: Mapping[str, str], named: Callable[[str], str] = str
) -> list[str]:
    """The conjuncts of a precondition or goal. `named` says how a term is written."""
    said: list[str] = []
    for part, positive in literals(formula):
        if isinstance(part, Equal):
            said.append(f"{named(part.left)} {'is' if positive else 'is not'} {named(part.right)}")
        elif isinstance(part, Atom):
            said.append(("" if positive else "it is not the case that ") + _clause(part, wording, types, named))
        else:
            said.append(formula_text(part if positive else Not(part)))
    return said


def _clause(atom: Atom, wording: Wording, types: Mapping[str, str], named: Callable[[str], str]) -> str:
    return wording.fact(atom.predicate, [named(term) for term in atom.terms], types)


def _variable(term: str) -> str:
    return term[1:].upper() if term.startswith("?") else term


def _plain_cost(change: Change) -> bool:
    return change.target.predicate == TOTAL_COST and change.operator == "increase"


def _amount(part: Change) -> str:
    if not isinstance(part.amount, Atom):
        return expression_text(part.amount)
    terms = ", ".join(map(_variable, part.amount.terms))
    return f"the {part.amount.predicate}{' of ' if terms else ''}{terms}"


_PLURALS = {"child": "children", "man": "men"}


def _plural(noun: str) -> str:
    if noun in _PLURALS:
        return _PLURALS[noun]
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in set("aeiou"):
        return noun[:-1] + "ies"
    return noun + "s"


def _a(noun: str) -> str:
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def _table(parent: Mapping[str, object], key: str, source: str) -> dict[str, object]:
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise InputError(f"{source}: {key} must be a table; write [english.{key}] and its entries below it")
    return cast("dict[str, object]", value)


def _texts(table: Mapping[str, object], where: str, source: str) -> dict[str, str]:
    for key, value in table.items():
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"{source}: {where} {key} must be a text that is not empty; put it in quotes")
    return cast("dict[str, str]", dict(table))


def _only(
    table: Mapping[str, object], allowed: Mapping[str, object] | set[str], where: str, source: str, what: str = "keys"
) -> None:
    unknown = next((key for key in table if key not in allowed), None)
    if unknown is not None:
        known = ", ".join(sorted(allowed)) or "none"
        raise InputError(
            f"{source}: {where} names {unknown}, which is not among the {what} ({known}); correct or remove it"
        )


def _check(template: str, arity: int, where: str, source: str, every: bool = False) -> None:
    """Braces are placeholders of arguments that there are; with `every`, each argument is mentioned."""
    if (left := PLACEHOLDER.sub("", template)).count("{") or left.count("}"):
        raise InputError(f"{source}: {where}: a brace that is no placeholder; write {{0}}, {{1}} or {{0:noun}}")
    used = {int(found[1]) for found in PLACEHOLDER.finditer(template)}
    beyond = max(used, default=-1)
    if beyond >= arity:
        raise InputError(f"{source}: {where}: {{{beyond}}} is beyond its {arity} arguments, which count from {{0}}")
    missing = [index for index in range(arity) if index not in used]
    if every and missing:
        raise InputError(
            f"{source}: {where}: {{{missing[0]}}} is missing; a step must name each argument, or no plan could be read"
        )
