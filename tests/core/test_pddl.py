"""What goes beyond STRIPS, by example: how it is read, and what it means."""

from __future__ import annotations

from pathlib import Path

import pytest

from planbench.core.compile import CompiledTask, compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.syntax import And, Arithmetic, Atom, Change, Compare, Forall, Not, Or, Parameter, When
from planbench.core.val import val_verdicts
from planbench.core.write import domain_text, problem_text
from planbench.errors import PddlError
from tests.core import naive

DOMAIN = """(define (domain lamps)
  (:requirements :adl :numeric-fluents :derived-predicates)
  (:types lamp room - thing)
  (:predicates (on ?x - lamp) (in ?x - lamp ?r - room) (door ?r ?s - room) (lit ?r - room) (reach ?r ?s - room) (p))
  (:functions (power) (need ?x - lamp))
  (:derived (lit ?r - room) (exists (?x - lamp) (and (in ?x ?r) (on ?x))))
  (:derived (reach ?r ?s - room) (or (door ?r ?s) (exists (?m - room) (and (reach ?r ?m) (door ?m ?s)))))
  (:action toggle :parameters (?x - lamp) :precondition (imply (not (on ?x)) (>= (power) (need ?x)))
    :effect (and (when (on ?x) (and (not (on ?x)) (increase (power) (need ?x))))
      (when (not (on ?x)) (and (on ?x) (decrease (power) (need ?x))))))
  (:action all-off :parameters () :precondition (p)
    :effect (forall (?x - lamp) (when (on ?x) (and (not (on ?x)) (increase (power) (need ?x)))))))"""
PROBLEM = """(define (problem x) (:domain lamps) (:objects a b - lamp r s t - room)
  (:init (p) (in a r) (in b s) (door r s) (door s t) (= (power) 3) (= (need a) 2) (= (need b) 2))
  (:goal {goal}) {metric})"""


def task(goal: str = "(and)", metric: str = "") -> CompiledTask:
    domain = read_domain(DOMAIN)
    return compile_task(domain, read_problem(PROBLEM.format(goal=goal, metric=metric), domain))


A, B, OFF = ("toggle", "a"), ("toggle", "b"), ("all-off",)


@pytest.mark.parametrize(
    ("plan", "goal", "kind"),
    [
        ([A], "(lit r)", "valid"),
        ([A], "(forall (?r - room) (imply (lit ?r) (not (door ?r ?r))))", "valid"),
        ([A, B], "(lit s)", "inapplicable"),
        # Conditions are those of the state before: a lamp that is on is put off, and not on again.
        ([A, A], "(and (not (on a)) (= (power) 3))", "valid"),
        ([A, OFF, B], "(and (lit s) (not (lit r)) (= (power) 1))", "valid"),
        ([], "(and (reach r t) (not (reach t r)))", "valid"),
        ([], "(exists (?x - (either lamp room)) (= ?x a))", "valid"),
        ([A], "(or (lit s) (lit t))", "goal_missed"),
        ([A], "(< (+ (power) (need a) (- 1)) 2.5)", "valid"),
        ([A], "(= (/ (power) 0) 1)", "goal_missed"),
    ],
)
def test_plans(plan: list[tuple[str, ...]], goal: str, kind: str) -> None:
    assert judge(task(goal), plan).kind == kind


def test_what_fails_is_said_with_objects_in_place_of_variables() -> None:
    verdict = judge(task("(and (lit r) (or (lit s) (lit t)))"), [])
    assert verdict.facts == ("(lit r)", "(or (lit s) (lit t))")
    verdict = judge(task(), [A, B])
    assert verdict.facts == ("(or (not (not (on b))) (>= (power) (need b)))",)


def test_a_metric_may_be_any_expression() -> None:
    assert judge(task("(on a)", "(:metric minimize (+ (* 10 (power)) (total-time)))"), [A]).cost == 11.0
    assert judge(task("(on a)", "(:metric minimize (total-time))"), [A]).cost == 1.0


def test_a_metric_may_be_maximised(tmp_path: Path) -> None:
    """The cost is the value of the metric, more of which is better; VAL prints the same."""
    lamps = task("(lit r)", "(:metric maximize (- (power) (total-time)))")
    assert lamps.problem.maximize
    verdict = judge(lamps, [A, B, B])
    assert (verdict.kind, verdict.cost) == ("inapplicable", None)
    assert judge(lamps, [A]).cost == 0
    written = problem_text(lamps.problem, lamps.domain)
    assert read_problem(written, lamps.domain) == lamps.problem
    (theirs,) = val_verdicts(tmp_path, domain_text(lamps.domain), written, [(A,)])
    assert theirs.agrees(judge(lamps, [A]))


EITHER = """(define (domain parts) (:requirements :typing :universal-preconditions)
  (:types a b c - object) (:constants k - (either b c))
  (:predicates (made ?x - a) (met ?x - b) (seen ?x - (either a c)))
  (:action make :parameters (?x - a) :precondition () :effect (made ?x))
  (:action meet :parameters (?x - b) :precondition () :effect (met ?x))
  (:action see :parameters (?x - (either a c)) :precondition () :effect (seen ?x)))"""


