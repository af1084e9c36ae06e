"""`planner:kairos`: the first plan of Kairos (https://github.com/PlanSys2/kairos, Apache-2.0), in this process.

Kairos keeps to the limits itself, of which it counts the memory of its search alone.
"""

from __future__ import annotations

from planbench.core.write import domain_text, problem_text
from planbench.models.planners.limits import Answer, Limits, out_of_memory, out_of_time
from planbench.records import Request


def first(request: Request, limits: Limits) -> Answer:
    # Where it is used, as it is optional.
    import kairos  # pyright: ignore[reportMissingImports]

    task = request.task
    try:
        domain = kairos.parse_domain(domain_text(task.domain))
        problem = kairos.parse_problem(problem_text(task.problem, task.domain), domain)
    except kairos.PddlError as error:
        return Answer(None, f"Kairos does not read this task ({_one_line(error)})")
    result = kairos.Planner().solve(
        problem, timeout=limits.seconds, memory_limit_mb=limits.memory, anytime=False, threads=1, seed=0
    )
    if result.plan is not None:
        return Answer(tuple((step.name, *step.args) for step in result.plan.steps))
    status = kairos.Status
    if result.status == status.TIMEOUT:
        return Answer(None, out_of_time(limits), cut=True)
    if result.status in (status.OUT_OF_MEMORY, status.GROUNDING_TOO_LARGE):
        return Answer(None, out_of_memory(limits), cut=True)
    if result.status == status.UNSOLVABLE:
        return Answer(None, "there is none, as Kairos found")
    if result.status == status.INTERNAL_ERROR:
        return Answer(None, f"Kairos failed ({_why(result)})", fault=True)
    return Answer(None, f"Kairos ended with {result.status.name.lower()} ({_why(result)})")


def _why(result: object) -> str:
    found = getattr(result, "diagnostics", ())
    return _one_line("; ".join(str(each.message) for each in found) or "no reason given")


def _one_line(what: object) -> str:
    return " ".join(str(what).split())[:200]
