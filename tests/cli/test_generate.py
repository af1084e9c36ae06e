from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from planbench.suite import GENERATORS
from tests.cli.conftest import Shell


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def contents(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@pytest.mark.parametrize("domain", GENERATORS)
def test_what_it_writes_validates(domain: str, planbench: Shell) -> None:
    outcome = planbench("generate", domain, "--count", 5, "--plan-length", "3:6", "--seed", 7, "--out", "set", "--json")
    index = json.loads(outcome.out)
    assert outcome.code == 0
    assert index == json.loads(Path("set/tasks.json").read_text())
    assert len(index["tasks"]) == 5
    assert set(contents("set")) == {"domain.pddl", "tasks.json"} | {
        task[key] for task in index["tasks"] for key in ("problem", "plan")
    }
    for task in index["tasks"]:
        judged = planbench("validate", "set", f"set/{task['problem']}", f"set/{task['plan']}", "--json")
        assert judged.code == 0
        assert 3 <= json.loads(judged.out)["length"] == task["length"] <= 6


def test_the_same_seed_gives_the_same_bytes(planbench: Shell) -> None:
    for out, seed in (("one", 1), ("again", 1), ("two", 2)):
        assert planbench("generate", "blocksworld", "--count", 4, "--seed", seed, "--out", out).code == 0
    assert contents("one") == contents("again")
    assert contents("one") != contents("two")


def test_a_finished_set_is_left_as_it_is(planbench: Shell) -> None:
    assert planbench("generate", "grid", "--count", 2, "--out", "set").code == 0
    before = {path: path.stat().st_mtime_ns for path in Path("set").iterdir()}
    again = planbench("generate", "grid", "--count", 2, "--out", "set", "--json")
    assert again.code == 0
    assert json.loads(again.out)["tasks"]
    assert {path: path.stat().st_mtime_ns for path in Path("set").iterdir()} == before
    assert "set" in planbench.refused("generate", "grid", "--count", 3, "--out", "set")
    assert {path: path.stat().st_mtime_ns for path in Path("set").iterdir()} == before


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("")])
@pytest.mark.parametrize("ending", ["domain.pddl", "*-*.pddl", "*.plan"])
def test_a_set_that_is_no_longer_whole_is_not_there(
    ending: str, change: Callable[[Path], object], planbench: Shell
) -> None:
    assert planbench("generate", "grid", "--count", 2, "--out", "set").code == 0
    change(next(Path("set").glob(ending)))
    assert "set: already holds something else" in planbench.refused("generate", "grid", "--count", 2, "--out", "set")


def test_an_empty_folder_is_taken_and_nothing_is_left_beside_it(planbench: Shell) -> None:
    Path("set").mkdir()
    assert planbench("generate", "grid", "--count", 1, "--out", "set").code == 0
    assert [path.name for path in Path().iterdir()] == ["set"]
