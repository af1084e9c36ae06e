"""A task: one planning problem, with the plan that is known for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b

from planbench.core.verdict import Plan


@dataclass(frozen=True, slots=True)
class ReferencePlan:
    """A known valid plan. `optimal` is True only where no shorter plan exists and that was proven."""

    steps: Plan
    optimal: bool = False

    @property
    def length(self) -> int:
        return len(self.steps)


@dataclass(frozen=True)
class Task:
    """One planning problem of a domain, as PDDL text.

    `id` is unique within a set. `domain` is the name of the domain's folder (or the PDDL name where the domain came as
    a file). `reference` is None for tasks read from a folder without known plans. `domain_toml` is the text of the
    domain's wording and settings, empty where it has none. The files are where the texts were read from, for messages;
    empty where they were made.
    """

    id: str
    domain: str
    domain_pddl: str
    problem_pddl: str
    reference: ReferencePlan | None = None
    domain_toml: str = ""
    domain_file: str = field(default="", compare=False)
    problem_file: str = field(default="", compare=False)

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits over the texts of domain and problem: what a result is about."""
        digest = blake2b(self.domain_pddl.encode(), digest_size=8)
        digest.update(b"\0")
        digest.update(self.problem_pddl.encode())
        return digest.hexdigest()

    @property
    def reference_length(self) -> int | None:
        return None if self.reference is None else self.reference.length


def task_set_hash(tasks: Iterable[Task]) -> str:
    """32 hexadecimal digits over the hashes of tasks, in order."""
    digest = blake2b(digest_size=16)
    for task in tasks:
        digest.update(task.hash.encode())
    return digest.hexdigest()
