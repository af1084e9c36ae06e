"""`planbench sets`: the named task sets."""

from __future__ import annotations

from typing import Any

import click

from planbench.cli.closest import closest
from planbench.cli.progress import bar
from planbench.cli.screen import json_line, note, table
from planbench.errors import InputError


@click.command()
@click.argument("names", metavar="[SET]...", nargs=-1)
@click.option(
    "--check",
    is_flag=True,
    help="Make the sets, which takes a while where it is all of them, and compare their hashes; exit 1 where one "
    "differs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a set.")
def command(names: tuple[str, ...], check: bool, as_json: bool) -> int:
    """List the named task sets, or these: what is in them, and the hash that their tasks have wherever they are made.

    `planbench eval MODEL --tasks NAME` measures a model on one.
    """
    from planbench.suite.sets import task_sets

    for name in names:
        if name not in task_sets():
            raise InputError(f"no task set {name!r}{closest(name, task_sets())}")
    asked = dict.fromkeys(names or task_sets())
    found: list[dict[str, Any]] = []
    with bar("making the sets") as advance:
        for name in asked:
            advance(len(found), len(asked), name)
            found.append(_describe(name, check))
    if as_json:
        for one in found:
            json_line(one)
    else:
        columns = ("name", "tasks", "domains", "what", "hash", *(("made",) if check else ()))
        table(columns, [(s["name"], s["tasks"], len(s["domains"]), s["about"], s["hash"], *_made(s)) for s in found])
    wrong = [one["name"] for one in found if "made" in one and not _as_fixed(one)]
    if wrong:
        note(f"made other tasks than they were fixed with: {', '.join(wrong)}")
    return 1 if wrong else 0


def _describe(name: str, check: bool) -> dict[str, Any]:
    from planbench.records import task_set_hash
    from planbench.suite.sets import make_parts, task_sets

    asked = task_sets()[name]
    made: dict[str, Any] = {}
    if check:
        parts = make_parts(asked)
        made["made"] = task_set_hash(task for part in parts.values() for task in part)
        made["made_hashes"] = {domain: task_set_hash(part) for domain, part in parts.items()}
    return {
        "name": name,
        "about": asked.about,
        "tasks": asked.size,
        "domains": asked.domains,
        "lengths": asked.lengths,
        "preset": asked.preset,
        "each": asked.each,
        "seed": asked.seed,
        "hash": asked.hash,
        "hashes": dict(asked.hashes),
        **made,
    }


def _as_fixed(one: dict[str, Any]) -> bool:
    return one["made"] == one["hash"] and one["made_hashes"] == one["hashes"]


def _made(one: dict[str, Any]) -> tuple[str, ...]:
    return ("as fixed" if _as_fixed(one) else one["made"],) if "made" in one else ()
