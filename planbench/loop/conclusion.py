"""What a run comes to, from its files alone: the same files, the same summary, however often it was stopped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, count, takewhile
from pathlib import Path
from typing import Literal

import numpy as np

from planbench.loop.answers import Answers, Found
from planbench.loop.budget import budget_of, ends, spent
from planbench.loop.config import Arm, IterateConfig
from planbench.loop.implicit import implicit_rewards
from planbench.loop.layout import Place, finished
from planbench.loop.times import seconds_of
from planbench.metrics import horizon
from planbench.metrics.paired import mean_over_seeds, paired
from planbench.records.files import RunFolder, read_json
from planbench.records.iterate import (
    SPLITS,
    Across,
    Comparison,
    Curated,
    FirstSolved,
    Generation,
    IterateSummary,
    TaskSetSpec,
    Training,
)
from planbench.records.outcomes import Outcomes
from planbench.records.summary import Part

Measured = Literal["held_out", "longer"]

MEASURED: tuple[Measured, ...] = ("held_out", "longer")
EXAMPLES = 10


def generation_record(place: Place, answers: Answers) -> Generation | None:
    """A generation, None where it is not measured on every split yet."""
    folders = {name: place.answers(name) for name in answers.sets}
    splits = [name for name in SPLITS if name in folders]
    if not all(finished(folders[name]) for name in splits):
        return None
    parts = {name: _part(folder) for name, folder in folders.items() if finished(folder)}
    record = RunFolder(folders["pool"]).record()
    assert record is not None, "a finished run has one"
    curated, training = place.path / "curated.json", place.training
    return Generation(
        arm=place.arm,
        generation=place.generation,
        seed=place.seed,
        model_fingerprint=record.config.model_fingerprint,
        pool=parts["pool"],
        held_out=parts["held_out"],
        longer=parts.get("longer"),
        probes={name: part for name, part in parts.items() if name not in SPLITS},
        plan_lengths={name: answers.of(place, name).lengths for name in splits},
        curated=read_json(curated, Curated) if curated.is_file() else None,
        training=read_json(training, Training) if training.is_file() else None,
        spent=spent([Place(place.run, place.arm, place.seed, number) for number in range(place.generation + 1)]),
        plan_diversity=answers.of(place, "pool").diversity,
        tokens=parts["pool"].tokens.completion_total or 0,
        seconds=seconds_of(place.path),
    )


def _part(folder: Path) -> Part:
    summary = RunFolder(folder).summary()
    return Part(**{name: getattr(summary, name) for name in Part.model_fields})


def _numbers(config: IterateConfig, run: Path, first: Arm, arm: Arm, seed: int) -> Iterable[int]:
    """The generations that may be there; where arms are matched, as far as the budget goes: a run that was matched by
    something else may hold more."""
    if config.match == "generations":
        yield from range(config.generations + 1)
        return
    places, theirs = _there(run, arm, seed), _there(run, first, seed)
    goal = budget_of(config, theirs) if theirs and arm != first else None
    for number in range(len(places)):
        yield number
        if ends(config, goal, places[: number + 1]):
            return


def _there(run: Path, arm: Arm, seed: int) -> list[Place]:
    places = (Place(run, arm.name, seed, number) for number in count())
    return list(takewhile(lambda place: place.answers("pool").is_dir(), places))


def conclude(
    config: IterateConfig,
    arms: Sequence[Arm],
    answers: Answers,
    run: Path,
    taught: int | None,
    ended: dict[str, str],
    *,
    done: bool = False,
) -> IterateSummary:
    """The summary of what is there so far. `done`: every arm has come to its end, where budgets decide that."""
    found: dict[str, list[Generation]] = {}
    for arm in arms:
        rows = (
            generation_record(Place(run, arm.name, seed, number), answers)
            for seed in config.seeds
            for number in _numbers(config, run, arms[0], arm, seed)
        )
        found[arm.name] = [row for row in rows if row is not None]
    whole = config.match == "generations" and all(
        len(rows) == len(config.seeds) * (config.generations + 1) for rows in found.values()
    )
    summary = summarised(
        config,
        tuple(tasks.record for tasks in answers.sets.values()),
        found,
        run,
        answers,
        taught=taught,
        ended=ended,
        finished=done or whole,
    )
    first = [row for arm in arms for row in _first_solved(found[arm.name], run, answers)]
    return summary.model_copy(update={"first_solved": first})


def summarised(
    config: IterateConfig,
    task_sets: tuple[TaskSetSpec, ...],
    arms: dict[str, list[Generation]],
    run: Path,
    found: Found,
    *,
    taught: int | None,
    ended: dict[str, str],
    finished: bool,
) -> IterateSummary:
    """What the generations of all arms come to, but for which tasks were first solved."""
    return IterateSummary(
        model=config.model,
        finished=finished,
        config=config.model_dump(mode="json"),
        task_sets=task_sets,
        taught=taught,
        arms=arms,
        across=[row for arm, rows in arms.items() for row in _across(arm, rows, run, found)],
        comparisons=list(_comparisons(arms, run, found, config.match != "generations")),
        first_solved=[],
        implicit_reward=implicit_rewards(arms, run, found) if config.implicit_reward else [],
        ended=ended,
        tokens=sum(row.tokens for rows in _once(arms) for row in rows),
        seconds=round(sum(sum(row.seconds.values()) for rows in _once(arms) for row in rows), 3),
    )


def outcomes(summary: IterateSummary, run: Path, answers: Answers) -> Outcomes:
    """Of a seed, task by task, from its own summary."""
    return answers.outcomes([_place(run, row) for rows in _once(summary.arms) for row in rows])


def _once(arms: dict[str, list[Generation]]) -> Iterable[list[Generation]]:
    """Every deployment once: the arms share their generation 0."""
    for place, rows in enumerate(arms.values()):
        yield [row for row in rows if place == 0 or row.generation > 0]


def _place(run: Path, row: Generation) -> Place:
    return Place(run, row.arm, row.seed, row.generation)


def _across(arm: str, rows: Sequence[Generation], run: Path, found: Found) -> Iterable[Across]:
    for number in sorted({row.generation for row in rows}):
        members = [row for row in rows if row.generation == number]
        places = [_place(run, row) for row in members]
        for split in ("pool", *MEASURED):
            parts = [part for row in members if (part := getattr(row, split)) is not None]
            tasks = found.tasks(places, split) if parts else []
            if not tasks:
                continue
            solved = found.table(places, split, tasks)
            lengths = found.reference_lengths(split)
            known = [index for index, task in enumerate(tasks) if task in lengths]
            only = parts[0].valid_ci if len(parts) == 1 else None
            rate, ci = (float(solved.mean()), only) if only else mean_over_seeds(solved)
            yield Across(
                arm=arm,
                generation=number,
                split=split,
                seeds=len(members),
                rate=rate,
                ci=ci,
                horizon=horizon(np.array([lengths[tasks[index]] for index in known]), solved.mean(axis=0)[known]),
                longest_reference_solved=_largest(part.longest_reference_solved for part in parts),
                longest_plan=_largest(part.longest_plan for part in parts),
                unanimous_rate=float((solved == 1).all(axis=0).mean()),
            )


def _largest(numbers: Iterable[int | None]) -> int | None:
    return max((number for number in numbers if number is not None), default=None)


def _comparisons(arms: dict[str, list[Generation]], run: Path, found: Found, matched: bool) -> Iterable[Comparison]:
    """Each arm's last generation with generation 0, then the arms' last generations with each other, which are the same
    number but where the arms were matched by what they cost."""
    last = {name: _ends(rows) if matched else _last(rows) for name, rows in arms.items() if rows}
    pairs: list[tuple[str, list[Generation], str, list[Generation]]] = []
    for name, rows in last.items():
        zero = [row for row in arms[name] if row.generation == 0]
        if rows and zero and rows[0].generation > 0:
            pairs.append(("generation 0", zero, f"{name}, {_numbered(rows)}", rows))
    for one, other in combinations(last, 2):
        if not (last[one] and last[other]) or last[one][0].generation == 0 or last[other][0].generation == 0:
            continue
        if matched or last[one][0].generation == last[other][0].generation:
            pairs.append(
                (f"{other}, {_numbered(last[other])}", last[other], f"{one}, {_numbered(last[one])}", last[one])
            )
    for first, before, second, after in pairs:
        for split in MEASURED:
            if split in found.sets:
                yield from _compared(split, first, before, second, after, run, found)


def _numbered(rows: Sequence[Generation]) -> str:
    low, high = min(row.generation for row in rows), max(row.generation for row in rows)
    return f"generation {low}" if low == high else f"generations {low} to {high}"


def _ends(rows: Sequence[Generation]) -> list[Generation]:
    """Each seed's last row."""
    return list({row.seed: row for row in sorted(rows, key=lambda row: row.generation)}.values())


