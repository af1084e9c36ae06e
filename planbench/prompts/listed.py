"""Reads a plan given as JSON: a list of strings, of lists, or of objects, perhaps inside an object."""

from __future__ import annotations

from typing import cast

from planbench.core.tree import lower
from planbench.core.verdict import Plan, Step
from planbench.prompts.lexicon import Lexicon
from planbench.prompts.lines import read_line

_PLAN_KEYS = ("plan", "actions", "steps", "solution", "answer", "action_sequence")
_NAME_KEYS = ("action", "name", "operator", "type", "act", "command", "step")
_ARGUMENT_KEYS = ("args", "arguments", "parameters", "params", "objects")
_DEEPEST = 4


def read_json(value: object, lexicon: Lexicon, depth: int = 0) -> Plan | None:
    """The plan in a JSON value, None where it has no step of the task; an empty list is the empty plan."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value)
        for key in _PLAN_KEYS:
            if isinstance(entries.get(key), list | dict):
                return read_json(entries[key], lexicon, depth + 1)
        step = _object_step(entries, lexicon)
        return None if step is None else (step,)
    if not isinstance(value, list):
        return None
    elements = cast("list[object]", value)
    if not elements:
        return ()
    if _is_step(elements, lexicon):
        return (_list_step(cast("list[str]", elements), lexicon),)
    steps: list[Step] = []
    sure = False
    for element in elements:
        found, known = _element_steps(element, lexicon)
        steps.extend(found)
        sure = sure or known
    return tuple(steps) if sure else None


def _element_steps(element: object, lexicon: Lexicon) -> tuple[tuple[Step, ...], bool]:
    """The steps of one element, and whether they name an action of the task."""
    if isinstance(element, str):
        line = read_line(element, lexicon)
        if line.steps:
            return line.steps, line.kind == "step"
        return ((tuple(lower(element).split()[:12]) or ("",),), False)
    if isinstance(element, list):
        words = cast("list[object]", element)
        if words and all(isinstance(word, str) for word in words):
            step = _list_step(cast("list[str]", words), lexicon)
            return (step,), step[0] in lexicon.actions
    if isinstance(element, dict):
        step = _object_step(cast("dict[str, object]", element), lexicon)
        if step is not None:
            return (step,), step[0] in lexicon.actions
    return ((str(type(element).__name__),),), False


def _is_step(elements: list[object], lexicon: Lexicon) -> bool:
    """Whether a list is itself one step: `["stack", "a", "b"]`."""
    first = elements[0]
    if not isinstance(first, str) or lexicon.action(lower(first).strip()) is None:
        return False
    return all(isinstance(word, str) and lexicon.named(lower(word).strip()) is not None for word in elements[1:])


def _list_step(words: list[str], lexicon: Lexicon) -> Step:
    name, *arguments = (lower(word).strip() for word in words)
    return (lexicon.action(name) or name, *(lexicon.named(word) or word for word in arguments))


def _object_step(entries: dict[str, object], lexicon: Lexicon) -> Step | None:
    """`{"action": "stack", "args": ["a", "b"]}`, or the arguments under keys of their own, in order."""
    name_key = next((key for key in _NAME_KEYS if isinstance(entries.get(key), str)), None)
    if name_key is None:
        return None
    name = str(entries[name_key])
    given: object = next((entries[key] for key in _ARGUMENT_KEYS if key in entries), None)
    if given is None:
        line = read_line(name, lexicon)
        if line.kind == "step":
            return line.steps[0]
        given = [value for key, value in entries.items() if key != name_key and isinstance(value, str)]
    if isinstance(given, dict):
        given = list(cast("dict[str, object]", given).values())
    if isinstance(given, str):
        given = given.replace(",", " ").split()
    arguments = [str(word) for word in cast("list[object]", given)] if isinstance(given, list) else []
    return _list_step([name, *arguments], lexicon)
