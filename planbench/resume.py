"""What an earlier start of a run left in its folder: whether it is the same run, and which samples count.

A folder holds one run. What decides its samples is in run.json; samples beside none could be of any.
"""

from __future__ import annotations

from collections.abc import Callable

from planbench.errors import RunFolderError
from planbench.records.files import RUN, RunFolder, read_lines
from planbench.records.run import RunConfig
from planbench.records.sample import Sample
from planbench.requests import Requests


def earlier(folder: RunFolder, config: RunConfig) -> RunConfig | None:
    """The configuration in run.json, None where nothing was drawn yet. Raises RunFolderError where the folder holds
    another run than that of `config`.

    A model is known by its fingerprint and tasks by their hash: a path to either may be typed in another way.
    """
    there = folder.record()
    if there is None:
        if any(path.is_file() and path.stat().st_size for path in (folder.shard(0), *folder.shards())):
            raise RunFolderError(
                f"{folder.path}: holds samples, but no {RUN} that says of which run; choose another --out"
            )
        return None
    ours, theirs = config.model_dump(), there.config.model_dump()
    same = {"model"} if config.model_fingerprint == there.config.model_fingerprint else set[str]()
    if config.tasks.hash == there.config.tasks.hash:
        same.add("tasks")
    other = next((name for name in ours if name not in same and ours[name] != theirs[name]), None)
    if other is not None:
        what = "" if other == "tasks" else f" ({theirs[other]} there, {ours[other]} now)"
        raise RunFolderError(
            f"{folder.path}: holds a run with another {other.replace('_', ' ')}{what}; choose another --out"
        )
    return there.config


def gather(folder: RunFolder, samples: int, position: Callable[[Sample], int | None]) -> None:
    """Move what several processes drew, in this start or an earlier one, to the other samples. Stopped anywhere, it
    goes on: a sample that was moved already is not moved again.

    `position` is the place of a sample among the `samples` of the run, None for one that is not of it.
    """
    shards = folder.shards()
    if not shards:
        return
    there = bytearray(samples)
    for sample in folder.samples():
        there[_of_run(folder, sample, position)] = 1
    with folder.appending() as writer:
        for shard in shards:
            for sample in read_lines(shard, Sample):
                place = _of_run(folder, sample, position)
                if not there[place]:
                    there[place] = 1
                    writer.write((sample,))
            shard.unlink()


def take_out_errors(folder: RunFolder, requests: Requests) -> None:
    """Check that the samples of an earlier start are of this run, and take those out that failed through our fault, to
    be drawn again."""
    there = bytearray(len(requests))
    errors = 0
    for sample in folder.samples():
        place = _of_run(folder, sample, requests.position)
        if sample.verdict.kind == "harness_error":
            errors += 1
        elif there[place]:
            raise RunFolderError(f"{folder.path}: a sample stands there twice; choose another --out")
        else:
            there[place] = 1
    if errors:
        folder.keep_samples(sample for sample in folder.samples() if sample.verdict.kind != "harness_error")


def _of_run(folder: RunFolder, sample: Sample, position: Callable[[Sample], int | None]) -> int:
    place = position(sample)
    if place is None:
        raise RunFolderError(f"{folder.path}: sample {sample.key} is not of this run; choose another --out")
    return place
