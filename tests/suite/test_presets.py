"""Sets by size, of every domain there is: valid, distinct, of one split, growing from the first task to the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.errors import InputError
from planbench.suite import GENERATORS, DomainInfo, domain_info, domain_names, generate, split_of
from planbench.suite.generator import preset_drafts
from planbench.suite.presets import presets_of, sizes_of

PRESETS = ("tiny", "small", "easy", "medium", "hard")


def test_every_domain_has_a_generator() -> None:
    assert sorted(GENERATORS) == domain_names()


@pytest.mark.parametrize("domain", domain_names())
def test_every_domain_has_the_same_presets_of_the_same_sizes(domain: str) -> None:
    presets = presets_of(domain_info(domain))
    assert set(PRESETS) <= set(presets)
    assert len({tuple(ranges) for ranges in presets.values()}) == 1
    assert all(start <= end for ranges in presets.values() for start, end in ranges.values())


@pytest.mark.parametrize("preset", ["tiny", "small", "easy"])
@pytest.mark.parametrize("domain", domain_names())
def test_sets_by_size_are_valid_and_distinct(domain: str, preset: str) -> None:
    made = list(preset_drafts(domain, preset, 30, seed=1))
    tasks = generate(domain, 30, seed=1, preset=preset)
    assert len(tasks) == 30
    assert len({key for _, key in made}) == 30
    assert {split_of(key) for _, key in made} == {"test"}
    parsed = read_domain(tasks[0].domain_pddl)
    for task, (draft, _) in zip(tasks, made, strict=True):
        ready = compile_task(parsed, read_problem(task.problem_pddl, parsed))
        assert task.reference is not None
        assert task.reference.steps == draft.plan
        assert judge(ready, draft.plan).valid
        assert judge(ready, ()).kind == "goal_missed"
    if preset == "tiny":
        assert max(len(draft.plan) for draft, _ in made) <= 16
        return
    assert sum(len(draft.objects) for draft, _ in made[:10]) < sum(len(draft.objects) for draft, _ in made[20:])


@pytest.mark.parametrize("preset", ["medium", "hard"])
@pytest.mark.parametrize("domain", domain_names())
def test_large_sets_are_valid(domain: str, preset: str) -> None:
    (task,) = generate(domain, 1, preset=preset)
    parsed = read_domain(task.domain_pddl)
    assert task.reference is not None
    assert judge(compile_task(parsed, read_problem(task.problem_pddl, parsed)), task.reference.steps).valid


def test_sizes_grow_evenly_to_the_end() -> None:
    swept = sizes_of(domain_info("blocksworld"), "easy", 26)
    assert [sizes["blocks"] for sizes in swept] == list(range(5, 31))
    assert [sizes["blocks"] for sizes in sizes_of(domain_info("blocksworld"), "hard", 3)] == [160, 330, 500]
    assert sizes_of(domain_info("blocksworld"), "hard", 1) == [{"blocks": 160}]


def test_five_hundred_blocks() -> None:
    draft, _ = list(preset_drafts("blocksworld", "hard", 2))[-1]
    assert len(draft.objects) == 500


@pytest.mark.parametrize("table", ["3", "{}", "{blocks = 3}", "{blocks = [1]}", "{blocks = [1, 'x']}"])
def test_faults_in_a_preset_are_one_line_that_names_it(table: str, tmp_path: Path) -> None:
    (tmp_path / "domain.pddl").write_text(domain_info("blocksworld").pddl)
    (tmp_path / "domain.toml").write_text(f"[presets]\neasy = {table}\n")
    info: DomainInfo = domain_info(str(tmp_path))
    with pytest.raises(InputError, match=r"domain\.toml: \[presets\.easy\]"):
        sizes_of(info, "easy", 3)


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(InputError, match="no preset 'huge': it has tiny, small, easy, medium, hard"):
        generate("blocksworld", 1, preset="huge")
