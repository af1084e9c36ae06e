"""Three independent judges of plans: VAL, Kairos and unified-planning, each asked for its opinion in its own way.

VAL runs as a process and is read by what it prints (`tests.core.val`). Kairos and unified-planning are Python packages
(`pip install 'planbench[differential]'`), imported when they are used.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from planbench.core.val import val_verdicts
from planbench.core.verdict import Plan, Verdict, plan_text


class Opinion(NamedTuple):
    """What a judge says of a plan. `kind` is that of a verdict, `refused` where the judge does not read the task. A
    step or a cost that the judge does not tell is None."""

    kind: str
    step: int | None = None
    cost: float | None = None


def ours(verdict: Verdict) -> Opinion:
    return Opinion(verdict.kind, verdict.step, verdict.cost)


def val(folder: Path, domain: str, problem: str, plans: Sequence[Plan]) -> list[Opinion]:
    return [Opinion(*verdict) for verdict in val_verdicts(folder, domain, problem, plans)]


_KAIROS_KINDS = {
    "precondition_failed": "inapplicable",
    "goal_not_reached": "goal_missed",
    "unknown_action": "malformed",
    "unknown_object": "malformed",
    "wrong_arity": "malformed",
    "type_mismatch": "malformed",
    "evaluation": "inapplicable",
    "undefined_fluent": "inapplicable",
}


class Kairos:
    """A task that Kairos has read; `opinion` of any number of plans."""

    def __init__(self, domain: str, problem: str) -> None:
        import kairos  # type: ignore[import-not-found]

        self._kairos: Any = kairos
        self._refused: str | None = None
        try:
            self._problem = kairos.parse_problem(problem, kairos.parse_domain(domain))
        except kairos.PddlError as error:
            self._refused = str(error)

    def opinion(self, plan: Plan) -> Opinion:
        if self._refused is not None:
            return Opinion(f"refused: {self._refused}")
        try:
            report = self._kairos.validate(self._problem, self._kairos.parse_plan(plan_text(plan)))
        except self._kairos.PddlError:
            return Opinion("malformed")
        if report.valid:
            return Opinion("valid", None, report.metric)
        text = str(report.diagnostics[0]) if report.diagnostics else str(report.status)
        code = re.search(r"\[validate\.(\w+)\]", text)
        kind = _KAIROS_KINDS.get(code[1], code[1]) if code else f"refused: {text}"
        if report.failed_step is None and kind == "inapplicable":  # a goal whose numbers have no value
            kind = "goal_missed"
        return Opinion(kind, None if report.failed_step is None else report.failed_step + 1)


class UnifiedPlanning:
    """A task that unified-planning has read. It tells valid from invalid."""

    def __init__(self, folder: Path, domain: str, problem: str) -> None:
        import unified_planning.shortcuts as up  # type: ignore[import-not-found]
        from unified_planning.io import PDDLReader  # type: ignore[import-not-found]

        up.get_environment().credits_stream = None
        up.get_environment().error_used_name = False  # PDDL lets an action and an object share a name
        (folder / "up-domain.pddl").write_text(domain)
        (folder / "up-problem.pddl").write_text(problem)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._reader: Any = PDDLReader()
            self._problem: Any = self._reader.parse_problem(
                str(folder / "up-domain.pddl"), str(folder / "up-problem.pddl")
            )
            self._up: Any = up

    def opinion(self, plan: Plan) -> Opinion:
        try:
            parsed = self._reader.parse_plan_string(self._problem, plan_text(plan))
        except Exception:
            return Opinion("malformed")
        with warnings.catch_warnings(), self._up.PlanValidator(name="sequential_plan_validator") as validator:
            warnings.simplefilter("ignore")
            valid = validator.validate(self._problem, parsed).status.name == "VALID"
        return Opinion("valid" if valid else "invalid")
