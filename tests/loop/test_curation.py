"""Curation: each rule against a naive statement of it, and against what a rule may not do."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.errors import InputError
from planbench.loop.curation import (
    RULES,
    Weighted,
    cap_duplicates,
    cap_solved_by_all,
    everything,
    random_valid,
    rule_named,
    shortest,
    valid,
)
from planbench.records.trace import Trace
from tests.loop.traces import trace, traces


def ids(weighted: list[Weighted]) -> list[str]:
    return [item.trace.id for item in weighted]


def beats(one: Trace, other: Trace) -> bool:
    """The paper's order, then ours for what it leaves open, clause by clause."""
    assert one.length is not None
    assert other.length is not None
    if one.length != other.length:
        return one.length < other.length
    if one.tokens != other.tokens:
        return other.tokens is None or (one.tokens is not None and one.tokens < other.tokens)
    if one.generation != other.generation:
        return one.generation < other.generation
    return one.index < other.index


@settings(deadline=None)
@given(traces())
def test_shortest_keeps_the_one_trace_of_a_task_that_none_beats(given_: list[Trace]) -> None:
    right = [one for one in given_ if one.verdict == "valid"]
    kept = shortest(given_, Random(0))
    assert {item.trace.task_hash for item in kept} == {one.task_hash for one in right}
    assert len(kept) == len({one.task_hash for one in right})
    assert all(item.weight == 1 and str(item.trace.length) in item.reason for item in kept)
    for item in kept:
        assert not any(beats(other, item.trace) for other in right if other.task_hash == item.trace.task_hash)


@settings(deadline=None)
@given(traces())
def test_valid_none_and_random_are_what_they_say(given_: list[Trace]) -> None:
    right = {one.id for one in given_ if one.verdict == "valid"}
    assert Counter(ids(valid(given_, Random(0)))) == Counter(right)
    judged = {one.id for one in given_ if one.verdict != "harness_error"}
    assert Counter(ids(everything(given_, Random(0)))) == Counter(judged)
    drawn = random_valid(given_, Random(0))
    assert set(ids(drawn)) <= right
    assert sorted(item.trace.task_hash for item in drawn) == sorted({one.task_hash for one in given_ if one.valid})


@settings(deadline=None)
@given(traces(), st.randoms(use_true_random=False), st.integers(0, 5))
def test_no_rule_depends_on_the_order_of_the_traces(given_: list[Trace], random: Random, seed: int) -> None:
    shuffled = random.sample(given_, len(given_))
    for rule in RULES.values():
        assert rule(shuffled, Random(seed)) == rule(given_, Random(seed))


def test_random_draws_every_valid_trace_as_often() -> None:
    given_ = [trace(index=index, verdict="valid" if index < 4 else "goal_missed") for index in range(6)]
    drawn = Counter(random_valid(given_, Random(seed))[0].trace.index for seed in range(800))
    assert set(drawn) == {0, 1, 2, 3}
    # Binomial(800, 1/4) has a standard deviation of 12.2.
    assert all(abs(count - 200) < 5 * 12.3 for count in drawn.values())


def test_fewest_tokens_decide_between_equal_lengths_whoever_came_first() -> None:
    first = trace(generation=0, length=6, tokens=90)
    briefer = trace(generation=3, length=6, tokens=40)
    longer = trace(generation=1, length=8, tokens=5)
    assert shortest([first, briefer, longer], Random(0))[0].trace == briefer


# Caps


@settings(deadline=None)
@given(traces(), st.integers(1, 3), st.sampled_from(["plan", "reply"]))
def test_duplicates_are_capped_and_nothing_else_is(given_: list[Trace], most: int, by: str) -> None:
    weighted = everything(given_, Random(0))
    kept = cap_duplicates(weighted, most, "plan" if by == "plan" else "reply")

    def copies(items: list[Weighted]) -> Counter[tuple[object, ...]]:
        return Counter(
            (item.trace.task_hash, item.trace.reply if by == "reply" else item.trace.plan or item.trace.reply)
            for item in items
        )

    assert copies(kept) == {key: min(count, most) for key, count in copies(weighted).items()}
    assert [item for item in weighted if item in kept] == kept
    # What is dropped was found no earlier than its copies that stay.
    for item in weighted:
        if item not in kept:
            same = [other for other in kept if copies([other]) == copies([item])]
            assert all(other.trace.generation <= item.trace.generation for other in same)


