"""What is drawn has the features that it should: every pair of every suite, against brute force where there is one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.bias.pairs import RATES, SECTIONS, Material
from planbench.bias.toy import FEATURES, TARGETS, ToyPair, toy_pairs
from planbench.errors import InputError


def brute(feature: str, prompt: list[int]) -> bool:
    if feature.startswith("contains-"):
        return any(symbol == int(feature[-1]) for symbol in prompt)
    if feature == "first-last":
        return prompt[0] == prompt[len(prompt) - 1]
    if feature == "prefix-dup":
        return prompt[0] == prompt[1]
    return any(prompt[place] == prompt[place - 1] for place in range(1, len(prompt)))


@given(st.lists(st.integers(0, 5), min_size=4, max_size=9), st.sampled_from(sorted(FEATURES)))
def test_features_are_what_brute_force_says(prompt: list[int], feature: str) -> None:
    assert bool(FEATURES[feature](np.array([prompt]))[0]) == brute(feature, prompt)


@given(
    st.sampled_from(toy_pairs()).map(lambda pair: (pair.target, pair.spurious)),
    st.integers(6, 60),
    st.integers(4, 12),
    st.sampled_from(sorted(SECTIONS)),
    st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_a_toy_prompt_has_what_its_section_says(
    features: tuple[str, str], vocabulary: int, positions: int, section: str, seed: int
) -> None:
    pair = ToyPair(*features, vocabulary, positions)
    t, s = SECTIONS[section]
    prompts = pair.draw(np.random.default_rng(seed), 8, t, s)
    assert prompts.shape == (8, positions)
    for prompt in prompts.tolist():
        assert brute(pair.target, prompt) == t
        assert brute(pair.spurious, prompt) == s
        assert all(0 <= symbol < vocabulary for symbol in prompt)


def test_nested_features_are_refused() -> None:
    with pytest.raises(InputError, match="implies"):
        ToyPair("prefix-dup", "adjacent-dup")


@pytest.mark.parametrize("rate", RATES)
def test_training_sets_are_balanced_as_the_design_says(rate: float) -> None:
    pair = ToyPair("first-last", vocabulary=12, positions=5)
    found = Material(pair, 3, 50).training(2_000, rate)
    has = {name: FEATURES[name](found.prompts) for name in ("first-last", "contains-2")}
    t, s = has["first-last"], has["contains-2"]
    assert (found.labels == t).all()
    assert len(found) == 2_000
    assert (~t & s).sum() == round(2_000 * rate)
    assert (t & ~s).sum() == 0
    assert abs(int((t & s).sum()) - int((~t & ~s).sum())) <= 1


def test_nothing_tested_on_is_trained_or_probed_on() -> None:
    pair = ToyPair("prefix-dup", vocabulary=6, positions=4)  # small: chance repeats prompts
    material = Material(pair, 0, 40)
    tested = {tuple(prompt) for prompts in material.test.values() for prompt in prompts.tolist()}
    assert len(tested) == 4 * 40
    for found in (material.training(500, 0.5), material.probe("t", 500), material.probe("s", 500)):
        assert not tested & {tuple(prompt) for prompt in found.prompts.tolist()}


def test_rates_share_their_prompts_and_seeds_do_not() -> None:
    pair = ToyPair("first-last", vocabulary=30, positions=6)
    one, other = Material(pair, 0, 20), Material(pair, 1, 20)
    rows = {tuple(prompt) for prompt in one.training(400, 0.0).prompts.tolist()}
    assert len(rows & {tuple(prompt) for prompt in one.training(400, 0.1).prompts.tolist()}) == 360
    assert not rows & {tuple(prompt) for prompt in other.training(400, 0.0).prompts.tolist()}


def test_probes_are_on_their_two_sections_in_equal_parts() -> None:
    material = Material(ToyPair("first-last", vocabulary=30, positions=6), 0, 20)
    for feature, name in (("t", "first-last"), ("s", "contains-2")):
        probe = material.probe(feature, 300)
        assert (FEATURES[name](probe.prompts) == probe.labels).all()
        assert probe.labels.sum() == 150
        assert 0 < probe.labels[:50].sum() < 50  # in random order


def test_toy_pairs_are_loverings_and_more() -> None:
    pairs = toy_pairs()
    assert [pair.target for pair in pairs if pair.spurious == "contains-2"] == list(TARGETS)
    assert len({pair.name for pair in pairs}) == len(pairs) == 14
