"""The configurations of the small experiment can be run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planbench.cli import main

FOLDER = Path(__file__).parents[2] / "experiments/small"
CONTROLS = ["shortest", "none", "base-only"]


@pytest.mark.parametrize("name", ["blocksworld", "blocksworld-long", "logistics", "grid", "ferry"])
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
