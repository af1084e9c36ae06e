"""Renaming keeps what is true and tells nothing of what was."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.syntax import Action, Atom, Domain, Problem
from planbench.core.verdict import Plan
from planbench.core.write import domain_text, problem_text
from planbench.errors import InputError
from planbench.prompts.ordinary import THINGS, VERBS
from planbench.prompts.rename import WAYS, rename_plan, rename_task
from planbench.prompts.styles import read_reply
from planbench.prompts.wording import generic_wording
from tests.prompts.notations import NOTATIONS, SETTINGS
from tests.prompts.tasks import PROBLEMS, Example, example
from tests.prompts.test_extract import plans
from tests.prompts.test_styles import plan_of

RENAMED = [how for how in WAYS if how != "none"]
SHARED = ["random", "mystery"]

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


HIDING = """(define (domain hiding) (:requirements :adl) (:predicates (on ?a ?b) (done))
  (:action try :parameters (?x ?y) :precondition (exists (?x) (exists (?z) (on ?x ?z))) :effect (done)))"""


@pytest.mark.parametrize("how", RENAMED)
def test_a_variable_that_hides_another_of_its_name_stays_apart(how: str) -> None:
    domain = read_domain(HIDING)
    text = "(define (problem p) (:domain hiding) (:objects a b) (:init (on a b)) (:goal (done)))"
    problem = read_problem(text, domain)
    plan: Plan = (("try", "a", "b"),)
    assert judge(compile_task(domain, problem), plan).kind == "valid"
    for seed in range(5):
        new_domain, new_problem, renaming = rename_task(domain, problem, how, seed)
        task = compile_task(new_domain, new_problem)
        assert judge(task, rename_plan(plan, renaming)).kind == "valid"
        again = read_domain(domain_text(new_domain))
        assert judge(compile_task(again, new_problem), rename_plan(plan, renaming)).kind == "valid"


@pytest.mark.parametrize("how", RENAMED)
@pytest.mark.parametrize("name", PROBLEMS)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_the_verdict_of_a_renamed_plan_is_the_verdict_of_the_plan(name: str, how: str, data: st.DataObject) -> None:
    of = example(name)
    # Prefixes of a valid plan reach deeper than random steps, which mostly fail at the first.
    prefix = plan_of(name)[: data.draw(st.integers(0, len(plan_of(name))))]
    plan: Plan = (*prefix, *data.draw(st.just(()) | plans(of)))
    domain, problem, renaming = rename_task(of.task.domain, of.task.problem, how, data.draw(st.integers(0, 99)))
    before, after = judge(of.task, plan), judge(compile_task(domain, problem), rename_plan(plan, renaming))
    assert (before.kind, before.step, before.length, before.cost) == (after.kind, after.step, after.length, after.cost)
    assert len(before.facts) == len(after.facts)
    assert rename_plan(rename_plan(plan, renaming), renaming.inverse()) == plan


@pytest.mark.parametrize("how", RENAMED)
@pytest.mark.parametrize("name", PROBLEMS)
def test_a_renamed_task_is_pddl_that_reads_back(name: str, how: str) -> None:
    of = example(name)
    domain, problem, _ = rename_task(of.task.domain, of.task.problem, how, 7)
    again = read_domain(domain_text(domain))
    assert again == domain
    assert read_problem(problem_text(problem, domain), again) == problem


@pytest.mark.parametrize("how", RENAMED)
def test_constants_equality_negation_and_costs_are_renamed(how: str) -> None:
    domain = read_domain(COSTS)
    task = compile_task(domain, read_problem(ERRANDS, domain))
    new_domain, new_problem, renaming = rename_task(domain, task.problem, how, 1)
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


@pytest.mark.parametrize("how", RENAMED)
def test_no_old_name_is_left(how: str) -> None:
    domain = read_domain(COSTS)
    problem = read_problem(ERRANDS, domain)
    new_domain, new_problem, _ = rename_task(domain, problem, how, 1)
    words = set(re.findall(r"[a-z-]+", domain_text(new_domain) + problem_text(new_problem, new_domain)))
    old = {domain.name, problem.name, *domain.types, *domain.constants, *domain.predicates, *domain.functions}
    old |= {*domain.actions, *problem.objects}
    assert words & old == {"total-cost"}


@pytest.mark.parametrize("how", RENAMED)
def test_all_names_differ(how: str) -> None:
    for name in PROBLEMS:
        of = example(name)
        for seed in range(20):
            domain, problem, _ = rename_task(of.task.domain, of.task.problem, how, seed)
            names = [domain.name, problem.name, *domain.types, *domain.predicates, *domain.actions, *problem.objects]
            assert len(set(names)) == len(names)


@pytest.mark.parametrize("how", SHARED)
def test_words_of_the_domain_depend_on_seed_and_domain_alone(how: str) -> None:
    one, other = example("letters").task, example("blocks").task
    first = rename_task(one.domain, one.problem, how, 5)
    second = rename_task(other.domain, other.problem, how, 5)
    assert first[0] == second[0]
    assert first[2].actions == second[2].actions
    assert list(first[2].objects.values())[:3] != list(second[2].objects.values())
    assert rename_task(one.domain, one.problem, how, 6)[0] != first[0]


def test_each_task_may_have_a_language_of_its_own() -> None:
    one, other = example("letters").task, example("blocks").task
    first, second = (rename_task(task.domain, task.problem, "per-task", 5) for task in (one, other))
    assert first[0].name != second[0].name
    assert set(first[2].actions.values()).isdisjoint(second[2].actions.values())
    assert set(first[0].predicates).isdisjoint(second[0].predicates)
    for seed in range(9):
        shared = rename_task(one.domain, one.problem, "random", seed)
        assert shared[2].actions != rename_task(one.domain, one.problem, "per-task", seed)[2].actions


@pytest.mark.parametrize("how", RENAMED)
def test_the_same_seed_gives_the_same_words_on_any_machine(how: str) -> None:
    task = example("letters").task
    found = rename_task(task.domain, task.problem, how, 0)
    assert found == rename_task(task.domain, task.problem, how, 0)
    assert (dict(found[2].actions), list(found[1].objects)) == GOLDEN_WORDS[how]


def test_a_name_that_is_none_stays_none() -> None:
    """A new word in a plan over the old ones is an unknown word, and has to stay one."""
    task = example("letters").task
    domain, problem, renaming = rename_task(task.domain, task.problem, "mystery", 0)
    renamed = compile_task(domain, problem)
    for step in [("pick-up", renaming.objects["b"]), (renaming.actions["pick-up"], "b"), ("b", "pick-up"), ("stack",)]:
        assert judge(task, (step,)).kind == "malformed"
        after = rename_plan((step,), renaming)
        assert judge(renamed, after).kind == "malformed"
        assert rename_plan(after, renaming.inverse()) == (step,)


def test_five_hundred_objects_have_as_many_ordinary_names() -> None:
    domain = example("letters").task.domain
    blocks = {f"b{number}": "block" for number in range(500)}
    init = (*((fact, block) for block in blocks for fact in ("ontable", "clear")), ("handempty",))
    problem = Problem("many", domain.name, blocks, init, Atom("on", ("b0", "b499")))
    new_domain, new_problem, renaming = rename_task(domain, problem, "mystery", 0)
    assert len(new_problem.objects) == 500
    assert {name.rstrip("-0123456789") for name in new_problem.objects} <= set(THINGS)
    plan = (("pick-up", "b0"), ("stack", "b0", "b499"))
    assert judge(compile_task(new_domain, new_problem), rename_plan(plan, renaming)).valid


def test_more_actions_than_verbs_are_numbered() -> None:
    domain = Domain("d", actions={f"a{number}": Action(f"a{number}") for number in range(2 * len(VERBS) + 1)})
    _, _, renaming = rename_task(domain, Problem("p", "d"), "mystery", 0)
    names = set(renaming.actions.values())
    assert len(names) == 2 * len(VERBS) + 1
    assert {*VERBS, *(f"{verb}-2" for verb in VERBS)} < names


def test_ordinary_words_that_tell_an_old_name_are_left_out() -> None:
    old = {"whispering_ghost": (), "sing2": (), "owl": (), "trustworthy": ()}
    domain = Domain("greeting", predicates=old, actions={"laugh-at": Action("laugh-at")})
    for seed in range(300):
        _, _, renaming = rename_task(domain, Problem("owls", "greeting", {"tulip-1": "object"}), "mystery", seed)
        names = [renaming.domain, renaming.problem, *renaming.predicates.values(), *renaming.objects.values()]
        assert not {"whisper", "ghost", "sing", "owl", "trust", "greet", "laugh", "tulip"} & {
            *names,
            *renaming.actions.values(),
        }
        assert not any("owl" in name for name in names)


def test_where_no_ordinary_word_is_new_one_line_says_so() -> None:
    problem = Problem("p", "d", dict.fromkeys(THINGS, "object"))
    with pytest.raises(InputError, match=r"renaming mystery: .* no ordinary word .* use random"):
        rename_task(Domain("d"), problem, "mystery", 0)


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_misleading_words_are_read_in_every_notation(data: st.DataObject) -> None:
    """Ordinary words in prose and lists could be taken for something else; nonsense could not."""
    of = example(data.draw(st.sampled_from(sorted(PROBLEMS))))
    domain, problem, renaming = rename_task(of.task.domain, of.task.problem, "mystery", data.draw(st.integers(0, 99)))
    new = Example(compile_task(domain, problem), "", "", generic_wording(domain))
    plan = rename_plan(data.draw(plans(of)), renaming)
    text = NOTATIONS[data.draw(st.sampled_from(sorted(NOTATIONS)))](plan, new)
    reply = SETTINGS[data.draw(st.sampled_from(sorted(SETTINGS)))](text)
    assert read_reply("english", reply, new.task, new.wording) == plan


def test_none_changes_nothing() -> None:
    task = example("letters").task
    domain, problem, renaming = rename_task(task.domain, task.problem, "none", 0)
    assert domain is task.domain
    assert problem is task.problem
    assert rename_plan(plan_of("letters"), renaming) == plan_of("letters")


def test_an_unknown_way_names_those_there_are() -> None:
    task = example("letters").task
    with pytest.raises(InputError, match=r"renaming deceptive: .* use one of none, random, mystery, per-task"):
        rename_task(task.domain, task.problem, "deceptive", 0)


GOLDEN_WORDS = {
    "random": (
        {"pick-up": "betap", "put-down": "vovug", "stack": "tikon", "unstack": "sejup"},
        ["befurad", "puvanom", "nigorad", "dilupaz"],
    ),
    "mystery": (
        {"pick-up": "embrace", "put-down": "tremble", "stack": "stammer", "unstack": "swear"},
        ["guitar", "nettle", "swan", "caterpillar"],
    ),
    "per-task": (
        {"pick-up": "limop", "put-down": "rufar", "stack": "tokop", "unstack": "sukux"},
        ["befurad", "puvanom", "nigorad", "dilupaz"],
    ),
}
