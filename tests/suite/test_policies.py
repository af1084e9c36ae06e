"""The generators of the competition's domains, draft by draft: valid plans at any length and size, proofs that hold."""

from __future__ import annotations

from random import Random

import pytest

from planbench.core.judge import judge
from planbench.suite import domain_info
from tests.suite.made import DOMAINS, compiled, drafted, drafted_of_sizes
from tests.suite.shortest import shortest

CHECKED = 20_000
"""Tasks of more facts than this are generated here, but their plans are not judged: reading them takes seconds."""


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("domain", DOMAINS)
def test_plans_of_many_lengths_are_valid_and_needed(domain: str, wide: bool) -> None:
    for target in (3, 4, 5, 7, 9, 12, 16, 25, 40, 70, 120):
        draft = drafted(domain, target, target, wide)
        task = compiled(domain, draft)
        assert judge(task, draft.plan).kind == "valid"
        assert judge(task, ()).kind == "goal_missed"
        assert draft.goal
        assert len(set(draft.init)) == len(draft.init)


@pytest.mark.parametrize("domain", DOMAINS)
def test_long_plans_are_within_reach(domain: str) -> None:
    """Among a few drafts for a length there is one of nearly that length, up to the longest that the domain states."""
    _, longest = domain_info(domain).settings["sizes"]["plan-length"]
    for target in (length for length in (20, 60, 120, 200) if length <= longest):
        lengths = [len(drafted(domain, seed, target).plan) for seed in range(12)]
        assert min(abs(length - target) for length in lengths) <= target // 10


@pytest.mark.parametrize("domain", DOMAINS)
def test_presets_give_tasks_with_valid_plans(domain: str) -> None:
    presets = domain_info(domain).settings["presets"]
    assert list(presets) == ["tiny", "small", "easy", "medium", "hard"]
    for name, ranges in presets.items():
        lengths: list[int] = []
        for end in (0,) if name == "hard" else (0, 1):
            draft = drafted_of_sizes(domain, 1, {size: bounds[end] for size, bounds in ranges.items()})
            assert draft.plan
            lengths.append(len(draft.plan))
            if len(draft.init) <= CHECKED:
                task = compiled(domain, draft)
                assert judge(task, draft.plan).kind == "valid"
                assert judge(task, ()).kind == "goal_missed"
        assert name != "tiny" or max(lengths) <= 14


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_same_seed_gives_the_same_task(domain: str) -> None:
    sizes = {size: end for size, (_, end) in domain_info(domain).settings["presets"]["easy"].items()}
    assert drafted_of_sizes(domain, 3, sizes) == drafted_of_sizes(domain, 3, sizes)
    assert drafted_of_sizes(domain, 3, sizes) != drafted_of_sizes(domain, 4, sizes)
    assert drafted(domain, 5, 12) == drafted(domain, 5, 12)
    assert drafted(domain, 5, 12) != drafted(domain, 6, 12)


@pytest.mark.parametrize("domain", DOMAINS)
def test_what_is_called_optimal_is_beaten_by_no_search(domain: str) -> None:
    searched = claimed = 0
    for seed in range(60):
        rng = Random(seed)
        draft = drafted(domain, seed, rng.randint(2, 9), wide=seed % 3 == 0)
        best = shortest(compiled(domain, draft), 1500)
        if best is None:
            continue
        searched += 1
        claimed += draft.optimal
        assert best <= len(draft.plan)
        assert best == len(draft.plan) or not draft.optimal
    assert searched >= 20
    assert claimed >= 10
