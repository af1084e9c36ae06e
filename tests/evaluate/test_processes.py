"""Several processes draw what one draws; one that is killed costs nothing that was drawn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from planbench import crew
from planbench.cli import main
from planbench.errors import InputError, RunFolderError
from planbench.records.files import RunFolder
from tests.evaluate.runs import drawn, run, samples, some_tasks

ROOT = Path(__file__).parents[2]
ARGV = ["eval", "random", "--domain", "blocksworld", "--plan-length", "24:32", "--limit", "12", "--samples", "100"]


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the other process through /proc")
def test_a_process_is_killed_and_the_run_goes_on_to_what_one_process_draws(tmp_path: Path) -> None:
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    assert main([*ARGV, "--out", str(alone)]) == 0
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "planbench", *ARGV, "--processes", "2", "--out", str(shared)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    shard, until = RunFolder(shared).shard(1), time.monotonic() + 240
    while not (shard.exists() and shard.stat().st_size):
        assert process.poll() is None, "it ended before its second process could be killed"
        assert time.monotonic() < until
        time.sleep(0.01)
    (other,) = children(process.pid)
    os.kill(other, signal.SIGKILL)
    _, said = process.communicate(timeout=240)
    lines = [line for line in said.splitlines() if "warn" not in line.lower()]
    assert process.returncode == 2
    assert lines == [
        "error: process 1 (killed by signal 9) of 2 processes was lost; its samples so far are kept: "
        "the same command goes on from there"
    ]
    # What each had drawn is kept: the first its whole share, the other some of its own.
    kept = {sample.key for sample in samples(shared)} | {line.split('"')[3] for line in shard.read_text().splitlines()}
    assert 600 < len(kept) < 1200
    # Gone on with by one process: as if there had been one from the start.
    assert main([*ARGV, "--out", str(shared)]) == 0
    assert not shard.exists()
    assert drawn(shared) == drawn(alone)
    assert RunFolder(shared).summary().verdicts == RunFolder(alone).summary().verdicts


def test_what_was_gathered_in_part_is_not_gathered_twice(tmp_path: Path) -> None:
    run(tmp_path)
    folder, whole = RunFolder(tmp_path), drawn(tmp_path)
    lines = (tmp_path / "samples.jsonl").read_bytes().splitlines(keepends=True)
    # As a kill leaves it: moved in part, with the shard still there, its last line torn.
    (tmp_path / "samples.jsonl").write_bytes(b"".join(lines[:12]))
    folder.shard(1).write_bytes(b"".join(lines[8:16]) + lines[16][:40])
    folder.shard(2).write_bytes(b"".join(lines[16:]))
    mine = tmp_path / "samples-before.jsonl"
    mine.write_bytes(lines[0])
    run(tmp_path)
    assert drawn(tmp_path) == whole
    assert not folder.shards()
    assert mine.read_bytes() == lines[0]


def test_a_shard_of_another_run_or_one_that_is_being_written_is_refused(tmp_path: Path) -> None:
    run(tmp_path, tasks=some_tasks()[:4])
    run(tmp_path / "other", tasks=some_tasks()[4:])
    folder = RunFolder(tmp_path)
    with folder.appending(1), pytest.raises(RunFolderError, match="another planbench is writing here"):
        run(tmp_path, tasks=some_tasks()[:4])
    folder.shard(1).write_bytes((tmp_path / "other" / "samples.jsonl").read_bytes())
    with pytest.raises(RunFolderError, match="is not of this run"):
        run(tmp_path, tasks=some_tasks()[:4])


def test_another_number_of_processes_than_the_launchers_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(InputError, match="--processes 2: the launcher started 4"), crew.crew(2):
        pass
