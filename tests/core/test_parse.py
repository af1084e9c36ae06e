"""What is read: round trips, the tolerances that published files need, and one line for every fault."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.core import tree
from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.syntax import SUPPORTED_REQUIREMENTS, Action, And, Atom, Change, Domain, Equal, Not, Parameter
from planbench.core.write import domain_text, problem_text
from planbench.errors import PddlError, UnsupportedPddl
from tests.core.strategies import RICH, Case, cases
from tests.core.tasks import MAKERS, built_in, solved_task


def message(read: object, *arguments: object) -> str:
    with pytest.raises(PddlError) as caught:
        read(*arguments)  # type: ignore[operator]
    return str(caught.value)


# --- round trips


@settings(max_examples=150, deadline=None)
@given(cases(features=RICH))
def test_reading_what_was_written_gives_the_same_value(case: Case) -> None:
    domain = read_domain(domain_text(case.domain))
    assert domain == case.domain
    assert list(domain.actions) == list(case.domain.actions)
    problem = read_problem(problem_text(case.problem, case.domain), domain)
    assert problem == case.problem
    assert list(problem.objects) == list(case.problem.objects)


@pytest.mark.parametrize("name", MAKERS)
def test_built_in_domains_survive_a_round_trip(name: str) -> None:
    domain = built_in(name)
    assert read_domain(domain_text(domain)) == domain
    _, problem, _ = solved_task(name, 1)
    assert read_problem(problem_text(problem, domain), domain) == problem


def test_a_domain_as_values() -> None:
    text = """(define (domain d) (:requirements :strips :typing :equality :negative-preconditions :action-costs)
        (:types b a - object c - b) (:constants k - c) (:predicates (p ?x - (either b a) ?y) (q))
        (:functions (f ?x - a) - number (total-cost) - number)
        (:action go :parameters (?x ?y - a ?z) :precondition (and (p ?x k) (not (= ?x ?y)) (not (q)))
            :effect (and (not (p ?x k)) (q) (increase (total-cost) (f ?x)))))"""
    a, every, cost = ("a",), ("object",), Atom("total-cost")
    assert read_domain(text) == Domain(
        name="d",
        requirements=frozenset({":strips", ":typing", ":equality", ":negative-preconditions", ":action-costs"}),
        types={"b": every, "a": every, "c": ("b",)},
        constants={"k": "c"},
        predicates={"p": (Parameter("?x", ("a", "b")), Parameter("?y", every)), "q": ()},
        functions={"f": (Parameter("?x", a),), "total-cost": ()},
        actions={
            "go": Action(
                "go",
                (Parameter("?x", a), Parameter("?y", a), Parameter("?z", every)),
                And((Atom("p", ("?x", "k")), Not(Equal("?x", "?y")), Not(Atom("q")))),
                And((Not(Atom("p", ("?x", "k"))), Atom("q"), Change("increase", cost, Atom("f", ("?x",))))),
            )
        },
    )


# --- tolerances


MINIMAL = "(define (domain d) (:predicates (p ?x) (q)) (:action a :parameters (?x) :effect (p ?x)))"


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL.upper(),
        MINIMAL.replace("(:predicates", "(:requirements :strips) (:predicates"),
        MINIMAL.replace(":effect", ":precondition () :effect"),
        MINIMAL.replace(":effect", ":precondition (and) :effect"),
        MINIMAL.replace("(:action", "; a comment (\n(:action"),
        "\ufeff" + MINIMAL,
        MINIMAL.replace("(:predicates (p ?x) (q)) ", "").removesuffix(")") + "(:predicates (p ?x) (q)))",
    ],
)
def test_variants_of_a_file_read_alike(text: str) -> None:
    assert read_domain(text) == read_domain(MINIMAL)


def test_parameters_and_precondition_may_be_missing() -> None:
    domain = read_domain("(define (domain d) (:predicates (q)) (:action a :effect (q)) (:action b :parameters ()))")
    assert domain.actions == {"a": Action("a", effect=Atom("q")), "b": Action("b")}


def test_an_empty_effect_does_nothing() -> None:
    domain = read_domain("(define (domain d) (:predicates (q)) (:action a :effect ()))")
    task = compile_task(domain, read_problem("(define (problem x) (:domain d) (:init (q)) (:goal (q)))", domain))
    assert judge(task, [("a",)]).valid


def test_objects_typed_object_without_typing() -> None:
    text = "(define (problem x) (:domain d) (:objects u v - object) (:init (p u) (p u)) (:goal (and (p u) (p v))))"
    problem = read_problem(text, read_domain(MINIMAL), "p.pddl")
    assert problem.objects == {"u": "object", "v": "object"}
    assert problem.notes[0] == "p.pddl: :typing is used, but not required"
    declared = read_domain(MINIMAL.replace("(domain d)", "(domain d) (:requirements :typing)", 1))
    assert not any(":typing" in note for note in read_problem(text, declared).notes)
    assert any(":typing" in note for note in read_domain(MINIMAL.replace("(p ?x)", "(p ?x - object)", 1)).notes)
    assert problem.init == (("p", "u"),)


def test_names_that_are_digits_or_keywords() -> None:
    domain = read_domain("""(define (domain d) (:types problem 2nd) (:constants when - problem x - 2nd)
        (:predicates (at-5 ?x - problem) (domain ?1 - 2nd))
        (:action define :parameters (?x - problem) :precondition (and (at-5 ?x) (domain x)) :effect (at-5 when)))""")
    assert domain.actions["define"].precondition == And((Atom("at-5", ("?x",)), Atom("domain", ("x",))))
    text = "(define (problem 1) (:domain d) (:objects 7 - problem) (:init (at-5 7) (domain x)) (:goal (at-5 when)))"
    problem = read_problem(text, domain)
    assert read_domain(domain_text(domain)) == domain
    assert judge(compile_task(domain, problem), [("define", "7")]).valid


def test_requirements_made_use_of_are_added() -> None:
    domain = read_domain("""(define (domain d) (:types t) (:predicates (p ?x - t)) (:functions (total-cost))
        (:action a :parameters (?x ?y - t) :precondition (and (not (p ?x)) (not (= ?x ?y)))
            :effect (and (p ?x) (increase (total-cost) 1))))""")
    assert domain.requirements == {":strips", ":typing", ":negative-preconditions", ":equality", ":action-costs"}
    assert read_domain(MINIMAL).requirements == {":strips"}


def test_the_length_of_old_files_is_passed_over() -> None:
    text = "(define (problem x) (:domain d) (:objects u) (:init) (:goal (p u)) (:length (:serial 9)))"
    assert read_problem(text, read_domain(MINIMAL)).goal == Atom("p", ("u",))


def test_constants_may_be_declared_again_as_objects() -> None:
    domain = read_domain("(define (domain d) (:constants c) (:predicates (p ?x)))")
    problem = read_problem("(define (problem x) (:domain d) (:objects c e) (:init (p c)) (:goal (p c)))", domain)
    assert problem.objects == {"e": "object"}


def test_nothing_is_carried_over_from_one_domain_to_the_next() -> None:
    read_domain("(define (domain one) (:constants c) (:predicates (p ?x)) (:action a :effect (p c)))")
    second = "(define (domain two) (:predicates (p ?x)) (:action a :effect (p c)))"
    assert message(read_domain, second) == "domain:1:65: undeclared object c"


def test_a_failed_parse_harms_no_later_one() -> None:
    for _ in range(3):
        message(read_domain, MINIMAL.replace("(?x)", "(?x -)"))
        assert read_domain(MINIMAL.replace("domain d", "domain again")).name == "again"
    assert not hasattr(sys, "tracebacklimit")


# --- faults

DOMAIN = """(define (domain d)
  (:requirements :typing)
  (:types t u)
  (:predicates (p ?x - t) (q))
  (:functions (total-cost) - number)
  (:action a
    :parameters (?x - t)
    :precondition (p ?x)
    :effect (q)))"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("(p ?x)\n", "(r ?x)\n", "8:20: undeclared predicate r"),
        ("(p ?x)\n", "(p ?y)\n", "8:22: unbound variable ?y"),
        ("(p ?x)\n", "(p k)\n", "8:22: undeclared object k"),
        ("(p ?x)\n", "(p)\n", "8:19: predicate p takes 1 argument, got 0"),
        ("(p ?x)\n", "(not)\n", "8:19: not takes 1 argument, got 0"),
        ("(p ?x)\n", "(= ?x)\n", "8:19: = takes 2 arguments, got 1"),
        ("(p ?x)\n", "(and p)\n", "8:24: expected a condition in parentheses, found p"),
        ("(p ?x)\n", "(total-cost)\n", "8:20: the function total-cost where a predicate is expected"),
        ("(p ?x)\n", "p\n", "8:5: expected ( after :precondition in action a"),
        ("?x - t)\n    :pre", "?x - u)\n    :pre", "8:22: argument 1 of p must be a t, ?x is a u"),
        ("?x - t)\n    :pre", "?x - v)\n    :pre", "7:23: unknown type v"),
        ("?x - t)\n    :pre", "?x ?x - t)\n    :pre", "7:21: variable ?x is declared twice"),
        ("?x - t)\n    :pre", "?x - )\n    :pre", "7:23: unexpected ), expected (, a name"),
        ("?x - t)\n    :pre", "x - t)\n    :pre", "7:18: unexpected x, expected ), a variable"),
        (":effect (q)", ":effect (not (not (q)))", "9:18: an effect can delete an atom, not (not ...)"),
        (":effect (q)", ":effect (not q)", "9:18: expected ( after not, found q"),
        (
            ":effect (q)",
            ":effect (increase (total-cost) q)",
            "9:36: expected a number or a function, found q",
        ),
        (":effect (q)", ":effect (increase (total-cost) (f))", "9:36: undeclared function f"),
        (":effect (q)", ":effect (q) :effect (q)", "9:17: a second :effect in action a"),
        (":effect (q)", ":efect (q)", "9:5: :efect in action a is not supported"),
        ("(:action a\n", "(:action a (q)\n", "6:14: expected one of :effect :parameters :precondition in action a"),
        ("(:action a\n", "(:action\n", "6:3: expected a name after :action"),
        ("(:types t u)", "(:types t u - v v - t t - u)", "3:3: type t lies in a cycle of types"),
        ("(:types t u)", "(:types t u) (:types v)", "3:16: a second (:types ...)"),
        ("(:types t u)", "(:types t u -)", "3:15: expected a type after -"),
        ("(:types t u)", "(:types t u) (:constants k - w)", "3:28: unknown type w of k"),
        ("(q))\n  (:f", "(q) (q))\n  (:f", "4:31: q is declared twice"),
        (":effect (q)))", ":effect (q))", "1:1: this ( is never closed"),
        (":effect (q)))", ":effect (q))))", "9:18: a ) without its ("),
        (":effect (q)))", ":effect (q))) x", "9:19: text after the end of the definition"),
        (":effect (q)", ":effect ({)", "9:14: '{' is no PDDL name"),
        ("(domain d)", "(problem d)", "1:9: expected (domain NAME) after define, this is a problem"),
        (":typing", ":tiping", "2:18: unknown requirement :tiping; planbench covers :strips :typing"),
    ],
)
def test_faults_of_a_domain(old: str, new: str, expected: str) -> None:
    assert DOMAIN.count(old) == 1
    found = message(read_domain, DOMAIN.replace(old, new), "d.pddl")
    assert found.startswith(f"d.pddl:{expected}")
    assert "\n" not in found


