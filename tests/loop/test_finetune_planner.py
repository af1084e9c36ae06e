"""Fine-tuning of a planner of our own, freshly named at every use, and in two processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from planbench.loop.examples import TrainExample, train_example
from planbench.loop.finetune import finetune
from planbench.loop.finetune_config import FinetuneConfig, LoraSettings
from planbench.loop.finetune_files import rebuilt, with_adapters
from planbench.models import load
from planbench.models.catalog import LoadOptions
from planbench.models.completions import CompletionEncoder
from planbench.models.hf_load import load_checkpoint
from planbench.preparation import prepare
from planbench.pretrain.checkpoint import new_model, new_tokenizer
from planbench.pretrain.checkpoint import save as save_planner
from planbench.pretrain.config import PretrainConfig
from planbench.pretrain.corpus import base_examples, vocabulary
from planbench.prompts.compact import build, name_objects, plan_words, scene_of
from planbench.suite import generate
from tests.loop.processes import train
from tests.loop.traces import trace
from tests.models.checkpoints import save

ROOT = Path(__file__).parents[2]


def planner(folder: Path) -> Path:
    words = vocabulary(list(base_examples(("blocksworld",), 30, seed=0, longest=6)))
    small = PretrainConfig(width=32, layers=3, heads=2, inner=48)
    save_planner(folder, new_model(small, len(words)), new_tokenizer(words))
    return folder


def plans(folder: Path, count: int) -> list[TrainExample]:
    """Tasks of the pool with their reference plans, as a model would have written them."""
    encoder = CompletionEncoder.load(folder)
    made: list[TrainExample] = []
    for one in prepare(generate("blocksworld", count, seed=1, plan_length=(2, 4), split="pool")):
        assert one.task.reference is not None
        reply = " ".join(plan_words(one.task.reference.steps, name_objects(one.compiled.objects)))
        prompt = build(one.compiled, one.task.domain_pddl, one.task.problem_pddl, one.wording)
        judged = trace(one.task.hash, reply=reply)
        made.append(train_example(encoder, prompt, judged, 1.0, scene_of(one.compiled)))
    return made


@pytest.mark.parametrize(
    ("changes", "share"), [({"optimizer": "muon"}, 0.75), ({"lora": LoraSettings(r=4)}, 0.98)], ids=["muon", "lora"]
)
def test_a_planner_learns_plans_under_names_that_change(
    tmp_path: Path, changes: dict[str, object], share: float
) -> None:
    """On tasks that are held out. An adapter of rank 4 on random weights, embeddings frozen, learns little."""
    source = planner(tmp_path / "source")
    settings = {"steps": 60, "batch": 8, "group": 4, "lr": 1e-2, "validation": 0.25, "device": "cpu", **changes}
    outcome = finetune(source, plans(source, 24), FinetuneConfig.model_validate(settings), tmp_path / "new")
    assert outcome.validation_before is not None
    assert outcome.validation_after is not None
    assert outcome.held_out == 6
    assert outcome.validation_after < share * outcome.validation_before
    model = load(str(tmp_path / "new"), model_args={"device": "cpu"})
    assert model.prompt_style == "compact"


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    """The model through the library's wrapper and the planner through its own pass, whose gradients are averaged by
    hand. A planner is kept in half precision: one unit in the last place of its largest weights is 1e-3."""
    source, own = save(tmp_path / "source"), planner(tmp_path / "planner")
    train(source, own, tmp_path / "one")
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    script = str(Path(__file__).with_name("processes.py"))
    done = subprocess.run(
        [sys.executable, *launch, script, str(source), str(own), str(tmp_path / "two")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    for name, before, tolerance in (
        ("plain", source, 2e-5),
        ("plain-signed", source, 2e-5),
        ("own", own, 1e-3),
        ("own-signed", own, 1e-3),
    ):
        first, second, start = (
            {key: weight.float() for key, weight in load_file(folder / "model.safetensors").items()}
            for folder in (tmp_path / "one" / name, tmp_path / "two" / name, before)
        )
        assert all(torch.allclose(first[key], second[key], rtol=0, atol=tolerance) for key in first | second)
        assert not all(torch.allclose(first[key], start[key], rtol=0, atol=2e-3) for key in first)


def test_a_model_is_made_again_from_its_weights(tmp_path: Path) -> None:
    """As it is where they were spread over processes, adapters included."""
    source = save(tmp_path / "source")
    config = FinetuneConfig(lora=LoraSettings(r=2))
    assert config.lora is not None
    plain = load_checkpoint(source, LoadOptions({"device": "cpu"})).model
    # Trained, as far as a model that is made again can tell: no weight is what it was.
    state = {key: weight + 0.5 for key, weight in with_adapters(plain, config.lora).state_dict().items()}
    again = rebuilt(source, state, config).state_dict()
    assert all(torch.equal(weight, again[key]) for key, weight in state.items())


def test_what_is_forgotten_changes_what_is_learned_and_not_how_it_is_measured(tmp_path: Path) -> None:
    source = planner(tmp_path / "source")
    settings = {"steps": 4, "batch": 8, "lr": 1e-2, "validation": 0.25, "device": "cpu", "optimizer": "muon"}
    examples = plans(source, 24)
    came_to = [
        finetune(source, examples, FinetuneConfig.model_validate(settings | {"forget": share}), tmp_path / str(share))
        for share in (0.0, 1.0)
    ]
    assert came_to[0].validation_before == came_to[1].validation_before
    assert came_to[0].validation_after != came_to[1].validation_after
