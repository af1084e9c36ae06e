"""A sample of `make differential`: what we say of plans is what others say. Kairos and unified-planning take part where
they are installed (`make differential` has them in an environment of its own)."""

from __future__ import annotations

import random
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from planbench.core.verdict import Plan
from tests.core.strategies import RICH, Case, cases
from tests.core.tasks import MAKERS, mutants, solved_task
from tests.differential.compare import compare

JUDGES = ["val", "kairos", "unified-planning"]


def needs(judge: str) -> None:
    if judge != "val" and find_spec(judge.replace("-", "_")) is None:
        pytest.skip(f"{judge} is not installed; type: pip install 'planbench[differential]'")


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("name", MAKERS)
def test_plans_of_the_built_in_domains(name: str, judge: str, tmp_path: Path) -> None:
    needs(judge)
    kinds: set[str] = set()
    for seed in range(100, 101 if judge == "unified-planning" else 108):
        domain, problem, plan = solved_task(name, seed)
        found: dict[Plan, None] = {plan: None}
        for attempt in range(2):
            found.update(dict.fromkeys(mutants(domain, problem, plan, random.Random(attempt))))
        tally = compare(domain, problem, list(found), [judge], tmp_path)
        assert tally.disagreements == []
        kinds.update(tally.kinds)
    assert kinds == {"valid", "malformed", "inapplicable", "goal_missed"} or judge == "unified-planning"


@pytest.mark.parametrize("judge", JUDGES[:2])
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(case=cases(malformed=False, features=RICH, tame=True))
def test_random_domains_with_all_that_is_judged(case: Case, judge: str, tmp_path: Path) -> None:
    needs(judge)
    assert compare(case.domain, case.problem, [case.plan], [judge], tmp_path).disagreements == []
