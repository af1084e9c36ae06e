"""What `planbench eval`, `prompt`, `score` and `report` say to bad input: one line, exit code 2, no traceback."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from planbench.paths import domains_dir
from tests.cli.conftest import Shell
from tests.models.checkpoints import save

BLOCKS = domains_dir() / "blocksworld" / "domain.pddl"
PROBLEM = """(define (problem two) (:domain blocksworld)
 (:objects a b - block)
 (:init (ontable a) (ontable b) (clear a) (clear b) (handempty))
 (:goal (on a b)))
"""
DURATIVE = "(define (domain d) (:requirements :strips :durative-actions) (:predicates (p)))"


def tasks(folder: Path, problem: str = PROBLEM, domain: str | None = None) -> Path:
    folder.mkdir()
    (folder / "domain.pddl").write_text(domain or BLOCKS.read_text())
    (folder / "p1.pddl").write_text(problem)
    return folder


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`sound`, and `truncated` and `pickled`, each of which was sound before."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for name in ("sound", "truncated", "pickled"):
        save(folder / name)
    weights = folder / "truncated" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    (folder / "pickled" / "model.safetensors").unlink()
    torch.save({"weight": torch.ones(1)}, folder / "pickled" / "pytorch_model.bin")
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoints: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("checkpoints").symlink_to(checkpoints)
    tasks(Path("sound"))
    tasks(Path("broken"), PROBLEM.replace("(clear b)", "(clear b"))
    tasks(Path("unknown-object"), PROBLEM.replace("(on a b)", "(on a c)"))
    tasks(Path("durative"), domain=DURATIVE)
    tasks(Path("binary")).joinpath("p1.pddl").write_bytes(bytes(range(256)))
    tasks(Path("wrong-plan")).joinpath("p1.plan").write_text("(pick-up a)\n")
    tasks(Path("no-problem")).joinpath("p1.pddl").unlink()
    tasks(Path("no-domain")).joinpath("domain.pddl").unlink()
    tasks(Path("bad-wording")).joinpath("domain.toml").write_text("[actions\n")
    tasks(Path("deep-wording")).joinpath("domain.toml").write_text(f"a = {'[' * 5000}{']' * 5000}\n")
    tasks(Path("no-reference")).joinpath("domain.toml").write_text(f"reference = 0x{'f' * 5000}\n")
    Path("other").mkdir()
    tasks(Path("other/blocksworld"), domain=BLOCKS.read_text() + "; mine\n")
    Path("hollow").mkdir()
    Path("file").touch()
    Path("replies").write_text('{"task": "two", "reply": ""}\n')
    return tmp_path


MODELS: list[tuple[str, tuple[str, ...]]] = [
    ("tinny", ("tinny", "tiny")),
    ("./absent", ("./absent", "no such folder", "check the path")),
    ("absent.gguf", ("absent.gguf",)),
    ("replay:absent", ("absent", "replay:FILE")),
    ("replay:file", ("file", "holds no replies")),
    ("server:there", ("server:", "no http or https URL", "server:http://127.0.0.1:8000/v1#model")),
    ("planner:gbf", ("planner:gbf", "did you mean planner:gbfs?")),
    ("planner:gbfs --model-arg seconds=0", ("seconds=0", "above 0")),
    ("planner:policy --model-arg seconds=5", ("seconds", "planner:policy takes no such setting")),
    ("hollow", ("hollow", "config.json")),
    ("checkpoints/truncated", ("truncated", "model.safetensors")),
    ("checkpoints/pickled", ("pickled", "pickle")),
    ("random --model-arg stpes=3", ("stpes", "steps")),
    ("random --model-arg steps", ("'steps'", "dtype=bfloat16")),
    ("tinny:b", ("'tinny:b' names no model", "there is:")),
    ("no/such/name", ("no/such/name", "no such folder", "owner/name")),
    ("random --concurrency 4", ("--concurrency", "random is none")),
    ("checkpoints/sound --concurrency 4", ("--concurrency", "checkpoints/sound is none")),
    ("random --max-thinking-tokens 4", ("--max-thinking-tokens", "random does not reason")),
    ("planner:policy --max-thinking-tokens 4", ("--max-thinking-tokens", "planner:policy does not reason")),
    ("replay:replies --max-thinking-tokens 4", ("--max-thinking-tokens", "replay:replies does not reason")),
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("argv", "says"),
    [
        *MODELS,
        ("planner:policy --prompt compact --out compact", ("planner:policy", "PDDL", "--prompt compact")),
        # tasks
        ("random --domain blockworld", ("blockworld", "did you mean 'blocksworld'?")),
        ("random --domain absent/folder", ("absent/folder", "blocksworld")),
        ("random --domain file", ("file", "add --tasks FOLDER")),
        ("random --domain hollow", ("hollow", "no domain.pddl", "--domain FILE.pddl")),
        ("random --domain other/blocksworld --domain blocksworld", ("'blocksworld'", "another name")),
        (f"random --domain {'x' * 5000}", ("no domain or folder",)),
        (f"random --tasks {'x' * 5000}", ("no such folder of tasks",)),
        (f"random --tasks {'x/' * 5000}", ("no such folder of tasks",)),
        ("random --tasks absent", ("absent", "no such folder of tasks")),
        ("random --tasks file", ("file", "a file, not a folder", "name the folder")),
        ("random --tasks no-problem", ("no-problem", "no problem files")),
        ("random --tasks no-domain", ("no-domain", "no domain.pddl", "--domain FILE.pddl")),
        ("random --tasks sound --domain nowhere.pddl", ("nowhere.pddl", "no such domain file")),
        ("random --tasks sound --domain grid", ("sound/p1.pddl", "blocksworld")),
        ("random --tasks sound --domain grid --domain logistics", ("--tasks", "one --domain")),
        ("random --tasks wrong-plan --plan-length 2:4", ("no tasks of that plan length", "--plan-length")),
        ("random --tasks sound --plan-length 2:4", ("sound", "no problem has a plan beside it", "--plan-length")),
        ("random --tasks broken", ("broken/p1.pddl:",)),
        ("random --tasks unknown-object", ("unknown-object/p1.pddl:4:", "c")),
        ("random --tasks durative", ("durative/domain.pddl:1:", ":durative-actions", ":action-costs")),
        ("random --tasks binary", ("binary/p1.pddl", "UTF-8")),
        ("random --tasks wrong-plan", ("wrong-plan/p1.pddl", "reference plan", "goal_missed")),
        ("random --tasks bad-wording", ("domain.toml",)),
        ("random --tasks deep-wording", ("domain.toml", "not valid TOML")),
        ("random --tasks no-reference", ("domain.toml", "reference")),
        ("random --plan-length 1:1 --domain blocksworld", ("blocksworld", "--plan-length")),
        ("random --plan-length 150:900", ("150:900", "1:200")),
        ("random --plan-length 0:4", ("--plan-length", "0:4")),
        ("random --limit 0", ("--limit",)),
        # prompts and sampling
        ("random --prompt fancy", ("'fancy'", "compact, english, english-cot, english-state, pddl")),
        ("random --prompt compact --shots 1 --limit 3", ("compact", "--shots")),
        ("random --tasks other/blocksworld --shots 1", ("no examples", "--shots 0")),
        ("random --rename deceptive", ("--rename", "deceptive", "random", "mystery", "per-task")),
        ("random --batch-size some", ("--batch-size", "some", "auto")),
        ("random --batch-size 0", ("--batch-size", "0")),
        ("random --top-p 0", ("--top-p",)),
        ("random --temperature -1", ("--temperature",)),
        ("random --temperature nan", ("--temperature",)),
        ("random --top-p nan", ("--top-p",)),
        ("random --samples 0", ("--samples",)),
        ("random --seed -1", ("--seed",)),
        # the run folder
        ("random --limit 1 --out file", ("file", "--out")),
        ("random --limit 1 --out file/under", ("file/under", "--out")),
        ("random --limit 1 --out /dev/null/x", ("/dev/null/x", "--out")),
        ("random --limit 1 --out /proc/x", ("/proc/x", "--out")),
    ],
)
def test_eval(argv: str, says: tuple[str, ...], planbench: Shell) -> None:
    line = planbench.refused("eval", *argv.split())
    for words in says:
        assert words in line


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("argv", "says"), MODELS)
def test_a_dry_run(argv: str, says: tuple[str, ...], planbench: Shell) -> None:
    test_eval(f"{argv} --limit 3 --dry-run", says, planbench)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ("absent.pddl", ("absent.pddl", "No such file", "check the path")),
        ("blockworld", ("blockworld", "did you mean 'blocksworld'?")),
        ("sound", ("sound: a folder", "name a problem file")),
        ("broken/p1.pddl", ("broken/p1.pddl:",)),
        ("sound/domain.pddl", ("sound/domain.pddl:", "problem")),
        ("no-domain/p1.pddl", ("no-domain/p1.pddl", "--domain FILE.pddl")),
        ("sound/p1.pddl --domain nowhere", ("nowhere",)),
        ("sound/p1.pddl --plan-length 2:4", ("--plan-length", "sound/p1.pddl")),
        ("blocksworld --style fancy", ("fancy", "compact, english, english-cot, english-state, pddl")),
        ("blocksworld --style compact --shots 1", ("compact", "--shots")),
        ("blocksworld --model checkpoints/pickled", ("pickled", "pickle")),
    ],
)
def test_prompt(argv: str, says: tuple[str, ...], planbench: Shell) -> None:
    line = planbench.refused("prompt", *argv.split())
    for words in says:
        assert words in line


@pytest.mark.usefixtures("here")
def test_a_folder_of_something_else_is_not_written_over(planbench: Shell) -> None:
    shutil.copytree("sound", "run")
    Path("run/run.json").write_text('{"schema": 99}')
    before = {path.name: path.read_bytes() for path in Path("run").iterdir()}
    assert "run/run.json: " in planbench.refused("eval", "random", "--limit", 1, "--out", "run")
    Path("run/.lock").unlink()
    assert {path.name: path.read_bytes() for path in Path("run").iterdir()} == before


@pytest.mark.usefixtures("here")
def test_other_settings_on_the_same_folder_are_one_line(planbench: Shell) -> None:
    assert planbench("eval", "random", "--limit", 3, "--out", "run").code == 0
    before = Path("run/samples.jsonl").read_bytes()
    line = planbench.refused("eval", "random", "--limit", 3, "--out", "run", "--temperature", "0.5")
    assert line == "run: holds a run with another temperature (0.0 there, 0.5 now); choose another --out"
    assert Path("run/samples.jsonl").read_bytes() == before


@pytest.mark.usefixtures("here")
def test_too_many_failures_of_ours_are_one_line(planbench: Shell) -> None:
    planbench("eval", "random", "--limit", 6, "--out", "run")
    whole = Path("run/samples.jsonl").read_bytes().splitlines(keepends=True)
    Path("some.jsonl").write_bytes(b"".join(whole[:4]))
    line = planbench.refused("eval", "replay:some.jsonl", "--limit", 6, "--out", "again", "--json")
    assert "2 of 6 samples failed through no fault of the model" in line
    assert "some.jsonl" in line
