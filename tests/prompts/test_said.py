"""The English style says all that a plan needs, also where a domain has more than facts."""

from __future__ import annotations

from planbench.core.compile import compile_task
from planbench.core.parse import read_domain, read_problem
from planbench.prompts.reasoning import worked
from planbench.prompts.styles import english_domain, english_task
from planbench.prompts.wording import generic_wording

DOMAIN = """(define (domain tank) (:requirements :adl :numeric-fluents :derived-predicates) (:types car)
  (:predicates (ready ?c - car) (washed ?c - car) (there ?c - car)) (:functions (fuel) (total-cost))
  (:derived (ready ?c - car) (washed ?c))
  (:action drive :parameters (?c - car) :precondition (and (ready ?c) (>= (fuel) 2))
    :effect (and (there ?c) (decrease (fuel) 2) (increase (total-cost) 1))))"""
PROBLEM = """(define (problem p) (:domain tank) (:objects c1 - car)
  (:init (washed c1) (= (fuel) 3) (= (total-cost) 0)) (:goal (there c1)) (:metric minimize (total-cost)))"""


def test_numbers_of_nothing_and_rules_are_said() -> None:
    domain = read_domain(DOMAIN)
    task = compile_task(domain, read_problem(PROBLEM, domain))
    wording = generic_wording(domain)
    said = english_task(task, wording)
    assert "The fuel is 3." in said
    assert "total-cost is 0" not in said
    assert "(:derived (ready ?c - car)" in english_domain(task, wording)


def test_numbers_are_said_to_the_last_digit() -> None:
    domain = read_domain(DOMAIN.replace("(total-cost))", "(need) (total-cost))").replace("1))))", "1234567))))"))
    problem = PROBLEM.replace("(= (fuel) 3)", "(= (fuel) 1234567) (= (need) 0.00001234567)")
    task = compile_task(domain, read_problem(problem, domain))
    wording = generic_wording(domain)
    said = english_task(task, wording)
    assert "The fuel is 1234567." in said
    assert "The need is 0.00001234567." in said
    assert "It costs 1234567." in english_domain(task, wording)
    assert "the fuel is 1234565" in worked("state", (("drive", "c1"),), task, wording)
    assert "(= (fuel) 1234565)" in worked("state", (("drive", "c1"),), task, None)
