"""Domains beyond STRIPS: renaming keeps what plans are worth, and every rule can be said."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.write import domain_text, problem_text
from planbench.prompts.rename import rename_plan, rename_task
from planbench.prompts.wording import clauses, generic_wording
from planbench.suite.canonical import task_key
from tests.core.strategies import RICH, Case, cases


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(features=RICH))
def test_a_renamed_task_judges_the_renamed_plan_alike(case: Case) -> None:
    task = compile_task(case.domain, case.problem)
    verdict = judge(task, case.plan)
    domain, problem, renaming = rename_task(case.domain, case.problem, "random", 1)
    renamed = judge(compile_task(domain, problem), rename_plan(case.plan, renaming))
    assert (renamed.kind, renamed.step, renamed.cost) == (verdict.kind, verdict.step, verdict.cost)
    read = read_domain(domain_text(domain))
    assert compile_task(read, read_problem(problem_text(problem, domain), read)).plain == task.plain
    assert len(task_key(task)) == 32


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cases(features=RICH))
def test_every_rule_and_goal_can_be_said(case: Case) -> None:
    wording = generic_wording(case.domain)
    assert set(wording.rules) == set(case.domain.actions)
    assert all(clauses(case.problem.goal, wording, {**case.domain.constants, **case.problem.objects}))
