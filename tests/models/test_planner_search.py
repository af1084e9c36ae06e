"""The built-in searches: grounding against the compiled task, heuristics and plans against breadth-first search."""

from __future__ import annotations

import math
import random
import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planbench.core.compile import CompiledTask, State, compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.syntax import TOTAL_COST
from planbench.core.verdict import Plan
from planbench.models.planners.grounding import Grounded, bits, ground, numbers_in
from planbench.models.planners.limits import Answer, Budget, LimitReached, Limits
from planbench.models.planners.relaxed import Relaxation
from planbench.models.planners.search import Heuristic, a_star, best_first, covers, greedy, optimal
from planbench.suite import GENERATORS, generate
from tests.core.strategies import Case, cases
from tests.core.tasks import solved_task
from tests.models.checkpoints import request, walk
from tests.suite.shortest import shortest

FREE = Limits(600, 4096)
Search = Callable[[Grounded, Heuristic, Budget], Plan | None]


def grounded(task: CompiledTask) -> Grounded:
    found = ground(task, Budget(FREE))
    assert found is not None
    return found


def compiled(domain: str, count: int, lengths: tuple[int, int]) -> list[CompiledTask]:
    tasks = []
    for task in generate(domain, count, plan_length=lengths):
        read = read_domain(task.domain_pddl)
        tasks.append(compile_task(read, read_problem(task.problem_pddl, read)))
    return tasks


def solve(task: CompiledTask, limits: Limits = FREE) -> tuple[Answer, Answer]:
    return greedy(request("x", task=task), limits), optimal(request("x", task=task), limits)


def cheapest(task: CompiledTask, most_states: int = 3_000) -> float | None:
    """The cost of a cheapest plan by Dijkstra's algorithm on the compiled task, infinite where there is none; None
    where more states would have to be seen."""
    waiting: dict[State, float] = {task.initial: 0.0}
    done: set[State] = set()
    while waiting:
        state = min(waiting, key=waiting.__getitem__)
        cost = waiting.pop(state)
        if task.goal_reached(state):
            return cost
        done.add(state)
        if len(done) > most_states:
            return None
        for step in task.applicable(state):
            after = task.apply(state, step)
            if after not in done:
                reached = cost + (task.ground(step).cost if task.problem.metric == TOTAL_COST else 1.0)
                waiting[after] = min(reached, waiting.get(after, math.inf))
    return math.inf


@settings(max_examples=200, deadline=None)
@given(cases(), st.integers(0, 10))
def test_grounded_steps_are_those_of_the_compiled_task(case: Case, seed: int) -> None:
    task = compile_task(case.domain, case.problem)
    assume(covers(task))
    found = ground(task, Budget(FREE))
    if found is None:
        assert cheapest(task) in (math.inf, None)
        return
    generator, state, mask = random.Random(seed), task.initial, found.initial
    for _ in range(5):
        assert (mask & found.goal_mask == found.goal_mask) == task.goal_reached(state)
        after = {operator.step: state for operator, state in found.successors(mask)}
        assert sorted(after) == sorted(task.applicable(state))
        if not after:
            break
        step = generator.choice(sorted(after))
        state, mask = task.apply(state, step), after[step]


@settings(max_examples=200, deadline=None)
@given(cases())
def test_random_tasks_are_solved_or_proven_unsolvable(case: Case) -> None:
    task = compile_task(case.domain, case.problem)
    if not covers(task):
        assert [answer.plan for answer in solve(task)] == [None, None]
        return
    best = cheapest(task)
    if best is None:
        return
    quick, cheap = solve(task)
    for answer in (quick, cheap):
        assert not answer.cut
        assert (answer.plan is None) == (best == math.inf)
        assert answer.plan is None or judge(task, answer.plan).valid
    if cheap.plan is not None:
        cost = judge(task, cheap.plan).cost
        assert cost is not None
        # The judge counts what the problem says that was spent at the start.
        assert cost - (task.initial_cost if task.problem.metric == TOTAL_COST else 0) == pytest.approx(best)


