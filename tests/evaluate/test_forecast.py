"""What a dry run says is what the run then takes."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from planbench import forecast
from planbench.cli import main
from planbench.forecast import distinct_tokens
from planbench.preparation import prepare
from planbench.records import Reply, Request, SamplingSettings
from tests.evaluate.runs import Flaky, planner_checkpoint, samples, some_tasks
from tests.models.checkpoints import save
from tests.models.test_formats import adapted


def test_distinct_tokens_are_the_nodes_of_the_prefix_tree() -> None:
    random = Random(0)
    for _ in range(200):
        prompts = [[random.randint(0, 1) for _ in range(random.randint(1, 6))] for _ in range(random.randint(1, 8))]
        nodes = {tuple(prompt[: end + 1]) for prompt in prompts for end in range(len(prompt))}
        assert distinct_tokens(prompts) == len(nodes)


class Watched(Flaky):
    """Remembers which tasks it was asked."""

    def replies(
        self, requests: Sequence[Request], done: Collection[int], settings: SamplingSettings
    ) -> Iterator[tuple[int, Reply]]:
        self.tasks = [request.task_hash for request in requests]
        return super().replies(requests, done, settings)


@pytest.mark.parametrize(("count", "tried"), [(3, [0, 1, 2]), (7, [0, 2, 4, 6]), (20, [2, 7, 12, 17])])
def test_time_is_measured_on_tasks_of_the_whole_set(
    count: int, tried: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast, "_TRIED", 4)
    prepared, model = prepare(some_tasks()[:count]), Watched(())
    assert forecast.seconds_a_reply(model, prepared, {}, "pddl", SamplingSettings()) > 0
    assert model.tasks == [prepared[position].task.hash for position in tried]


def test_a_dry_run_counts_what_the_run_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = planner_checkpoint(tmp_path / "model")
    argv = ["eval", str(model), "--domain", "blocksworld", "--plan-length", "2:6", "--limit", "8", "--samples", "2"]
    argv += ["--temperature", "1", "--max-tokens", "20", "--json", "--out", str(tmp_path / "run")]
    assert main([*argv, "--dry-run"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert not (tmp_path / "run").exists()
    assert main([*argv, "--dry-run", "--model-arg", "dtype=bfloat16", "--model-arg", "device=cpu"]) == 0
    assert json.loads(capsys.readouterr().out)["memory_bytes"] < 0.6 * told["memory_bytes"]
    assert main(argv) == 0
    found = samples(tmp_path / "run")
    assert (told["tasks"], told["samples"], told["prompt"]) == (8, len(found), "pddl")
    assert told["prompt_tokens"] == sum(sample.prompt_tokens or 0 for sample in found)
    assert told["distinct_prompt_tokens"] < told["prompt_tokens"] / 2
    assert sum(sample.completion_tokens or 0 for sample in found) <= told["most_tokens"] == 16 * 20
    assert told["weights_bytes"] == (model / "model.safetensors").stat().st_size
    assert told["memory_bytes"] > told["weights_bytes"]
    assert told["seconds"] > 0


def test_an_adapter_is_told_of_as_its_base_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = save(tmp_path / "base", max_position_embeddings=4_000)
    adapted(tmp_path / "random-adapter", base)
    argv = [
        "--domain",
        "blocksworld",
        "--limit",
        "2",
        "--plan-length",
        "2:4",
        "--max-tokens",
        "8",
        "--dry-run",
        "--json",
    ]
    told: list[dict[str, Any]] = []
    for model in (base, tmp_path / "random-adapter"):
        assert main(["eval", str(model), *argv]) == 0
        told.append(json.loads(capsys.readouterr().out))
        assert told[-1].pop("seconds") > 0
    assert told[0] == told[1]
    assert told[0]["prompt_tokens"] > 0
    assert main(["eval", str(base), *argv, "--max-thinking-tokens", "100"]) == 0
    assert json.loads(capsys.readouterr().out)["most_tokens"] == 2 * 108


@pytest.mark.parametrize("name", ["gpt2", "hf:gpt2", "hf:some-one/some-model"])
def test_a_name_of_a_hub_without_an_owner_is_not_fetched_either(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", name, "--domain", "blocksworld", "--limit", "3", "--plan-length", "2:4", "--dry-run"]) == 0
    assert "is not on this machine" in capsys.readouterr().err


def test_a_name_that_is_nearly_ours_is_asked_about(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "tinny", "--domain", "blocksworld", "--limit", "3", "--dry-run"]) != 0
    assert "did you mean tiny?" in capsys.readouterr().err


def test_a_model_that_is_not_here_is_not_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["eval", "some-one/some-model", "--domain", "blocksworld", "--limit", "3", "--plan-length", "2:4"]
    assert main([*argv, "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["prompt_tokens"] is None
    assert told["unknown"] == "some-one/some-model is not on this machine, so its tokens, memory and time are not known"
