"""The configurations of the small experiment can be run, and the page about it says what came out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.small.tables import tables
from planbench.cli import main
from planbench.records.files import SUMMARY, read_json
from planbench.records.iterate import IterateSummary

FOLDER = Path(__file__).parents[2] / "experiments/small"
CONTROLS = ["shortest", "none", "base-only"]


@pytest.mark.parametrize("name", ["blocksworld", "blocksworld-long", "logistics", "grid", "ferry", "rovers", "sokoban"])
def test_dry_run(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the planner that ships in place of those that `make experiment` trains, and fewer tasks."""
    fewer = ["--tasks", "100", "--held-out", "40", "--longer", "20", "--dry-run", "--json"]
    assert main(["iterate", "tiny", "--config", str(FOLDER / f"{name}.toml"), *fewer]) == 0
    config = json.loads(capsys.readouterr().out)["config"]
    arms = {"blocksworld": [*CONTROLS, "valid", "shortest-init-base"], "blocksworld-long": ["shortest"]}
    assert config["arms"] == arms.get(name, CONTROLS)
    assert config["tasks"]["domains"] == [name.removesuffix("-long")]
    assert (config["seeds"], config["tasks"]["tuning"]) == ([0, 1, 2], False)
    assert config["generations"] == (14 if name == "blocksworld-long" else 8)


@pytest.mark.parametrize("domain", ["blocksworld", "grid"])
def test_reinforcement_learning_dry_run(domain: str, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(FOLDER.parent / "rl" / f"{domain}.toml")
    fewer = ["--tasks", "100", "--held-out", "40", "--longer", "20", "--dry-run", "--json"]
    assert main(["iterate", "tiny", "--config", config, "--match", "tokens", *fewer]) == 0
    found = json.loads(capsys.readouterr().out)["config"]
    assert found["match"] == "tokens"
    assert found["arms"][:2] == ["shortest", "valid"]
    assert len(found["seeds"]) == 3
    assert found["training"]["group:forget"] == "0"


@pytest.mark.parametrize("name", ["blocksworld", "logistics", "grid", "ferry", "rovers", "sokoban"])
def test_the_page_has_the_numbers_of_the_files(name: str) -> None:
    """Every line of the tables that the committed summary makes stands in docs/replication.md."""
    page = (FOLDER.parents[1] / "docs/replication.md").read_text().splitlines()
    lines = list(tables(read_json(FOLDER / name / SUMMARY, IterateSummary)))
    assert len(lines) > 25
    assert [line for line in lines if line not in page] == []
