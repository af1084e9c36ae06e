"""What a generated set promises: the same bytes from a seed, valid plans of the lengths asked for, no task twice."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from random import Random

import pytest

from planbench.core.compile import CompiledTask, compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.errors import InputError
from planbench.prompts.compact import Scene, name_objects, prompt_words, scene_of
from planbench.prompts.layout import Layout
from planbench.records import ReferencePlan, Task
from planbench.suite import GENERATORS, SPLITS, domain_info, generate, split_of, task_key
from planbench.suite.canonical import canonical_key
from planbench.suite.draft import Draft
from planbench.suite.generator import MAX_LENGTH, drafts, maker, short_drafts, tasks_of
from tests.suite.golden import SETS, digest, made
from tests.suite.shortest import shortest

ROOT = Path(__file__).parents[2]

GOLDEN = {
    "blocksworld": {"test": "8296d2abc979baea", "base": "8a35a6736c2cb834", "long": "19275f6d91e561ec"},
    "logistics": {"test": "d3f31bdef7824a39", "base": "cab9335a5a3fb086", "long": "ff42de4e82c11070"},
    "grid": {"test": "d78c622bbed574fc", "base": "badc51955f406844", "long": "01e79bb2deb0bb12"},
    "childsnack": {"test": "08c5d45f629e801c", "base": "a0344c320eda0d24", "long": "bfbc2d962dd1e667"},
    "depots": {"test": "b50f719539aae157", "base": "3cc086d5004bf2af", "long": "315fafc6144fb610"},
    "floortile": {"test": "44e9f1a482e6823a", "base": "14614b080d588473", "long": "2d6e10333e739ab5"},
    "rovers": {"test": "82c37fe984be9937", "base": "d59d65d6f1c8b128", "long": "c9e953a559f298c9"},
    "satellite": {"test": "972bb4ca00f632cc", "base": "3e8b97103ea91ad3", "long": "5834fcdd62691fd1"},
    "sokoban": {"test": "2ae5ed78de4c0dc1", "base": "f7ffc428a23ad481", "long": "ac489f87907358f1"},
    "ferry": {"test": "5309d8a7e4f1c975", "base": "5b828bd82456a4e2", "long": "c6a02b7f28057a40"},
    "gripper": {"test": "53dbf89fd56f014f", "base": "56e419ec59579759", "long": "b45e67aa4ae2d97c"},
    "miconic": {"test": "2739f32702e517e5", "base": "b512bab41af06318", "long": "b9966cca812f7974"},
    "spanner": {"test": "5473767d3ccc8f04", "base": "090401f4f9c98d48", "long": "4e436fb17ce34a8c"},
    "visitall": {"test": "0e90ba02c04694ca", "base": "dd12be5e62a40fdd", "long": "b8aa1ca303483bdc"},
    "transport": {"test": "805cbabbfcfa30bf", "base": "4d99e117cd594859", "long": "83d0798d73212bce"},
}
"""Made by `python -m tests.suite.golden test base long`. A change of `base` changes what the small planner learns from,
any change what earlier results were about."""

RANGES = [(1, 1, 6), (2, 2, 16), (3, 8, 16), (4, 2, 60), (5, 60, 60)]
"""Seed, shortest and longest plan."""


def count(low: int, high: int) -> int:
    return 25 if high <= 16 else 10 if low < high else 3


@cache
def some(domain: str, seed: int, low: int, high: int) -> list[Task]:
    return generate(domain, count(low, high), seed=seed, plan_length=(low, high))


def compiled(task: Task) -> CompiledTask:
    domain = read_domain(task.domain_pddl)
    return compile_task(domain, read_problem(task.problem_pddl, domain))


def every_set() -> pytest.MarkDecorator:
    cases = [(domain, *asked) for domain in GENERATORS for asked in RANGES]
    return pytest.mark.parametrize(("domain", "seed", "low", "high"), cases)


@pytest.mark.parametrize("domain", GENERATORS)
def test_the_bytes_are_those_of_the_first_day(domain: str) -> None:
    assert {name: digest(made(domain, name)) for name in SETS} == GOLDEN[domain]


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_the_bytes_do_not_hang_on_the_process(hash_seed: str) -> None:
    command = [sys.executable, "-m", "tests.suite.golden", "base"]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert sorted(done.stdout.splitlines()) == sorted(f"{name} {hashes['base']}" for name, hashes in GOLDEN.items())


@pytest.mark.parametrize("domain", GENERATORS)
def test_the_first_tasks_of_a_larger_set_are_the_smaller_set(domain: str) -> None:
    larger = generate(domain, 30, seed=9)
    assert generate(domain, 11, seed=9) == larger[:11]
    assert generate(domain, 0, seed=9) == []
    assert generate(domain, 11, seed=10) != larger[:11]


@pytest.mark.parametrize("domain", GENERATORS)
def test_short_plans_in_large_states(domain: str) -> None:
    """What a small planner is trained on: distinct, valid, short, every other one long, among far more objects than
    tasks of that length have, and the first of a larger set when fewer are asked for."""
    short = list(short_drafts(domain, 60, seed=4, longest=6))
    keys = [key for _, key in short]
    assert len(set(keys)) == len(keys)
    assert set(keys[:10]) <= {key for _, key in short_drafts(domain, 12, seed=4, longest=6)} <= set(keys)
    tasks = tasks_of(domain, short)
    for task, (draft, key) in zip(tasks, short, strict=True):
        ready = compiled(task)
        assert judge(ready, draft.plan).kind == "valid"
        assert judge(ready, ()).kind == "goal_missed"
        assert (task_key(ready), split_of(key)) == (key, "base")
        assert 1 <= len(draft.plan) <= 6
    assert sum(len(draft.plan) >= 5 for draft, _ in short) > len(short) / 2
    ordinary = [draft for draft, _ in drafts(domain, 60, seed=4, plan_length=(1, 6), split="base")]
    assert _objects_in_all(draft for draft, _ in short) / len(short) > 1.2 * _objects_in_all(ordinary) / len(ordinary)


def _objects_in_all(tasks: Iterable[Draft]) -> int:
    return sum(len(draft.objects) for draft in tasks)


@every_set()
def test_reference_plans_are_valid_and_of_the_length_asked_for(domain: str, seed: int, low: int, high: int) -> None:
    tasks = some(domain, seed, low, high)
    assert len(tasks) == count(low, high)
    for task in tasks:
        ready = compiled(task)
        assert task.reference is not None
        assert judge(ready, task.reference.steps).kind == "valid"
        assert judge(ready, ()).kind == "goal_missed"
        assert low <= task.reference.length <= high


@every_set()
def test_no_task_occurs_twice_and_all_are_of_their_split(domain: str, seed: int, low: int, high: int) -> None:
    keys = [task_key(compiled(task)) for task in some(domain, seed, low, high)]
    assert len(set(keys)) == len(keys)
    assert {split_of(key) for key in keys} == {"test"}


@pytest.mark.parametrize("domain", GENERATORS)
def test_lengths_are_spread_over_the_range(domain: str) -> None:
    lengths = [task.reference_length or 0 for task in generate(domain, 60, seed=1, plan_length=(2, 31))]
    for low in range(2, 32, 10):
        assert 15 <= sum(low <= length < low + 10 for length in lengths) <= 25


@pytest.mark.parametrize("domain", GENERATORS)
def test_sizes_are_those_that_the_domain_states(domain: str) -> None:
    """In domain.toml; a small planner's vocabulary is made for them."""
    stated = domain_info(domain).settings["sizes"]
    shortest_plan, longest_plan = stated.pop("plan-length")
    make, rng = maker(domain), Random(0)
    targets = [*range(shortest_plan, longest_plan, 2), *[longest_plan] * 20]
    drawn = [make(rng, target) for target in targets]
    sizes = [_sizes(draft) for draft in drawn if draft is not None]
    assert len(sizes) > len(targets) // 2
    for name, (least, most) in stated.items():
        assert least <= min(size[name] for size in sizes)
        assert max(size[name] for size in sizes) <= most


