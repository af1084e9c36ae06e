"""Plan files, as planners and VAL write them: one `(action arguments)` a line.

Comments after `;`, time stamps before and durations after a step are passed over. Reading is total, as plans come from
models too: a line that is no step becomes a step of one word, the line itself, which the judge finds `malformed` at
its place.
"""

from __future__ import annotations

import re

from planbench.core.tree import lower
from planbench.core.verdict import Plan, Step

MAX_KNOWN = 50_000
MAX_KNOWN_LENGTH = 200

_known: dict[str, Step] = {}
"""Lines read before, as plans for a task are made of the same few: five times as fast as to read them again."""

_STEP = re.compile(r"(?:\d+(?:\.\d+)?\s*:)?\s*\(([^()]*)\)\s*(?:\[[^\]]*\]?)?")


def read_plan(text: str) -> Plan:
    """The steps of a plan file, in lower case; empty where it has none."""
    steps: list[Step] = []
    for line in text.removeprefix("\ufeff").splitlines():
        step = _known.get(line)
        if step is None:
            step = _read(lower(line))
            if len(line) <= MAX_KNOWN_LENGTH:
                if len(_known) >= MAX_KNOWN:
                    _known.clear()
                _known[line] = step
        if step:
            steps.append(step)
    return tuple(steps)


def solid(plan: Plan) -> Plan:
    """A plan as it can be written and read again: what would end or split a word, or cannot be stored, is replaced by a
    character that is in no name, so that the word names nothing, as it did before."""
    return tuple(tuple(_BRITTLE.sub("\ufffd", word) or "\ufffd" for word in step) for step in plan)


_BRITTLE = re.compile(r"[\s()\[\];\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def _read(raw: str) -> Step:
    """The step on a line, empty where it has none."""
    line = raw.split(";", 1)[0].strip()
    match = _STEP.fullmatch(line)
    words = tuple(match.group(1).split()) if match else ()
    return words or ((line,) if line else ())
