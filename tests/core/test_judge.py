"""The judge against its naive twin, and what its verdicts say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.core.compile import CompiledTask, compile_task
from planbench.core.judge import MAX_FACTS, judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.verdict import Verdict
from tests.core import naive
from tests.core.strategies import PLAIN, RICH, Case, cases
from tests.core.tasks import built_in


def agrees_with_the_naive_twin(case: Case) -> None:
    kind, step, facts, cost = naive.verdict(case.domain, case.problem, case.plan)
    task = compile_task(case.domain, case.problem)
    for _ in range(2):  # with nothing ground before, and again
        verdict = judge(task, case.plan)
        assert (verdict.kind, verdict.step, verdict.cost) == (kind, step, cost)
        assert facts - {naive.LARGER} <= set(verdict.facts)
        assert (len(verdict.facts) > len(facts - {naive.LARGER})) == (naive.LARGER in facts)
        assert verdict.length == len(case.plan)


@settings(max_examples=300, deadline=None)
@given(cases())
def test_judges_as_the_naive_twin(case: Case) -> None:
    agrees_with_the_naive_twin(case)
    assert compile_task(case.domain, case.problem).plain


@settings(max_examples=500, deadline=None)
@given(cases(features=RICH))
def test_judges_all_of_pddl_as_the_naive_twin(case: Case) -> None:
    agrees_with_the_naive_twin(case)


@settings(max_examples=200, deadline=None)
@given(cases(features=PLAIN) | cases(features=RICH))
def test_applicable_steps_are_those_found_by_trying_all(case: Case) -> None:
    task = compile_task(case.domain, case.problem)
    state, world = task.initial, naive.World.start(case.domain, case.problem)
    for _ in range(4):
        steps = task.applicable(state)
        assert len(steps) == len(set(steps))
        assert set(steps) == naive.all_applicable(world)
        assert task.goal_reached(state) == naive.holds(case.problem.goal, world, {})
        if not steps:
            break
        following = naive.after(world, steps[-1])
        assert following is not None
        world, state = following, task.apply(state, steps[-1])
        assert {fact for fact in state | task.static if fact[0] != "="} == world.facts
        for fact in state:
            if fact[0] == "=":
                assert world.values[fact[1:-1]] == float(fact[-1])


words = st.text(max_size=12) | st.sampled_from(["pick-up", "stack", "a", "b", "", "\ud800", "PICK-UP", "a b", "(a)"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(words, max_size=4).map(tuple), max_size=5))
def test_any_steps_get_one_verdict_on_one_line(plan: list[tuple[str, ...]]) -> None:
    verdict = judge(two_blocks(), plan)
    assert verdict.kind in {"valid", "malformed", "inapplicable", "goal_missed"}
    assert "\n" not in verdict.reason
    assert verdict.reason.encode()
    assert len(verdict.reason) < 1000


def two_blocks() -> CompiledTask:
    domain = built_in("blocksworld")
    text = """(define (problem two) (:domain blocksworld) (:objects a b - block)
        (:init (handempty) (ontable a) (ontable b) (clear a) (clear b)) (:goal (on a b)))"""
    return compile_task(domain, read_problem(text, domain))


PICK, STACK = ("pick-up", "a"), ("stack", "a", "b")


@pytest.mark.parametrize(
    ("plan", "verdict"),
    [
        ([PICK, STACK], Verdict("valid", length=2, cost=2.0)),
        (
            [PICK],
            Verdict("goal_missed", reason="at the end (on a b) does not hold", facts=("(on a b)",), length=1),
        ),
        ([], Verdict("goal_missed", reason="at the end (on a b) does not hold", facts=("(on a b)",), length=0)),
        (
            [PICK, PICK],
            Verdict(
                "inapplicable",
                2,
                "(pick-up a) needs (clear a) and (ontable a) and (handempty)",
                ("(clear a)", "(ontable a)", "(handempty)"),
                2,
            ),
        ),
        ([("hop", "a")], Verdict("malformed", 1, "unknown action hop", length=1)),
        ([("PICK-UP", "a")], Verdict("malformed", 1, "unknown action PICK-UP", length=1)),
        ([PICK, ("stack", "a", "c")], Verdict("malformed", 2, "unknown object c", length=2)),
        ([PICK, ("stack", "a")], Verdict("malformed", 2, "stack takes 2 arguments, got 1", length=2)),
        ([("pick-up", "a", "b")], Verdict("malformed", 1, "pick-up takes 1 argument, got 2", length=1)),
        # A malformed step counts before an earlier inapplicable one: such a plan is no plan of the task at all.
        ([STACK, ("hop",)], Verdict("malformed", 2, "unknown action hop", length=2)),
        ([()], Verdict("malformed", 1, "an empty step", length=1)),
        ([("two\nlines",)], Verdict("malformed", 1, "unknown action 'two\\nlines'", length=1)),
    ],
)
def test_verdicts(plan: list[tuple[str, ...]], verdict: Verdict) -> None:
    assert judge(two_blocks(), plan) == verdict


def test_wrong_type_names_argument_and_types() -> None:
    domain = built_in("logistics")
    text = """(define (problem l) (:domain logistics) (:objects t - truck p - package l - location)
        (:init (at t l) (at p l)) (:goal (in p t)))"""
    task = compile_task(domain, read_problem(text, domain))
    assert judge(task, [("load-truck", "p", "t", "l")]).valid
    verdict = judge(task, [("load-truck", "t", "p", "l")])
    assert (verdict.kind, verdict.reason) == ("malformed", "argument 1 of load-truck must be a package, t is a truck")


def test_deletes_come_before_adds() -> None:
    domain = read_domain("""(define (domain d) (:predicates (p))
        (:action keep :effect (and (p) (not (p)))))""")
    problem = read_problem("(define (problem x) (:domain d) (:init (p)) (:goal (p)))", domain)
    assert judge(compile_task(domain, problem), [("keep",), ("keep",)]).valid


COSTS = """(define (domain roads) (:requirements :strips :typing :action-costs) (:types place)
    (:predicates (at ?p - place)) (:functions (total-cost) - number (length ?a ?b - place) - number)
    (:action go :parameters (?a ?b - place) :precondition (at ?a)
        :effect (and (not (at ?a)) (at ?b) (increase (total-cost) (length ?a ?b))))
    (:action rest :parameters () :effect (increase (total-cost) 0.5)))"""
ROADS = """(define (problem r) (:domain roads) (:objects x y z - place)
    (:init (at x) (= (total-cost) 0) (= (length x y) 7) (= (length y x) 1)) (:goal (at y)) {metric})"""


def test_cost_is_the_metric_or_else_the_length() -> None:
    domain = read_domain(COSTS)
    plan = [("go", "x", "y"), ("rest",), ("go", "y", "x"), ("go", "x", "y")]
    for metric, cost in (
        ("(:metric minimize (total-cost))", 15.5),
        ("(:metric minimize (total-time))", 4.0),
        ("", 4.0),
    ):
        task = compile_task(domain, read_problem(ROADS.format(metric=metric), domain))
        assert judge(task, plan).cost == cost


def test_an_action_whose_cost_has_no_value_does_not_apply() -> None:
    domain = read_domain(COSTS)
    task = compile_task(domain, read_problem(ROADS.format(metric=""), domain))
    verdict = judge(task, [("go", "x", "z")])
    assert (verdict.kind, verdict.step, verdict.facts) == ("inapplicable", 1, ())
    assert verdict.reason == "the cost of (go x z) is not defined"
    assert ("go", "x", "z") not in task.applicable(task.initial)


def test_facts_are_capped_and_the_reason_says_so() -> None:
    domain = built_in("blocksworld")
    names = [f"b{k}" for k in range(40)]
    goal = " ".join(f"(ontable {name})" for name in names)
    text = (
        f"(define (problem w) (:domain blocksworld) (:objects {' '.join(names)} - block) (:init) (:goal (and {goal})))"
    )
    verdict = judge(compile_task(domain, read_problem(text, domain)), [])
    assert len(verdict.facts) == MAX_FACTS
    assert verdict.reason == "at the end (ontable b0) and (ontable b1) and (ontable b2) and 37 more do not hold"


def test_ground_actions_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planbench.core.compile.MAX_KEPT_ACTIONS", 5)
    task = two_blocks()
    plan = [("stack", x, y) for x in "ab" for y in "ab"] + [("pick-up", "a"), ("put-down", "a"), ("pick-up", "b")]
    for step in plan:
        task.ground(step)
        assert len(task.kept) <= 5
    assert judge(task, [PICK, STACK]).valid


def test_apply_refuses_what_is_not_applicable() -> None:
    task = two_blocks()
    with pytest.raises(ValueError, match=r"\(stack a b\) is not applicable"):
        task.apply(task.initial, STACK)
    with pytest.raises(ValueError, match="unknown action hop"):
        task.apply(task.initial, ("hop",))
