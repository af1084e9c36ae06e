from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from planbench.paths import domains_dir
from planbench.suite import sets
from planbench.suite.sets import task_sets
from tests.cli.conftest import Shell


def test_every_folder_of_domains_is_listed(planbench: Shell) -> None:
    folders = {path.name for path in domains_dir().iterdir() if path.is_dir()}
    assert {"blocksworld", "grid", "logistics"} <= folders
    listed = [json.loads(line) for line in planbench("domains", "--json").out.splitlines()]
    assert {domain["name"] for domain in listed} == folders
    for domain in listed:
        assert domain["actions"]
        assert domain["title"]
        assert domain["source"]
    table = planbench("domains").out.splitlines()
    assert len(table) == 2 + len(folders)
    assert any("pick-up, put-down, stack, unstack" in row for row in table)


def test_the_named_sets_are_listed(planbench: Shell) -> None:
    listed = [json.loads(line) for line in planbench("sets", "--json").out.splitlines()]
    assert [one["name"] for one in listed] == list(task_sets())
    assert next(one for one in listed if one["name"] == "smoke")["tasks"] == 45
    assert len(planbench("sets").out.splitlines()) == 2 + len(listed)


def test_a_set_of_ones_own_is_made_alone_for_its_hash(
    planbench: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(domains_dir(), tmp_path / "domains")
    with (tmp_path / "domains" / "sets.toml").open("a") as file:
        file.write('[mine]\nabout = "New"\ndomains = ["grid"]\nlengths = [[2, 6]]\neach = 3\nseed = 1\n')
    monkeypatch.setattr(sets, "domains_dir", lambda: tmp_path / "domains")
    task_sets.cache_clear()
    try:
        outcome = planbench("sets", "mine", "--check", "--json")
        assert outcome.code == 1
        made = json.loads(outcome.out)
        assert (made["name"], made["hash"], made["tasks"], len(made["made"])) == ("mine", "", 3, 32)
        assert len(made["made_hashes"]["grid"]) == 32
        assert "mine" in outcome.err
        assert made["made"] in planbench("eval", "random", "--tasks", "mine", "--out", tmp_path / "run").err
        assert "did you mean 'smoke'?" in planbench("sets", "smok").err
    finally:
        task_sets.cache_clear()
