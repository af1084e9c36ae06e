"""`planbench eval`: what it prints, where its settings come from, whose tasks it takes."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import click
import pytest

from planbench.cli.eval import command as eval_command
from planbench.cli.prompt import command as prompt_command
from planbench.core.parse import read_domain
from planbench.paths import domains_dir
from planbench.prompts.rename import WAYS
from planbench.records.files import RunFolder
from planbench.records.sample import Sample
from planbench.suite.sets import task_sets
from tests.cli.conftest import Shell

OWN_DOMAIN = """(define (domain ferry) (:requirements :strips)
  (:predicates (boat-at ?p) (car-at ?p) (aboard) (place ?p) (empty))
  (:action sail :parameters (?a ?b) :precondition (and (boat-at ?a) (place ?b))
    :effect (and (boat-at ?b) (not (boat-at ?a))))
  (:action board :parameters (?a) :precondition (and (boat-at ?a) (car-at ?a) (empty))
    :effect (and (aboard) (not (car-at ?a)) (not (empty))))
  (:action land :parameters (?a) :precondition (and (boat-at ?a) (aboard))
    :effect (and (car-at ?a) (empty) (not (aboard)))))
"""
OWN_PROBLEM = """(define (problem cross{n}) (:domain ferry) (:objects east west{more})
  (:init (place east) (place west) (boat-at east) (car-at east) (empty)) (:goal (car-at west)))
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def own(here: Path) -> Path:
    """A folder of a domain that nobody knows: three problems, a plan beside one of them."""
    folder = here / "my ferry"
    folder.mkdir()
    (folder / "domain.pddl").write_text(OWN_DOMAIN)
    for number, more in enumerate(("", " north", " north south")):
        (folder / f"p{number}.pddl").write_text(OWN_PROBLEM.format(n=number, more=more))
    (folder / "p1.plan").write_text("(board east)\n(sail east west)\n(land west)\n")
    return folder


