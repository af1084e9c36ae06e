"""The outcome of one reply: one of six verdicts, with the step and the reason.

The verdicts are total and exclusive: whatever text a model returns, exactly one holds.

    valid          every action applies in turn and the goal holds at the end
    no_plan        nothing in the reply reads as a plan
    malformed      a step is not a ground action of this task (unknown action or object, arity, type, unreadable)
    inapplicable   a step's precondition does not hold
    goal_missed    every step applies, the goal does not hold at the end
    harness_error  our own failure; left out of every denominator

`malformed` is looked for in the whole plan before anything is executed, as a plan with a step that is no action of
the task is no plan of the task at all; then the first `inapplicable` step; then the goal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

VerdictKind = Literal["valid", "no_plan", "malformed", "inapplicable", "goal_missed", "harness_error"]
VERDICT_KINDS: tuple[VerdictKind, ...] = get_args(VerdictKind)

Step = tuple[str, ...]
"""A ground action as written: its name, then its arguments, in lower case: `("stack", "b1", "b2")`."""

Plan = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One reply's outcome.

    `step` counts from 1 and is None where no single step is at fault. `reason` is one line for a person. `facts` are
    the unmet facts of an `inapplicable` step or of a missed goal, as PDDL text: `(clear b1)`, `(not (holding b2))`.
    `length` is the number of steps of a plan that was read (valid or not); `cost` is what the task's metric comes to,
    be it minimised or maximised (the length where the task declares none), known for valid plans only.
    """

    kind: VerdictKind
    step: int | None = None
    reason: str = ""
    facts: tuple[str, ...] = ()
    length: int | None = None
    cost: float | None = None

    @property
    def valid(self) -> bool:
        return self.kind == "valid"


def step_text(step: Step) -> str:
    """`("stack", "b1", "b2")` as PDDL text: `(stack b1 b2)`."""
    return f"({' '.join(step)})"


def plan_text(plan: Plan) -> str:
    """A plan as the text of a plan file, one step a line."""
    return "".join(step_text(step) + "\n" for step in plan)
