"""Seeds of an iterate run that were run apart, on several machines or one after another, put together.

A seed's folder holds its summary and, task by task, what each generation solved; from these alone come the means over
seeds and the paired comparisons, the same as if all had been run in one go. No samples and no checkpoints are needed,
and none are copied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planbench.errors import RunFolderError
from planbench.loop.answers import Kept
from planbench.loop.conclusion import summarised
from planbench.loop.config import IterateConfig, filled
from planbench.loop.layout import seed_folder
from planbench.records.files import ITERATE, SUMMARY, RunFolder, read_json, read_packed, write_json, write_packed
from planbench.records.iterate import Generation, IterateRecord, IterateSummary
from planbench.records.outcomes import OUTCOMES, Outcomes


@dataclass(frozen=True, slots=True)
class _Seed:
    folder: Path
    record: IterateRecord
    summary: IterateSummary
    outcomes: Outcomes


def merge(runs: Sequence[Path], out: Path, told: Callable[[str], None] = lambda line: None) -> IterateSummary:
    """Put the finished seeds of all runs into `out`. Of a seed that several runs hold, the last one's counts. `told`
    hears which seeds come from where.

    Raises RunFolderError where a run holds no finished seed or does not fit the others, or where `out` holds a run
    that is none of them.
    """
    if (out / ITERATE).is_file() and out.resolve() not in [run.resolve() for run in runs]:
        raise RunFolderError(f"{out}: holds a run already; name it among the runs too, or choose another --out")
    records = {run: read_json(run / ITERATE, IterateRecord) for run in runs}
    # Of all, also of one whose every seed a later run has: it may be another experiment, named by mistake.
    _check_alike(list(records.items()))
    chosen = {number: run for run in runs for number in _finished(run)}
    for run in runs:
        numbers = sorted(number for number, its in chosen.items() if its == run)
        told(f"{run}: {_worded(numbers)}")
    seeds = {number: _seed(seed_folder(chosen[number], number), records[chosen[number]]) for number in sorted(chosen)}
    members = list(seeds.values())
    _check_alike([(one.folder, one.summary) for one in members])
    summary = _summary(seeds, out)
    folder = RunFolder(out)
    folder.create(ITERATE)
    with folder.lock():
        for number, one in seeds.items():
            place = seed_folder(out, number)
            RunFolder(place).create(ITERATE)
            write_packed(place / OUTCOMES, one.outcomes)
            # Made anew too: an older version of planbench may have other intervals, or other features of a reward.
            write_json(place / SUMMARY, _summary({number: one}, out))
        write_json(out / ITERATE, _record(members, summary.config))
        write_json(out / SUMMARY, summary)
    return summary


def _worded(seeds: Sequence[int]) -> str:
    if not seeds:
        return "nothing that a later one has not"
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}"


def _finished(run: Path) -> list[int]:
    """The seeds that a run holds whole."""
    folders = [folder for folder in run.glob("seed-*") if (folder / SUMMARY).is_file()]
    numbers = [int(folder.name[5:]) for folder in folders if re.fullmatch(r"seed-(0|[1-9]\d{0,18})", folder.name)]
    if not numbers:
        raise RunFolderError(f"{run}: no seed is finished; type its command again to go on")
    return numbers


def _seed(folder: Path, record: IterateRecord) -> _Seed:
    summary = read_json(folder / SUMMARY, IterateSummary)
    if not (folder / OUTCOMES).is_file():
        raise RunFolderError(f"{folder}: has no {OUTCOMES}; type the run's command again to have it written")
    outcomes = read_packed(folder / OUTCOMES, Outcomes)
    _check_whole(folder, summary, outcomes)
    return _Seed(folder, record, summary, outcomes)


def _check_whole(folder: Path, summary: IterateSummary, outcomes: Outcomes) -> None:
    """Raises RunFolderError where the two files of a seed do not belong together."""
    fault = RunFolderError(f"{folder}: {OUTCOMES} and {SUMMARY} are not of one run")
    if seed_folder(folder.parent, outcomes.seed).name != folder.name or summary.config.get("seeds") != [outcomes.seed]:
        raise fault
    if {one.name: one.tasks for one in summary.task_sets} != {
        name: len(lengths) for name, lengths in outcomes.lengths.items()
    }:
        raise fault
    there = {(one.arm if one.generation else "", one.generation, one.split): one for one in outcomes.deployed}
    for row in (row for rows in summary.arms.values() for row in rows):
        if row.seed != outcomes.seed:
            raise fault
        for split, part in {"pool": row.pool, "held_out": row.held_out, "longer": row.longer, **row.probes}.items():
            one = there.get((row.arm if row.generation else "", row.generation, split))
            if part is None:
                continue
            if one is None or len(one.solved) != len(outcomes.lengths[split]):
                raise fault
            if sum(share is not None and share > 0 for share in one.solved) != part.solved_tasks:
                raise fault
    if any(len(one.nats) != len(outcomes.looks) for one in outcomes.likely):
        raise fault


def _check_alike(sources: Sequence[tuple[Path, IterateRecord | IterateSummary]]) -> None:
    """Raises RunFolderError where one was not asked for the same as the first, but for seeds."""
    (where, first), *others = sources
    for place, other in others:
        ours, theirs = _settings(first), _settings(other)
        for name in {**ours, **theirs}:
            if ours.get(name) != theirs.get(name):
                what = name.replace("_", " ")
                raise RunFolderError(f"{where} and {place}: differ in {what}; they are not one run")
        if first.task_sets != other.task_sets:
            raise RunFolderError(f"{where} and {place}: made from other tasks; they are not one run")


def _settings(of: IterateRecord | IterateSummary) -> dict[str, Any]:
    """What seeds of one run have alike."""
    return {name: value for name, value in filled(of.config).items() if name != "seeds"}


def _summary(seeds: dict[int, _Seed], out: Path) -> IterateSummary:
    members = list(seeds.values())
    config = IterateConfig.model_validate({**_settings(members[0].summary), "seeds": list(seeds)})
    arms: dict[str, list[Generation]] = {
        arm.name: [row for one in members for row in one.summary.arms.get(arm.name, [])] for arm in config.chosen_arms()
    }
    summary = summarised(
        config,
        members[0].summary.task_sets,
        arms,
        out,
        Kept({number: one.outcomes for number, one in seeds.items()}),
        taught=max((one.summary.taught for one in members if one.summary.taught is not None), default=None),
        ended={what: why for one in members for what, why in one.summary.ended.items()},
        finished=all(one.summary.finished for one in members),
    )
    return summary.model_copy(update={"first_solved": members[0].summary.first_solved})


def _record(members: Sequence[_Seed], config: dict[str, Any]) -> IterateRecord:
    """The first's, with the commands of all."""
    commands = dict.fromkeys(command for one in members for command in one.record.command.splitlines())
    return members[0].record.model_copy(
        update={
            "command": "\n".join(commands),
            "config": config,
            "sources": {seed: digest for one in members for seed, digest in one.record.sources.items()},
            "started": min(one.record.started for one in members),
        }
    )
