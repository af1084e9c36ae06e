"""Renaming keeps what is true and tells nothing of what was."""

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
from planbench.errors import InputError
from planbench.prompts.rename import rename_plan, rename_task
from tests.prompts.tasks import PROBLEMS, example
from tests.prompts.test_extract import plans
from tests.prompts.test_styles import plan_of

COSTS = """(define (domain errands)
  (:requirements :strips :typing :equality :negative-preconditions :action-costs)
  (:types spot - object shop home - spot)
  (:constants base - home)
  (:predicates (near ?a ?b - spot) (here ?a - spot) (shut ?a - shop))
  (:functions (total-cost) - number (far ?a ?b - spot) - number)
  (:action walk :parameters (?a - spot ?b - (either shop home))
    :precondition (and (here ?a) (not (= ?a ?b)) (near ?a ?b) (not (shut ?b)))
    :effect (and (not (here ?a)) (here ?b) (increase (total-cost) (far ?a ?b))))
  (:action rest :parameters () :precondition (here base) :effect (and (increase (total-cost) 1))))
"""
ERRANDS = """(define (problem today) (:domain errands) (:objects baker butcher - shop)
  (:init (here base) (near base baker) (near baker butcher) (near base butcher) (shut butcher)
         (= (total-cost) 0) (= (far base baker) 3) (= (far baker butcher) 4) (= (far base butcher) 9))
  (:goal (and (here baker) (not (here base)))) (:metric minimize (total-cost)))
"""


@pytest.mark.parametrize("name", PROBLEMS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_verdict_of_a_renamed_plan_is_the_verdict_of_the_plan(name: str, data: st.DataObject) -> None:
    of = example(name)
    # Prefixes of a valid plan reach deeper than random steps, which mostly fail at the first.
    prefix = plan_of(name)[: data.draw(st.integers(0, len(plan_of(name))))]
    plan: Plan = (*prefix, *data.draw(st.just(()) | plans(of)))
    domain, problem, renaming = rename_task(of.task.domain, of.task.problem, "random", data.draw(st.integers(0, 99)))
    before, after = judge(of.task, plan), judge(compile_task(domain, problem), rename_plan(plan, renaming))
    assert (before.kind, before.step, before.length, before.cost) == (after.kind, after.step, after.length, after.cost)
    assert len(before.facts) == len(after.facts)
    assert rename_plan(rename_plan(plan, renaming), renaming.inverse()) == plan


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_renamed_task_is_pddl_that_reads_back(name: str) -> None:
    of = example(name)
    domain, problem, _ = rename_task(of.task.domain, of.task.problem, "random", 7)
    again = read_domain(domain_text(domain))
    assert again == domain
    assert read_problem(problem_text(problem, domain), again) == problem


def test_constants_equality_negation_and_costs_are_renamed() -> None:
    domain = read_domain(COSTS)
    task = compile_task(domain, read_problem(ERRANDS, domain))
    new_domain, new_problem, renaming = rename_task(domain, task.problem, "random", 1)
    renamed = compile_task(new_domain, new_problem)
    for text, kind in {"(walk base baker)": "valid", "(rest)\n(walk base baker)": "valid", "(rest)": "goal_missed",
                       "(walk base butcher)": "inapplicable", "(walk base base)": "inapplicable"}.items():  # fmt: skip
        plan = read_plan_text(text)
        before, after = judge(task, plan), judge(renamed, rename_plan(plan, renaming))
        assert before.kind == after.kind == kind
        assert before.cost == after.cost
    assert new_problem.metric == "total-cost"


def read_plan_text(text: str) -> Plan:
    return tuple(tuple(line.strip("()").split()) for line in text.splitlines())


def test_no_old_name_is_left() -> None:
    domain = read_domain(COSTS)
    problem = read_problem(ERRANDS, domain)
    new_domain, new_problem, _ = rename_task(domain, problem, "random", 1)
    words = set(re.findall(r"[a-z-]+", domain_text(new_domain) + problem_text(new_problem, new_domain)))
    old = {domain.name, problem.name, *domain.types, *domain.constants, *domain.predicates, *domain.functions}
    old |= {*domain.actions, *problem.objects}
    assert words & old == {"total-cost"}


def test_all_names_differ() -> None:
    for name in PROBLEMS:
        of = example(name)
        for seed in range(20):
            domain, problem, _ = rename_task(of.task.domain, of.task.problem, "random", seed)
            names = [domain.name, problem.name, *domain.types, *domain.predicates, *domain.actions, *problem.objects]
            assert len(set(names)) == len(names)


def test_words_of_the_domain_depend_on_seed_and_domain_alone() -> None:
    one, other = example("letters").task, example("blocks").task
    first = rename_task(one.domain, one.problem, "random", 5)
    second = rename_task(other.domain, other.problem, "random", 5)
    assert first[0] == second[0]
    assert first[2].actions == second[2].actions
    assert set(first[2].objects.values()).isdisjoint(second[2].objects.values())
    assert rename_task(one.domain, one.problem, "random", 6)[0] != first[0]
    assert rename_task(one.domain, one.problem, "random", 5) == first


def test_the_same_seed_gives_the_same_words_on_any_machine() -> None:
    task = example("letters").task
    _, problem, renaming = rename_task(task.domain, task.problem, "random", 0)
    assert (dict(renaming.actions), list(problem.objects)) == GOLDEN_WORDS


def test_none_changes_nothing() -> None:
    task = example("letters").task
    domain, problem, renaming = rename_task(task.domain, task.problem, "none", 0)
    assert domain is task.domain
    assert problem is task.problem
    assert rename_plan(plan_of("letters"), renaming) == plan_of("letters")


def test_an_unknown_way_names_those_there_are() -> None:
    task = example("letters").task
    with pytest.raises(InputError, match=r"renaming deceptive: .* use one of none, random"):
        rename_task(task.domain, task.problem, "deceptive", 0)


GOLDEN_WORDS = (
    {"pick-up": "betap", "put-down": "vovug", "stack": "tikon", "unstack": "sejup"},
    ["befurad", "puvanom", "nigorad", "dilupaz"],
)
