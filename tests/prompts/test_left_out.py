"""What the compact style leaves out of a domain's tasks can be told from what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations, permutations
from random import Random

import pytest

from planbench.pretrain.corpus import Example, base_examples, words_of
from planbench.prompts.compact import Fact, Scene, name_objects, prompt_words
from planbench.prompts.layout import PLAIN
from planbench.suite.catalog import domain_info, domain_names
from planbench.suite.draft import Draft
from planbench.suite.generator import drafts

STEPS = {(0, -1): "down", (0, 1): "up", (-1, 0): "left", (1, 0): "right"}
OPPOSITE = {"up": "down", "down": "up", "left": "right", "right": "left"}


def beside(draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Two objects whose names say that they are neighbours, and the way from the first to the second."""
    cells = {name: tuple(map(int, name.split("-")[1:])) for name in draft.objects if name.count("-") == 2}
    for one, other in permutations(cells, 2):
        step = (cells[other][0] - cells[one][0], cells[other][1] - cells[one][1])
        if step in STEPS:
            yield one, other, STEPS[step]


def floors(draft: Draft) -> set[Fact]:
    return {("above", *pair) for pair in combinations([n for n, kind in draft.objects.items() if kind == "floor"], 2)}


def places(draft: Draft) -> set[Fact]:
    locked = {fact[1] for fact in draft.init if fact[0] == "locked"}
    opened = {("open", name) for name, kind in draft.objects.items() if kind == "place" and name not in locked}
    return {("conn", one, other) for one, other, _ in beside(draft)} | opened


TOLD: dict[str, Callable[[Draft], set[Fact]]] = {
    "floortile": lambda draft: {(OPPOSITE[way], one, other) for one, other, way in beside(draft)},
    "grid": places,
    "miconic": floors,
    "sokoban": lambda draft: {("adjacent", *pair) for pair in beside(draft)},
    "visitall": lambda draft: {("connected", one, other) for one, other, _ in beside(draft)},
}


def left_out(domain: str) -> list[str]:
    return domain_info(domain).settings.get("compact", {}).get("omit", [])


def test_every_domain_that_leaves_something_out_is_here() -> None:
    assert {domain for domain in domain_names() if left_out(domain)} == set(TOLD)


@pytest.mark.parametrize("domain", TOLD)
def test_what_is_left_out_follows_from_what_is_said(domain: str) -> None:
    for draft, _ in drafts(domain, 40, seed=2, plan_length=(2, 24)):
        assert {fact for fact in draft.init if fact[0] in left_out(domain)} == TOLD[domain](draft)


def test_a_direction_has_the_same_word_in_every_use() -> None:
    """A Sokoban prompt does not say which way is up, so that a planner can only learn it once for all tasks."""
    rng = Random(0)
    ways: dict[tuple[int, int], set[str]] = {}
    for example in base_examples(["sokoban"], 40, seed=1, longest=8):
        for _ in range(4):
            _, plan = words_of(example, rng)
            for index, word in enumerate(plan):
                if word in ("move", "push"):
                    (x, y), (to_x, to_y) = ((int(plan[at][1:]), int(plan[at + 1][1:])) for at in (index + 1, index + 3))
                    direction = plan[index + 5 if word == "move" else index + 7]
                    ways.setdefault((to_x - x, to_y - y), set()).add(direction)
    assert set(ways) == set(STEPS)
    assert all(len(words) == 1 for words in ways.values())
    assert len(set.union(*ways.values())) == 4


def test_a_constant_among_other_objects_of_its_type_keeps_its_word() -> None:
    rng = Random(0)
    scene = Scene("shop", {"counter": "place", "here": "place", "there": "place"}, [("at", "there")], [], {"counter"})
    uses = [words_of(Example(scene, (("go", *scene.objects),), PLAIN), rng)[1] for _ in range(200)]
    assert {use[1] for use in uses} == {"place1"}
    assert {use[2] for use in uses} == {use[3] for use in uses} == {f"place{number}" for number in range(2, 9)}
    assert all(len(set(use)) == 4 for use in uses)


def test_a_rover_is_told_where_the_lander_is_visible_from() -> None:
    calls = 0
    for example in base_examples(["rovers"], 60, seed=1, longest=10):
        scene, names = example.scene, name_objects(example.scene.objects)
        for step in example.plan:
            if step[0].startswith("communicate"):
                others = [fact for fact in scene.init if fact != ("visible", *step[-2:])]
                assert len(others) == len(scene.init) - 1
                without = replace(scene, init=others)
                assert prompt_words(without, names, example.layout) != prompt_words(scene, names, example.layout)
                calls += 1
    assert calls > 60
