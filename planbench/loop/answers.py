"""What the summary of a run takes from the samples of its generations: each run folder is read once and folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from planbench.loop.layout import Place
from planbench.loop.tasks import TaskSet
from planbench.metrics.paired import Solved
from planbench.records.files import RunFolder
from planbench.records.sample import Sample


@dataclass(frozen=True, slots=True)
class Folded:
    """`solved`: task hash to the share of its judged samples that are valid; tasks with none judged are left out.
    `lengths`: steps of a valid plan to how many there are. `diversity`: the chance that two valid plans of one task
    differ, mean over the tasks with two or more; None without any."""

    solved: dict[str, float]
    lengths: dict[int, int]
    diversity: float | None


class Answers:
    """The answers of every generation to the task sets. A finished run folder changes no more, so it is read once."""

    def __init__(self, sets: dict[str, TaskSet]) -> None:
        self.sets = sets
        self._known: dict[Path, Folded] = {}
        self._lengths: dict[str, dict[str, int]] = {}

    def of(self, place: Place, split: str) -> Folded:
        """Of a run folder that is finished."""
        folder = place.answers(split)
        if folder not in self._known:
            self._known[folder] = fold(RunFolder(folder).samples())
        return self._known[folder]

    def table(self, places: Sequence[Place], split: str, tasks: Sequence[str]) -> Solved:
        return np.array([[self.of(place, split).solved[task] for task in tasks] for place in places])

    def tasks(self, places: Sequence[Place], split: str) -> list[str]:
        """The tasks that were judged everywhere, in the order of the set."""
        everywhere = [self.of(place, split).solved for place in places]
        asked = [one.task.hash for one in self.sets[split].prepared]
        return [task for task in asked if all(task in known for known in everywhere)]

    def reference_lengths(self, split: str) -> dict[str, int]:
        if split not in self._lengths:
            self._lengths[split] = {
                one.task.hash: one.task.reference_length
                for one in self.sets[split].prepared
                if one.task.reference_length is not None
            }
        return self._lengths[split]


def fold(samples: Iterable[Sample]) -> Folded:
    judged: Counter[str] = Counter()
    valid: Counter[str] = Counter()
    lengths: Counter[int] = Counter()
    plans: dict[str, Counter[tuple[str, ...]]] = {}
    for sample in samples:
        kind = sample.verdict.kind
        judged[sample.task_hash] += kind != "harness_error"
        if kind != "valid":
            continue
        valid[sample.task_hash] += 1
        if sample.length is not None:
            lengths[sample.length] += 1
        if sample.plan is not None:
            plans.setdefault(sample.task_hash, Counter())[sample.plan] += 1
    solved = {task: valid[task] / count for task, count in judged.items() if count}
    in_order = {length: lengths[length] for length in sorted(lengths)}
    return Folded(solved, in_order, _diversity(plans.values()))


def _diversity(plans: Iterable[Counter[tuple[str, ...]]]) -> float | None:
    chances: list[float] = []
    for counts in plans:
        if (total := counts.total()) > 1:
            alike = sum(number * (number - 1) for number in counts.values())
            chances.append(1 - alike / (total * (total - 1)))
    return sum(chances) / len(chances) if chances else None
