"""`planbench report` on the folder of an iterate run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planbench.records.files import write_json
from tests.cli.conftest import Shell
from tests.report.iterates import one_generation


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return made(tmp_path / "run")


def made(folder: Path) -> Path:
    folder.mkdir()
    (folder / "iterate.json").write_text("{}")
    write_json(folder / "summary.json", one_generation())
    return folder


def test_a_table_and_a_page(planbench: Shell, run: Path) -> None:
    outcome = planbench("report", run)
    assert outcome.code == 0
    assert "shortest, seed 0" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 100
    assert outcome.err == f"page: {run / 'report.html'}\n"
    assert "Valid plans by generation" in (run / "report.html").read_text(encoding="utf-8")


def test_json_alone_on_standard_output(planbench: Shell, run: Path, tmp_path: Path) -> None:
    outcome = planbench("report", run, "--json", "--out", tmp_path / "page.html")
    assert json.loads(outcome.out) == json.loads((run / "summary.json").read_text())
    assert (tmp_path / "page.html").is_file()
    assert not (run / "report.html").exists()


def test_several_runs_have_a_page_each(planbench: Shell, run: Path, tmp_path: Path) -> None:
    other = made(tmp_path / "other")
    assert planbench("report", run, other).code == 0
    assert (run / "report.html").read_bytes() == (other / "report.html").read_bytes()
    assert "one by one" in planbench.refused("report", run, other, "--out", tmp_path / "page.html")


def test_runs_of_two_kinds_do_not_mix(planbench: Shell, run: Path, tmp_path: Path) -> None:
    line = planbench.refused("report", tmp_path, run)
    assert line == f"{run} is a run of planbench iterate and {tmp_path} is not: report them in two calls"


def test_an_unfinished_or_spoilt_folder_is_one_line(planbench: Shell, run: Path) -> None:
    (run / "summary.json").write_text('{"schema": 1, "model": 3}')
    assert "summary.json: model: " in planbench.refused("report", run)
    (run / "summary.json").unlink()
    assert "is this a finished planbench run?" in planbench.refused("report", run)
