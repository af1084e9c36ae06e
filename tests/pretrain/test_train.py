"""Trainings small enough to run many times: the same seed, the same planner, whatever stopped it on the way."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from planbench.errors import InputError
from planbench.pretrain import train
from planbench.pretrain.config import PretrainConfig
from planbench.pretrain.train import Progress, pretrain
from planbench.suite.generator import short_drafts

ROOT = Path(__file__).parents[2]
TOY = PretrainConfig(
    domains=("blocksworld", "grid"),
    tasks=20,
    longest=4,
    steps=30,
    batch=4,
    warmup=5,
    width=16,
    layers=2,
    heads=2,
    inner=16,
    context=128,
)
KILLED = """
import os, signal, sys
from pathlib import Path
from planbench.pretrain import train
from tests.pretrain.test_train import TOY

train.SAVE_EVERY = 12
at = int(sys.argv[2])

def report(progress):
    if progress.step == at:
        os.kill(os.getpid(), signal.SIGKILL)

train.pretrain(TOY, Path(sys.argv[1]), report)
"""


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def equal(one: Path, other: Path) -> bool:
    left, right = weights(one), weights(other)
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    pretrain(TOY, folder)
    return folder


@pytest.fixture(autouse=True)
def _save_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "SAVE_EVERY", 12)


def test_the_same_seed_trains_the_same_planner(undisturbed: Path, tmp_path: Path) -> None:
    torch.manual_seed(99)
    outcome = pretrain(TOY, tmp_path)
    assert equal(undisturbed, tmp_path)
    taught = {name: list(short_drafts(name, TOY.tasks, seed=TOY.seed, longest=TOY.longest)) for name in TOY.domains}
    assert outcome.tasks == {name: len(drawn) for name, drawn in taught.items()}
    assert outcome.longest == {"blocksworld": 4, "grid": 4}
    assert outcome.parameters == sum(weight.numel() for weight in weights(tmp_path).values())


def test_another_seed_trains_another(undisturbed: Path, tmp_path: Path) -> None:
    pretrain(TOY.model_copy(update={"seed": 1}), tmp_path)
    assert not equal(undisturbed, tmp_path)


def test_it_learns(tmp_path: Path) -> None:
    seen: list[Progress] = []
    longer = TOY.model_copy(
        update={"domains": ("blocksworld",), "steps": 120, "batch": 8, "lr": 0.02, "embedding_lr": 0.02}
    )
    outcome = pretrain(longer, tmp_path, seen.append)
    assert [progress.step for progress in seen] == list(range(1, 121))
    assert outcome.loss == seen[-1].loss < 0.7 * seen[0].loss


def test_stopped_anywhere_it_goes_on_to_the_same_weights(undisturbed: Path, tmp_path: Path) -> None:
    """Killed between two states, and after the last step, before its state is kept."""
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    for at in (17, 30):
        done = subprocess.run([*command, str(at)], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert not (tmp_path / "model.safetensors").exists()
    (tmp_path / "training.new").write_bytes(b"half a sta")  # as a kill within the writing of a state leaves it
    steps: list[int] = []
    outcome = pretrain(TOY, tmp_path, lambda progress: steps.append(progress.step))
    assert steps == list(range(25, 31))
    assert equal(undisturbed, tmp_path)
    assert outcome.tokens > 0


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    first = pretrain(TOY, tmp_path)
    before = weights(tmp_path)
    steps: list[int] = []
    again = pretrain(TOY, tmp_path, lambda progress: steps.append(progress.step))
    assert steps == []
    assert again == first
    assert all(torch.equal(weight, before[name]) for name, weight in weights(tmp_path).items())


def test_a_folder_of_another_training_is_refused(tmp_path: Path) -> None:
    pretrain(TOY, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for change in ({"seed": 1}, {"steps": 31}, {"width": 32}):
        with pytest.raises(InputError, match="another training") as refused:
            pretrain(TOY.model_copy(update=change), tmp_path)
        assert "\n" not in str(refused.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("content", [b"", b"half a sta", b"PK\x03\x04 and no more"])
def test_a_state_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "training.pt").write_bytes(content)
    with pytest.raises(InputError, match=r"training\.pt: no state of a training") as refused:
        pretrain(TOY, tmp_path)
    assert "\n" not in str(refused.value)