def _sizes(draft: Draft) -> Counter[str]:
    found = (re.fullmatch(r"[a-z]+-(\d+)-(\d+)", name) for name in draft.objects)
    cells = [(int(cell[1]), int(cell[2])) for cell in found if cell]
    spans = [1 + max(along) - min(along) for along in zip(*cells, strict=True)]
    plural = {"city": "cities", "child": "children", "sandwich": "sandwiches", "box": "boxes"}
    counts = Counter(plural.get(kind, f"{kind}s") for kind in draft.objects.values())
    return counts + Counter(dict(zip(("width", "height"), spans, strict=False)))


@pytest.mark.parametrize(("domain", "longest"), [("blocksworld", 10), ("logistics", 9), ("grid", 16)])
def test_optimal_is_claimed_only_where_no_plan_is_shorter(domain: str, longest: int) -> None:
    searched: list[tuple[int, ReferencePlan]] = []
    for task in generate(domain, 45, seed=0, plan_length=(1, longest)):
        best = shortest(compiled(task), 2500)
        if best is not None and task.reference is not None:
            searched.append((best, task.reference))
    assert [(best, plan.length) for best, plan in searched if plan.optimal and best != plan.length] == []
    assert [(best, plan.length) for best, plan in searched if best > plan.length] == []
    assert sum(plan.optimal for _, plan in searched) >= 15
    assert sum(not plan.optimal for _, plan in searched) >= 5


