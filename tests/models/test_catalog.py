"""MODEL strings: what wins over what, and what an import costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from planbench import paths
from planbench.errors import CheckpointError, InputError
from planbench.models import catalog, load
from tests.models.checkpoints import save


def test_a_folder_wins_over_a_hub_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "owner" / "name")
    for name in ("owner/name", "hf:owner/name", "owner/name/"):
        assert load(name, model_args={"device": "cpu"}).name == "owner/name"


def test_our_own_names_win_over_a_folder_unless_it_is_written_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "random")
    assert load("random").describe()["kind"] == "random"
    assert load("./random", model_args={"device": "cpu"}).describe()["kind"] == "transformers"


def test_a_folder_with_a_colon_in_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "server:mine")
    assert load("server:mine", model_args={"device": "cpu"}).max_context == 64


def test_tiny_is_the_packages_own_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "tiny_dir", lambda: tmp_path / "tiny")
    with pytest.raises(CheckpointError, match="planbench pretrain"):
        load("tiny")
    save(tmp_path / "tiny", planbench_prompt_style="compact")
    model = load("tiny", model_args={"device": "cpu"})
    assert (model.name, model.prompt_style) == ("tiny", "compact")


def test_grown_is_another_checkpoint_of_the_packages_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "grown_dir", lambda: tmp_path / "grown")
    with pytest.raises(CheckpointError, match=r"grown is not in this copy of planbench; .*: planbench iterate"):
        load("grown")
    save(tmp_path / "grown", planbench_prompt_style="compact")
    model = load("grown", model_args={"device": "cpu"})
    assert (model.name, model.prompt_style) == ("grown", "compact")


def test_a_batch_size_of_none_at_all() -> None:
    with pytest.raises(InputError, match="1 or more"):
        load("random", batch_size=0)


def test_every_loader_that_is_named_exists() -> None:
    from importlib import import_module

    for target in (*catalog.OWN_NAMES.values(), *catalog.SCHEMES.values()):
        module, _, attribute = target.partition(":")
        assert callable(getattr(import_module(module), attribute))


@pytest.mark.parametrize("program", ["import planbench.models", "from planbench.models import load; load('random')"])
def test_naming_a_model_imports_nothing_heavy(program: str) -> None:
    heavy = ("torch", "transformers", "numpy", "pddl", "pydantic", "huggingface_hub", "safetensors")
    program += f"; import sys; print([name for name in {heavy!r} if name in sys.modules])"
    root = Path(catalog.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
