"""Iterate runs made by hand for the tests of the report. Their parts, means, horizons and comparisons come from
planbench.metrics, so that they hang together as those of a real run do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any, Literal

import numpy as np

from planbench.metrics import horizon, summarise
from planbench.metrics.paired import Solved, mean_over_seeds, paired
from planbench.records.iterate import (
    Across,
    Comparison,
    Curated,
    FirstSolved,
    Generation,
    IterateSummary,
    TaskSetSpec,
    Training,
)
from planbench.records.sample import Sample
from planbench.records.summary import Part
from tests.metrics.samples import sample

Split = Literal["pool", "held_out", "longer"]
SPLITS: tuple[Split, ...] = ("pool", "held_out", "longer")
LENGTHS = {"pool": (2, 12), "held_out": (2, 14), "longer": (14, 30), "renamed": (2, 14), "grid": (2, 10)}
SAMPLES = {"pool": 2}
PROBLEM = "(define (problem p)\n  (:domain blocksworld)\n  (:init (ontable a) (clear a))\n  (:goal (holding a)))\n"


def answers(split: str, skill: float, seed: object, tasks: int) -> list[Sample]:
    """Replies to a split by a model whose rate falls to one half at reference length `skill`."""
    random = Random(f"{split} {skill} {seed}")
    low, high = LENGTHS[split]
    found: list[Sample] = []
    for number in range(tasks):
        reference = low + number % (high - low + 1)
        for index in range(SAMPLES.get(split, 1)):
            valid = skill > 0 and random.random() < 1 / (1 + (reference / skill) ** 3)
            verdict = "valid" if valid else random.choice(["inapplicable", "goal_missed", "malformed", "no_plan"])
            length = reference + 2 * random.randint(0, 2)
            step = random.randint(1, length) if verdict in ("inapplicable", "malformed") else None
            found.append(
                sample(
                    f"{split}-{number}",
                    verdict,
                    index=index,
                    step=step,
                    reference=reference,
                    length=length,
                    tokens=random.randint(20, 30 + 4 * reference),
                )
            )
    return found


def part(lines: Sequence[Sample]) -> Part:
    summary = summarise(lines, model="m", model_fingerprint="f", prompt="compact", finished=True)
    return Part(**{name: getattr(summary, name) for name in Part.model_fields})


def curated(arm: str, generation: int) -> Curated:
    by_generation = {number: 40 + 15 * number for number in range(generation)}
    return Curated(
        rule=arm,
        examined=120 * generation,
        new=by_generation[generation - 1],
        total=sum(by_generation.values()),
        tasks=sum(by_generation.values()),
        weight=float(sum(by_generation.values())),
        by_generation=by_generation,
        length_mean=3.5 + generation,
        length_max=8 + 2 * generation,
        tokens_mean=41.5 + 5 * generation,
    )


class Made:
    """A run in the making: its generations with the replies that they stand on."""

    def __init__(self, tasks: int, splits: Sequence[Split] = SPLITS) -> None:
        self.tasks, self.splits = tasks, splits
        self.rows: list[Generation] = []
        self._lines: dict[tuple[str, int, int, str], list[Sample]] = {}

    def add(self, arm: str, seed: int, generation: int, skill: float, probes: Sequence[str] = ()) -> None:
        draw = (seed, generation, arm if generation else "")
        lines = {split: answers(split, skill, draw, self.tasks) for split in (*self.splits, *probes)}
        for split, of in lines.items():
            self._lines[arm, seed, generation, split] = of
        parts = {split: part(of) for split, of in lines.items()}
        self.rows.append(
            Generation(
                arm=arm,
                generation=generation,
                seed=seed,
                model_fingerprint=f"print-{generation}",
                pool=parts["pool"],
                held_out=parts["held_out"],
                longer=parts.get("longer"),
                probes={name: parts[name] for name in probes},
                plan_lengths={split: _lengths(lines[split]) for split in self.splits},
                curated=curated(arm, generation) if generation else None,
                training=_training(generation) if generation else None,
                tokens=parts["pool"].tokens.completion_total or 0,
                seconds={"pool": 20.25, "held_out": 3.5, "curate": 0.125, **({"train": 31.0} if generation else {})},
            )
        )

    def summary(self, arms: Sequence[str], **changes: Any) -> IterateSummary:
        seeds = sorted({row.seed for row in self.rows})
        found: dict[str, Any] = {
            "model": "tiny",
            "finished": True,
            "config": {"model": "tiny", "generations": 3, "arms": list(arms), "tasks": {"pool": self.tasks, "seed": 0}},
            "task_sets": tuple(
                TaskSetSpec(name=split, split="pool", tasks=self.tasks, lengths=LENGTHS[split], hash=f"hash-of-{split}")
                for split in self.splits
            ),
            "taught": 6,
            "arms": {arm: [row for row in self.rows if row.arm == arm] for arm in arms},
            "across": list(self._across(arms, seeds)),
            "comparisons": list(self._comparisons(arms, seeds)),
            "first_solved": list(self._first_solved()),
            "tokens": sum(row.tokens for row in self.rows),
            "seconds": sum(sum(row.seconds.values()) for row in self.rows),
        }
        return IterateSummary(**{**found, **changes})

    def _solved(self, arm: str, seeds: Sequence[int], generation: int, split: str) -> Solved:
        rows: list[list[float]] = []
        for seed in seeds:
            shares: dict[str, list[bool]] = {}
            for line in self._lines[arm, seed, generation, split]:
                shares.setdefault(line.task, []).append(line.verdict.kind == "valid")
            rows.append([sum(of) / len(of) for of in shares.values()])
        return np.array(rows)

    def _across(self, arms: Sequence[str], seeds: Sequence[int]) -> Iterable[Across]:
        for arm in arms:
            for generation in sorted({row.generation for row in self.rows if row.arm == arm}):
                rows = [row for row in self.rows if (row.arm, row.generation) == (arm, generation)]
                for split in self.splits:
                    solved = self._solved(arm, [row.seed for row in rows], generation, split)
                    parts = [getattr(row, split) for row in rows]
                    low, high = LENGTHS[split]
                    lengths = [low + number % (high - low + 1) for number in range(self.tasks)]
                    rate, ci = mean_over_seeds(solved)
                    yield Across(
                        arm=arm,
                        generation=generation,
                        split=split,
                        seeds=len(rows),
                        rate=rate,
                        ci=parts[0].valid_ci if len(rows) == 1 else ci,
                        horizon=horizon(lengths, solved.mean(axis=0)),
                        longest_reference_solved=_largest(p.longest_reference_solved for p in parts),
                        longest_plan=_largest(p.longest_plan for p in parts),
                        unanimous_rate=float((solved == 1).all(axis=0).mean()),
                    )

    def _comparisons(self, arms: Sequence[str], seeds: Sequence[int]) -> Iterable[Comparison]:
        last = {arm: max((r.generation for r in self.rows if r.arm == arm), default=0) for arm in arms}
        pairs = [((arm, 0), (arm, last[arm])) for arm in arms if last[arm]]
        pairs += [((other, last[other]), (arm, last[arm])) for arm, other in pairwise(arms)]
        for (first, before), (second, after) in pairs:
            for split in ("held_out", "longer"):
                if split not in self.splits:
                    continue
                result = paired(self._solved(first, seeds, before, split), self._solved(second, seeds, after, split))
                yield Comparison(
                    split=split,
                    first=f"{first}, generation {before}" if before else "generation 0",
                    second=f"{second}, generation {after}",
                    seeds=len(seeds),
                    tasks=self.tasks,
                    gained=result.gained,
                    lost=result.lost,
                    difference=result.difference,
                    ci=result.ci,
                    p_value=result.p_value,
                )

    def _first_solved(self) -> Iterable[FirstSolved]:
        for row in (self.rows[-1],) if self.rows else ():
            valid = [
                line
                for line in self._lines[row.arm, row.seed, row.generation, "held_out"]
                if line.verdict.kind == "valid"
            ]
            for line in sorted(valid, key=lambda line: -(line.reference_length or 0))[:10]:
                yield FirstSolved(
                    arm=row.arm,
                    seed=row.seed,
                    split="held_out",
                    task=line.task,
                    reference_length=line.reference_length,
                    problem=PROBLEM,
                    plan=("(pick-up a)", "(stack a b)"),
                )


def _largest(numbers: Iterable[int | None]) -> int | None:
    return max((number for number in numbers if number is not None), default=None)


def _lengths(lines: Iterable[Sample]) -> dict[int, int]:
    counts = Counter(line.length for line in lines if line.verdict.kind == "valid" and line.length is not None)
    return dict(sorted(counts.items()))


def _training(generation: int) -> Training:
    return Training(
        steps=320,
        tokens=90_000 + generation,
        seconds=30.5,
        loss=0.5 / (generation + 1),
        validation_before=0.61,
        validation_after=0.42,
        stopped_early=generation == 2,
    )


@cache
def two_arms() -> IterateSummary:
    """Two arms, two seeds, generations 0 to 3, all splits, probes."""
    return grown()


@cache
def one_arm() -> IterateSummary:
    """One arm and seed, generations 0 to 2, without longer tasks and probes."""
    return grown(arms=("shortest",), seeds=(0,), generations=3, splits=("pool", "held_out"), probes=(), taught=None)


@cache
def one_generation() -> IterateSummary:
    return grown(arms=("shortest",), seeds=(0,), generations=1, probes=(), finished=False)


@cache
def nothing_solved() -> IterateSummary:
    """A model that solves nothing: the arm ends at generation 0."""
    made = Made(30)
    made.add("shortest", 0, 0, skill=0.0)
    return made.summary(("shortest",), ended={"shortest, seed 0": "no valid trace among 60: nothing to learn from"})


@cache
def all_solved() -> IterateSummary:
    made = Made(30)
    for generation in range(2):
        made.add("shortest", 0, generation, skill=1e9)
    return made.summary(("shortest",))


def nothing_yet() -> IterateSummary:
    return Made(30).summary(("shortest",), finished=False)


def grown(
    arms: Sequence[str] = ("shortest", "none"),
    seeds: Sequence[int] = (0, 1),
    generations: int = 4,
    tasks: int = 60,
    splits: Sequence[Split] = SPLITS,
    probes: Sequence[str] = ("renamed", "grid"),
    **changes: Any,
) -> IterateSummary:
    """A run in which the first arm learns and the others do not. Generation 0 is the same in all arms."""
    made = Made(tasks, splits)
    for place, arm in enumerate(arms):
        for seed in seeds:
            for generation in range(generations):
                ends = probes if generation in (0, generations - 1) else ()
                made.add(arm, seed, generation, 4.0 * (1.5**generation if place == 0 else 1), ends)
    return made.summary(arms, **changes)