@settings(deadline=None)
@given(traces(), st.sampled_from([0.0, 0.2, 0.5, 0.75, 1.0]), st.integers(0, 3))
def test_solved_tasks_are_limited_to_their_share(given_: list[Trace], share: float, seed: int) -> None:
    weighted = valid(given_, Random(0))
    kept = cap_solved_by_all(weighted, given_, share, Random(seed))
    newest = max((one.generation for one in given_), default=0)
    easy: set[str] = set()
    for task in {one.task_hash for one in given_}:
        verdicts = [one.verdict for one in given_ if one.task_hash == task and one.generation == newest]
        judged = [verdict for verdict in verdicts if verdict != "harness_error"]
        if judged and all(verdict == "valid" for verdict in judged):
            easy.add(task)
    before = {item.trace.task_hash for item in weighted}
    after = {item.trace.task_hash for item in kept}
    assert before - easy <= after <= before
    assert len(after & easy) <= share * len(after) + 1e-9
    # One more would be too many: the limit is reached where there is enough.
    if before & easy > after & easy:
        assert len(after & easy) + 1 > share * (len(after) + 1)
    assert [item for item in weighted if item.trace.task_hash in after] == kept


def test_caps_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="leave nothing"):
        cap_duplicates([], 0)
    with pytest.raises(InputError, match="from 0 to 1"):
        cap_solved_by_all([], [], 1.5, Random(0))


# Rules by name


def write_rules(folder: Path, body: str) -> None:
    (folder / "own_rules.py").write_text(f"from planbench.loop.curation import Weighted\n{body}\n")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "own_rules", raising=False)
    return tmp_path


def test_a_function_of_the_current_folder_is_a_rule(own: Path) -> None:
    write_rules(own, "def brief(traces, rng): return [Weighted(t, 0.5, 'brief') for t in traces if t.tokens < 3]")
    given_ = [trace(index=0, tokens=2), trace(index=1, tokens=9)]
    assert rule_named("own_rules:brief")(given_, Random(0)) == [Weighted(given_[0], 0.5, "brief")]


def test_the_four_names_are_the_four_rules() -> None:
    assert [rule_named(name) for name in ("shortest", "valid", "none", "random")] == [
        shortest,
        valid,
        everything,
        random_valid,
    ]


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("longest", "", "no curation rule 'longest'; there is: shortest, valid, none, random"),
        ("own_rules:", "", "no curation rule"),
        ("no_such_module:rule", "", "cannot be imported .*no_such_module"),
        ("own_rules:rule", "", "module own_rules has no rule"),
        ("own_rules:rule", "1 / 0", "own_rules fails: ZeroDivisionError"),
        ("own_rules:rule", "rule = 3", "not a function"),
    ],
)
def test_a_rule_that_is_not_there(own: Path, name: str, body: str, says: str) -> None:
    write_rules(own, body)
    with pytest.raises(InputError, match=says):
        rule_named(name)


@pytest.mark.parametrize(
    ("returns", "says"),
    [
        ("None", "returned NoneType, not a list"),
        ("traces", "item 0 is Trace, not"),
        ("[Weighted(None, 1.0, '')]", "item 0 is Weighted, not"),
        ("[Weighted(traces[0], float('nan'), '')]", "weight nan, not a finite"),
        ("[Weighted(traces[0], float('inf'), '')]", "weight inf, not a finite"),
        ("[Weighted(traces[0], '1', '')]", "weight '1', not a finite"),
        ("[Weighted(traces[0], 1.0, 3)]", "reason that is no text"),
        ("[Weighted(traces[0], 1.0, '')] * 2", "stands there twice"),
        ("[Weighted(other(traces[0]), 1.0, '')]", "was not given"),
        ("traces[9]", "fails: IndexError"),
    ],
)
def test_a_rule_that_returns_nonsense(own: Path, returns: str, says: str) -> None:
    other = "import dataclasses\ndef other(t): return dataclasses.replace(t, reply='changed')\n"
    write_rules(own, f"{other}def rule(traces, rng): return {returns}")
    rule = rule_named("own_rules:rule")
    with pytest.raises(InputError, match=rf"curation rule own_rules:rule:? .*{says}"):
        rule([trace()], Random(0))


def test_negative_and_zero_weights_are_weights(own: Path) -> None:
    write_rules(own, "def rule(traces, rng): return [Weighted(t, -i, 'r') for i, t in enumerate(traces)]")
    given_ = [trace(index=index) for index in range(3)]
    assert [item.weight for item in rule_named("own_rules:rule")(given_, Random(0))] == [0, -1, -2]
    assert math.isfinite(rule_named("own_rules:rule")(given_, Random(0))[2].weight)
