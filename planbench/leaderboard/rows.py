"""What a table shows of a row: for a person as text, for a program as numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planbench import wording
from planbench.core.verdict import VerdictKind
from planbench.leaderboard.entry import Entry
from planbench.leaderboard.ranking import Ranked

FAILURES: tuple[VerdictKind, ...] = ("goal_missed", "inapplicable", "malformed", "no_plan", "harness_error")


def asked(entry: Entry) -> str:
    """How the model was asked, in a few words: `pddl, 2 examples, 4 samples at 0.7`."""
    settings = entry.settings
    words = [settings.prompt]
    if settings.shots:
        words.append(f"{settings.shots} example{'s' if settings.shots > 1 else ''}")
    if settings.samples > 1:
        words.append(f"{settings.samples} samples")
    if settings.temperature > 0:
        words.append(f"temperature {settings.temperature:g}")
    return ", ".join(words)


def parameters(entry: Entry) -> int | None:
    """As the run found it, or else as whoever sent the entry says."""
    found = entry.model.described.get("parameters")
    return found if isinstance(found, int) and not isinstance(found, bool) else entry.card.parameters


def share(row: Ranked, kind: VerdictKind) -> float | None:
    """Of all samples, harness errors included."""
    return row.part.verdicts.get(kind, 0) / row.part.samples if row.part.samples else None


Cell = tuple[str, str]
"""A figure and what stands beside it, smaller."""

_Column = tuple[str, Callable[[Ranked], Cell]]


def _whole(rate: float | None) -> str:
    return wording.NOTHING if rate is None else f"{100 * rate:.0f}"


COLUMNS: tuple[_Column, ...] = (
    ("valid plans", lambda row: (wording.percent(row.part.valid_rate), wording.percent_interval(row.part.valid_ci))),
    ("quality", lambda row: (wording.number(row.part.plan_length.quality, 2), "")),
    (
        "horizon, steps",
        lambda row: (wording.horizon_value(row.part.horizon), wording.horizon_interval(row.part.horizon)),
    ),
    ("longest solved, steps", lambda row: (wording.number(row.part.longest_reference_solved, 0), "")),
    ("tokens / solved", lambda row: (wording.count_of(row.part.tokens.per_solved), "")),
    ("s / task", lambda row: (wording.amount(row.part.seconds.per_task), "")),
    ("goal missed %", lambda row: (_whole(share(row, "goal_missed")), "")),
    ("inapplicable %", lambda row: (_whole(share(row, "inapplicable")), "")),
    ("malformed %", lambda row: (_whole(share(row, "malformed")), "")),
    ("no plan %", lambda row: (_whole(share(row, "no_plan")), "")),
    ("date", lambda row: (row.entry.date, "")),
)
"""Beside rank and model, in the order of the table."""


def numbers(row: Ranked) -> dict[str, Any]:
    """A row as flat values, for CSV and JSON; rates in [0, 1], None where there is no value."""
    entry, part = row.entry, row.part
    low, high = part.valid_ci or (None, None)
    return {
        "rank": row.rank,
        "tied": row.tied,
        "id": entry.id,
        "title": entry.title,
        "model": entry.model.name,
        "fingerprint": entry.model.fingerprint,
        "kind": entry.model.kind,
        "parameters": parameters(entry),
        "licence": entry.card.licence,
        "board": entry.board,
        "prompt": entry.settings.prompt,
        "shots": entry.settings.shots,
        "temperature": entry.settings.temperature,
        "max_tokens": entry.settings.max_tokens,
        "samples_a_task": entry.settings.samples,
        "tasks": part.tasks,
        "samples": part.samples,
        "solved_tasks": part.solved_tasks,
        "valid_rate": part.valid_rate,
        "valid_low": low,
        "valid_high": high,
        "quality": part.plan_length.quality,
        "horizon": part.horizon.value,
        "horizon_low": part.horizon.low,
        "horizon_high": part.horizon.high,
        "horizon_extrapolated": part.horizon.extrapolated,
        "longest_reference_solved": part.longest_reference_solved,
        "tokens_per_task": part.tokens.per_task,
        "tokens_per_solved": part.tokens.per_solved,
        "seconds_per_task": part.seconds.per_task,
        **{kind: part.verdicts.get(kind, 0) for kind in ("valid", *FAILURES)},
        "date": entry.date,
        "planbench": entry.planbench,
        "verified": True,
    }
