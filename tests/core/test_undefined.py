"""A number that was never set makes all that is computed from it undefined, and no comparison with it holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem

HEAD = "(define (domain d) (:requirements :adl :numeric-fluents) (:predicates (done)) (:functions (f) (g))"


SUMS = {"(+ (f) (g))": 1, "(+ (g) (f))": 1, "(- (f) (g))": -1, "(* (f) (g))": 0, "(/ (f) (g))": 0, "(- (g))": -1}
"""Of zero for `f` and one for `g`."""

CONDITIONS: dict[str, Callable[[int], bool]] = {
    "(>= {} 0)": lambda number: number >= 0,
    "(<= {} 0)": lambda number: number <= 0,
    "(= {} 0)": lambda number: number == 0,
    "(not (< 0 {}))": lambda number: number <= 0,
    "(not (> 0 {}))": lambda number: number >= 0,
}


@pytest.mark.parametrize("computed", SUMS)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_no_comparison_with_what_was_never_set_holds(computed: str, condition: str) -> None:
    """`g` is changed by no action and has no value at the start; `f` is set by the step before."""
    set_ = "(:action set :parameters () :precondition (and) :effect (assign (f) 0))"
    use = f"(:action use :parameters () :precondition {condition.format(computed)} :effect (done))"
    domain = read_domain(f"{HEAD} {set_} {use})")
    task = compile_task(domain, read_problem("(define (problem p) (:domain d) (:init) (:goal (done)))", domain))
    verdict = judge(task, (("set",), ("use",)))
    assert (verdict.kind, verdict.step) == ("inapplicable", 2)
    # With a value it is a comparison like any other.
    given = read_problem("(define (problem p) (:domain d) (:init (= (g) 1)) (:goal (done)))", domain)
    expected = "valid" if CONDITIONS[condition](SUMS[computed]) else "inapplicable"
    assert judge(compile_task(domain, given), (("set",), ("use",))).kind == expected