@pytest.mark.parametrize("domain", GENERATORS)
def test_splits_share_no_task(domain: str) -> None:
    keys = {split: {key for _, key in drafts(domain, 60, seed=0, plan_length=(1, 6), split=split)} for split in SPLITS}
    assert all(len(found) >= 10 for found in keys.values())
    assert all(split_of(key) == split for split, found in keys.items() for key in found)
    assert len(set.union(*keys.values())) == sum(map(len, keys.values()))


@pytest.mark.parametrize("domain", GENERATORS)
def test_a_task_reads_the_same_from_its_file_as_from_the_generator(domain: str) -> None:
    """The small planner is trained on what the generator makes and asked about what is read from files."""
    info = domain_info(domain)
    layout = Layout.of(info.settings.get("compact", {}))
    tasks = generate(domain, 20, seed=6, plan_length=(2, 20))
    for task, (draft, key) in zip(tasks, drafts(domain, 20, seed=6, plan_length=(2, 20)), strict=True):
        ready = compiled(task)
        assert task_key(ready) == key == canonical_key(draft)
        assert list(ready.objects.items()) == list(draft.objects.items())
        made_of = Scene(domain, draft.objects, draft.init, draft.goal)
        assert prompt_words(scene_of(ready), name_objects(ready.objects), layout) == prompt_words(
            made_of, name_objects(draft.objects), layout
        )


def test_what_cannot_be_made_is_refused_in_one_line() -> None:
    def refusal(domain: str, count: int = 1, plan_length: tuple[int, int] = (2, 16), split: str = "test") -> str:
        with pytest.raises(InputError) as refused:
            generate(domain, count, plan_length=plan_length, split=split)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    assert "found 0 of 1" in refusal("blocksworld", plan_length=(3, 3))
    assert "found" in refusal("blocksworld", 500, plan_length=(2, 4))
    assert "5:4 is no range" in refusal("blocksworld", plan_length=(5, 4))
    assert "0:4 is no range" in refusal("grid", plan_length=(0, 4))
    assert f"2:{MAX_LENGTH + 1} is no range" in refusal("grid", plan_length=(2, MAX_LENGTH + 1))
    assert "unknown split 'train'" in refusal("grid", split="train")
    assert "no domain 'barman'" in refusal("barman")
