"""`planbench iterate` as a function: all seeds and arms of a run, from a configuration to a summary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from planbench import __version__
from planbench.crew import ALONE, Crew
from planbench.errors import RunFolderError
from planbench.evaluate import machine, versions
from planbench.loop.advantages import ratio_of
from planbench.loop.answers import Answers
from planbench.loop.checkpoints import fingerprint_of, source_of
from planbench.loop.conclusion import conclude, generation_record, outcomes
from planbench.loop.config import Arm, IterateConfig, filled
from planbench.loop.curation import rule_named
from planbench.loop.generations import Loop, NothingToLearn
from planbench.loop.layout import Place, seed_folder
from planbench.loop.reference import unknown_teaching
from planbench.loop.tasks import TaskSet, task_sets
from planbench.loop.training import finetune_settings, relabels
from planbench.records.files import ITERATE, SUMMARY, RunFolder, read_json, write_json, write_packed
from planbench.records.iterate import BASE_ONLY, Generation, IterateRecord, IterateSummary
from planbench.records.outcomes import OUTCOMES, Outcomes

GROWING = ("generations", "arms", "seeds")
"""A run may be gone on with more of these."""

ANY_TIME = ("implicit_reward", "match")
"""And with these changed: no generation depends on them, only what is measured of it and how many there are."""


class Reader:
    """Told of progress; does nothing, and is made to be overridden."""

    def phase(self, place: Place, name: str) -> None:
        """A phase begins."""

    def progress(self, done: float, total: float, note: str) -> None:
        """Within the phase."""

    def row(self, row: Generation) -> None:
        """A generation is measured. Generation 0 is told of once for every arm."""


@dataclass
class _Watch:
    """Turns places into rows."""

    reader: Reader
    answers: Answers

    def phase(self, place: Place, name: str) -> None:
        self.reader.phase(place, name)

    def progress(self, done: float, total: float, note: str) -> None:
        self.reader.progress(done, total, note)

    def generation(self, place: Place) -> None:
        row = generation_record(place, self.answers)
        assert row is not None, "it was measured just now"
        self.reader.row(row)


def iterate(
    config: IterateConfig,
    out: Path,
    reader: Reader | None = None,
    *,
    keep_all: bool = False,
    command: str = "",
    told: Callable[[str], None] = lambda line: None,
    crew: Crew = ALONE,
) -> IterateSummary:
    """Run the loop, or go on with it, and leave everything in `out`. The processes of `crew` do each phase together;
    one of them writes what is not a sample.

    Raises InputError for a configuration that cannot be run, RunFolderError where `out` holds another run. An arm in
    which nothing is left to learn from ends early; `ended` of the summary says so.
    """
    reader = reader or Reader()
    folder = RunFolder(out)
    folder.create(ITERATE)
    arms = config.chosen_arms()
    with folder.lock() if crew.leads else nullcontext():
        there = _there(out)
        _check(config, there, out)
        _check_early(config, arms)
        told("making the tasks")
        sets = task_sets(config.tasks, config.probes)
        answers = Answers(sets)
        record = _record(config, sets, command, there)
        if there is not None and there.task_sets != record.task_sets:
            raise RunFolderError(f"{out}: made from other tasks (another version of planbench?); choose another --out")
        _check_sources(there, record, out)
        # All have read what was there before one of them writes.
        crew.meet()
        crew.first(lambda: write_json(out / ITERATE, record))
        ended: dict[str, str] = {}
        taught: list[int] = []
        for seed in config.seeds:
            loop = Loop(config, sets, out, seed, _Watch(reader, answers), keep_all, crew)
            longest = loop.longest_taught
            taught += [] if longest is None else [longest]
            for arm in arms:
                try:
                    loop.run_arm(arm, arms[0])
                except NothingToLearn as end:
                    ended[f"{arm.name}, seed {seed}"] = str(end)
            alone = config.model_copy(update={"seeds": (seed,)})
            own = {what: why for what, why in ended.items() if what.endswith(f", seed {seed}")}
            so_far = conclude(alone, arms, answers, out, longest, own, done=True)
            crew.first(partial(_keep_seed, seed_folder(out, seed), so_far, outcomes(so_far, out, answers)))
            if seed != config.seeds[-1]:
                so_far = conclude(config, arms, answers, out, max(taught, default=None), ended)
                crew.first(partial(write_json, out / SUMMARY, so_far))
        summary = conclude(config, arms, answers, out, max(taught, default=None), ended, done=True)
        crew.first(partial(write_json, out / SUMMARY, summary))
    return summary


def _keep_seed(folder: Path, summary: IterateSummary, outcomes: Outcomes) -> None:
    write_packed(folder / OUTCOMES, outcomes)
    write_json(folder / SUMMARY, summary)


def _there(out: Path) -> IterateRecord | None:
    return read_json(out / ITERATE, IterateRecord) if (out / ITERATE).is_file() else None


def _check(config: IterateConfig, there: IterateRecord | None, out: Path) -> None:
    """Refuse to mix runs: what is there has to be part of what is asked for."""
    if there is None:
        return
    ours, theirs = config.model_dump(mode="json"), filled(there.config)
    for name in ours:
        before = theirs.get(name)
        if ours[name] == before or name in ANY_TIME:
            continue
        if name == "generations" and isinstance(before, int) and before < ours[name]:
            continue
        if name in GROWING and isinstance(before, list) and set(map(str, before)) <= set(map(str, ours[name])):
            continue
        raise RunFolderError(f"{out}: holds a run with another {name.replace('_', ' ')}; choose another --out")


def _check_sources(there: IterateRecord | None, record: IterateRecord, out: Path) -> None:
    """Refuse to go on with another model behind the same name."""
    for seed, fingerprint in (there.sources if there else {}).items():
        if record.sources[seed] != fingerprint:
            raise RunFolderError(f"{out}: seed {seed} began with another model of that name; choose another --out")


def _check_early(config: IterateConfig, arms: Sequence[Arm]) -> None:
    """What would otherwise be found wrong only after hours of sampling."""
    for arm in arms:
        if arm.rule != BASE_ONLY:
            rule_named(arm.rule)
    for seed in config.seeds:
        source = source_of(config.model.replace("{seed}", str(seed)), config)
        for arm in arms:
            finetune_settings(config.of(arm), source, seed, ratio=ratio_of(arm.rule))
            relabels(config.of(arm), source, config.sampling.prompt or source.prompt_style or "pddl")
        if any(arm.rule == BASE_ONLY for arm in arms) and source.taught is None:
            raise unknown_teaching(source)


def _record(
    config: IterateConfig, sets: dict[str, TaskSet], command: str, there: IterateRecord | None
) -> IterateRecord:
    return IterateRecord(
        planbench=__version__,
        command=command,
        config=config.model_dump(mode="json"),
        task_sets=tuple(tasks.record for tasks in sets.values()),
        sources={str(seed): fingerprint_of(config.model.replace("{seed}", str(seed)), config) for seed in config.seeds},
        versions=versions(),
        machine=machine(),
        started=there.started if there else datetime.now(UTC).isoformat(timespec="seconds"),
    )
