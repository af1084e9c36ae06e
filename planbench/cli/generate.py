"""`planbench generate`: tasks as PDDL files that any planner reads.

The folder is made beside its final place and moved there when it is whole, so that a kill never leaves half a set.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from os.path import isdir  # unlike Path's, it says no to any path that cannot be
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import click

from planbench.cli.closest import closest
from planbench.cli.inputs import read_text
from planbench.cli.parameters import Range
from planbench.cli.progress import bar
from planbench.cli.screen import json_line, note
from planbench.cli.taskset import DEFAULT_LENGTH
from planbench.errors import InputError

if TYPE_CHECKING:
    from planbench.records.task import Task

INDEX = "tasks.json"
SCHEMA = 1


@click.command()
@click.argument("domain")
@click.option("--count", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many tasks.")
@click.option("--plan-length", type=Range(), help="Length of the reference plans.  [default: 2:16]")
@click.option("--preset", metavar="NAME", help="Sizes instead of lengths: tiny, small, easy, medium or hard.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same bytes.")
@click.option("--out", type=click.Path(), help="The folder to write.  [default: DOMAIN-SEED, DOMAIN-PRESET-SEED]")
@click.option("--json", "as_json", is_flag=True, help="Print the index as JSON.")
def command(
    domain: str,
    count: int,
    plan_length: tuple[int, int] | None,
    preset: str | None,
    seed: int,
    out: str | None,
    as_json: bool,
) -> None:
    """Write tasks of a built-in DOMAIN as PDDL files.

    The folder gets domain.pddl, a .pddl and a .plan (the reference plan) for every task, and tasks.json. Every task is
    solvable, its goal does not hold at the start, and no two are the same up to the names of objects. The sizes of a
    preset grow from the first task to the last; `planbench domains --json` lists them.
    """
    from planbench.suite import GENERATORS, generate
    from planbench.suite.lengths import evenly

    if domain not in GENERATORS and isdir(domain):
        raise InputError(
            f"{domain}: a folder has no generator; domains/README.md says how to write one, and "
            f"planbench eval MODEL --domain {domain} takes the problems that are in it"
        )
    if domain not in GENERATORS:
        raise InputError(f"no generator for a domain {domain!r}{closest(domain, GENERATORS)}")
    if preset is not None and plan_length is not None:
        raise InputError("--preset and --plan-length say the same thing in two ways; use one of them")
    lengths = plan_length or DEFAULT_LENGTH
    how = {"plan_length": list(lengths)} if preset is None else {"preset": preset}
    folder = Path(out or "-".join(part for part in (domain, preset, str(seed)) if part))
    asked = {"domain": domain, "count": count, **how, "seed": seed}
    index = _already_there(folder, asked)
    if index is None:
        with bar(f"making tasks of {domain}") as advance:

            def tick(made: int) -> None:
                advance(made, count, "")

            if preset is None:
                tasks = evenly(domain, count, lengths, seed, tick)
            else:
                tasks = generate(domain, count, seed=seed, preset=preset, tick=tick)
        index = write_tasks(folder, tasks, asked)
        note(f"{len(index['tasks'])} tasks written to {folder}")
    else:
        note(f"{folder}: these tasks are there already")
    if as_json:
        json_line(index)


def write_tasks(folder: Path, tasks: Sequence[Task], asked: dict[str, Any]) -> dict[str, Any]:
    """Write a set of tasks of one domain as a folder, whole or not at all, and return its index."""
    from planbench.core.verdict import plan_text

    entries: list[dict[str, Any]] = []
    texts = {"domain.pddl": tasks[0].domain_pddl}
    for task in tasks:
        stem = task.id.replace("/", "-")
        entry: dict[str, Any] = {"id": task.id, "hash": task.hash, "problem": f"{stem}.pddl"}
        texts[entry["problem"]] = task.problem_pddl
        if task.reference is not None:
            entry |= {"plan": f"{stem}.plan", "length": task.reference.length, "optimal": task.reference.optimal}
            texts[entry["plan"]] = plan_text(task.reference.steps)
        entries.append(entry)
    index = {"schema": SCHEMA, **asked, "tasks": entries}
    texts[INDEX] = json.dumps(index, indent=1) + "\n"
    _write_folder(folder, texts)
    return index


def _already_there(folder: Path, asked: dict[str, Any]) -> dict[str, Any] | None:
    """The index of a folder that already holds what is asked for; None where there is nothing yet."""
    try:
        if not any(folder.iterdir()):
            return None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{folder}: cannot be used as a folder ({error.strerror}); give another --out") from error
    try:
        index = json.loads(read_text(folder / INDEX, "task index"))
        same = all(index[key] == value for key, value in asked.items()) and _whole(folder, index)
    except (InputError, ValueError, KeyError, TypeError, RecursionError):
        same, index = False, None
    if not same:
        raise InputError(f"{folder}: already holds something else; give another --out, or remove it")
    return index


def _whole(folder: Path, index: dict[str, Any]) -> bool:
    """Whether the files are those of the index: texts by their hash, plans, of which it has none, by their length.

    Raises whatever a strange index brings.
    """
    from planbench.core.plan import read_plan
    from planbench.records.task import Task

    domain = read_text(folder / "domain.pddl", "domain file")
    for entry in index["tasks"]:
        problem = read_text(folder / entry["problem"], "problem file")
        if Task(entry["id"], index["domain"], domain, problem).hash != entry["hash"]:
            return False
        if "plan" in entry and len(read_plan(read_text(folder / entry["plan"], "plan file"))) != entry["length"]:
            return False
    return True


def _write_folder(folder: Path, texts: dict[str, str]) -> None:
    partial: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        for name, text in texts.items():
            (partial / name).write_text(text, encoding="utf-8", newline="\n")
        partial.chmod(0o777 & ~_umask())  # mkdtemp's folders are for their owner alone
        partial.rename(folder)
        partial = None
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}); give another --out") from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
