"""`planbench validate`: verdicts for plan files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planbench.cli.inputs import domain_file, read_stdin, read_text
from planbench.cli.screen import json_line, table
from planbench.errors import InputError

if TYPE_CHECKING:
    from planbench.core.compile import CompiledTask
    from planbench.core.verdict import Verdict, VerdictKind

STDIN = "-"


@click.command()
@click.argument("domain")
@click.argument("problem")
@click.argument("plans", metavar="PLAN...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a plan.")
def command(domain: str, problem: str, plans: tuple[str, ...], as_json: bool) -> int:
    """Judge plan files against a problem.

    DOMAIN is a PDDL file, a folder that holds domain.pddl, or the name of a built-in domain. PLAN is a file with one
    action a line, as planners write it, or - for standard input.

    Exit code 0: all plans are valid. 1: some are not. 2: they could not be judged.
    """
    _check_all(plans)
    task = _compile(domain, problem)
    judged = ((plan, _judge(task, plan)) for plan in plans)
    kinds = _print_json(judged) if as_json else _print_table(judged)
    if "harness_error" in kinds:
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
    return compile_task(parsed, read_problem(read_text(Path(problem), "problem file"), parsed, source=problem))


def _judge(task: CompiledTask, plan: str) -> Verdict:
    from planbench.core.judge import judge
    from planbench.core.plan import read_plan

    return judge(task, read_plan(read_stdin() if plan == STDIN else read_text(Path(plan), "plan file")))


def _print_json(judged: Iterable[tuple[str, Verdict]]) -> set[VerdictKind]:
    kinds: set[VerdictKind] = set()
    for file, verdict in judged:
        kinds.add(verdict.kind)
        json_line(
            {
                "file": file,
                "verdict": verdict.kind,
                "step": verdict.step,
                "reason": verdict.reason,
                "length": verdict.length,
                "cost": verdict.cost,
            }
        )
    return kinds


def _print_table(judged: Iterable[tuple[str, Verdict]]) -> set[VerdictKind]:
    rows = list(judged)
    table(
        ("plan", "verdict", "step", "length", "cost", "reason"),
        [(file, v.kind, v.step, v.length, v.cost, v.reason or None) for file, v in rows],
    )
    return {verdict.kind for _, verdict in rows}
