"""A bias run, cell by cell: extractability of each pair for each model and seed, then each arm on each of them.

A cell is one model, pair and seed (and arm); the rates of evidence are trained side by side in it. Each cell that is
done is a line of `cells.jsonl`, so the same command goes on where it was stopped, and more seeds, arms, models or rates
join what is there. Cells know nothing of each other: with several processes they are the same as with one.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from zlib import crc32

from pydantic import ValidationError

from planbench import __version__
from planbench.bias.config import ARMS, MODELS, TEMPLATES, BiasConfig
from planbench.bias.pairs import Material, Pair
from planbench.bias.statistics import Named, arm_result
from planbench.bias.suites import pairs_of, suite_named, writes
from planbench.errors import InputError, ProcessLost, RunFolderError
from planbench.evaluate import machine, versions
from planbench.models.catalog import OWN_NAMES
from planbench.records.bias import (
    BIAS_SCHEMA,
    CELLS,
    RESULTS,
    BiasRecord,
    BiasResults,
    Cell,
    CellLine,
    ExtractionCell,
    TrainingCell,
)
from planbench.records.files import BIAS, RunFolder, read_json, read_lines, write_json, write_lines

Tick = Callable[[float], None]
Told = Callable[[float, float, str], None]
"""Told how many cells are done, of how many, and which is under way."""

EXTRACTION = "extraction"


@dataclass(frozen=True)
class Key:
    """`arm` is EXTRACTION where extractability is measured."""

    model: str
    arm: str
    pair: str
    seed: int

    def __str__(self) -> str:
        return f"{self.arm}, {self.model}, {self.pair}, seed {self.seed}"


Job = tuple[BiasConfig, Key]


def keys_of(config: BiasConfig, pairs: Sequence[Pair]) -> list[Key]:
    """All cells, seed by seed, so that what is there so far is whole for the seeds that it has, and in a seed pair by
    pair, whose prompts are then drawn once."""
    arms = (EXTRACTION, *config.arms)
    return [
        Key(model, arm, pair.name, seed)
        for seed in config.seeds
        for pair in pairs
        for model in config.models
        for arm in arms
    ]


def study(
    config: BiasConfig, folder: Path, told: Told = lambda done, total, note: None, processes: int = 1, command: str = ""
) -> BiasResults:
    """Measure what is missing and say what all that is there comes to, also what earlier commands asked for. Raises
    RunFolderError where the folder holds another run."""
    pairs = pairs_of(config)
    check_names(config)
    run = RunFolder(folder)
    run.create(BIAS)
    with run.lock():
        whole = _record(config, folder, command)
        cells = stored(folder)
        wanted = keys_of(config, pairs)
        jobs = list(_jobs(config, wanted, cells))
        # Cells of other seeds or arms count too: they are there.
        total = len(cells.keys() | wanted)
        done = total - len(jobs)
        told(done, total, "")
        if jobs:
            write_lines(folder / CELLS, (CellLine(cell=cell) for cell in cells.values()))  # without a torn last line
            # A bare append of a whole line: what a kill leaves of it is no line.
            with (folder / CELLS).open("a", encoding="utf-8") as file:
                measured: list[Cell] = []
                for cell in _measured(
                    jobs, processes, lambda share, key: told(done + len(measured) + share, total, key)
                ):
                    file.write(CellLine(cell=cell).model_dump_json() + "\n")
                    file.flush()
                    measured.append(cell)
                    _join(cells, cell)
                    told(done + len(measured), total, "")
        every = pairs_of(whole)
        finished = not any(_jobs(whole, keys_of(whole, every), cells))
        # Rates that only some cells have do not take away what the others say: then those of this command count.
        shown = whole if finished else whole.model_copy(update={"rates": config.rates})
        results = conclude(shown, every, list(cells.values()), finished)
        write_json(folder / RESULTS, results)
    return results


def forecast(config: BiasConfig) -> dict[str, str]:
    """What a run would measure, in words, after making every pair's material once."""
    pairs = pairs_of(config)
    check_names(config)
    for pair in pairs:
        Material(pair, 0, min(config.tested, 20))
    keys = keys_of(config, pairs)
    trainings = sum(key.arm != EXTRACTION for key in keys) * len(config.rates)
    return {
        "suite": f"{config.suite}: {suite_named(config.suite).about}",
        "pairs": f"{len(pairs)}: {', '.join(pair.name for pair in pairs)}",
        "models": ", ".join(config.models),
        "arms": ", ".join(config.arms),
        "seeds": f"{len(config.seeds)}",
        "cells": f"{len(keys):,}",
        "trainings": f"{trainings:,}, each of {config.examples:,} prompts, seen {config.epochs} times",
    }


