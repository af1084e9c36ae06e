"""`planbench score`: what it prints and what it leaves in the folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planbench: Shell) -> str:
    """A run in the folder `run`; what it printed."""
    monkeypatch.chdir(tmp_path)
    return planbench("eval", "random", "--limit", 6, "--rename", "random", "--out", "run").out


def contents() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path("run").iterdir()}


def test_nothing_changes_in_a_sound_run(run: str, planbench: Shell) -> None:
    before = contents()
    shown = planbench("score", "run")
    assert (shown.code, shown.out) == (0, run)
    assert shown.err.splitlines()[-1] == "0 of 6 verdicts changed"
    assert contents() == before


@pytest.mark.usefixtures("run")
def test_a_forged_verdict_is_put_right_on_page_and_table(planbench: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents()
    samples = [json.loads(line) for line in before["samples.jsonl"].splitlines()]
    forged = sum(line["verdict"]["kind"] != "valid" for line in samples)
    assert forged
    for line in samples:
        line["verdict"] = {"kind": "valid", "step": None, "reason": "", "facts": []}
    Path("run/samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in samples))
    monkeypatch.setenv("PLANBENCH_SCORE_JSON", "true")
    shown = planbench("score", "run")
    assert json.loads(shown.out) == json.loads(before["summary.json"])
    assert shown.err.splitlines()[-1] == f"{forged} of 6 verdicts changed"
    assert contents() == before


@pytest.mark.usefixtures("run")
def test_what_is_no_run_is_one_line(planbench: Shell) -> None:
    assert "absent: no run.json in it" in planbench.refused("score", "absent")
    assert "run/run.json: no run.json" in planbench.refused("score", "run/run.json")
    assert "RUN" in planbench.refused("score")
    Path("run/tasks.jsonl").write_text("{}\n")
    assert "run/tasks.jsonl:1: not a task of a run" in planbench.refused("score", "run")
    Path("run/tasks.jsonl").write_text("")
    assert "run: tasks.jsonl holds no tasks" in planbench.refused("score", "run")
    Path("run/run.json").write_text("[]")
    assert "run/run.json" in planbench.refused("score", "run")


@pytest.mark.usefixtures("run")
def test_variables_that_are_meant_for_other_commands_are_no_fault(
    planbench: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TASKS", "PROMPT", "OUT"):
        monkeypatch.setenv(f"PLANBENCH_{name}", "elsewhere")
    assert planbench("score", "run").code == 0
    assert "belong to --from" in planbench.refused("score", "run", "--out", "elsewhere")
