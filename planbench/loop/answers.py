"""What the summary of a run takes from the samples of its generations.

`Answers` has it from the samples themselves: each run folder is read once and folded. `Kept` has it from what seeds
that were run apart left of theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from planbench.loop.features import look_of
from planbench.loop.layout import Place, finished
from planbench.loop.scoring import fixed_traces, pool_traces
from planbench.loop.tasks import TaskSet
from planbench.metrics.paired import Solved
from planbench.records.files import RunFolder, read_lines
from planbench.records.likelihood import Likelihood
from planbench.records.outcomes import Deployed, Likely, Look, Outcomes
from planbench.records.sample import Sample


class Found(Protocol):
    """What means, comparisons and implicit rewards are taken from. Tasks have keys that are the same in all places."""

    @property
    def sets(self) -> Collection[str]: ...

    def tasks(self, places: Sequence[Place], split: str) -> list[str]:
        """The tasks that were judged everywhere, in the order of the set."""
        ...

    def table(self, places: Sequence[Place], split: str, tasks: Sequence[str]) -> Solved: ...

    def reference_lengths(self, split: str) -> dict[str, int]: ...

    def looks(self, place: Place) -> list[Look]:
        """Of the fixed replies of the place's seed; none where they were not scored."""
        ...

    def nats(self, place: Place) -> list[float | None]:
        """How likely each of the fixed replies was."""
        ...


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
        self._looks: dict[Path, tuple[list[str], list[Look]]] = {}
        self._nats: dict[Path, list[float | None]] = {}

    def of(self, place: Place, split: str) -> Folded:
        """Of a run folder that is finished."""
        folder = place.answers(split)
        if folder not in self._known:
            self._known[folder] = fold(RunFolder(folder).samples())
        return self._known[folder]

    def table(self, places: Sequence[Place], split: str, tasks: Sequence[str]) -> Solved:
        return np.array([[self.of(place, split).solved[task] for task in tasks] for place in places])

    def tasks(self, places: Sequence[Place], split: str) -> list[str]:
        everywhere = [self.of(place, split).solved for place in places]
        return [task for task in self._asked(split) if all(task in known for known in everywhere)]

    def _asked(self, split: str) -> list[str]:
        return [one.task.hash for one in self.sets[split].prepared]

    def reference_lengths(self, split: str) -> dict[str, int]:
        if split not in self._lengths:
            self._lengths[split] = {
                one.task.hash: one.task.reference_length
                for one in self.sets[split].prepared
                if one.task.reference_length is not None
            }
        return self._lengths[split]

    def looks(self, place: Place) -> list[Look]:
        return self._fixed(place)[1]

    def _fixed(self, place: Place) -> tuple[list[str], list[Look]]:
        """The fixed replies of a seed, by the ids of their traces and as they look."""
        zero = Place(place.run, place.arm, place.seed, 0)
        if zero.path not in self._looks:
            traces = fixed_traces(pool_traces(zero), place.seed) if zero.fixed.is_file() else []
            self._looks[zero.path] = [trace.id for trace in traces], [look_of(trace) for trace in traces]
        return self._looks[zero.path]

    def nats(self, place: Place) -> list[float | None]:
        if place.path not in self._nats:
            lines = read_lines(place.fixed, Likelihood) if place.fixed.is_file() else ()
            known = {line.trace: line.nats for line in lines}
            self._nats[place.path] = [known.get(trace) for trace in self._fixed(place)[0]]
        return self._nats[place.path]

    def outcomes(self, places: Sequence[Place]) -> Outcomes:
        """Of one seed: what `Kept` needs to answer for these places, each of them once."""
        asked = {split: self._asked(split) for split in self.sets}
        return Outcomes(
            seed=places[0].seed,
            lengths={
                split: [self.reference_lengths(split).get(task) for task in tasks] for split, tasks in asked.items()
            },
            deployed=[
                Deployed(
                    arm=place.arm,
                    generation=place.generation,
                    split=split,
                    solved=[self.of(place, split).solved.get(task) for task in tasks],
                )
                for place in places
                for split, tasks in asked.items()
                if finished(place.answers(split))
            ],
            looks=self.looks(places[0]),
            likely=[
                Likely(arm=place.arm, generation=place.generation, nats=self.nats(place))
                for place in places
                if place.fixed.is_file()
            ],
        )


class Kept:
    """The same from the outcomes of seeds, without their samples."""

    def __init__(self, outcomes: Mapping[int, Outcomes]) -> None:
        self._outcomes = outcomes
        self._solved = {
            _key(seed, one.arm, one.generation, one.split): {
                str(number): share for number, share in enumerate(one.solved) if share is not None
            }
            for seed, of in outcomes.items()
            for one in of.deployed
        }
        self._nats = {
            _key(seed, one.arm, one.generation): one.nats for seed, of in outcomes.items() for one in of.likely
        }
        self._lengths = next(iter(outcomes.values())).lengths

    @property
    def sets(self) -> Collection[str]:
        return self._lengths

    def tasks(self, places: Sequence[Place], split: str) -> list[str]:
        everywhere = [self._of(place, split) for place in places]
        asked = map(str, range(len(self._lengths[split])))
        return [task for task in asked if all(task in known for known in everywhere)]

    def table(self, places: Sequence[Place], split: str, tasks: Sequence[str]) -> Solved:
        return np.array([[self._of(place, split)[task] for task in tasks] for place in places])

    def _of(self, place: Place, split: str) -> dict[str, float]:
        return self._solved[_key(place.seed, place.arm, place.generation, split)]

    def reference_lengths(self, split: str) -> dict[str, int]:
        lengths = enumerate(self._lengths[split])
        return {str(number): length for number, length in lengths if length is not None}

    def looks(self, place: Place) -> list[Look]:
        return self._outcomes[place.seed].looks

    def nats(self, place: Place) -> list[float | None]:
        known = self._nats.get(_key(place.seed, place.arm, place.generation))
        return [None for _ in self.looks(place)] if known is None else known


def _key(seed: int, arm: str, generation: int, split: str = "") -> tuple[int, str, int, str]:
    """The arms share generation 0."""
    return seed, arm if generation else "", generation, split


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
