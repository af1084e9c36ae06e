"""Fresh names: the same task in other words, and a reply that stays as right or as wrong as it was."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.pretrain.corpus import base_examples, words_of
from planbench.prompts.compact import Scene, name_objects, plan_words, prompt_words, read_words
from planbench.prompts.compact_names import COORDINATES, NUMBERS, OTHER_NUMBERS, fresh_names, renaming
from planbench.suite.draft import Draft
from planbench.suite.generator import drafts

DOMAINS = ("blocksworld", "logistics", "grid")


@cache
def some(domain: str) -> list[Draft]:
    return [draft for draft, _ in drafts(domain, 12, seed=1, plan_length=(2, 20), split="test")]


def scene_of(domain: str, draft: Draft) -> Scene:
    return Scene(domain, draft.objects, draft.init, draft.goal)


@pytest.mark.parametrize("domain", DOMAINS)
def test_renamed_words_are_the_words_of_the_renamed_task(domain: str) -> None:
    rng = Random(0)
    for draft in some(domain):
        scene = scene_of(domain, draft)
        old, new = name_objects(scene.objects), fresh_names(scene, rng)
        words = renaming(scene, new)
        for build in (
            lambda names, of=scene: prompt_words(of, names),
            lambda names, of=draft: plan_words(of.plan, names),
        ):
            assert [words.get(word, word) for word in build(old)] == build(new)


@pytest.mark.parametrize("domain", DOMAINS)
@settings(deadline=None)
@given(data=st.data(), seed=st.integers(0, 10_000))
def test_any_reply_says_the_same_before_and_after(domain: str, data: st.DataObject, seed: int) -> None:
    """Names of objects that the task does not have included: they stay unknown, and different ones stay different."""
    draft = data.draw(st.sampled_from(some(domain)))
    scene = scene_of(domain, draft)
    kinds = sorted(set(draft.objects.values()))
    named = [f"{kind}{number}" for kind in kinds for number in range(1, NUMBERS.get(kind, OTHER_NUMBERS) + 1)]
    placed = [f"{axis}{number}" for axis in "xy" for number in range(COORDINATES)] if domain == "grid" else []
    action = draft.plan[0][0]
    vocabulary = [*named, *placed, action, "plan", "goal:on", "<unknown>", "nonsense"]
    reply = data.draw(st.lists(st.sampled_from(vocabulary), max_size=12))
    new = fresh_names(scene, Random(seed))
    words = renaming(scene, new)
    renamed = [words.get(word, word) for word in reply]
    before = read_words(reply, name_objects(scene.objects), [action])
    after = read_words(renamed, new, [action])
    # What read_words leaves as it stands named nothing; it has its new word.
    known = frozenset(draft.objects)
    expected = before and tuple(tuple(w if w in known else words.get(w, w) for w in step) for step in before)
    assert after == expected
    assert len({words.get(word, word) for word in vocabulary}) == len(vocabulary)


def test_every_object_gets_every_number() -> None:
    scene = scene_of("blocksworld", some("blocksworld")[0])
    first = next(iter(scene.objects))
    drawn = {fresh_names(scene, Random(seed))[first] for seed in range(400)}
    assert drawn == {(f"block{number}",) for number in range(1, NUMBERS["block"] + 1)}


def test_the_draws_of_the_shipped_planners_training() -> None:
    """A digest taken when the planner that ships was trained: its training data must not change unseen."""
    examples = list(base_examples(DOMAINS, 20, seed=3, longest=6))
    rng = Random(5)
    digest = blake2b(digest_size=8)
    for _ in range(3):
        for example in examples:
            prompt, plan = words_of(example, rng)
            digest.update(f"{' '.join(prompt)}|{' '.join(plan)}\n".encode())
    assert digest.hexdigest() == "b7aea5a417595d0a"
