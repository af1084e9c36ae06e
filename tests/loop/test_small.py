"""The configurations of the small experiment can be run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planbench.cli import main

FOLDER = Path(__file__).parents[2] / "experiments/small"
CONTROLS = ["shortest", "none", "base-only"]


@pytest.mark.parametrize("domain", ["blocksworld", "logistics", "grid"])
def test_dry_run(domain: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the planner that ships in place of those that `make experiment` trains, and fewer tasks."""
    fewer = ["--tasks", "100", "--held-out", "40", "--longer", "20", "--dry-run", "--json"]
    assert main(["iterate", "tiny", "--config", str(FOLDER / f"{domain}.toml"), *fewer]) == 0
    config = json.loads(capsys.readouterr().out)["config"]
    more = ["valid", "shortest-init-base"] if domain == "blocksworld" else []
    assert config["arms"] == CONTROLS + more
    assert config["tasks"]["domains"] == [domain]
    assert (config["seeds"], config["generations"], config["tasks"]["tuning"]) == ([0, 1, 2], 8, False)
