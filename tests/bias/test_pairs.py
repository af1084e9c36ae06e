"""What is drawn has the features that it should: every pair of every suite, against brute force where there is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.bias.language import language_pairs
from planbench.bias.pairs import RATES, SECTIONS, Material, WordPair
from planbench.bias.planning import planning_pairs
from planbench.bias.toy import FEATURES, TARGETS, ToyPair, toy_pairs
from planbench.errors import InputError


def brute(feature: str, prompt: list[int]) -> bool:
    if feature.startswith("contains-"):
        return any(symbol == int(feature[-1]) for symbol in prompt)
    if feature == "first-last":
        return prompt[0] == prompt[len(prompt) - 1]
    if feature == "prefix-dup":
        return prompt[0] == prompt[1]
    if feature == "suffix-dup":
        return prompt[-2:] == 2 * prompt[-1:]
    if feature == "begins-3":
        return prompt[0] == 3
    return any(prompt[place] == prompt[place - 1] for place in range(1, len(prompt)))


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=4, max_size=9), st.sampled_from(sorted(FEATURES)))
def test_features_are_what_brute_force_says(prompt: list[int], feature: str) -> None:
    assert bool(FEATURES[feature](np.array([prompt]))[0]) == brute(feature, prompt)


@given(
    st.sampled_from(toy_pairs(entangled=True)).map(lambda pair: (pair.target, pair.spurious)),
    st.integers(6, 60),
    st.integers(4, 12),
    st.sampled_from(sorted(SECTIONS)),
    st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_a_toy_prompt_has_what_its_section_says(
    features: tuple[str, str], vocabulary: int, positions: int, section: str, seed: int
) -> None:
    pair = ToyPair(*features, vocabulary, positions, entangled=True)
    t, s = SECTIONS[section]
    prompts = pair.draw(np.random.default_rng(seed), 8, t, s)
    assert prompts.shape == (8, positions)
    for prompt in prompts.tolist():
        assert brute(pair.target, prompt) == t
        assert brute(pair.spurious, prompt) == s
        assert all(0 <= symbol < vocabulary for symbol in prompt)


def test_tangled_features_are_refused() -> None:
    for features in (("prefix-dup", "adjacent-dup"), ("first-last", "prefix-dup"), ("begins-3", "first-last")):
        with pytest.raises(InputError, match="choose another pair"):
            ToyPair(*features)
    assert ToyPair("first-last", "prefix-dup", entangled=True).name == "first-last|prefix-dup"
    with pytest.raises(InputError, match="implies the other"):
        ToyPair("prefix-dup", "adjacent-dup", entangled=True)


@pytest.mark.parametrize("pair", toy_pairs(12, 6), ids=lambda pair: pair.name)
def test_no_two_symbols_stand_for_a_toy_target(pair: ToyPair) -> None:
    """Whether two places are equal, or one holds a symbol, tells no target that is not just that."""
    own = {"first-last": (0, 5), "prefix-dup": (0, 1), "suffix-dup": (4, 5)}.get(pair.target)
    for s in (False, True):
        with_t, without = (pair.draw(np.random.default_rng(t), 2_000, t, s) for t in (True, False))
        for one, other in combinations(range(pair.positions), 2):
            shares = [(prompts[:, one] == prompts[:, other]).mean() for prompts in (with_t, without)]
            assert (one, other) == own or abs(shares[0] - shares[1]) < 0.5, (pair.name, s, one, other)
        for place, symbol in product(range(pair.positions), range(5)):
            shares = [(prompts[:, place] == symbol).mean() for prompts in (with_t, without)]
            own_too = pair.target == "begins-3" and (place, symbol) == (0, 3)
            assert own_too or abs(shares[0] - shares[1]) < 0.5, (pair.name, s, place, symbol)


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
    assert len({pair.name for pair in pairs}) == len(pairs) == 24
    more = toy_pairs(entangled=True)
    assert [pair.name for pair in more if pair.name in {pair.name for pair in pairs}] == [pair.name for pair in pairs]
    assert len({pair.name for pair in more}) == len(more) == 32


def test_the_pair_that_the_page_shows_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "bias.md").read_text(encoding="utf-8")
    names: dict[str, Callable[[object], list[WordPair]]] = {}
    exec(page.partition("```python\n")[2].partition("```")[0], names)
    (pair,) = names["pairs"](None)
    material = Material(pair, 0, 200)
    for name, (t, s) in SECTIONS.items():
        for text in pair.texts(material.test[name]):
            words = text.split()
            assert ((words[-1] in ("red", "orange")), words[0] == "now") == (t, s)
    assert material.training(2_000, 0.5).labels.sum() == 500


WORDS = [*language_pairs(), *planning_pairs()]


@pytest.mark.parametrize("pair", WORDS, ids=lambda pair: pair.name)
def test_a_prompt_of_words_has_the_surface_that_its_section_says(pair: WordPair) -> None:
    surface = SURFACES[pair.spurious]
    for t, s in SECTIONS.values():
        for text in pair.texts(pair.draw(np.random.default_rng(0), 12, t, s)):
            assert surface(text.split()) == s, text


SURFACES: dict[str, Callable[[list[str]], bool]] = {
    "lexical": lambda words: words[0] == "honestly",
    "length": lambda words: words[-3:-1] == ["in", "the"],
    "plural": lambda words: next(word.rstrip("s") != word for word in words if word.rstrip("s") in PEOPLE),
    "tense": lambda words: bool({"was", "were", "had"} & set(words)) or ("remember" in words and past(words)),
    "named-first": lambda words: words[1] == "a",
    "many-facts": lambda words: "y" in words,
    "goal-order": lambda words: words[words.index("goal") + 1] == "on",
    "odd-name": lambda words: "table" in words,
    "long-plan": lambda words: sum(word in STEPS for word in words[words.index("plan") :]) == 4,
}
PEOPLE = {"teacher", "lawyer", "doctor", "pilot", "farmer", "singer", "writer", "guard", "nurse", "chef"}
STEPS = {"pick-up", "put-down", "stack", "unstack"}


def past(words: list[str]) -> bool:
    return bool({"saw", "heard", "knew", "found"} & set(words))


@pytest.mark.parametrize("pair", language_pairs(), ids=lambda pair: pair.name)
def test_a_sentence_is_grammatical_as_its_section_says(pair: WordPair) -> None:
    """By rules that read the sentence, not those that made it."""
    for t, s in SECTIONS.values():
        for text in pair.texts(pair.draw(np.random.default_rng(1), 12, t, s)):
            words = text.removeprefix("honestly ").split()
            if pair.target == "agreement":
                found = (words[1].endswith("s")) == (words[5] in ("are", "were"))
            elif pair.target == "npi":
                found = words[0] == "no"
            else:
                rest = words[6:]
                has_object = bool(rest) and rest[0] == "the"
                found = (words[2] == "that") == has_object
            assert found == t, text


def named(words: list[str], part: str, end: str | None = None) -> object:
    """How often the goal or the plan names a block twice, three times and so on, whichever it is."""
    if part not in words:
        return None
    said = words[words.index(part) : words.index(end) if end else None]
    return sorted(Counter(word for word in said if word not in (part, "on", "ontable", *STEPS)).values())


@pytest.mark.parametrize("pair", planning_pairs(), ids=lambda pair: pair.name)
def test_no_case_is_both_trained_on_and_tested_on(pair: WordPair) -> None:
    material = Material(pair, 0, 100)
    tested = {pair.case(prompt) for prompts in material.test.values() for prompt in prompts}
    seen = [*material.training(400, 0.1).prompts, *material.probe("t", 200).prompts]
    assert not tested & {pair.case(prompt) for prompt in seen}
    assert None not in tested


@pytest.mark.parametrize("pair", planning_pairs(), ids=lambda pair: pair.name)
def test_no_case_comes_so_often_that_it_could_be_known_by_heart(pair: WordPair) -> None:
    for t in (False, True):
        drawn = [pair.case(prompt) for prompt in pair.draw(np.random.default_rng(3), 1_000, t, True)]
        assert len(set(drawn)) > 800
        assert max(Counter(drawn).values()) <= 5


@pytest.mark.parametrize("pair", WORDS, ids=lambda pair: pair.name)
def test_no_look_of_a_prompt_tells_the_target(pair: WordPair) -> None:
    """The best guess from how long it is and which actions it names, or from any one word but the names of blocks,
    learned on one half of the prompts and tried on the other."""
    for s in (False, True):
        prompts = {t: pair.texts(pair.draw(np.random.default_rng(5 + t), 400, t, s)) for t in (False, True)}
        said = {word for texts in prompts.values() for text in texts for word in text.split()}
        names = said - {*"abcdefghijklyz", "table"}
        looks: list[Callable[[list[str]], object]] = [
            lambda words: (len(words), *(word for word in words if word in STEPS)),
            lambda words: sum(word == "on" for word in words),
            lambda words: str(named(words, "goal", "plan")),
            # (A plan that is not the shortest puts down what it picks up again, and one that can be done stacks what it
            # took up: that is the target.)
            lambda words: str(named(words, "plan")) if pair.target == "reaches" else None,
            *(lambda words, name=name: words.count(name) for name in sorted(names)),
        ]
        for look in looks:
            counts: dict[object, list[int]] = {}
            for t, texts in prompts.items():
                for text in texts[::2]:
                    counts.setdefault(look(text.split()), [0, 0])[t] += 1
            right = [
                (one[True] > one[False]) == t
                for t, texts in prompts.items()
                for text in texts[1::2]
                if (one := counts.get(look(text.split())))
            ]
            assert np.mean(right) < 0.6


@pytest.mark.parametrize("pair", toy_pairs(12, 6, entangled=True), ids=lambda pair: pair.name)
def test_every_draw_of_a_section_is_of_one_distribution(pair: ToyPair) -> None:
    """Two features are given to a prompt one after the other, and the second may double what the first brought: as
    often in one draw as in another."""
    shares: list[list[float]] = []
    for seed in range(6):
        prompts = pair.draw(np.random.default_rng(seed), 2_000, True, True)
        shares.append([((prompts == symbol).sum(1) == 2).mean() for symbol in (1, 2)])
    assert np.ptp(shares, axis=0).max() < 0.05


@pytest.mark.parametrize("pair", planning_pairs(), ids=lambda pair: pair.name)
def test_a_plan_is_as_its_section_says_by_breadth_first_search(pair: WordPair) -> None:
    for t, s in SECTIONS.values():
        for text in pair.texts(pair.draw(np.random.default_rng(2), 4, t, s)):
            start, goal, plan = read_blocks(text)
            state: frozenset[Fact] | None = start
            for step in plan:
                state = None if state is None else after(state, step)
            if pair.target == "applicable":
                assert (state is not None) == t, text
            elif pair.target == "reaches":
                assert state is not None
                assert (goal <= state) == t, text
            else:
                assert state is not None
                assert goal <= state
                assert (shortest(start, goal) == len(plan)) == t, text


Fact = tuple[str, ...]


def read_blocks(text: str) -> tuple[frozenset[Fact], frozenset[Fact], list[Fact]]:
    heads = {"on", "ontable", "clear", "goal", "plan", *STEPS}
    parts: list[list[str]] = []
    for word in text.split():
        if word in heads:
            parts.append([word])
        else:
            parts[-1].append(word)
    facts = [tuple(part) for part in parts]
    goal, plan = facts.index(("goal",)), facts.index(("plan",))
    return frozenset({*facts[:goal], ("handempty",)}), frozenset(facts[goal + 1 : plan]), facts[plan + 1 :]


def after(state: frozenset[Fact], step: Fact) -> frozenset[Fact] | None:
    name, x, *rest = step
    y = rest[0] if rest else ""
    needs, gone, new = {
        "pick-up": ({("clear", x), ("ontable", x), ("handempty",)},) * 2 + ({("holding", x)},),
        "put-down": ({("holding", x)},) * 2 + ({("clear", x), ("ontable", x), ("handempty",)},),
        "stack": ({("holding", x), ("clear", y)},) * 2 + ({("on", x, y), ("clear", x), ("handempty",)},),
        "unstack": ({("on", x, y), ("clear", x), ("handempty",)},) * 2 + ({("holding", x), ("clear", y)},),
    }[name]
    return (state - gone) | new if needs <= state else None


def shortest(start: frozenset[Fact], goal: frozenset[Fact]) -> int:
    blocks = {fact[1] for fact in start if len(fact) > 1}
    steps = [(name, x) for name in ("pick-up", "put-down") for x in blocks]
    steps += [(name, x, y) for name in ("stack", "unstack") for x in blocks for y in blocks if x != y]
    border, seen, length = {start}, {start}, 0
    while not any(goal <= state for state in border):
        border = {new for state in border for step in steps if (new := after(state, step)) is not None} - seen
        seen |= border
        length += 1
    return length


@pytest.mark.parametrize("said", [["red", "blu"], ["red"] * 4])
def test_a_pair_of_ones_own_that_says_what_it_may_not_is_told(said: list[str]) -> None:
    class Mine(WordPair):
        name, target, spurious = "t|s", "t", "s"
        words = ("red", "blue")
        positions = 3

        def say(self, rng: np.random.Generator, t: bool, s: bool) -> list[str]:
            return said

    with pytest.raises(InputError, match="not among `words`, or more than 3"):
        Mine().draw(np.random.default_rng(0), 1, True, True)
