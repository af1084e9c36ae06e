"""Domain and problem files as values of `planbench.core.syntax`.

A file's sections may come in any order; `:requirements`, `:parameters` and `:precondition` may be missing, facts and
objects may be repeated, types may be used without `:typing`, a problem may have the `:length` of old files, which says
nothing about its plans. What a file *uses* beyond
`SUPPORTED_REQUIREMENTS`, or declares to use, is refused by name.

Formulas and typed variables are read by the `pddl` package (`planbench.core.grammar`), plain lists of names and facts
here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from planbench.core.check import KNOWN_REQUIREMENTS, Checker, check_parameters, is_number, unsupported
from planbench.core.syntax import (
    OBJECT,
    SUPPORTED_REQUIREMENTS,
    TOTAL_COST,
    Action,
    Domain,
    Effect,
    Equal,
    Fact,
    Formula,
    Increase,
    Problem,
    literals,
    supertypes,
)
from planbench.core.tree import Group, Text

MAX_TYPES = 1000

_DOMAIN_SECTIONS = {":requirements", ":types", ":constants", ":predicates", ":functions"}
_PROBLEM_SECTIONS = {":domain", ":requirements", ":objects", ":init", ":goal", ":metric", ":length"}
_ACTION_KEYS = {":parameters", ":precondition", ":effect"}


@lru_cache(maxsize=32)
def read_domain(text: str, source: str = "domain") -> Domain:
    """A domain from PDDL text; `source` names it in messages. Raises PddlError and UnsupportedPddl."""
    from planbench.core import grammar  # pddl takes 0.2 s to import

    file = Text(text, source)
    root, name = _definition(file, "domain")
    sections, action_groups = _sections(file, root, _DOMAIN_SECTIONS, ":action")
    requirements = _requirements(file, sections)
    types = _types(file, sections.get(":types"))
    above = supertypes(types)
    constants = _objects(file, sections.get(":constants"), above, {})
    predicates = _skeletons(file, sections.get(":predicates"), typed=False)
    functions = _skeletons(file, sections.get(":functions"), typed=True)
    actions = _action_parts(file, action_groups)
    parameters_of = [parts.get(":parameters", Group(group.at)) for group, parts in actions]
    for group in [*predicates, *functions, *parameters_of]:
        check_parameters(file, group, above)

    declared = grammar.read_declarations(file, types, predicates, functions, parameters_of)
    checker = Checker(file, above, constants, declared.predicates, declared.functions)
    for (group, parts), parameters in zip(actions, declared.parameters, strict=True):
        scope = {parameter.name: parameter for parameter in parameters}
        if ":precondition" in parts:
            checker.condition(parts[":precondition"], group, 0, scope)
        if ":effect" in parts and checker.effect(parts[":effect"], group, 0, scope) > 1:
            unsupported(file, "more than one cost increment in an action (:numeric-fluents)", parts[":effect"])

    bodies = grammar.read_bodies(
        file,
        [
            (parameters, parts.get(":precondition"), parts.get(":effect"))
            for (_, parts), parameters in zip(actions, declared.parameters, strict=True)
        ],
    )
    return Domain(
        name=name,
        requirements=requirements | _used(types, bodies),
        types=types,
        constants=constants,
        predicates=declared.predicates,
        functions=declared.functions,
        actions={
            str(group[1]): Action(str(group[1]), parameters, precondition, effect)
            for (group, _), parameters, (precondition, effect) in zip(actions, declared.parameters, bodies, strict=True)
        },
    )


def read_problem(text: str, domain: Domain, source: str = "problem") -> Problem:
    """A problem of `domain` from PDDL text. Raises PddlError and UnsupportedPddl."""
    from planbench.core import grammar  # pddl takes 0.2 s to import

    file = Text(text, source)
    root, name = _definition(file, "problem")
    sections, _ = _sections(file, root, _PROBLEM_SECTIONS, None)
    for needed in (":domain", ":init", ":goal"):
        if needed not in sections:
            raise file.fault(f"problem {name} has no ({needed} ...)", root)
    of = sections[":domain"].words() or ()
    if len(of) != 2 or of[1] != domain.name:
        what = f"a problem of domain {' '.join(of[1:]) or '?'}, but the domain given is {domain.name}"
        raise file.fault(what, sections[":domain"])
    _requirements(file, sections)
    above = supertypes(domain.types)
    objects = _objects(file, sections.get(":objects"), above, domain.constants)
    everything = {**domain.constants, **objects}
    checker = Checker(file, above, everything, domain.predicates, domain.functions)
    init, values = _init(file, sections[":init"], checker)
    goal_section = sections[":goal"]
    goal = goal_section[1] if len(goal_section) == 2 else ""
    if isinstance(goal, str):
        raise file.fault("expected one condition in (:goal ...)", goal_section)
    checker.condition(goal, goal_section, 1, {})
    return Problem(
        name=name,
        domain_name=domain.name,
        objects=objects,
        init=init,
        goal=grammar.read_goal(file, goal),
        values=values,
        metric=_metric(file, sections.get(":metric"), domain),
    )


def _definition(file: Text, kind: str) -> tuple[Group, str]:
    """The root group and the name in `(define (kind name) ...)`."""
    root = file.tree()
    if root.head != "define":
        raise file.fault(f"expected (define ({kind} ...) ...)", root)
    second = root[1] if len(root) > 1 else ""
    title = second.words() if isinstance(second, Group) else None
    if title is None or len(title) != 2 or title[0] != kind:
        other = {"domain": "problem", "problem": "domain"}[kind]
        hint = f", this is a {other}" if title and title[0] == other else ""
        raise file.fault(f"expected ({kind} NAME) after define{hint}", root, 1)
    return root, title[1]


def _sections(file: Text, root: Group, known: set[str], repeated: str | None) -> tuple[dict[str, Group], list[Group]]:
    """The sections by their keyword, each at most once, and the groups of the one that may be repeated."""
    sections: dict[str, Group] = {}
    many: list[Group] = []
    for k, group in enumerate(root[2:], start=2):
        if isinstance(group, str):
            raise file.fault(f"expected a section in parentheses, found {group}", root, k)
        if group.head == repeated and repeated:
            many.append(group)
        elif group.head not in known:
            expected = " ".join(sorted(known | ({repeated} if repeated else set())))
            if group.head.startswith(":"):
                unsupported(file, f"({group.head} ...)", group)
            raise file.fault(f"expected one of {expected}", group)
        elif group.head in sections:
            raise file.fault(f"a second ({group.head} ...)", group)
        else:
            sections[group.head] = group
    return sections, many


def _requirements(file: Text, sections: Mapping[str, Group]) -> frozenset[str]:
    group = sections.get(":requirements")
    if group is None:
        return frozenset({":strips"})
    for k, word in enumerate(group[1:], start=1):
        if isinstance(word, Group) or word not in KNOWN_REQUIREMENTS:
            raise file.fault(f"unknown requirement {word if isinstance(word, str) else '('}", group, k)
        if word not in SUPPORTED_REQUIREMENTS:
            unsupported(file, f"requirement {word}", group, k)
    return frozenset(word for word in group[1:] if isinstance(word, str)) or frozenset({":strips"})


def _used(types: Mapping[str, object], bodies: Sequence[tuple[Formula, Effect]]) -> set[str]:
    """The requirements that a domain makes use of; many files do so without declaring them."""
    used = {":typing"} if types else set[str]()
    for precondition, effect in bodies:
        for part, positive in literals(precondition):
            used |= {":equality"} if isinstance(part, Equal) else set()
            used |= set() if positive else {":negative-preconditions"}
        if any(isinstance(part, Increase) for part, _ in literals(effect)):
            used.add(":action-costs")
    return used


def _typed_names(file: Text, group: Group | None) -> list[tuple[str, tuple[str, ...], int]]:
    """`a b - t c` as names with their types (none: not given) and their index in the group."""
    result: list[tuple[str, tuple[str, ...], int]] = []
    if group is None:
        return result
    untyped: list[tuple[str, int]] = []
    k = 1
    while k < len(group):
        node = group[k]
        if isinstance(node, Group):
            raise file.fault(f"expected a name in ({group.head} ...)", group, k)
        if node != "-":
            if node.startswith(("?", ":")):
                raise file.fault(f"expected a name in ({group.head} ...), found {node}", group, k)
            untyped.append((node, k))
            k += 1
            continue
        if not untyped:
            raise file.fault("a type that belongs to no name", group, k)
        kind = group[k + 1] if k + 1 < len(group) else ""
        types = (kind,) if isinstance(kind, str) else (kind.words() or ("",))
        if isinstance(kind, Group):
            types = types[1:] if types[0] == "either" else ()
        if not types or "" in types or "-" in types:
            raise file.fault("expected a type after -", group, k)
        result.extend((name, types, index) for name, index in untyped)
        untyped = []
        k += 2
    return result + [(name, (), index) for name, index in untyped]


def _types(file: Text, group: Group | None) -> dict[str, tuple[str, ...]]:
    types: dict[str, tuple[str, ...]] = {}
    for name, parents, index in _typed_names(file, group):
        if name == OBJECT:
            if set(parents) - {OBJECT}:
                raise file.fault("the type object is above all types", group, index)
            continue
        types[name] = tuple(dict.fromkeys(types.get(name, ()) + parents))
    for parents in list(types.values()):
        for parent in parents:
            if parent != OBJECT:
                types.setdefault(parent, ())
    if len(types) > MAX_TYPES:
        raise file.fault(f"{len(types)} types, more than the {MAX_TYPES} that are read", group)
    types = {name: tuple(p for p in parents if p != OBJECT) or (OBJECT,) for name, parents in types.items()}
    try:
        supertypes(types)
    except ValueError as error:
        raise file.fault(f"type {error} lies in a cycle of types", group) from None
    return types


def _objects(
    file: Text, group: Group | None, above: Mapping[str, frozenset[str]], constants: Mapping[str, str]
) -> dict[str, str]:
    objects: dict[str, str] = {}
    for name, types, index in _typed_names(file, group):
        if len(types) > 1:
            unsupported(file, f"an object of several types ({name})", group, index)
        kind = types[0] if types else OBJECT
        if kind not in above:
            raise file.fault(f"unknown type {kind} of {name}", group, index)
        known = constants.get(name, objects.get(name, kind))
        if known != kind:
            raise file.fault(f"{name} is declared as a {known} and as a {kind}", group, index)
        if name not in constants:
            objects[name] = kind
    return objects


def _skeletons(file: Text, group: Group | None, typed: bool) -> list[Group]:
    """The groups of `:predicates` or `:functions`, without the types of functions, which are all `number`."""
    skeletons: list[Group] = []
    seen: set[str] = set()
    nodes = list(enumerate(group or ()))[1:]
    for k, node in nodes:
        if isinstance(node, str):
            if typed and (node == "-" or (k and group is not None and group[k - 1] == "-")):
                if node not in {"-", "number"}:
                    unsupported(file, f"a function of type {node} (:object-fluents)", group, k)
                continue
            raise file.fault(f"expected ( before {node}", group, k)
        if not node.head or node.head.startswith(("?", ":")) or node.head in {"-", "="}:
            raise file.fault("expected a name after (", node)
        if node.head in seen:
            raise file.fault(f"{node.head} is declared twice", node)
        seen.add(node.head)
        skeletons.append(node)
    return skeletons


def _action_parts(file: Text, groups: Sequence[Group]) -> list[tuple[Group, dict[str, Group]]]:
    actions: list[tuple[Group, dict[str, Group]]] = []
    seen: set[str] = set()
    for group in groups:
        name = group[1] if len(group) > 1 else ""
        if not isinstance(name, str) or not name or name.startswith((":", "?")):
            raise file.fault("expected a name after :action", group)
        if name in seen:
            raise file.fault(f"action {name} is defined twice", group)
        seen.add(name)
        parts: dict[str, Group] = {}
        for k in range(2, len(group), 2):
            key = group[k]
            if not isinstance(key, str) or key not in _ACTION_KEYS:
                if isinstance(key, str) and key.startswith(":"):
                    unsupported(file, f"{key} in action {name}", group, k)
                raise file.fault(f"expected one of {' '.join(sorted(_ACTION_KEYS))} in action {name}", group, k)
            value = group[k + 1] if k + 1 < len(group) else ""
            if not isinstance(value, Group):
                raise file.fault(f"expected ( after {key} in action {name}", group, k)
            if key in parts:
                raise file.fault(f"a second {key} in action {name}", group, k)
            parts[key] = value
        actions.append((group, parts))
    return actions


def _init(file: Text, section: Group, checker: Checker) -> tuple[tuple[Fact, ...], dict[Fact, float]]:
    facts: dict[Fact, None] = {}
    values: dict[Fact, float] = {}
    for k, group in enumerate(section[1:], start=1):
        if isinstance(group, str):
            raise file.fault(f"expected a fact in parentheses, found {group}", section, k)
        match group.head:
            case "=":
                fact, value = _value(file, group, checker)
                values[fact] = value
            case "not":
                absent = group[1] if len(group) == 2 else ""
                if isinstance(absent, str):
                    raise file.fault("expected one fact after not", group)
                checker.atom(absent, {})
            case "at" if len(group) == 3 and isinstance(group[1], str) and isinstance(group[2], Group):
                unsupported(file, "a timed initial literal", group)
            case _:
                checker.atom(group, {})
                facts[group.words() or ()] = None
    return tuple(facts), values


def _value(file: Text, group: Group, checker: Checker) -> tuple[Fact, float]:
    """`(= (f a) 5)` or `(= f 5)`."""
    function, number = (group[1], group[2]) if len(group) == 3 else ("", "")
    if isinstance(number, Group) or not is_number(number) or len(number) > 100:
        raise file.fault("expected (= (function ...) number)", group)
    if isinstance(function, str):
        if checker.functions.get(function) != ():
            raise file.fault(f"undeclared function {function}", group, 1)
        return (function,), float(number)
    checker.function(function, {})
    return function.words() or (), float(number)


def _metric(file: Text, group: Group | None, domain: Domain) -> str | None:
    if group is None:
        return None
    function = group[2] if len(group) == 3 else ""
    name = (function.words() or ("",)) if isinstance(function, Group) else (function,)
    if group[1:2] != ["minimize"] or name not in {(TOTAL_COST,), ("total-time",)}:
        unsupported(file, f"a metric other than minimize ({TOTAL_COST})", group)
    if name == (TOTAL_COST,) and TOTAL_COST not in domain.functions:
        raise file.fault(f"undeclared function {TOTAL_COST}", group, 2)
    return name[0]