def summary(planbench: Shell, *argv: object) -> dict[str, Any]:
    outcome = planbench(*argv, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def samples(folder: str) -> list[Sample]:
    return list(RunFolder(Path(folder)).samples())


def config(folder: str) -> dict[str, Any]:
    return json.loads((Path(folder) / "run.json").read_text())["config"]


@pytest.mark.usefixtures("here")
def test_results_on_standard_output_the_rest_beside_it(planbench: Shell) -> None:
    outcome = planbench("eval", "random", "--limit", 6, "--out", "run", "--json")
    assert outcome.code == 0
    assert outcome.out.count("\n") == 1
    assert json.loads(outcome.out) == json.loads(Path("run/summary.json").read_text())
    assert outcome.err == "run folder: run (samples.jsonl, summary.json, report.html)\n"
    shown = planbench("eval", "random", "--limit", 6, "--out", "run")
    assert shown.err == outcome.err
    for word in ("random", "blocksworld", "grid", "logistics", "all domains", "horizon", "goal"):
        assert word in shown.out
    assert max(map(len, shown.out.splitlines())) <= 100
    assert "\x1b" not in shown.out
    assert {path.name for path in Path("run").iterdir()} == {
        ".lock", "run.json", "tasks.jsonl", "samples.jsonl", "summary.json", "report.html"
    }  # fmt: skip


@pytest.mark.usefixtures("here")
def test_the_same_command_finds_its_own_folder(planbench: Shell) -> None:
    for _ in range(2):
        summary(planbench, "eval", "random", "--limit", 3, "--domain", "grid")
    assert len(list(Path("runs").iterdir())) == 1
    for other in (["--seed", 1], ["--samples", 2], ["--prompt", "english"], ["--model-arg", "steps=2"]):
        summary(planbench, "eval", "random", "--limit", 3, "--domain", "grid", *other)
    assert len(list(Path("runs").iterdir())) == 5
    assert all(path.name.startswith("random-") for path in Path("runs").iterdir())


@pytest.mark.usefixtures("here")
def test_limit_domains_and_lengths(planbench: Shell) -> None:
    found = summary(planbench, "eval", "random", "--limit", 8, "--plan-length", "4:7", "--out", "all")
    assert found["tasks"] == 8
    assert sorted(part["tasks"] for part in found["by_domain"].values()) == [2, 3, 3]
    assert {s.reference_length for s in samples("all")} <= set(range(4, 8))
    two = ["--domain", "grid", "--domain", "logistics"]
    assert set(summary(planbench, "eval", "random", "--limit", 2, *two, "--out", "two")["by_domain"]) == {
        "grid", "logistics"
    }  # fmt: skip


@pytest.mark.usefixtures("here")
def test_settings_from_file_environment_and_command_line(planbench: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("planbench.toml").write_text(
        "model = 'random'\nlimit = 5\nseed = 9\n[eval]\ndomain = ['grid']\nplan-length = [2, 4]\n"
        "model-arg = {steps = 7}\n[report]\nout = 'elsewhere'\n"
    )
    monkeypatch.setenv("PLANBENCH_LIMIT", "4")
    monkeypatch.setenv("PLANBENCH_EVAL_SAMPLES", "2")
    found = summary(planbench, "eval", "--config", "planbench.toml", "--out", "run", "--seed", 3)
    assert (found["model"], found["tasks"], found["samples"], set(found["by_domain"])) == ("random", 4, 8, {"grid"})
    settings = config("run")
    assert (settings["seed"], settings["samples"], settings["model_args"]) == (3, 2, {"steps": "7"})
    assert settings["tasks"]["spec"] == {
        "domains": ["grid"], "split": "test", "seed": 3, "plan_length": "2:4", "limit": 4
    }  # fmt: skip
    monkeypatch.setenv("PLANBENCH_JSON", "true")
    monkeypatch.setenv("PLANBENCH_OUT", "run")
    assert json.loads(planbench("eval", "--config", "planbench.toml", "--seed", 3).out) == found


@pytest.mark.parametrize("how", ["tasks", "domain", "file"])
def test_tasks_of_ones_own(how: str, own: Path, planbench: Shell) -> None:
    argv: list[object] = ["--domain", own] if how == "domain" else ["--tasks", own]
    name = "my ferry"
    if how == "file":
        (own / "domain.pddl").rename("ferry-1.pddl")
        argv += ["--domain", "ferry-1.pddl"]
        name = "ferry"  # as in PDDL
    found = summary(planbench, "eval", "random", *argv, "--samples", 20, "--out", "run")
    assert (found["tasks"], found["samples"], set(found["by_domain"])) == (3, 60, {name})
    assert [s.task for s in samples("run")] == ["p0"] * 20 + ["p1"] * 20 + ["p2"] * 20
    assert [s.reference_length for s in samples("run")[::20]] == [None, 3, None]
    assert Counter(s.verdict.kind for s in samples("run")).keys() <= {"valid", "goal_missed"}
    # Lengths and ratios are over the tasks whose reference plan is known; the rate is over all.
    assert sum(one["tasks"] for one in found["by_length"]) == 1
    assert found["verdicts"]["valid"] > 0
    assert planbench("eval", "random", *argv, "--samples", 20, "--out", "run").code == 0


def test_own_tasks_of_a_length(own: Path, planbench: Shell) -> None:
    assert summary(planbench, "eval", "random", "--tasks", own, "--plan-length", "2:4", "--out", "run")["tasks"] == 1


@pytest.mark.usefixtures("here")
def test_a_folder_that_generate_wrote_is_measured_as_the_domain_is(planbench: Shell) -> None:
    planbench("generate", "logistics", "--count", 20, "--out", "logistics")
    for out, argv in (("a", ["--tasks", "logistics"]), ("b", ["--domain", "logistics", "--limit", 20])):
        summary(planbench, "eval", "random", *argv, "--out", out, "--prompt", "english", "--shots", 1)
    found = [{s.key: (s.reply, s.verdict, s.reference_length) for s in samples(out)} for out in "ab"]
    assert found[0] == found[1]
    assert len(found[0]) == 20
    assert summary(planbench, "eval", "random", "--tasks", "logistics", "--domain", "logistics", "--out", "c")[
        "by_domain"
    ].keys() == {"logistics"}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("how", ["random", "mystery", "per-task"])
def test_prompt_shots_and_renaming_are_of_the_run(how: str, planbench: Shell) -> None:
    argv = ["eval", "random", "--limit", 6, "--prompt", "english", "--shots", 2, "--rename", how, "--out", "run"]
    found = summary(planbench, *argv)
    assert found["verdicts"]["valid"] + found["verdicts"]["goal_missed"] == 6
    settings = config("run")
    assert (settings["prompt"], settings["shots"], settings["rename"]) == ("english", 2, how)
    for task in RunFolder(Path("run")).tasks():
        words = read_domain(task.domain_pddl)
        original = read_domain((domains_dir() / task.domain / "domain.pddl").read_text())
        assert len(words.actions) == len(original.actions)
        assert words.actions.keys().isdisjoint(original.actions)
    domains = {task.domain_pddl for task in RunFolder(Path("run")).tasks()}
    assert len(domains) == (6 if how == "per-task" else 3)
    steps = {step.strip("()").split()[0] for s in samples("run") for step in s.plan or ()}
    assert steps
    assert steps.isdisjoint({"pick-up", "stack", "unstack", "put-down", "move", "drive-truck"})
    before = (Path("run") / "samples.jsonl").read_bytes()
    assert summary(planbench, *argv) == found
    assert (Path("run") / "samples.jsonl").read_bytes() == before
    other = planbench(*argv, "--rename", "none")
    assert (other.code, f"another rename ({how} there, none now)" in other.err) == (2, True)


def test_the_ways_to_rename_are_those_there_are() -> None:
    for command in (eval_command, prompt_command):
        (option,) = (param for param in command.params if param.name == "rename")
        assert isinstance(option.type, click.Choice)
        assert tuple(option.type.choices) == WAYS


@pytest.mark.usefixtures("here")
def test_any_bytes_in_a_file_name(own: Path, planbench: Shell) -> None:
    name = "na\udcffme"
    own.rename(name)
    (Path(name) / "p0.pddl").rename(Path(name) / "p\udcfe.pddl")
    argv = ["eval", "random", "--tasks", name, "--limit", 3, "--out", "o\udcfd"]
    found = summary(planbench, *argv)
    assert set(found["by_domain"]) == {r"na\udcffme"}
    assert sum(r"p\udcfe" in s.task for s in samples("o\udcfd")) == 1
    before = (Path("o\udcfd") / "samples.jsonl").read_bytes()
    assert summary(planbench, *argv) == found
    assert (Path("o\udcfd") / "samples.jsonl").read_bytes() == before
    again = ["eval", "replay:o\udcfd", "--tasks", name, "--out", "again"]
    assert summary(planbench, *again)["verdicts"] == found["verdicts"]
    for command in ("score", "report"):
        assert planbench(command, "o\udcfd").code == 0
    assert planbench("prompt", Path(name) / "p\udcfe.pddl").code == 0


@pytest.mark.usefixtures("here")
def test_a_named_set_is_the_same_tasks_whatever_the_seed(planbench: Shell) -> None:
    one = summary(planbench, "eval", "random", "--tasks", "smoke", "--out", "one")
    assert (one["tasks"], config("one")["tasks"]["spec"]) == (45, {"set": "smoke"})
    summary(planbench, "eval", "random", "--tasks", "smoke", "--seed", 7, "--out", "two")
    assert config("two")["tasks"] == config("one")["tasks"]
    assert config("one")["tasks"]["hash"] == task_sets()["smoke"].hash
    part = summary(planbench, "eval", "random", "--tasks", "smoke", "--domain", "grid", "--limit", 6, "--out", "part")
    assert (part["tasks"], set(part["by_domain"])) == (6, {"grid"})
    assert config("part")["tasks"]["spec"] == {"set": "smoke", "domains": ["grid"], "limit": 6}


@pytest.mark.usefixtures("here")
def test_what_is_no_set_is_said_in_one_line(planbench: Shell) -> None:
    def refusal(*argv: object) -> str:
        outcome = planbench("eval", "random", *argv)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
        return outcome.err

    assert "no task set of that name; did you mean 'smoke'?" in refusal("--tasks", "smoky")
    assert "task set smoke has no 'rovers'" in refusal("--tasks", "smoke", "--domain", "rovers")
    assert "no tasks of that plan length" in refusal("--tasks", "smoke", "--plan-length", "150:160")


def test_copies_in_another_folder_are_left_out_aloud(own: Path, tmp_path: Path, planbench: Shell) -> None:
    copies = tmp_path / "copies"
    shutil.copytree(own, copies)
    (copies / "p3.pddl").write_text(OWN_PROBLEM.format(n=3, more=""))
    asked = ("--domain", own, "--domain", copies, "--limit", 4, "--out", "both", "--json")
    outcome = planbench("eval", "random", *asked)
    assert f"{own}, {copies}: 3 of 7 problems are the same text as another, and are left out" in outcome.err
    assert {name: part["tasks"] for name, part in json.loads(outcome.out)["by_domain"].items()} == {
        own.name: 3,
        "copies": 1,
    }


def test_a_large_folder_is_not_cut_in_silence(own: Path, planbench: Shell) -> None:
    for number in range(3, 152):
        (own / f"p{number}.pddl").write_text(OWN_PROBLEM.format(n=number, more=""))
    said = planbench("eval", "random", "--tasks", own, "--out", "cut").err
    assert "150 of 152 tasks, spread over the folder; --limit 152 takes all" in said
    (own / "p9.pddl").write_bytes((own / "p8.pddl").read_bytes())
    outcome = planbench("eval", "random", "--tasks", own, "--limit", 160, "--out", "copies")
    assert "1 of 152 problems are the same text as another, and are left out" in outcome.err
    assert "151 tasks, 151 samples" in outcome.out
    assert "takes all" not in planbench("eval", "random", "--domain", own, "--limit", 20, "--out", "part").err