@pytest.mark.parametrize("name", sorted(GENERATORS))
def test_a_star_is_as_short_as_breadth_first_search(name: str) -> None:
    compared = 0
    for task in compiled(name, 8, (1, 8)):
        quick, best = solve(task)
        assert quick.plan is not None
        assert best.plan is not None
        assert judge(task, quick.plan).valid
        assert judge(task, best.plan).valid
        length = shortest(task, 5_000)
        if length is not None:
            compared += 1
            assert len(best.plan) == length
    assert compared >= 2


@pytest.mark.parametrize("name", ["blocksworld", "logistics", "grid"])
@pytest.mark.parametrize("seed", range(6))
def test_heuristics_never_lie(name: str, seed: int) -> None:
    """LM-cut lies between h_max and the true distance, and all are infinite together."""
    domain, problem, _ = solved_task(name, seed)
    task = compile_task(domain, problem)
    found = grounded(task)
    relaxation = Relaxation(found, Budget(FREE))
    h_max, lm_cut, ff = (h(found.initial) for h in (relaxation.h_max, relaxation.lm_cut, relaxation.ff))
    length = shortest(task, 2_000)
    assert h_max <= lm_cut < math.inf
    assert ff >= h_max
    assert (lm_cut == 0) == (ff == 0) == task.goal_reached(task.initial)
    if length is not None:
        assert lm_cut <= length


def test_a_dead_end_is_worth_infinity() -> None:
    task = walk(4, ring=False)
    assert ground(task, Budget(FREE)) is None
    for answer in solve(task):
        assert answer == Answer(None, "there is none, as the search found")
    found = grounded(walk(4))
    relaxation = Relaxation(found, Budget(FREE))
    assert relaxation.ff(0) == relaxation.h_max(0) == relaxation.lm_cut(0) == math.inf


def test_same_task_same_plan() -> None:
    for name in ("blocksworld", "grid"):
        first, again = compiled(name, 1, (12, 16))[0], compiled(name, 1, (12, 16))[0]
        assert solve(first) == solve(again)


@pytest.mark.parametrize("seconds", [0.01, 0.3])
def test_the_time_limit_holds(seconds: float) -> None:
    """Also while a task is grounded: this one has 64 million actions of one name."""
    many = read_domain("""(define (domain d) (:predicates (p ?a) (q ?a ?b ?c))
      (:action go :parameters (?a ?b ?c) :precondition (and (p ?a) (p ?b) (p ?c)) :effect (q ?a ?b ?c)))""")
    names = [f"o{number}" for number in range(400)]
    problem = f"""(define (problem p) (:domain d) (:objects {" ".join(names)})
      (:init {" ".join(f"(p {name})" for name in names)}) (:goal (q o0 o399 o7)))"""
    tasks = [compile_task(many, read_problem(problem, many)), *compiled("blocksworld", 1, (60, 60))]
    for task in tasks:
        for search in (greedy, optimal):
            started = time.perf_counter()
            answer = search(request("x", task=task), Limits(seconds, 4096))
            assert answer == Answer(None, f"out of time after {seconds:g} seconds", cut=True)
            assert time.perf_counter() - started < seconds + 5


@pytest.mark.parametrize("name", ["logistics", "grid"])
@pytest.mark.parametrize("search", [best_first, a_star])
def test_the_memory_limit_holds(name: str, search: Search) -> None:
    """A search that sees no distances fills its memory; what it takes is no more than what it may take."""
    found = grounded(compiled(name, 1, (40, 40))[0])
    tracemalloc.start()
    try:
        with pytest.raises(LimitReached, match="out of memory at 2 MB"):
            search(found, lambda state: 0.0, Budget(Limits(600, 2)))
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 2**19 < taken < 2 * 2**20


def test_grounding_counts_its_memory() -> None:
    task = compiled("grid", 1, (40, 40))[0]
    with pytest.raises(LimitReached, match="out of memory at 1 MB"):
        ground(task, Budget(Limits(600, 1)))


@given(st.sets(st.integers(0, 300)))
def test_bits_and_back(numbers: set[int]) -> None:
    assert list(numbers_in(bits(numbers))) == sorted(numbers)
