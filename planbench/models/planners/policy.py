"""`planner:policy`: the plan that the domain's own policy has for the task, as the reference plan."""

from __future__ import annotations

from planbench.models.planners.limits import Answer, Limits
from planbench.records import Request


def recall(request: Request, limits: Limits) -> Answer:
    """The reference plan. It was found before, so that the limits change nothing."""
    if request.policy is None:
        return Answer(None, "the task comes without a plan that a policy found")
    return Answer(request.policy)
