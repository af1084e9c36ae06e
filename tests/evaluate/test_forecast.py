"""What a dry run says is what the run then takes."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from planbench.cli import main
from planbench.forecast import distinct_tokens
from tests.evaluate.runs import planner_checkpoint, samples


def test_distinct_tokens_are_the_nodes_of_the_prefix_tree() -> None:
    random = Random(0)
    for _ in range(200):
        prompts = [[random.randint(0, 1) for _ in range(random.randint(1, 6))] for _ in range(random.randint(1, 8))]
        nodes = {tuple(prompt[: end + 1]) for prompt in prompts for end in range(len(prompt))}
        assert distinct_tokens(prompts) == len(nodes)


def test_a_dry_run_counts_what_the_run_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = planner_checkpoint(tmp_path / "model")
    argv = ["eval", str(model), "--domain", "blocksworld", "--plan-length", "2:6", "--limit", "8", "--samples", "2"]
    argv += ["--temperature", "1", "--max-tokens", "20", "--json", "--out", str(tmp_path / "run")]
    assert main([*argv, "--dry-run"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert not (tmp_path / "run").exists()
    assert main(argv) == 0
    found = samples(tmp_path / "run")
    assert (told["tasks"], told["samples"], told["prompt"]) == (8, len(found), "pddl")
    assert told["prompt_tokens"] == sum(sample.prompt_tokens or 0 for sample in found)
    assert told["distinct_prompt_tokens"] < told["prompt_tokens"] / 2
    assert sum(sample.completion_tokens or 0 for sample in found) <= told["most_tokens"] == 16 * 20
    assert told["weights_bytes"] == (model / "model.safetensors").stat().st_size
    assert told["memory_bytes"] > told["weights_bytes"]
    assert told["seconds"] > 0


def test_a_model_that_is_not_here_is_not_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["eval", "some-one/some-model", "--domain", "blocksworld", "--limit", "3", "--plan-length", "2:4"]
    assert main([*argv, "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["prompt_tokens"] is None
    assert told["unknown"] == "some-one/some-model is not on this machine, so its tokens, memory and time are not known"
