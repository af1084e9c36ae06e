"""The sections of a file, and the plain lists in them: names with types, skeletons, the parts of actions.

Liberties that published files take are accepted and noted (`Notes`): what is declared twice alike, supertypes that are
not declared as types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from planbench.core.check import COVERED, KNOWN_REQUIREMENTS, unsupported
from planbench.core.syntax import OBJECT, SUPPORTED_REQUIREMENTS, either, supertypes
from planbench.core.tree import Group, Text

MAX_TYPES = 1000
MAX_NOTES = 10

_ACTION_KEYS = {":parameters", ":precondition", ":effect"}


class Notes:
    """Liberties of a file that were accepted, one line each, the first few of them with their place."""

    def __init__(self, file: Text) -> None:
        self._file = file
        self._lines: list[str] = []
        self._more = 0
        if file.upper:
            self.add("upper case is read as lower case")

    def add(self, what: str, group: Group | None = None, index: int | None = None) -> None:
        if len(self._lines) < MAX_NOTES:  # to find a place is linear in the text
            self._lines.append(str(self._file.fault(what, group, index)))
        else:
            self._more += 1

    def lines(self) -> tuple[str, ...]:
        more = [f"{self._file.source}: {self._more:,} more notes"] if self._more else []
        return (*self._lines, *more)


def definition(file: Text, kind: str) -> tuple[Group, str]:
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


def sections(
    file: Text, root: Group, known: set[str], repeated: Sequence[str] = ()
) -> tuple[dict[str, Group], dict[str, list[Group]]]:
    """The sections by their keyword, each at most once, and the groups of those that may be repeated."""
    once: dict[str, Group] = {}
    many: dict[str, list[Group]] = {key: [] for key in repeated}
    for k, group in enumerate(root[2:], start=2):
        if isinstance(group, str):
            raise file.fault(f"expected a section in parentheses, found {group}", root, k)
        if group.head in many:
            many[group.head].append(group)
        elif group.head not in known:
            expected = " ".join(sorted(known.union(many)))
            if group.head.startswith(":"):
                unsupported(file, f"({group.head} ...)", group)
            raise file.fault(f"expected one of {expected}", group)
        elif group.head in once:
            raise file.fault(f"a second ({group.head} ...)", group)
        else:
            once[group.head] = group
    return once, many


def read_requirements(file: Text, sections: Mapping[str, Group]) -> frozenset[str]:
    group = sections.get(":requirements")
    if group is None:
        return frozenset({":strips"})
    for k, word in enumerate(group[1:], start=1):
        if isinstance(word, Group) or word not in KNOWN_REQUIREMENTS:
            raise file.fault(f"unknown requirement {word if isinstance(word, str) else '('}; {COVERED}", group, k)
        if word not in SUPPORTED_REQUIREMENTS:
            unsupported(file, f"requirement {word}", group, k)
    return frozenset(word for word in group[1:] if isinstance(word, str)) or frozenset({":strips"})


def typed_names(file: Text, group: Group | None) -> list[tuple[str, tuple[str, ...], int]]:
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


def read_types(file: Text, group: Group | None, notes: Notes) -> dict[str, tuple[str, ...]]:
    types: dict[str, tuple[str, ...]] = {}
    for name, parents, index in typed_names(file, group):
        if name == OBJECT:
            if set(parents) - {OBJECT}:
                raise file.fault("the type object is above all types", group, index)
            continue
        types[name] = tuple(dict.fromkeys(types.get(name, ()) + parents))
    for parents in list(types.values()):
        for parent in parents:
            if parent != OBJECT and parent not in types:
                notes.add(f"type {parent} is named as a supertype only", group)
                types[parent] = ()
    if len(types) > MAX_TYPES:
        raise file.fault(f"{len(types)} types, more than the {MAX_TYPES} that are read", group)
    types = {name: tuple(p for p in parents if p != OBJECT) or (OBJECT,) for name, parents in types.items()}
    try:
        supertypes(types)
    except ValueError as error:
        raise file.fault(f"type {error} lies in a cycle of types", group) from None
    return types


def read_objects(
    file: Text,
    group: Group | None,
    above: Mapping[str, frozenset[str]],
    constants: Mapping[str, str],
    notes: Notes,
) -> dict[str, str]:
    objects: dict[str, str] = {}
    for name, types, index in typed_names(file, group):
        for kind in types:
            if kind not in above:
                raise file.fault(f"unknown type {kind} of {name}", group, index)
        kind = types[0] if len(types) == 1 else either(types) if types else OBJECT
        known = constants.get(name, objects.get(name, kind))
        if known != kind:
            raise file.fault(f"{name} is declared as a {known} and as a {kind}", group, index)
        if name in constants or name in objects:
            notes.add(f"{name} is declared twice", group, index)
        if name not in constants:
            objects[name] = kind
    return objects


def skeletons(file: Text, group: Group | None, typed: bool) -> list[Group]:
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


def action_parts(file: Text, groups: Sequence[Group]) -> list[tuple[Group, dict[str, Group]]]:
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
