"""A trace with a weight, and the orders in which rules look at traces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from planbench.records.trace import CuratedTrace, Trace


@dataclass(frozen=True, slots=True)
class Weighted:
    """A trace with its weight, a finite number (negative ones push away), and the reason for it."""

    trace: Trace
    weight: float
    reason: str

    @property
    def record(self) -> CuratedTrace:
        return CuratedTrace.of(self.trace, self.weight, self.reason)


Rule = Callable[[Sequence[Trace], Random], list[Weighted]]


def valid_of(traces: Iterable[Trace]) -> list[Trace]:
    return [trace for trace in traces if trace.valid]


def judged_of(traces: Iterable[Trace]) -> list[Trace]:
    """All but those that a fault of ours kept from being judged."""
    return [trace for trace in traces if trace.verdict != "harness_error"]


def in_order(traces: Iterable[Trace]) -> list[Trace]:
    """As they were found."""
    return sorted(traces, key=lambda trace: (trace.generation, trace.task_hash, trace.index, trace.id))


def by_task(traces: Iterable[Trace]) -> list[list[Trace]]:
    tasks: dict[str, list[Trace]] = {}
    for trace in in_order(traces):
        tasks.setdefault(trace.task_hash, []).append(trace)
    return [members for _, members in sorted(tasks.items())]
