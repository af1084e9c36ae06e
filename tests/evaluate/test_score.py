"""Judging again: the same replies get the same verdicts, and a verdict that was tampered with is put right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planbench.errors import PlanbenchError, RunFolderError
from planbench.evaluate import score
from planbench.models import load
from planbench.records.files import RunFolder
from tests.evaluate.runs import Flaky, drawn, planner_checkpoint, run, sample_bytes, samples


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(planner_checkpoint(tmp_path_factory.mktemp("checkpoint")))


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"rename": "random"},
        {"rename": "mystery"},
        {"rename": "per-task", "shots": 1},
        {"prompt": "english", "shots": 1},
    ],
)
def test_verdicts_stay(asked: dict[str, Any], tmp_path: Path, checkpoint: str) -> None:
    for name in ("random", checkpoint):
        folder = tmp_path / Path(name).name
        summary = run(folder, load(name), settings={"samples": 2, "temperature": 1.0, "max_tokens": 12}, **asked)
        before = sample_bytes(folder)
        assert score(RunFolder(folder)) == (summary, 0)
        assert sample_bytes(folder) == before


def test_a_tampered_verdict_is_put_right(tmp_path: Path) -> None:
    summary = run(tmp_path)
    before = drawn(tmp_path)
    lines = [json.loads(line) for line in sample_bytes(tmp_path).splitlines()]
    forged = [line for line in lines if line["verdict"]["kind"] != "valid"][:3]
    for line in forged:
        line |= {"verdict": {"kind": "valid", "step": None, "reason": "", "facts": []}, "length": 2, "plan": ["(win)"]}
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert drawn(tmp_path) != before
    assert score(RunFolder(tmp_path)) == (summary, 3)
    assert drawn(tmp_path) == before


def test_a_run_that_was_stopped_is_scored_as_far_as_it_goes(tmp_path: Path) -> None:
    run(tmp_path)
    whole = drawn(tmp_path)
    (tmp_path / "samples.jsonl").write_bytes(sample_bytes(tmp_path)[:-40])
    summary, changed = score(RunFolder(tmp_path))
    assert (summary.finished, summary.samples, changed) == (False, 19, 0)
    run(tmp_path)
    assert drawn(tmp_path) == whole


def test_what_several_processes_left_is_scored_too(tmp_path: Path) -> None:
    summary = run(tmp_path)
    whole, lines = drawn(tmp_path), sample_bytes(tmp_path).splitlines(keepends=True)
    forged = [json.loads(line) for line in lines[12:]]
    changed = sum(line["verdict"]["kind"] != "valid" for line in forged)
    for line in forged:
        line["verdict"] = {"kind": "valid", "step": None, "reason": "", "facts": []}
    # Two of them were moved already when it was stopped.
    (tmp_path / "samples.jsonl").write_bytes(b"".join(lines[:14]))
    RunFolder(tmp_path).shard(1).write_text("".join(json.dumps(line) + "\n" for line in forged))
    moved = sum(json.loads(line)["verdict"]["kind"] != "valid" for line in lines[12:14])
    assert score(RunFolder(tmp_path)) == (summary, changed - moved)
    assert drawn(tmp_path) == whole
    assert not RunFolder(tmp_path).shards()


def test_our_failures_stay_ours(tmp_path: Path) -> None:
    with pytest.raises(PlanbenchError):
        run(tmp_path, Flaky({1, 2, 3}))
    before = samples(tmp_path)
    with pytest.raises(PlanbenchError, match=r"3 of 20 samples failed .* \(line down\)"):
        score(RunFolder(tmp_path))
    assert samples(tmp_path) == before


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"no run\.json in it"):
        score(RunFolder(tmp_path))
    run(tmp_path)
    (tmp_path / "tasks.jsonl").unlink()
    with pytest.raises(RunFolderError, match=r"tasks\.jsonl"):
        score(RunFolder(tmp_path))


def test_a_task_that_is_gone_is_named(tmp_path: Path) -> None:
    run(tmp_path)
    tasks = (tmp_path / "tasks.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "tasks.jsonl").write_bytes(b"".join(tasks[:-1]))
    with pytest.raises(RunFolderError, match=r"of a task that tasks\.jsonl does not have"):
        score(RunFolder(tmp_path))
