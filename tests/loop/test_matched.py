"""Arms on equal budgets, and settings of before: what goes on, and what is part of the same run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from planbench.cli import main
from planbench.errors import InputError
from planbench.loop.answers import Answers
from planbench.loop.checkpoints import source_of
from planbench.loop.conclusion import conclude
from planbench.loop.config import IterateConfig, filled
from planbench.loop.iterate import _check  # pyright: ignore[reportPrivateUsage]
from planbench.loop.tasks import task_sets
from planbench.loop.training import finetune_settings
from planbench.models.catalog import shipped_folder
from planbench.records.files import ITERATE, SUMMARY, read_json
from planbench.records.iterate import IterateRecord, IterateSummary

ROOT = Path(__file__).parents[2] / "experiments/small"
TINY = ["iterate", "tiny", "--domain", "blocksworld", "--tasks", "16", "--samples", "2", "--pool-length", "2:6"]
TINY += ["--held-out", "8", "--longer", "0", "--train", "steps=2", "--generations", "1", "--arms", "shortest,none"]


def test_arms_of_several_seeds_are_matched(tmp_path: Path) -> None:
    """Between two seeds the summary looks at all of them, also at those of which nothing is there."""
    out = tmp_path / "run"
    assert main([*TINY, "--seeds", "0,1", "--match", "tokens", "--out", str(out)]) == 0
    summary = read_json(out / SUMMARY, IterateSummary)
    assert summary.finished
    assert {row.seed for row in summary.arms["none"]} == {0, 1}
    # Of three seeds these are two, also where an arm of one has ended early.
    config = IterateConfig.model_validate(summary.config).model_copy(update={"seeds": (0, 1, 2)})
    answers = Answers(task_sets(config.tasks, config.probes))
    assert not conclude(config, config.chosen_arms(), answers, out, None, {"none, seed 0": "x"}).finished
    before = (out / SUMMARY).read_bytes()
    assert main([*TINY, "--seeds", "0,1", "--match", "tokens", "--out", str(out)]) == 0
    assert (out / SUMMARY).read_bytes() == before


@pytest.mark.parametrize("name", ["blocksworld", "grid", "smollm2", "ferry"])
def test_a_run_of_before_goes_on_with_settings_that_are_new(name: str) -> None:
    """Settings within settings, too."""
    there = read_json(ROOT / name / ITERATE, IterateRecord)
    config = IterateConfig.model_validate(there.config)
    assert filled(there.config) == config.model_dump(mode="json")
    _check(config, there, Path("run"))


@pytest.mark.parametrize(
    ("examples", "updates"), [(1, 1), (25, 10), (100, 1), (192, 1), (193, 1), (300, 4), (1_000, 7)]
)
@pytest.mark.parametrize("batch", [None, "1", "64"])
def test_updates_read_every_example_about_once(examples: int, updates: int, batch: str | None) -> None:
    told = {} if batch is None else {"batch": batch}
    config = IterateConfig(updates_per_generation=updates, training=told)
    found = finetune_settings(config, source_of("tiny", config), 0, examples=examples)
    assert (found.steps, found.group, found.validation) == (updates, 1, 0)
    assert found.batch <= int(batch or 24)
    read = updates * found.accumulate * found.batch
    assert examples <= read < examples + updates * found.accumulate


@pytest.mark.parametrize(
    ("training", "says"),
    [({"seed": "5"}, "--seeds"), ({"ratio": "sequence"}, "curation rule"), ({"batch": "²"}, "batch")],
)
def test_settings_that_are_not_for_train(training: dict[str, str], says: str) -> None:
    config = IterateConfig(updates_per_generation=2, training=training)
    with pytest.raises(InputError, match=says):
        finetune_settings(config, source_of("tiny", config), 0, examples=10)


def test_a_model_that_was_changed_is_not_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under the same name: half of a run would be another model's."""
    shutil.copytree(shipped_folder("tiny"), tmp_path / "model")
    argv = ["iterate", str(tmp_path / "model"), *TINY[2:], "--arms", "shortest", "--out", str(tmp_path / "run")]
    assert main(argv) == 0
    assert main([*argv, "--generations", "2"]) == 0
    weights = tmp_path / "model/model.safetensors"
    tensors = load_file(weights)
    tensors["model.embedding_norm.weight"] *= 1.01
    save_file(tensors, weights, metadata={"format": "pt"})
    capsys.readouterr()
    assert main([*argv, "--generations", "3"]) == 2
    assert "seed 0 began with another model of that name" in capsys.readouterr().err


def test_a_revision_is_the_hubs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Generation 1 is a folder, of which there is no revision."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    repository = tmp_path / "models--some--planner"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs/tuned").write_text("a" * 40)
    shutil.copytree(shipped_folder("tiny"), repository / "snapshots" / ("a" * 40))
    out = tmp_path / "run"
    argv = ["iterate", "some/planner", *TINY[2:], "--arms", "shortest", "--model-arg", "revision=tuned"]
    assert main([*argv, "--out", str(out)]) == 0
    assert read_json(out / SUMMARY, IterateSummary).finished
