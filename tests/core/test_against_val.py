"""The judge and VAL agree on the plans of the three domains, whole and mutated, and on random small domains."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.val import val_verdicts
from planbench.core.write import domain_text, problem_text
from tests.core.strategies import Case, cases
from tests.core.tasks import MAKERS, mutants, solved_task


@pytest.mark.parametrize("name", MAKERS)
def test_agrees_with_val(name: str, tmp_path: Path) -> None:
    kinds: Counter[str] = Counter()
    for seed in range(12):
        domain, problem, plan = solved_task(name, seed)
        rng = random.Random(seed)
        plans = [plan, *mutants(domain, problem, plan, rng)]
        task = compile_task(domain, problem)
        ours = [judge(task, each) for each in plans]
        theirs = val_verdicts(tmp_path, domain_text(domain), problem_text(problem, domain), plans)
        assert ours[0].valid
        for each, verdict, (kind, step, cost) in zip(plans, ours, theirs, strict=True):
            assert verdict.kind == kind, (name, seed, each)
            if kind == "inapplicable":
                assert verdict.step == step, (name, seed, each)
            assert verdict.cost == cost, (name, seed, each)
        kinds.update(verdict.kind for verdict in ours)
    assert set(kinds) == {"valid", "malformed", "inapplicable", "goal_missed"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases(malformed=False))
def test_agrees_with_val_on_random_domains(case: Case, tmp_path: Path) -> None:
    verdict = judge(compile_task(case.domain, case.problem), case.plan)
    domain, problem = domain_text(case.domain), problem_text(case.problem, case.domain)
    (theirs,) = val_verdicts(tmp_path, domain, problem, [case.plan])
    assert (verdict.kind, verdict.step, verdict.cost) == theirs
