"""Files and plans made to do harm: bounded time and memory, one verdict or one line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.plan import read_plan
from planbench.core.verdict import plan_text
from planbench.core.write import domain_text, problem_text
from planbench.errors import PddlError, UnsupportedPddl
from tests.core.strategies import RICH, Case, cases
from tests.core.tasks import solved_task

SECONDS = 60
"""Ten times what the slowest takes on a busy machine; without bounds it would be hours."""


@contextmanager
def in_time() -> Iterator[None]:
    start = time.perf_counter()
    yield
    assert time.perf_counter() - start < SECONDS


DOMAIN = """(define (domain d) (:types t) (:predicates (p ?x ?y - t) (q) (r ?x - t)) (:functions (f))
  {rules}
  (:action a :parameters () :precondition {condition} :effect {effect}))"""


def domain_of(condition: str = "(q)", effect: str = "(q)", rules: str = "") -> str:
    return DOMAIN.format(condition=condition, effect=effect, rules=rules)


def problem_of(objects: int, goal: str = "(q)") -> str:
    names = " ".join(f"o{k}" for k in range(objects))
    return f"(define (problem x) (:domain d) (:objects {names} - t) (:init (q) (= (f) 1)) (:goal {goal}))"


@pytest.mark.parametrize(
    "domain",
    [
        domain_of("(forall (?a ?b ?c ?d - t) (and (p ?a ?b) (p ?c ?d)))"),
        domain_of("(exists (?a ?b - t) (exists (?c - t) (forall (?d - t) (p ?a ?d))))"),
        domain_of(effect="(forall (?a ?b ?c - t) (when (p ?a ?b) (p ?b ?c)))"),
        domain_of(rules="(:derived (p ?a ?b - t) (exists (?c - t) (and (p ?a ?c) (p ?c ?b))))"),
    ],
)
def test_quantifiers_over_too_many_objects_are_refused(domain: str) -> None:
    read = read_domain(domain)
    with in_time(), pytest.raises(UnsupportedPddl, match="more than the 1,000,000 that are judged"):
        compile_task(read, read_problem(problem_of(400), read))
    compile_task(read, read_problem(problem_of(5), read))


@pytest.mark.parametrize(
    "text",
    [
        domain_of("(not " * 10_000 + "(q)" + ")" * 10_000),
        domain_of("(forall (?x - t) " * 10_000 + "(q)" + ")" * 10_000),
        domain_of("(" * 1_000_000),
        domain_of(")" * 1_000_000),
        domain_of("(and " + "(q)" * 200_000),
        domain_of("(> (+" + " 1" * 300 + ") 0)"),
        domain_of("(> " + "(- " * 300 + "1" + ")" * 300 + " 0)"),
        domain_of("(q\0)"),
        domain_of("(\N{CYRILLIC SMALL LETTER ER})"),
        domain_of("(= (f) 1e999)"),
        domain_of("(= (f) " + "9" * 500 + ")"),
        domain_of("(> #t 0)"),
        domain_of("(exists (?x - t ?x - t) (r ?x))"),
        domain_of("(exists ?x (r ?x))"),
        domain_of("(exists (?x - u) (r ?x))"),
        domain_of("(imply (q))"),
        domain_of(effect="(when (q))"),
        domain_of(effect="(increase 1 1)"),
        domain_of(effect="(increase (f) (g))"),
        domain_of(effect="(not (increase (f) 1))"),
        domain_of(rules="(:derived (q) (not (q)))"),
        domain_of(
            rules="(:derived (r ?x - t) (and (q) (not (exists (?y - t) (p ?x ?y))))) (:derived (p ?x ?y) (r ?x))"
        ),
        domain_of(rules="(:derived (q) (q) (q))"),
        domain_of(rules="(:derived (q))"),
        domain_of(rules="(:derived (unknown) (q))"),
        domain_of(rules="(:derived (r ?x ?y) (q))"),
        domain_of().replace("(:types t)", "(:types t - u u - t)"),
        domain_of().replace("(:types t)", "(:types t " + " ".join(f"t{k} - t{k + 1}" for k in range(2000)) + ")"),
    ],
)
def test_hostile_domains_get_one_line(text: str) -> None:
    with in_time(), pytest.raises(PddlError) as caught:
        read_domain.__wrapped__(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_long_chains_of_rules_are_read_and_followed() -> None:
    names = [f"c{k}" for k in range(3000)]
    rules = " ".join(f"(:derived ({later}) ({name}))" for name, later in pairwise(names))
    text = domain_of("(c2999)", rules=rules.replace("(c0)", "(q)", 1)).replace(
        "(q) (r", "(q) " + " ".join(f"({name})" for name in names) + " (r"
    )
    with in_time():
        domain = read_domain.__wrapped__(text)
        assert judge(compile_task(domain, read_problem(problem_of(1), domain)), [("a",)] * 50).valid


def test_values_that_run_away_end_the_plan() -> None:
    domain = read_domain(domain_of(effect="(and (q) (scale-up (f) 1000))"))
    task = compile_task(domain, read_problem(problem_of(1), domain))
    with in_time():
        verdict = judge(task, [("a",)] * 100_000)
    assert (verdict.kind, verdict.step) == ("inapplicable", 103)
    assert verdict.reason == "the effect of (a) is not defined"


PLANS = {
    "ten megabytes of one line": "(pick-up " + "b" * 10_000_000 + ")",
    "ten megabytes of steps": "(pick-up b0)\n" * 800_000,
    "a million parentheses": "(" * 1_000_000,
    "a million pairs": "()" * 500_000,
    "deep nesting": "(" * 10_000 + "a" + ")" * 10_000,
    "null bytes": "(pick-up\0b0)\n\0\0\0",
    "look-alike names": "(p\N{CYRILLIC SMALL LETTER I}ck-up b0)",
    "a Kelvin sign": "(pic\N{KELVIN SIGN}-up b0)",
    "fullwidth parentheses": "\N{FULLWIDTH LEFT PARENTHESIS}pick-up b0\N{FULLWIDTH RIGHT PARENTHESIS}",
    "right to left": "\N{RIGHT-TO-LEFT OVERRIDE}(pick-up b0)",
    "a lone surrogate": "(pick-up \ud800)",
    "comments without end": ";" * 1_000_000,
    "time stamps without end": "0" * 1_000_000 + ": (pick-up b0)",
    "brackets without end": "(pick-up b0) " + "[" * 1_000_000,
}


@pytest.mark.parametrize("text", PLANS.values(), ids=list(PLANS))
def test_hostile_plans_get_one_verdict(text: str) -> None:
    domain, problem, _ = solved_task("blocksworld", 1)
    with in_time():
        verdict = judge(compile_task(domain, problem), read_plan(text))
    assert verdict.kind in {"malformed", "inapplicable", "goal_missed"}
    assert "\n" not in verdict.reason
    assert len(verdict.reason) < 1000


def test_a_name_that_looks_like_another_is_told_from_it() -> None:
    domain, problem, _ = solved_task("blocksworld", 1)
    verdict = judge(compile_task(domain, problem), read_plan("(pick\N{HYPHEN}up b1)"))
    assert verdict.reason == "unknown action pick\N{HYPHEN}up ('pick\\u2010up')"


WORDS = """( ) and or not imply forall exists when = < >= + - * / increase assign ?x ?q0 - t0 p0 p1 d0 f g total-cost 1
    :derived :action (p0) (f) (forall (?q0) (when :precondition :effect"""
words = st.sampled_from(WORDS.split())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=cases(features=RICH), data=st.data())
def test_damaged_files_of_all_of_pddl_are_judged_or_refused(case: Case, data: st.DataObject) -> None:
    """The fuzz target: random files with all that is judged, pieces of them cut out, doubled or replaced."""
    domain_file, problem_file = domain_text(case.domain), problem_text(case.problem, case.domain)
    damaged: list[str] = []
    for text in (domain_file, problem_file, plan_text(case.plan)):
        for _ in range(data.draw(st.integers(0, 2))):
            at = data.draw(st.integers(0, len(text)))
            until = data.draw(st.integers(at, min(len(text), at + 20)))
            piece = data.draw(
                st.lists(words, max_size=5).map(" ".join) | st.just(text[at:until] * 2) | st.text(max_size=4)
            )
            text = f"{text[:at]}{piece}{text[until:]}"
        damaged.append(text)
    try:
        domain = read_domain.__wrapped__(damaged[0])
        task = compile_task(domain, read_problem(damaged[1], domain))
    except PddlError as error:
        assert "\n" not in str(error)  # noqa: PT017 - the files may also be right
        return
    verdict = judge(task, read_plan(damaged[2]))
    assert verdict.kind in {"valid", "malformed", "inapplicable", "goal_missed"}
    assert "\n" not in verdict.reason
