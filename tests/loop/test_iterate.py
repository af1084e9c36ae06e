"""The loop as a whole: real planner, real training, small numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from planbench.cli import main
from planbench.errors import InputError, RunFolderError
from planbench.loop.config import IterateConfig, TaskConfig
from planbench.loop.iterate import iterate
from planbench.loop.tasks import task_sets
from planbench.preparation import examples
from planbench.records.files import RunFolder
from planbench.records.iterate import IterateSummary
from planbench.records.trace import read_curated
from planbench.suite import split_of, task_key
from tests.models.checkpoints import save

ROOT = Path(__file__).parents[2]

SMALL = ["iterate", "tiny", "--tasks", "16", "--samples", "2", "--pool-length", "2:8", "--held-out", "10"]
SMALL += ["--longer", "6", "--longer-length", "10:14", "--train", "steps=3", "--arms", "shortest,base-only"]
# What the control is trained on: a few tasks, as making the thousands that the planner was taught takes a while.
SMALL += ["--warm-start", "2:4", "--warm-start-tasks", "12"]


def settled(summary: Any) -> Any:
    """A summary without what a clock says."""
    if isinstance(summary, dict):
        return {key: settled(value) for key, value in summary.items() if key != "seconds"}
    return [settled(item) for item in summary] if isinstance(summary, list) else summary


def summary_of(folder: Path) -> Any:
    return settled(json.loads((folder / "summary.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("iterate") / "run"
    assert main([*SMALL, "--generations", "2", "--out", str(folder)]) == 0
    return folder


def test_every_generation_of_every_arm_is_there(undisturbed: Path) -> None:
    summary = IterateSummary.model_validate_json((undisturbed / "summary.json").read_bytes())
    assert summary.finished
    assert {name: [row.generation for row in rows] for name, rows in summary.arms.items()} == {
        "shortest": [0, 1, 2],
        "base-only": [0, 1, 2],
    }
    zero, first, second = summary.arms["shortest"]
    assert zero == summary.arms["base-only"][0].model_copy(update={"arm": "shortest"})
    assert len({row.model_fingerprint for row in (zero, first, second)}) == 3
    assert first.curated is not None
    assert second.curated is not None
    assert first.curated.by_generation == {0: first.curated.total}
    # The best so far is kept, so nothing that was solved is forgotten.
    assert second.curated.total >= first.curated.total == zero.pool.solved_tasks
    assert (undisturbed / "report.html").stat().st_size > 10_000


def test_lineage_from_weight_to_verdict(undisturbed: Path) -> None:
    lines = list(read_curated(undisturbed / "seed-0/shortest/gen-2/curated.jsonl"))
    assert lines
    for line in lines:
        assert line.weight == 1
        source = "gen-0" if line.generation == 0 else f"shortest/gen-{line.generation}"
        samples = RunFolder(undisturbed / "seed-0" / source / "pool").samples()
        sample = next(one for one in samples if one.key == line.sample)
        assert sample.verdict.kind == line.verdict == "valid"
        assert (sample.task, sample.length, sample.completion_tokens) == (line.task, line.length, line.tokens)


def test_a_finished_run_is_left_alone(undisturbed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("samples.jsonl")}
    assert main([*SMALL, "--generations", "2", "--out", str(undisturbed), "--json"]) == 0
    assert settled(json.loads(capsys.readouterr().out)) == summary_of(undisturbed)
    assert {path: path.stat().st_mtime_ns for path in undisturbed.rglob("samples.jsonl")} == before


def test_killed_in_every_phase_and_resumed_is_undisturbed(undisturbed: Path, tmp_path: Path) -> None:
    """Each file is the first thing that a phase leaves behind: the kill comes right after it, in the next phase, or in
    the middle of the same one."""
    folder = tmp_path / "run"
    for left_behind in (
        "seed-0/gen-0/pool/samples.jsonl",
        "seed-0/gen-0/longer/samples.jsonl",
        "seed-0/shortest/gen-1/curated.jsonl",
        "seed-0/shortest/gen-1/checkpoint/model.safetensors",
        "seed-0/base-only/gen-2/held_out/run.json",
    ):
        _run_until(folder, folder / left_behind)
    assert main([*SMALL, "--generations", "2", "--out", str(folder)]) == 0
    assert summary_of(folder) == summary_of(undisturbed)
    for name in ("shortest", "base-only"):
        last = f"seed-0/{name}/gen-2/checkpoint/model.safetensors"
        assert (folder / last).read_bytes() == (undisturbed / last).read_bytes()


def _run_until(folder: Path, wanted: Path) -> None:
    command = [sys.executable, "-m", "planbench", *SMALL, "--generations", "2", "--out", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 180
        while not wanted.exists():
            assert process.poll() is None, f"the run ended before it left {wanted.name}"
            assert time.monotonic() < until
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()


def test_more_generations_go_on_with_what_is_there(undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for generations in ("1", "2"):
        assert main([*SMALL, "--generations", generations, "--out", str(folder)]) == 0
    grown, whole = summary_of(folder), summary_of(undisturbed)
    assert grown["arms"] == whole["arms"]


def test_only_the_last_checkpoint_stays(undisturbed: Path) -> None:
    kept = {str(path.parent.relative_to(undisturbed)) for path in undisturbed.rglob("checkpoint")}
    assert kept == {"seed-0/shortest/gen-2", "seed-0/base-only/gen-2"}


def test_another_run_in_the_folder_is_refused(undisturbed: Path) -> None:
    with pytest.raises(RunFolderError, match="holds a run with another tasks"):
        iterate(IterateConfig(arms=("shortest", "base-only"), tasks=TaskConfig(pool=3)), undisturbed)


def test_task_sets_are_apart_by_form() -> None:
    sets = task_sets(TaskConfig(pool=60, held_out=30, longer=20, pool_length=(2, 8), longer_length=(10, 14)))
    keys = {name: {task_key(one.compiled) for one in tasks.prepared} for name, tasks in sets.items()}
    assert {name: {split_of(key) for key in found} for name, found in keys.items()} == {
        "pool": {"pool"},
        "held_out": {"test"},
        "longer": {"test"},
    }
    assert not keys["pool"] & (keys["held_out"] | keys["longer"])
    longest = max(one.task.reference_length or 0 for one in sets["pool"].prepared)
    assert min(one.task.reference_length or 0 for one in sets["longer"].prepared) > longest


@pytest.mark.parametrize("name", ["absent", "x" * 5000])
def test_what_is_neither_a_domain_nor_a_folder(name: str) -> None:
    with pytest.raises(InputError, match=f"no domain '{name}'"):
        task_sets(TaskConfig(domains=(name,)))


def test_longer_tasks_have_to_be_longer() -> None:
    with pytest.raises(InputError, match="the pool goes up to 8; type --longer-length 9:16"):
        task_sets(TaskConfig(pool=20, held_out=5, longer=5, pool_length=(2, 8), longer_length=(6, 12)))


def test_tuning_measures_on_tasks_of_their_own() -> None:
    sets = task_sets(TaskConfig(pool=20, held_out=5, longer=0, pool_length=(2, 10), tuning=True))
    assert {split_of(task_key(one.compiled)) for one in sets["held_out"].prepared} == {"tuning"}


def test_a_model_that_solves_nothing_gets_a_clear_ending(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = save(tmp_path / "model")
    argv = ["iterate", str(model), "--tasks", "4", "--samples", "1", "--pool-length", "2:6", "--held-out", "2"]
    argv += ["--longer", "0", "--max-tokens", "4", "--generations", "3", "--out", str(tmp_path / "run")]
    # The same command on what it left comes to the same end, and samples nothing again.
    for _ in range(2):
        assert main(argv) == 1
        said = capsys.readouterr().err
        assert "shortest, seed 0: rule shortest kept none of 4 traces: there is nothing to learn from" in said
        assert "what to try: easier tasks (--pool-length 2:4)" in said
    summary = IterateSummary.model_validate_json((tmp_path / "run/summary.json").read_bytes())
    assert [row.generation for row in summary.arms["shortest"]] == [0]
    assert summary.finished


def test_a_dry_run_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main([*SMALL, "--generations", "2", "--out", str(out), "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert not out.exists()
    # One generation 0 and two more in each of two arms; 16 tasks twice, 10 and 6 once.
    assert (told["deployments"], told["trainings"], told["samples"]) == (5, 4, 5 * 48)
    assert told["most_tokens"] == 5 * 48 * 384
    assert 0 < told["expected_tokens"] < told["most_tokens"]
    assert told["disk_bytes"] > 2 * 1_263_600
    assert told["seconds_a_generation"] > 0


def test_seeds_are_told_apart(tmp_path: Path) -> None:
    """Two seeds of one model: another sample of the same tasks, and so another training."""
    folder = tmp_path / "run"
    argv = ["iterate", "tiny", "--tasks", "12", "--samples", "2", "--pool-length", "6:12", "--held-out", "6"]
    argv += ["--longer", "0", "--train", "steps=2", "--generations", "1", "--seeds", "3,4", "--out", str(folder)]
    assert main(argv) == 0
    summary = IterateSummary.model_validate_json((folder / "summary.json").read_bytes())
    rows = summary.arms["shortest"]
    assert [(row.seed, row.generation) for row in rows] == [(3, 0), (3, 1), (4, 0), (4, 1)]
    assert rows[0].model_fingerprint == rows[2].model_fingerprint
    assert rows[1].model_fingerprint != rows[3].model_fingerprint
    replies = [[one.reply for one in RunFolder(folder / f"seed-{seed}/gen-0/pool").samples()] for seed in (3, 4)]
    assert replies[0] != replies[1]
    assert [row.seeds for row in summary.across if row.split == "held_out"] == [2, 2]
    for seed in (3, 4):
        alone = IterateSummary.model_validate_json((folder / f"seed-{seed}/summary.json").read_bytes())
        assert alone.finished
        assert alone.arms["shortest"] == [row for row in rows if row.seed == seed]
        assert [row.seeds for row in alone.across if row.split == "held_out"] == [1, 1]


@pytest.mark.parametrize("probe", ["renamed", "mystery", "per-task"])
def test_a_renamed_probe_is_the_held_out_tasks_in_the_words_of_its_examples(probe: str) -> None:
    config = TaskConfig(pool=4, held_out=4, longer=0, pool_length=(2, 8), seed=3)
    sets = task_sets(config, (probe,))
    before, after = sets["held_out"].prepared, sets[probe].prepared
    assert [one.task.id for one in before] == [one.task.id for one in after]
    spoken = {one.compiled.domain.name for one in after}
    assert "blocksworld" not in spoken
    assert len(spoken) == (4 if probe == "per-task" else 1)
    shots = examples([one.task for one in before], 2, sets[probe].rename, config.seed)["blocksworld"]
    assert all((shot.task.domain.name in spoken) == (shot.own is None) for shot in shots)


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["random"], "random: is no checkpoint, so it cannot be fine-tuned; name a folder, tiny or a hub name"),
        (["tiny", "--curate", "best"], "no curation rule 'best'; there is: shortest, valid, none, random"),
        (["tiny", "--arms", "none,none"], "--arms: one stands there twice"),
        (["tiny", "--arms", "none", "--curate", "none"], "--curate and --arms say the same thing; use one of them"),
        (["tiny", "--arms", "none-init-zero"], "arm 'none-init-zero': write a rule"),
        (["tiny", "--seeds", "1,x"], "--seeds 1,x: write whole numbers with commas between them, as in 0,1,2"),
        (["tiny", "--train", "lr=fast"], "--train lr: "),
        (["tiny", "--train", "speed=9"], "--train speed: "),
        (["tiny", "--domain", "chess"], "no domain 'chess'"),
        (["tiny", "--warm-start-steps", "5"], "--warm-start-steps needs --warm-start A:B"),
        (["tiny", "--warm-start-tasks", "5"], "--warm-start-tasks needs --warm-start A:B"),
        (["tiny", "--probe", "blocksworld"], "--probe blocksworld: the run trains on it"),
    ],
    ids=lambda part: " ".join(part[1:] or part) if isinstance(part, list) else "",
)
def test_bad_input_is_one_line(argv: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["--tasks", "4", "--held-out", "2", "--longer", "0", "--pool-length", "2:6", "--samples", "1"]
    assert main(["iterate", *argv, *small, "--out", str(tmp_path / "run")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("error: ") == 1
    assert printed.err.splitlines()[-1].startswith(f"error: {line}")
