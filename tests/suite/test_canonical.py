"""Keys against an exact test for equality up to renaming, and against renamings themselves."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.core.compile import compile_task
from planbench.core.parse import read_domain, read_problem
from planbench.suite import GENERATORS, SPLITS, domain_info, split_of, task_key
from planbench.suite.canonical import canonical_key
from planbench.suite.draft import Draft, Fact, problem_pddl
from planbench.suite.generator import drafts, maker
from tests.suite.isomorphism import isomorphic

MADE = 150


def draft(domain: str, seed: int, target: int) -> Draft:
    """The first task that a generator makes of a seed, not yet looked at by anything else."""
    rng, make = Random(seed), maker(domain)
    return next(made for _ in range(2000) if (made := make(rng, target)) is not None)


def renamed(draft: Draft, rng: Random) -> Draft:
    """The same task under other names, with objects and facts in another order. Constants keep theirs."""
    numbers = rng.sample(range(1000), len(draft.objects))
    names = {
        name: name if name in draft.constants else f"x{number}"
        for name, number in zip(draft.objects, numbers, strict=True)
    }

    def facts(old: tuple[Fact, ...]) -> tuple[Fact, ...]:
        return tuple(rng.sample([(fact[0], *(names[name] for name in fact[1:])) for fact in old], len(old)))

    objects = {names[name]: kind for name, kind in rng.sample(list(draft.objects.items()), len(draft.objects))}
    plan = tuple((step[0], *(names[name] for name in step[1:])) for step in draft.plan)
    return Draft(objects, facts(draft.init), facts(draft.goal), plan, draft.optimal, draft.constants)


@pytest.mark.parametrize("domain", GENERATORS)
def test_keys_are_equal_exactly_where_tasks_are(domain: str) -> None:
    tasks = [draft(domain, seed, 2 + seed % 4) for seed in range(MADE)]
    tasks += [renamed(task, Random(seed)) for seed, task in enumerate(tasks[::10])]
    kinds: dict[str, Draft] = {}
    again = 0
    for task in tasks:
        key = canonical_key(task)
        if key in kinds:
            again += 1
            assert isomorphic(kinds[key], task)
        else:
            assert not any(isomorphic(other, task) for other in kinds.values())
            kinds[key] = task
    assert again >= MADE // 10
    assert len(kinds) >= 20


def pairs_of_towers(goal: list[tuple[str, str]]) -> Draft:
    """Two towers of two blocks, a1 on b1 and a2 on b2, to be stacked as `goal` says."""
    init: list[Fact] = [("on", "a1", "b1"), ("on", "a2", "b2")]
    return Draft(
        dict.fromkeys(("a1", "b1", "a2", "b2"), "block"), tuple(init), tuple(("on", *pair) for pair in goal), (), False
    )


def test_what_the_keys_cannot_tell_apart_counts_as_equal() -> None:
    """The limit of colour refinement: two tasks in which every object sees the same around it. Erring on this side
    leaves a task out; on the other side it would let one in that was trained on."""
    own, crossed = pairs_of_towers([("b1", "a1"), ("b2", "a2")]), pairs_of_towers([("b1", "a2"), ("b2", "a1")])
    assert not isomorphic(own, crossed)
    assert canonical_key(own) == canonical_key(crossed)


def corridor(places: int, goal: int) -> Draft:
    init = [(("next", f"x{one}", f"x{two}"), ("next", f"x{two}", f"x{one}")) for one, two in pairwise(range(places))]
    names = dict.fromkeys((f"x{number}" for number in range(places)), "place")
    return Draft(names, tuple(fact for both in init for fact in both), (("at", f"x{goal}"),), (), False)


def test_a_corridor_from_both_ends() -> None:
    """Where a round over all places takes two of them apart, thousands take a minute. The key is a recorded one."""
    assert canonical_key(corridor(9, 3)) == canonical_key(corridor(9, 5)) == "f702f82d26c3c0c98ffc7d6cd436ea87"
    start = process_time()
    assert len({canonical_key(corridor(4000, goal)) for goal in (1999, 2000, 2001)}) == 2
    assert process_time() - start < 5


@settings(deadline=None)
@given(st.sampled_from(sorted(GENERATORS)), st.integers(0, 10**9), st.integers(2, 40), st.integers(0, 10**9))
def test_keys_know_neither_names_nor_order(domain: str, seed: int, target: int, other_seed: int) -> None:
    task = draft(domain, seed, target)
    assert canonical_key(renamed(task, Random(other_seed))) == canonical_key(task)


@settings(deadline=None)
@given(st.sampled_from(sorted(GENERATORS)), st.integers(0, 10**9), st.integers(2, 12), st.data())
def test_a_fact_less_is_another_task(domain: str, seed: int, target: int, data: st.DataObject) -> None:
    task = draft(domain, seed, target)
    gone = data.draw(st.sampled_from(range(len(task.init))))
    less = Draft(task.objects, task.init[:gone] + task.init[gone + 1 :], task.goal, task.plan, task.optimal)
    assert canonical_key(less) != canonical_key(task)


@pytest.mark.parametrize("domain", GENERATORS)
def test_a_task_that_was_read_has_the_key_of_what_it_says(domain: str) -> None:
    """However a person wrote it: facts said twice, in another order, under other names."""
    parsed = read_domain(domain_info(domain).pddl)
    for seed in range(10):
        task = draft(domain, seed, 8)
        other = renamed(task, Random(seed))
        init, goal = (*other.init, *other.init[:3]), (*other.goal, other.goal[0])
        twice = Draft(other.objects, init, goal, (), False, other.constants)
        ready = compile_task(parsed, read_problem(problem_pddl(twice, "p", domain), parsed))
        assert task_key(ready) == canonical_key(task)


def test_a_goal_that_wants_a_fact_gone_is_another_task() -> None:
    domain = read_domain(
        "(define (domain d) (:requirements :strips :negative-preconditions) (:predicates (p ?x) (q ?x))"
        " (:action a :parameters (?x) :precondition (p ?x) :effect (and (q ?x) (not (p ?x)))))"
    )
    keys = set()
    for goal in ("(p o)", "(not (p o))", "(q o)", "(not (q o))"):
        problem = f"(define (problem p) (:domain d) (:objects o) (:init (p o)) (:goal (and {goal})))"
        keys.add(task_key(compile_task(domain, read_problem(problem, domain))))
    assert len(keys) == 4


OF_TWO = (
    "(or (on {0} {1}) (holding {0}))",
    "(not (or (on {0} {1}) (holding {0})))",
    "(or (on {0} {1}) (holding {1}))",
    "(or (holding {0}) (on {0} {1}))",
    "(not (= {0} {1}))",
    "(= (weight {0}) 5)",
    "(< (+ 5 (weight {0})) (weight {1}))",
    "(exists (?x - block) (on ?x {0}))",
    "(forall (?x - block) (not (on ?x {0})))",
    "(forall (?x - object) (not (on ?x {0})))",
)


def test_any_goal_has_a_key_that_knows_no_names() -> None:
    """Objects are called as predicates, variables, types and numbers are."""
    text = domain_info("blocksworld").pddl.replace(":typing", ":adl :numeric-fluents")
    domain = read_domain(text.replace("(:action", "(:functions (weight ?b - block)) (:action", 1))
    problem = (
        "(define (problem p) (:domain blocksworld) (:objects {0} {1} - block)"
        " (:init (on {0} {1}) (ontable {1}) (clear {0}) (handempty)) (:goal (and %s %s)))"
    )
    keys = [
        {
            task_key(compile_task(domain, read_problem((problem % (goal, again)).format(*names), domain)))
            for names in (("x", "y"), ("y", "x"), ("on", "or"), ("block", "5"), ("5", "object"))
            for again in ("", goal)
        }
        for goal in OF_TWO
    ]
    assert [len(found) for found in keys] == [1] * len(OF_TWO)
    assert len(set().union(*keys)) == len(OF_TWO)


def test_shares_of_the_splits_cover_all_keys_once() -> None:
    bounds = sorted(SPLITS.values())
    assert bounds[0][0] == 0.0
    assert bounds[-1][1] == 1.0
    assert all(one[1] == two[0] for one, two in pairwise(bounds))
    rng = Random(0)
    found = [split_of(f"{rng.getrandbits(128):032x}") for _ in range(20_000)]
    for name, (low, high) in SPLITS.items():
        assert found.count(name) / len(found) == pytest.approx(high - low, abs=0.015)


@pytest.mark.parametrize(("domain", "count"), [("blocksworld", 500), ("logistics", 1000), ("grid", 1000)])
def test_no_evaluated_task_is_one_that_the_planner_learns_from(domain: str, count: int) -> None:
    """Keys of thousands of training tasks as the small planner's, against those of tasks as `planbench eval` takes
    them; the small ones also by the exact test, which knows nothing of keys."""
    learned = {key: task for task, key in drafts(domain, count, seed=0, plan_length=(1, 6), split="base")}
    evaluated = {
        key: task
        for seed, lengths in ((0, (2, 16)), (1, (1, 6)), (2, (1, 4)))
        for task, key in drafts(domain, 30, seed=seed, plan_length=lengths, split="test")
    }
    assert learned.keys().isdisjoint(evaluated)
    small = [task for task in learned.values() if len(task.plan) <= 3][:150]
    assert not any(isomorphic(task, other) for task in small for other in evaluated.values() if len(other.plan) <= 3)
