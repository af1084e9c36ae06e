"""Plan files: what planners write, and whatever else may stand there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planbench.core.plan import read_plan
from planbench.core.verdict import plan_text

STEPS = (("pick-up", "a"), ("stack", "a", "b"))


@pytest.mark.parametrize(
    "text",
    [
        "(pick-up a)\n(stack a b)\n",
        "(PICK-UP A)\r\n  ( stack   a  b )  ",
        "; cost = 2 (unit cost)\n(pick-up a) ; first\n\n(stack a b)\n; end",
        "0: (pick-up a)\n1: (stack a b)",
        "0.000: (pick-up a) [1.000]\n1.001 : (stack a b) [D:1.00; C:0.10]\n",
        "\ufeff(pick-up a)\n(stack a b)",
    ],
)
def test_reads_what_planners_write(text: str) -> None:
    assert read_plan(text) == STEPS


@pytest.mark.parametrize("text", ["", "\n\n", "; nothing"])
def test_an_empty_plan(text: str) -> None:
    assert read_plan(text) == ()


def test_a_line_that_is_no_step_stands_for_itself() -> None:
    assert read_plan("(a b)\nThen we are done.\n()\n(c") == (("a", "b"), ("then we are done.",), ("()",), ("(c",))


names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,5}", fullmatch=True)


@given(st.lists(st.lists(names, min_size=1, max_size=4).map(tuple), max_size=5).map(tuple))
def test_reads_what_is_written(plan: tuple[tuple[str, ...], ...]) -> None:
    assert read_plan(plan_text(plan)) == plan


@given(st.text())
def test_any_text_gives_steps_of_words(text: str) -> None:
    assert all(step and all(isinstance(word, str) for word in step) for step in read_plan(text))
