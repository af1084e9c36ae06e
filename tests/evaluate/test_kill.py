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

from planbench.cli import main
from planbench.records.files import SAMPLES
from tests.evaluate.runs import drawn, planner_checkpoint, sample_bytes

ROOT = Path(__file__).parents[2]
RANDOM = ["random", "--plan-length", "8:12", "--limit", "24", "--samples", "40", "--seed", "3"]
PLANNER = ["planner:gbfs", "--plan-length", "8:24", "--limit", "24", "--samples", "3", "--seed", "3"]
CHECKPOINT = ["--domain", "blocksworld", "--plan-length", "2:6", "--limit", "24", "--samples", "2", "--batch-size", "4"]
CHECKPOINT += ["--temperature", "1", "--max-tokens", "160", "--seed", "3"]


def lines(folder: Path) -> int:
    path = folder / SAMPLES
    return path.read_bytes().count(b"\n") if path.exists() else 0


@contextmanager
def running(folder: Path, *argv: str) -> Iterator[subprocess.Popen[bytes]]:
    """`planbench eval` as a process of its own, killed at the end of the block."""
    command = [sys.executable, "-m", "planbench", "eval", *argv, "--out", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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
        time.sleep(0.01)


def tear(folder: Path, generator: random.Random) -> None:
    """Cut the last line short, as a kill in the middle of a write does."""
    path = folder / SAMPLES
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    path.write_bytes(whole[: generator.randrange(last + 1, len(whole))])


@pytest.mark.parametrize(("name", "kills"), [("random", 3), ("planner", 2), ("checkpoint", 1)])
def test_killed_and_resumed_is_undisturbed(name: str, kills: int, tmp_path: Path) -> None:
    argv = {"random": RANDOM, "planner": PLANNER}.get(name, CHECKPOINT)
    if name == "checkpoint":
        argv = [str(planner_checkpoint(tmp_path / "checkpoint")), *argv]
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    assert main(["eval", *argv, "--out", str(alone)]) == 0
    total = lines(alone)
    generator = random.Random(name)
    # A kill in start-up, before the first sample, and the others while samples are drawn.
    with running(killed, *argv):
        time.sleep(generator.uniform(0.2, 1))
    for number in range(kills):
        there = lines(killed)
        with running(killed, *argv) as process:
            wait_for(process, killed, there + generator.randint(1, total // (2 * kills)))
        assert there < lines(killed) < total
        if number % 2 == 0:
            tear(killed, generator)
    last = sample_bytes(killed)
    assert main(["eval", *argv, "--out", str(killed)]) == 0
    assert len(drawn(killed)) == total
    assert drawn(killed) == drawn(alone)
    # What the last kill left is still there, less the line that it tore: nothing was drawn again.
    assert sample_bytes(killed).startswith(last[: last.rfind(b"\n") + 1])


def test_one_process_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = [*RANDOM, "--samples", "1600"]  # enough to be at work still when the others come
    with running(tmp_path, *argv) as process:
        wait_for(process, tmp_path, 1)
        for other in (["eval", *argv, "--out", str(tmp_path)], ["score", str(tmp_path)]):
            assert main(other) == 2
            printed = capsys.readouterr()
            assert printed.out == ""
            assert printed.err == f"error: {tmp_path}: another planbench is writing here; wait for it to end\n"
        assert process.poll() is None, "the run ended before the others came"
    # The lock died with its holder.
    assert main(["score", str(tmp_path)]) == 0