COVERED = f"is not supported; planbench covers {' '.join(SUPPORTED_REQUIREMENTS)}"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (":typing", ":typing :durative-actions", "2:26: requirement :durative-actions"),
        (":typing", ":preferences", "2:18: requirement :preferences"),
        (":typing", ":constraints", "2:18: requirement :constraints"),
        (":typing", ":timed-initial-literals", "2:18: requirement :timed-initial-literals"),
        ("(:action a", "(:constraints (and)) (:action a", "6:3: (:constraints ...)"),
        ("(:action a", "(:process a", "6:3: (:process ...)"),
        (":effect (q)", ":duration (q)", "9:5: :duration in action a"),
        ("(:action a", "(:durative-action a", "6:3: (:durative-action ...)"),
        ("(p ?x)\n", "(and (preference x (q)))\n", "8:24: (preference ...) in a condition"),
        ("(p ?x)\n", "(always (q))\n", "8:19: (always ...) in a condition"),
        ("(p ?x)\n", "(at start (q))\n", "8:19: (at ...) in a condition"),
        (":effect (q)", ":effect (oneof (q) (q))", "9:13: (oneof ...) in an effect"),
        (":effect (q)", ":effect (probabilistic 0.5 (q))", "9:13: (probabilistic ...) in an effect"),
        (":effect (q)", ":effect (when (q) (when (q) (q)))", "9:23: (when ...) within (when ...)"),
        (":effect (q)", ":effect (increase (total-cost) (* #t 1))", "9:39: #t (continuous time)"),
        ("(total-cost) - number", "(total-cost) - object", "5:30: a function of type object (:object-fluents)"),
    ],
)
def test_what_is_not_supported_is_named(old: str, new: str, expected: str) -> None:
    with pytest.raises(UnsupportedPddl) as caught:
        read_domain(DOMAIN.replace(old, new), "d.pddl")
    assert str(caught.value) == f"d.pddl:{expected} {COVERED}"


