"""`planbench prompt` shows what `planbench eval` asks, to the character."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planbench.models import load
from planbench.models.hf import HfModel
from planbench.records import Message, Prompt
from planbench.records.files import RunFolder
from tests.cli.conftest import Shell
from tests.models.checkpoints import CHAT, save


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("style", "shots", "rename"),
    [
        ("pddl", 0, "none"),
        ("pddl", 2, "random"),
        ("english", 1, "none"),
        ("english", 0, "random"),
        ("english", 2, "mystery"),
        ("pddl", 2, "per-task"),
        ("compact", 0, "mystery"),
        ("compact", 0, "none"),
    ],
)
def test_it_is_the_prompt_of_the_run(style: str, shots: int, rename: str, planbench: Shell) -> None:
    same = ["--shots", shots, "--rename", rename, "--seed", 5]
    run = planbench("eval", "random", "--domain", "grid", "--limit", 1, "--prompt", style, *same, "--out", "run")
    assert run.code == 0, run.err
    (sample,) = RunFolder(Path("run")).samples()
    shown = planbench("prompt", "grid", "--style", style, *same, "--json")
    assert shown.code == 0, shown.err
    found = json.loads(shown.out)
    assert (found["style"], found["hash"]) == (style, sample.prompt_hash)
    assert len(found["messages"]) == 1 + 2 * shots
    plain = planbench("prompt", "grid", "--style", style, *same)
    assert (plain.code, plain.err) == (0, "")
    for message in found["messages"]:
        assert message["content"] in plain.out
    assert ("--- assistant" in plain.out) == (shots > 0)


@pytest.mark.usefixtures("here")
def test_a_problem_file_with_its_domain_beside_it_or_named(planbench: Shell) -> None:
    planbench("generate", "blocksworld", "--count", 1, "--out", "tasks")
    (problem,) = [path for path in Path("tasks").glob("*.pddl") if path.name != "domain.pddl"]
    beside = planbench("prompt", problem)
    assert problem.read_text().strip() in beside.out
    assert Path("tasks/domain.pddl").read_text().strip() in beside.out
    Path("tasks/domain.pddl").unlink()
    for domain in ("blocksworld", Path(__file__).parents[2] / "domains" / "blocksworld"):
        assert planbench("prompt", problem, "--domain", domain).out == beside.out
    assert "--domain" in planbench.refused("prompt", problem)
    english = planbench("prompt", problem, "--domain", "blocksworld", "--style", "english").out
    assert "pick up block X" in english
    assert "(:action" not in english


def test_settings_from_file_and_environment(here: Path, planbench: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "c.toml").write_text("[prompt]\nstyle = 'english'\nplan-length = 3\n")
    monkeypatch.setenv("PLANBENCH_PROMPT_SHOTS", "1")
    monkeypatch.setenv("PLANBENCH_JSON", "true")
    found = json.loads(planbench("prompt", "logistics", "--config", "c.toml").out)
    assert (found["style"], len(found["messages"])) == ("english", 3)
    # `eval` reads the prompt style from variables of the same name; this command has --style.
    monkeypatch.setenv("PLANBENCH_STYLE", "pddl")
    assert json.loads(planbench("prompt", "logistics", "--config", "c.toml").out)["style"] == "pddl"


def test_as_a_model_gets_it(here: Path, planbench: Shell) -> None:
    save(here / "chat", chat_template=CHAT)
    shown = planbench("prompt", "grid", "--model", "chat")
    assert shown.code == 0, shown.err
    asked = json.loads(planbench("prompt", "grid", "--json").out)["messages"]
    model = load("chat")
    assert isinstance(model, HfModel)
    assert shown.out == model.rendered(Prompt("pddl", tuple(Message(**message) for message in asked)))
    assert shown.out.startswith("<s> ")
    assert "drop --model" in planbench.refused("prompt", "grid", "--model", "random")
