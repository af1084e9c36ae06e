"""What a reply looks like: the features on which an implicit reward is regressed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from planbench.metrics.regression import Floats
from planbench.records.outcomes import Look
from planbench.records.trace import Trace

FAILURES = ("inapplicable", "goal_missed", "malformed", "no_plan")

_VALUES = 6
"""So many of a feature's values have a column each: the most frequent but the first, with which they are compared."""

Style = Literal["json", "fenced", "PDDL", "numbered", "plain", "nothing"]


def look_of(trace: Trace) -> Look:
    return Look(
        task=trace.task_hash,
        domain=trace.domain,
        verdict=trace.verdict,
        length=trace.length,
        tokens=trace.tokens,
        reference_length=trace.reference_length,
        first_action=trace.plan[0].strip("()").split(" ")[0] if trace.plan else "none",
        style=style(trace.reply),
    )


def features(looks: Sequence[Look]) -> tuple[list[str], Floats]:
    """Names and values `[looks, features]`. Valid plans and kinds of failure are compared with the most frequent
    failure; first actions, styles and domains with the most frequent of theirs. `gap` counts the steps beyond the
    reference plan, of valid plans alone; `extra tokens` are those beyond what the steps take in a valid plan: tokens
    themselves would go together with steps, and what is given to the one would be taken from the other."""
    columns: dict[str, list[float]] = {"valid": [float(look.valid) for look in looks]}
    failed = Counter(look.verdict for look in looks if not look.valid)
    base = max(FAILURES, key=lambda kind: failed[kind])
    for kind in FAILURES:
        if kind != base:
            columns[f"verdict {kind} (not {base})"] = [float(look.verdict == kind) for look in looks]
    columns["steps"] = [float(look.length or 0) for look in looks]
    each = _tokens_a_step(looks)
    columns["extra tokens"] = [(look.tokens or 0) - each * (look.length or 0) for look in looks]
    columns["gap"] = [_gap(look) for look in looks]
    columns |= _indicators("first action", [look.first_action for look in looks])
    columns |= _indicators("style", [look.style for look in looks])
    columns |= _indicators("domain", [look.domain for look in looks])
    return list(columns), np.array(list(columns.values()), dtype=np.float64).T


def _tokens_a_step(looks: Sequence[Look]) -> float:
    """The median over valid replies; 0 where there is none."""
    return float(
        np.median([look.tokens / look.length for look in looks if look.valid and look.length and look.tokens] or [0])
    )


def _gap(look: Look) -> float:
    if not look.valid or look.length is None or look.reference_length is None:
        return 0.0
    return float(look.length - look.reference_length)


def style(reply: str) -> Style:
    """How a plan is written down, by the surface of the reply alone."""
    lines = [line.strip() for line in reply.splitlines() if line.strip()]
    if not lines:
        return "nothing"
    if "```" in reply:
        return "fenced"
    if lines[0][0] in "[{":
        return "json"
    if any(line[0] == "(" for line in lines):
        return "PDDL"
    if any(line[0].isdigit() and line.lstrip("0123456789")[:1] in (".", ")", ":") for line in lines):
        return "numbered"
    return "plain"


def _indicators(name: str, values: Sequence[str]) -> dict[str, list[float]]:
    order = [value for value, _ in sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))]
    compared = order[0] if order else ""
    return {
        f"{name} {value} (not {compared})": [float(one == value) for one in values] for value in order[1 : 1 + _VALUES]
    }
