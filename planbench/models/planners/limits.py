"""What a planner may spend on a task, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from planbench.core.verdict import Plan
from planbench.records import Request


@dataclass(frozen=True, slots=True)
class Limits:
    """For one task: seconds by the clock on the wall, and memory in MB (2**20 bytes)."""

    seconds: float = 10.0
    memory: int = 1024

    def __str__(self) -> str:
        return f"{self.seconds:g}s-{self.memory}MB"


@dataclass(frozen=True, slots=True)
class Answer:
    """A plan, or in `reason` why there is none. `cut`: a limit ended the search. `fault`: the planner could not be run,
    which says nothing about the task."""

    plan: Plan | None
    reason: str = ""
    cut: bool = False
    fault: bool = False


Solver = Callable[[Request, Limits], Answer]


class LimitReached(Exception):
    """A limit ended the search; the text says which."""


class Budget:
    """What is left of the limits. The built-in searches ask it as they go, so that they end soon after the time is up;
    memory is what they say that they keep, an estimate that is the same on every machine."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._until = time.monotonic() + limits.seconds
        self._bytes = limits.memory * 2**20

    def check(self) -> None:
        """Raise `LimitReached` where the time is up."""
        if time.monotonic() > self._until:
            raise LimitReached(out_of_time(self._limits))

    def keep(self, size: int) -> None:
        """Count `size` bytes. Raise `LimitReached` where the memory is used up."""
        self._bytes -= size
        if self._bytes < 0:
            raise LimitReached(out_of_memory(self._limits))


def out_of_time(limits: Limits) -> str:
    return f"out of time after {limits.seconds:g} seconds"


def out_of_memory(limits: Limits) -> str:
    return f"out of memory at {limits.memory} MB"
