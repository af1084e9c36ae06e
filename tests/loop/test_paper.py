"""The configuration of the paper's run holds the paper's settings, and can be run."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from planbench.cli import main
from planbench.loop.checkpoints import Source
from planbench.loop.config import IterateConfig
from planbench.loop.training import finetune_settings

FOLDER = Path(__file__).parents[2] / "experiments/paper"
PAPER = FOLDER / "blocksworld.toml"


def test_dry_run_says_what_the_paper_did(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["iterate", "--config", str(PAPER), "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    config = IterateConfig.model_validate(told["config"])
    assert config.model == "Qwen/Qwen3-4B-Thinking-2507"
    assert (config.generations, config.arms, config.init, len(config.seeds)) == (5, ("shortest",), "base", 3)
    assert (config.sampling.samples, config.sampling.temperature) == (1, 0.6)
    assert told["tasks"] == {"pool": 1_000, "held_out": 200, "longer": 100}
    # A generation 0 and five more, three times.
    assert told["deployments"] == 18
    assert told["trainings"] == 15
    assert told["samples"] == 18 * 1_300
    assert told["most_tokens"] == 18 * 1_300 * 32_768
    assert "not on this machine" in told["unknown"]

    source = Source(Path("unused"), None, None, 0, None)
    settings = finetune_settings(config, source, seed=0)
    assert settings.lora is not None
    # arXiv 2512.24940, the table of hyper-parameters.
    assert (settings.lora.r, settings.lora.alpha, settings.lora.dropout) == (16, 32, 0.05)
    assert (settings.lr, settings.batch, settings.epochs, settings.optimizer) == (1e-5, 1, 2, "adamw")
    assert (settings.validation, settings.steps) == (0.1, None)


@pytest.mark.parametrize(("name", "domains"), [("rovers", 1), ("sokoban", 1), ("ten-domains", 10)])
def test_the_other_runs_differ_in_their_tasks_alone(
    name: str, domains: int, capsys: pytest.CaptureFixture[str]
) -> None:
    first, other = (tomllib.loads((FOLDER / f"{one}.toml").read_text())["iterate"] for one in ("blocksworld", name))
    assert other["tasks"] == 1_000 * domains
    differing = {key for key in other if other[key] != first[key]}
    assert differing <= {"domain", "tasks", "held-out", "longer"}
    assert set(other) == set(first)
    fewer = ["--tasks", "30", "--held-out", "10", "--longer", "10"]
    assert main(["iterate", "--config", str(FOLDER / f"{name}.toml"), *fewer, "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["config"]["tasks"]["domains"]) == domains
    assert told["tasks"] == {"pool": 30, "held_out": 10, "longer": 10}
    assert told["samples"] == 18 * 50
