from __future__ import annotations

import json

from planbench.paths import domains_dir
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
