"""Named sets: the same tasks everywhere, in every domain, from short to long."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from planbench.errors import InputError, PlanbenchError
from planbench.records import task_set_hash
from planbench.suite import domain_names, sets
from planbench.suite.catalog import domain_info
from planbench.suite.presets import presets_of
from planbench.suite.sets import make_set, task_sets

IPC_2023 = {
    *("blocksworld", "childsnack", "ferry", "floortile", "miconic"),
    *("rovers", "satellite", "sokoban", "spanner", "transport"),
}


@pytest.mark.parametrize("name", ["smoke", "standard"])
def test_a_set_is_what_it_was_fixed_as(name: str) -> None:
    """`make_set` compares the hash; `planbench sets --check` does so for all of them."""
    asked, tasks = task_sets()[name], make_set(name)
    assert len(tasks) == asked.size
    assert len({task.hash for task in tasks}) == len(tasks)
    assert list(dict.fromkeys(task.domain for task in tasks)) == list(asked.domains)
    for domain in asked.domains:
        assert task_set_hash(task for task in tasks if task.domain == domain) == asked.hashes[domain]
        lengths = [task.reference_length or 0 for task in tasks if task.domain == domain]
        assert lengths == sorted(lengths)
        assert Counter(lengths).most_common(1)[0][1] <= 2
        for low, high in asked.lengths:
            assert sum(low <= length <= high for length in lengths) >= asked.each - 1


def test_the_sets_there_are() -> None:
    found = task_sets()
    assert set(found) == {"smoke", "standard", "long", "ipc2023-easy", "ipc2023-medium", "ipc2023-hard"}
    # Not more than there are: a domain that somebody adds is in a set when it is put there.
    assert set(found["standard"].domains) == set(found["long"].domains) <= set(domain_names())
    assert found["standard"].size == 20 * 15
    for one in found.values():
        assert one.hashes.keys() == set(one.domains)
        assert {len(hash) for hash in (one.hash, *one.hashes.values())} == {32}
    for level in ("easy", "medium", "hard"):
        asked = found[f"ipc2023-{level}"]
        assert (set(asked.domains), asked.preset, asked.each) == (IPC_2023, level, 30)
        assert all(level in presets_of(domain_info(domain)) for domain in asked.domains)


def test_a_domain_of_a_set_is_its_part_of_the_whole() -> None:
    assert make_set("smoke", ["grid"]) == [task for task in make_set("smoke") if task.domain == "grid"]
    with pytest.raises(InputError, match="task set smoke has no 'rovers': it has blocksworld, grid, logistics"):
        make_set("smoke", ["rovers"])


@pytest.mark.parametrize("domains", [None, ["grid"], ["blocksworld", "grid", "logistics"]])
def test_other_tasks_than_those_of_the_hash_are_refused(
    domains: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(task_sets()["smoke"], seed=1)
    monkeypatch.setattr(sets, "task_sets", lambda: {"smoke": other})
    with pytest.raises(PlanbenchError, match="makes other tasks than it was fixed with"):
        make_set("smoke", domains)
