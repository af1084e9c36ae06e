"""The random walk: every step applies, the walk ends where it should, the same seed walks the same way."""

from __future__ import annotations

from collections import Counter

import pytest

from planbench.core.judge import judge
from planbench.core.plan import read_plan
from planbench.errors import InputError
from planbench.models import load
from planbench.prompts.extract import extract_plan
from planbench.prompts.lexicon import build_lexicon
from planbench.records import Reply, SamplingSettings
from tests.models.checkpoints import request, walk

SETTINGS = SamplingSettings(max_tokens=512)


def replies(places: int, count: int, **args: str) -> list[Reply]:
    task = walk(places)
    requests = [request("x", seed, task=task) for seed in range(count)]
    return [reply for _, reply in sorted(load("random", model_args=args).replies(requests, (), SETTINGS))]


@pytest.mark.parametrize("places", [2, 5, 9])
def test_a_walk_is_valid_or_ended_by_the_limit(places: int) -> None:
    task = walk(places)
    seen = Counter[str]()
    for reply in replies(places, 60):
        verdict = judge(task, read_plan(reply.text))
        assert verdict.kind in ("valid", "goal_missed"), verdict
        assert (verdict.kind == "valid") == (reply.finish == "stop")
        assert (verdict.length or 0) <= 4 * places
        seen[verdict.kind] += 1
    assert seen["valid"] > 0


def test_steps_are_uniform_over_what_applies() -> None:
    first = Counter(reply.text.splitlines()[0] for reply in replies(9, 2_000, steps="1"))
    assert set(first) == {"(go p0 p1)", "(go p0 p8)"}
    # Four standard errors of one half over 2,000.
    assert first["(go p0 p1)"] / 2_000 == pytest.approx(0.5, abs=0.045)


def test_same_seed_same_walk_and_done_is_left_out() -> None:
    model = load("random")
    requests = [request("x", seed, task=walk(6)) for seed in range(8)]
    whole = {position: reply.text for position, reply in model.replies(requests, (), SETTINGS)}
    rest = {position: reply.text for position, reply in model.replies(requests, {1, 2, 5}, SETTINGS)}
    assert rest == {position: text for position, text in whole.items() if position not in {1, 2, 5}}
    assert len(set(whole.values())) > 1


def test_limits() -> None:
    assert all(len(reply.text.splitlines()) <= 3 for reply in replies(9, 20, steps="3"))
    model = load("random")
    ((_, reply),) = model.replies([request("x", 1, task=walk(9))], (), SamplingSettings(max_tokens=2))
    assert len(reply.text.splitlines()) <= 2


def test_where_nothing_applies_the_plan_is_empty() -> None:
    ((_, reply),) = load("random").replies([request("x", task=walk(3, ring=False))], (), SETTINGS)
    assert (reply.text, reply.finish) == ("", "stop")


def test_where_the_goal_holds_the_plan_is_said_to_be_empty() -> None:
    ((_, reply),) = load("random").replies([request("x", task=walk(1, ring=False))], (), SETTINGS)
    assert extract_plan(reply.text, build_lexicon({"go": ()}, {})) == ()


@pytest.mark.parametrize("steps", ["0", "-1", "x", "", "²", "1" * 5_000])
def test_a_wrong_number_of_steps(steps: str) -> None:
    with pytest.raises(InputError, match="a number of 1 or more"):
        load("random", model_args={"steps": steps})


def test_settings_are_part_of_the_fingerprint() -> None:
    assert load("random").fingerprint != load("random", model_args={"steps": "5"}).fingerprint
