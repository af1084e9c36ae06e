"""One hash for a set of generated tasks: the texts of its problems, the reference plans, and what is claimed of them.

Run as a program with names of sets, it prints their hashes: another process has another order of hashing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from hashlib import blake2b

from planbench.core.verdict import plan_text
from planbench.records import Task
from planbench.suite import GENERATORS, generate
from planbench.suite.generator import short_drafts, tasks_of

SETS: dict[str, tuple[int, int, tuple[int, int], str]] = {
    "test": (40, 0, (2, 16), "test"),
    "base": (40, 1, (1, 6), "base"),
    "long": (10, 2, (2, 60), "pool"),
}
"""Name to count, seed, plan length and split; of split base, as a small planner is trained on it."""


def digest(tasks: Sequence[Task]) -> str:
    whole = blake2b(digest_size=8)
    for task in tasks:
        assert task.reference is not None
        for text in (task.id, task.problem_pddl, plan_text(task.reference.steps), str(task.reference.optimal)):
            whole.update(text.encode() + b"\0")
    return whole.hexdigest()


def made(domain: str, name: str) -> list[Task]:
    count, seed, plan_length, split = SETS[name]
    if split == "base":
        return tasks_of(domain, short_drafts(domain, count, seed=seed, longest=plan_length[1]))
    return generate(domain, count, seed=seed, plan_length=plan_length, split=split)


if __name__ == "__main__":
    for domain in GENERATORS:
        print(domain, *(digest(made(domain, name)) for name in sys.argv[1:]))
