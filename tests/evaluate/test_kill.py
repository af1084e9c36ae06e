"""A run that is killed, again and again, comes to the same samples as one that is left alone."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from planbench.records.files import SAMPLES
from tests.evaluate.runs import drawn, planner_checkpoint, sample_bytes

ROOT = Path(__file__).parents[2]
RANDOM = ["random", "--plan-length", "24:32", "--limit", "40", "--samples", "25", "--seed", "3"]
CHECKPOINT = ["--domain", "blocksworld", "--plan-length", "2:6", "--limit", "24", "--samples", "4", "--batch-size", "4"]
CHECKPOINT += ["--temperature", "1", "--max-tokens", "1000", "--seed", "3"]


def command(*argv: str) -> list[str]:
    return [sys.executable, "-m", "planbench", "eval", *argv]


def environment() -> dict[str, str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PLANBENCH_")}
    return outside | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def finish(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*argv, "--out", str(folder)), env=environment(), capture_output=True, text=True, timeout=120
    )


def lines(folder: Path) -> int:
    path = folder / SAMPLES
    return path.read_bytes().count(b"\n") if path.exists() else 0


@contextmanager
def running(folder: Path, *argv: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command(*argv, "--out", str(folder)), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(process: subprocess.Popen[bytes], folder: Path, count: int) -> None:
    """Until the folder holds so many samples. The run must not end before: it would not be killed then."""
    until = time.monotonic() + 120
    while lines(folder) < count:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < until
        time.sleep(0.002)


def tear(folder: Path, generator: random.Random) -> None:
    """Cut the last line short, as a kill in the middle of a write does."""
    path = folder / SAMPLES
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    path.write_bytes(whole[: generator.randrange(last + 1, len(whole))])


@pytest.mark.parametrize(("name", "kills"), [("random", 4), ("checkpoint", 2)])
def test_killed_and_resumed_is_undisturbed(name: str, kills: int, tmp_path: Path) -> None:
    argv = RANDOM if name == "random" else [str(planner_checkpoint(tmp_path / "checkpoint")), *CHECKPOINT]
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    assert finish(alone, *argv).returncode == 0
    total = lines(alone)
    generator = random.Random(name)
    # A kill somewhere before the first sample, in start-up, and the others while samples are drawn.
    with running(killed, *argv):
        time.sleep(generator.uniform(0.2, 1))
    for number in range(kills):
        there = lines(killed)
        with running(killed, *argv) as process:
            wait_for(process, killed, there + generator.randint(1, total // (2 * kills)))
        assert there < lines(killed) < total
        if number % 2 == 0:
            tear(killed, generator)
    assert finish(killed, *argv).returncode == 0
    assert len(drawn(killed)) == total
    assert drawn(killed) == drawn(alone)
    # Resumption is an append: what the last kill left is still there, and a finished run is left alone.
    before = sample_bytes(killed)
    done = finish(killed, *argv, "--json")
    assert (done.returncode, sample_bytes(killed)) == (0, before)
    assert f'"samples": {total}' in done.stdout


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with running(tmp_path, *RANDOM) as process:
        wait_for(process, tmp_path, 1)
        refused = [finish(tmp_path, *RANDOM)]
        scoring = [sys.executable, "-m", "planbench", "score", str(tmp_path)]
        refused.append(subprocess.run(scoring, env=environment(), capture_output=True, text=True, timeout=120))
        assert process.poll() is None, "the run ended before the others came"
    for done in refused:
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {tmp_path}: another planbench is writing here")
        assert done.stderr.count("\n") == 1
    # The lock dies with its holder.
    with running(tmp_path, *RANDOM) as process:
        wait_for(process, tmp_path, lines(tmp_path) + 1)