def _last(rows: Sequence[Generation]) -> list[Generation]:
    """The rows of the last generation that every seed has reached."""
    reached = min(max(row.generation for row in rows if row.seed == seed) for seed in {row.seed for row in rows})
    return [row for row in rows if row.generation == reached]


def _compared(
    split: Measured,
    first: str,
    before: Sequence[Generation],
    second: str,
    after: Sequence[Generation],
    run: Path,
    found: Found,
) -> Iterable[Comparison]:
    seeds = [row.seed for row in after if any(other.seed == row.seed for other in before)]
    earlier = [_place(run, row) for seed in seeds for row in before if row.seed == seed]
    later = [_place(run, row) for seed in seeds for row in after if row.seed == seed]
    tasks = found.tasks([*earlier, *later], split)
    if not tasks:
        return
    result = paired(found.table(earlier, split, tasks), found.table(later, split, tasks))
    yield Comparison(
        split=split,
        first=first,
        second=second,
        seeds=len(seeds),
        tasks=len(tasks),
        gained=result.gained,
        lost=result.lost,
        difference=result.difference,
        ci=result.ci,
        p_value=result.p_value,
    )


def _first_solved(rows: Sequence[Generation], run: Path, answers: Answers) -> Iterable[FirstSolved]:
    """For the first seed of an arm: tasks that only its last generation solves, the longest first."""
    if not rows:
        return
    mine = [row for row in rows if row.seed == rows[0].seed]
    *earlier, last = sorted(mine, key=lambda row: row.generation)
    found: list[FirstSolved] = []
    for split in MEASURED:
        if split not in answers.sets or not earlier:
            continue
        before = {
            task for row in earlier for task, share in answers.of(_place(run, row), split).solved.items() if share > 0
        }
        problems = {one.task.hash: one.task.problem_pddl for one in answers.sets[split].prepared}
        found += [
            FirstSolved(
                arm=last.arm,
                seed=last.seed,
                split=split,
                task=sample.task,
                reference_length=sample.reference_length,
                problem=problems[sample.task_hash],
                plan=sample.plan or (),
            )
            for sample in RunFolder(_place(run, last).answers(split)).samples()
            if sample.verdict.kind == "valid" and sample.task_hash not in before
        ]
    yield from sorted(found, key=lambda row: (-(row.reference_length or 0), row.task))[:EXAMPLES]