PROBLEM = """(define (problem x)
  (:domain d)
  (:objects k - t j - u)
  (:init (p k) (= (total-cost) 0))
  (:goal (and (q) (p k)))
  (:metric minimize (total-cost)))"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("(:init (p k)", "(:init (p m)", "4:13: undeclared object m"),
        ("(:init (p k)", "(:init (p j)", "4:13: argument 1 of p must be a t, j is a u"),
        ("(:init (p k)", "(:init (p k k)", "4:10: predicate p takes 1 argument, got 2"),
        ("(:init (p k)", "(:init (r k)", "4:11: undeclared predicate r"),
        ("(:init (p k)", "(:init (p ?k)", "4:13: unbound variable ?k"),
        ("(:init (p k)", "(:init p", "4:10: expected a fact in parentheses, found p"),
        ("(:init (p k)", "(:init (at 5 (p k))", "4:10: a timed initial literal is not supported"),
        ("cost) 0)", "cost) x)", "4:16: expected (= (function ...) number)"),
        ("(= (total-cost) 0)", "(= (f) 0)", "4:19: undeclared function f"),
        ("(q) (p k)", "(q) (p ?x)", "5:22: unbound variable ?x"),
        ("(:goal (and (q) (p k)))", "(:goal)", "5:3: expected one condition in (:goal ...)"),
        ("(:goal (and (q) (p k)))", "", "1:1: problem x has no (:goal ...)"),
        ("k - t", "k - w", "3:13: unknown type w of k"),
        ("k - t", "k - t k - u", "3:19: k is declared as a t and as a u"),
        ("k - t", "k - (either t w)", "3:13: unknown type w of k"),
        ("(:domain d)", "(:domain e)", "2:3: a problem of domain e, but the domain given is d"),
        ("minimize", "least", "6:3: expected (:metric minimize ...) or (:metric maximize ...)"),
        ("(problem x)", "(domain x)", "1:9: expected (problem NAME) after define, this is a domain"),
        ("(:metric", "(:constraints (and)) (:metric", "6:3: (:constraints ...) is not supported"),
    ],
)
def test_faults_of_a_problem(old: str, new: str, expected: str) -> None:
    domain = read_domain(DOMAIN)
    assert read_problem(PROBLEM, domain).metric == "total-cost"
    assert PROBLEM.count(old) == 1
    assert message(read_problem, PROBLEM.replace(old, new), domain, "x.pddl").startswith(f"x.pddl:{expected}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "domain: nothing to read, expected (define ...)"),
        ("  ; only a comment", "domain: nothing to read, expected (define ...)"),
        ("hello", "domain:1:1: expected ( at the start"),
        ("(hello)", "domain:1:1: expected (define (domain ...) ...)"),
        ("\n(" * 300, "domain:202:1: parentheses nested deeper than 200"),
        ("(define (domain " + "x" * 300, "domain:1:17: a name of 300 characters, at most 200 are read"),
        (" " * (tree.MAX_CHARACTERS + 1), "domain: 5,000,001 characters, more than the 5,000,000 that are read"),
        # Lower-casing a Kelvin sign must not make a k of it.
        ("(define (domain \N{KELVIN SIGN}))", "domain:1:17: '\\u212a' is no PDDL name"),
    ],
)
def test_what_is_no_pddl_at_all(text: str, expected: str) -> None:
    assert message(read_domain, text) == expected


def test_deep_conditions_within_the_limit_are_read() -> None:
    deep = "(and " * 190 + "(p ?x)" + ")" * 190
    domain = read_domain(MINIMAL.replace(":effect", f":precondition {deep} :effect"))
    task = compile_task(
        domain, read_problem("(define (problem x) (:domain d) (:objects u) (:init (p u)) (:goal (p u)))", domain)
    )
    assert judge(task, [("a", "u")]).valid


# --- fuzz

openings = "define :types :predicates :action :init :goal :objects :constants total-cost q p".split()  # noqa: SIM905
words = "domain problem :parameters :precondition :effect and not either increase object ?x p - = 1 -2.5".split()  # noqa: SIM905
pieces = st.sampled_from([*"()?:-=;\n \t{\0é", *words, *(f"({word}" for word in openings), "(p ?x)", "(:domain d)"])
soup = st.one_of(st.text(max_size=60), st.lists(pieces, max_size=30).map(" ".join))


@settings(max_examples=400, deadline=None)
@given(soup)
def test_any_text_is_read_or_refused(text: str) -> None:
    domain = read_domain(DOMAIN)
    for read in (lambda: read_domain(text), lambda: read_problem(text, domain)):
        try:
            read()
        except PddlError as error:
            assert "\n" not in str(error)  # noqa: PT017 - a text may also be right


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damaged_files_are_read_or_refused(data: st.DataObject) -> None:
    domain = read_domain(DOMAIN)
    for original, read in ((DOMAIN, read_domain), (PROBLEM, lambda text: read_problem(text, domain))):
        at = data.draw(st.integers(0, len(original)))
        until = data.draw(st.integers(at, min(len(original), at + 12)))
        damaged = original[:at] + data.draw(soup) + original[until:]
        try:
            read(damaged)
        except PddlError as error:
            assert "\n" not in str(error)  # noqa: PT017 - a text may also be right


def test_pddl_is_not_imported_with_the_core() -> None:
    code = "import sys, planbench.core.judge, planbench.core.parse; print('pddl' in sys.modules, 'lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