def check_names(config: BiasConfig) -> None:
    """Raises InputError for an arm that there is not, or for a model that is no net and can be no checkpoint either. A
    hub is not asked."""
    for arm in config.arms:
        if arm not in ARMS:
            raise InputError(f"no arm {arm!r}: there is {', '.join(ARMS)}")
    for model in config.models if writes(config) else ():
        if model in MODELS:
            raise InputError(f"suite {config.suite}: {model} writes no text; name a checkpoint in --models")
    for model in _checkpoints(config):
        if not ("/" in model or ":" in model or model in OWN_NAMES or Path(model).is_dir()):
            raise InputError(
                f"no model {model!r}: there is {', '.join(MODELS)}, or a checkpoint: its folder, hf:NAME or "
                f"{', '.join(OWN_NAMES)}"
            )


def _checkpoints(config: BiasConfig) -> list[str]:
    return [model for model in config.models if model not in MODELS]


def _fingerprints(config: BiasConfig) -> dict[str, str]:
    models = _checkpoints(config)
    if not models:
        return {}
    from planbench.bias.checkpoint import fingerprint

    others = [config.classifier] if writes(config) and config.classifier != TEMPLATES else []
    return {model: fingerprint(model) for model in (*models, *others)}


def conclude(config: BiasConfig, pairs: Sequence[Pair], cells: Sequence[Cell], finished: bool) -> BiasResults:
    named: list[Named] = [(pair.name, pair.target, pair.spurious) for pair in pairs]
    measure = suite_named(config.suite).measure
    arms = {
        f"{arm}/{model}": arm_result(
            arm,
            model,
            named,
            [c for c in cells if isinstance(c, ExtractionCell) and c.model == model and c.seed in config.seeds],
            [
                whole
                for c in cells
                if isinstance(c, TrainingCell)
                and (c.model, c.arm) == (model, arm)
                and c.seed in config.seeds
                # One that lacks a rate that others have says nothing yet.
                and (whole := c.at(config.rates))
            ],
            measure,
        )
        for arm in config.arms
        for model in config.models
    }
    return BiasResults(
        planbench=__version__,
        suite=config.suite,
        finished=finished,
        measure=measure,
        rates=config.rates,
        examples=config.examples,
        arms={name: arm for name, arm in arms.items() if arm.seeds},
        seconds=sum(cell.seconds for cell in cells),
    )


def key_of(cell: Cell) -> Key:
    return Key(cell.model, EXTRACTION if isinstance(cell, ExtractionCell) else cell.arm, cell.pair, cell.seed)


def stored(folder: Path) -> dict[Key, Cell]:
    """What has been measured, rates that were asked for one by one joined."""
    cells: dict[Key, Cell] = {}
    if (folder / CELLS).is_file():
        for line in read_lines(folder / CELLS, CellLine):
            _join(cells, line.cell)
    return cells


def _join(cells: dict[Key, Cell], cell: Cell) -> None:
    """Of what is there twice, the first counts."""
    there = cells.setdefault(key_of(cell), cell)
    if isinstance(there, TrainingCell) and isinstance(cell, TrainingCell):
        cells[key_of(cell)] = there.joined(cell)


