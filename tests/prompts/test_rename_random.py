"""Renaming of random domains: one to one, the same verdicts, and plans that come back out of replies."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.verdict import Plan
from planbench.core.write import domain_text, problem_text
from planbench.prompts.reasoning import REASONINGS
from planbench.prompts.rename import WAYS, Renaming, rename_plan, rename_task
from planbench.prompts.styles import STYLES, read_reply, write_answer
from planbench.prompts.wording import generic_wording
from planbench.prompts.words import KEPT
from tests.core.strategies import Case, cases

RENAMED = [how for how in WAYS if how != "none"]
SEEDS = st.integers(0, 2**32)


def new_names(renaming: Renaming) -> list[str]:
    maps = (renaming.types, renaming.predicates, renaming.functions, renaming.actions, renaming.objects)
    named = [new for names in maps for old, new in names.items() if old not in KEPT]
    return [renaming.domain, renaming.problem, *named]


def old_names(case: Case) -> set[str]:
    domain = case.domain
    named = (domain.types, domain.predicates, domain.functions, domain.actions, domain.constants, case.problem.objects)
    return {domain.name, case.problem.name, *(name for names in named for name in names)} - KEPT


@pytest.mark.parametrize("how", RENAMED)
@given(case=cases(), seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_renaming_is_one_to_one_and_leaves_no_old_name(how: str, case: Case, seed: int) -> None:
    domain, problem, renaming = rename_task(case.domain, case.problem, how, seed)
    names = new_names(renaming)
    assert (
        len(set(names))
        == len(names)
        == len([*renaming.types, *renaming.predicates, *renaming.actions])
        + len({*renaming.functions, *renaming.objects} - KEPT)
        + len(["domain", "problem"])
    )
    text = domain_text(domain) + problem_text(problem, domain)
    assert not old_names(case) & set(re.findall(r"[a-z][a-z0-9-]*", text))
    again = read_domain(domain_text(domain))
    assert again == domain
    assert read_problem(problem_text(problem, domain), again) == problem
    assert rename_task(case.domain, case.problem, how, seed) == (domain, problem, renaming)


@pytest.mark.parametrize("how", RENAMED)
@given(case=cases(), seed=SEEDS, data=st.data())
@settings(max_examples=120, deadline=None)
def test_verdicts_stay(how: str, case: Case, seed: int, data: st.DataObject) -> None:
    domain, problem, renaming = rename_task(case.domain, case.problem, how, seed)
    plan = data.draw(st.just(case.plan) | mutations(case.plan, [*new_names(renaming), *sorted(old_names(case))]))
    before = judge(compile_task(case.domain, case.problem), plan)
    after = judge(compile_task(domain, problem), rename_plan(plan, renaming))
    assert (after.kind, after.step, after.length, after.cost) == (before.kind, before.step, before.length, before.cost)
    assert len(after.facts) == len(before.facts)
    assert rename_plan(rename_plan(plan, renaming), renaming.inverse()) == plan


@st.composite
def mutations(draw: st.DrawFn, plan: Plan, words: list[str]) -> Plan:
    """A step dropped, said twice, or with one word changed to any word, old or new."""
    if not plan:
        return ((draw(st.sampled_from(words)), draw(st.sampled_from(words))),)
    at = draw(st.integers(0, len(plan) - 1))
    step = list(plan[at]) or [""]  # a malformed plan may have a step of no words
    step[draw(st.integers(0, len(step) - 1))] = draw(st.sampled_from(words))
    return (*plan[:at], *draw(st.sampled_from([(), (plan[at], plan[at]), (tuple(step),)])), *plan[at + 1 :])


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("how", RENAMED)
@given(case=cases(malformed=False), seed=SEEDS)
@settings(max_examples=60, deadline=None)
def test_a_plan_written_in_a_style_is_read_back(how: str, style: str, case: Case, seed: int) -> None:
    domain, problem, renaming = rename_task(case.domain, case.problem, how, seed)
    task, wording = compile_task(domain, problem), generic_wording(domain)
    plan = rename_plan(case.plan, renaming)
    if style.endswith(REASONINGS) and (failing := judge(task, plan).step):
        plan = plan[: failing - 1]  # what is executed can be reasoned about
    if plan or style != "compact":  # of an empty plan that style says nothing
        assert read_reply(style, write_answer(style, plan, task, wording), task, wording) == plan
