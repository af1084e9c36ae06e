"""Plan files, as planners and VAL write them: one `(action arguments)` a line.

Comments after `;`, time stamps before and durations after a step are passed over. Reading is total, as plans come from
models too: a line that is no step becomes a step of one word, the line itself, which the judge finds `malformed` at
its place.
"""

from __future__ import annotations

import re

from planbench.core.tree import lower
from planbench.core.verdict import Plan, Step

_STEP = re.compile(r"(?:\d+(?:\.\d+)?\s*:)?\s*\(([^()]*)\)\s*(?:\[[^\]]*\]?)?")


def read_plan(text: str) -> Plan:
    """The steps of a plan file, in lower case; empty where it has none."""
    steps: list[Step] = []
    for raw in lower(text.removeprefix("\ufeff")).splitlines():
        line = raw.split(";", 1)[0].strip()
        if not line:
            continue
        match = _STEP.fullmatch(line)
        words = tuple(match.group(1).split()) if match else ()
        steps.append(words or (line,))
    return tuple(steps)