def _jobs(config: BiasConfig, keys: Sequence[Key], cells: Mapping[Key, Cell]) -> Iterator[Job]:
    """What is missing, each with the configuration of the rates that it is missing at."""
    for key in keys:
        there = cells.get(key)
        if there is None:
            yield config, key
        elif isinstance(there, TrainingCell) and (rates := [r for r in config.rates if r not in there.rates]):
            yield config.model_copy(update={"rates": tuple(rates)}), key


def _record(config: BiasConfig, folder: Path, command: str) -> BiasConfig:
    """Write down what is asked for; returns it together with all that was asked for before."""
    checkpoints, prompts = _fingerprints(config), suite_named(config.suite).version
    whole, commands = config, [command]
    if (folder / BIAS).is_file():
        before = read_json(folder / BIAS, BiasRecord)
        _known(before, folder / BIAS)
        for name, value in config.fixed().items():
            # A setting that was not there yet when the run began had its default.
            there = before.config.get(name, BiasConfig.model_fields[name].default)
            if there != value:
                raise RunFolderError(f"{folder}: holds a run with {name} {there}, not {value}; choose another --out")
        if before.prompts != prompts:
            raise RunFolderError(f"{folder}: holds a run on prompts of another version; choose another --out")
        whole, commands = config.joined(before.config), [*before.command.splitlines(), command]
        for model, digest in before.checkpoints.items():
            if checkpoints.setdefault(model, digest) != digest:
                raise RunFolderError(f"{folder}: {model} is another checkpoint than before; choose another --out")
    write_json(
        folder / BIAS,
        BiasRecord(
            planbench=__version__,
            command="\n".join(dict.fromkeys(commands)),
            prompts=prompts,
            checkpoints=checkpoints,
            config=whole.model_dump(mode="json"),
            versions=versions(),
            machine=machine(),
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        ),
    )
    return whole


def _known(before: BiasRecord, place: Path) -> None:
    """Raises RunFolderError for a record of settings that are none."""
    try:
        if before.schema_version != BIAS_SCHEMA:
            raise RunFolderError(f"{place}: is of schema {before.schema_version}, which this planbench does not know")
        BiasConfig.model_validate(before.config)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = ".".join(map(str, ("config", *fault["loc"])))
        raise RunFolderError(f"{place}: {name}: {fault['msg'].removeprefix('Value error, ')}") from None


def _measured(jobs: Sequence[Job], processes: int, told: Callable[[float, str], None]) -> Iterator[Cell]:
    if processes == 1 or len(jobs) == 1:
        for config, key in jobs:
            yield measure(config, key, lambda share, key=key: told(share, str(key)))
        return
    # Spawned, not forked: a fork of a process with torch's threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(jobs)), context, _follow) as pool:
        waiting: set[Future[Cell]] = {pool.submit(measure, config, key) for config, key in jobs}
        try:
            while waiting:
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from _results(ended)
        except BrokenProcessPool:
            raise ProcessLost(
                "a process that measured is gone, perhaps for want of memory; what it had not finished is measured by "
                "the same command again: try fewer --processes"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _follow() -> None:
    """End this process when the one that began it is gone, however that ended."""

    def watch() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _results(ended: Iterable[Future[Cell]]) -> Iterator[Cell]:
    for future in ended:
        yield future.result()


def measure(config: BiasConfig, key: Key, tick: Tick = lambda share: None) -> Cell:
    """One cell. It depends on the configuration and the key alone."""
    from planbench.bias.cell import extraction_cell, training_cell

    started = time.perf_counter()
    pair = next(pair for pair in pairs_of(config) if pair.name == key.pair)
    # Seeds of nets and dice differ between cells, as equal ones would tie their luck together.
    seed = crc32(f"{key.model}/{key.arm}/{key.pair}/{key.seed}".encode())
    try:
        if key.arm == EXTRACTION:
            return extraction_cell(config, key.model, pair, key.seed, seed, started)
        return training_cell(config, key.model, key.arm, pair, key.seed, seed, started, tick)
    except FloatingPointError:
        raise InputError(f"{key}: training led to numbers that are none; choose a smaller learning rate") from None
