"""What an expression or a quantifier may cost is counted before it is gone through."""

from __future__ import annotations

import pytest

from planbench.core.compile import compile_task
from planbench.core.parse import read_domain, read_problem
from planbench.errors import PlanbenchError

OBJECTS = " ".join(f"o{number}" for number in range(60))
HEAD = "(define (domain d) (:requirements :adl :numeric-fluents :derived-predicates) (:types t)"


def compiled(domain: str, goal: str) -> None:
    file = f"{HEAD} {domain})"
    problem = f"(define (problem p) (:domain d) (:objects {OBJECTS} - t) (:init (s o1)) (:goal {goal}))"
    compile_task(read_domain(file), read_problem(problem, read_domain(file)))


@pytest.mark.parametrize("body", ["(and)", "(or)"])
def test_quantifiers_over_nothing_are_counted(body: str) -> None:
    variables = " ".join(f"?v{number}" for number in range(6))
    with pytest.raises(PlanbenchError) as refused:
        compiled("(:predicates (s ?x - t))", f"(forall ({variables} - t) {body})")
    assert "\n" not in str(refused.value)


def test_rules_over_nothing_are_counted() -> None:
    variables = " ".join(f"?v{number}" for number in range(6))
    with pytest.raises(PlanbenchError):
        compiled(f"(:predicates (s ?x - t) (r {variables} - t)) (:derived (r {variables} - t) (and))", "(s o1)")


def test_nested_sums_are_refused_in_a_line() -> None:
    inner = "1"
    for _ in range(8):
        inner = f"(+ {inner} {' '.join(['1'] * 198)})"
    with pytest.raises(PlanbenchError, match="operands"):
        compiled(
            f"(:predicates (s ?x - t)) (:functions (f)) (:action a :parameters () :precondition (> (f) {inner}))",
            "(s o1)",
        )