@pytest.mark.parametrize(
    ("plan", "goal", "kind"),
    [
        ([("make", "x"), ("meet", "x")], "(and (made x) (met x))", "valid"),
        ([("see", "x"), ("see", "k")], "(and (seen x) (seen k))", "valid"),
        ([("make", "y")], "(forall (?x - a) (made ?x))", "goal_missed"),
        ([("make", "y"), ("make", "x")], "(forall (?x - a) (made ?x))", "valid"),
        ([("make", "k")], "(met k)", "malformed"),
        ([("meet", "z")], "(seen z)", "malformed"),
    ],
)
def test_an_object_of_several_types_is_of_each_of_them(
    plan: list[tuple[str, ...]], goal: str, kind: str, tmp_path: Path
) -> None:
    domain = read_domain(EITHER)
    text = f"""(define (problem p) (:domain parts) (:objects x - (either b a) y - a z - c)
      (:init (seen z) (met x)) (:goal {goal}))"""
    problem = read_problem(text, domain)
    assert (problem.objects["x"], domain.constants["k"]) == ("(either a b)", "(either b c)")
    assert judge(compile_task(domain, problem), plan).kind == kind
    assert naive.verdict(domain, problem, plan)[0] == kind
    assert read_problem(problem_text(problem, domain), domain) == problem
    assert val_verdicts(tmp_path, domain_text(domain), text, [tuple(plan)])[0].kind == kind


def test_an_object_of_several_types_lacks_others() -> None:
    domain = read_domain(EITHER)
    with pytest.raises(PddlError, match="argument 1 of made must be a a, k is a b or c"):
        read_problem("(define (problem p) (:domain parts) (:init (made k)) (:goal (met k)))", domain)


def test_how_it_is_read() -> None:
    domain = read_domain("""(define (domain d) (:predicates (p ?x) (q)) (:functions (f))
      (:action a :parameters (?x) :precondition (imply (p ?x) (> (+ f 1 -2.5) (- (f))))
        :effect (and (and (q) (increase f 1)) (increase f 1) (forall (?y) (when (p ?y) (not (p ?y)))))))""")
    f, x, y = Atom("f"), Atom("p", ("?x",)), Atom("p", ("?y",))
    total = Arithmetic("+", (Arithmetic("+", (f, 1.0)), -2.5))
    action = domain.actions["a"]
    assert action.precondition == Or((Not(x), Compare(">", total, Arithmetic("-", (f,)))))
    twice = Change("increase", f, 1.0)
    assert action.effect == And((Atom("q"), twice, twice, Forall((Parameter("?y"),), When(y, Not(y)))))
    assert domain.notes == (
        "domain: :conditional-effects :disjunctive-preconditions :negative-preconditions :numeric-fluents is used,"
        " but not required",
    )


def test_an_inner_variable_hides_an_outer_one() -> None:
    domain = read_domain("""(define (domain d) (:predicates (p ?x) (q))
      (:action a :parameters (?x) :precondition (and (p ?x) (exists (?x) (not (p ?x)))) :effect (q)))""")
    text = "(define (problem x) (:domain d) (:objects u v) (:init (p u)) (:goal (q)))"
    loaded = compile_task(domain, read_problem(text, domain))
    assert judge(loaded, [("a", "u")]).valid
    assert judge(loaded, [("a", "v")]).kind == "inapplicable"


def test_a_rule_without_types_takes_those_of_its_predicate() -> None:
    domain = read_domain(
        """(define (domain d) (:types t u) (:predicates (p ?x - t) (r ?x - t)) (:derived (r ?x) (p ?x)))"""
    )
    assert domain.rules[0].parameters == (Parameter("?x", ("t",)),)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("(when (on ?x) (and", "(when (on ?x) (and (lit r)", "undeclared object r"),
        (":effect (forall (?x - lamp)", ":effect (forall (?x - room)", "argument 1 of on must be a lamp, ?x is a room"),
        ("(:derived (lit ?r - room) (exists", "(:derived (lit ?r - room) (not (lit ?r))) (:derived (lit ?r) (exists",
         "derived predicate lit depends on its own negation"),
        ("(:action all-off", "(:action x :parameters (?r - room) :effect (lit ?r)) (:action all-off",
         "action x changes lit, which is derived"),
    ],
)  # fmt: skip
def test_faults(old: str, new: str, expected: str) -> None:
    with pytest.raises(PddlError, match=expected.replace("?", r"\?")):
        read_domain(DOMAIN.replace(old, new))


def test_derived_facts_cannot_be_given() -> None:
    with pytest.raises(PddlError, match="lit is derived, and cannot be given"):
        read_problem(PROBLEM.format(goal="(and)", metric="").replace("(p)", "(p) (lit r)"), read_domain(DOMAIN))


def test_liberties_are_noted() -> None:
    domain = read_domain(
        """(define (domain D) (:types a b - c) (:constants k k - a) (:predicates (p ?x - c)))""", "d.pddl"
    )
    assert domain.notes == (
        "d.pddl: upper case is read as lower case",
        "d.pddl:1:20: type c is named as a supertype only",
        "d.pddl:1:51: k is declared twice",
        "d.pddl: :typing is used, but not required",
    )
    text = "(define (problem x) (:domain d) (:objects o - a) (:init (p o) (p o)) (:goal (p o)))"
    assert read_problem(text, domain, "x.pddl").notes == ("x.pddl:1:63: (p o) is given twice",)


def test_notes_are_few() -> None:
    domain = read_domain("(define (domain d) (:predicates (q)))")
    text = f"(define (problem x) (:domain d) (:init {'(q) ' * 50}) (:goal (q)))"
    notes = read_problem(text, domain).notes
    assert len(notes) == 11
    assert notes[-1] == "problem: 39 more notes"
