"""Which tasks a command is about: generated ones of built-in domains, a named set, or a folder of PDDL files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os.path import exists, isdir, isfile  # unlike Path's, they say no to any path that cannot be
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from planbench.cli.closest import closest
from planbench.cli.parameters import Range
from planbench.cli.screen import note
from planbench.errors import InputError

if TYPE_CHECKING:
    from planbench.evaluate import Spec
    from planbench.records.task import Task

DEFAULT_LENGTH = (2, 16)
DEFAULT_LIMIT = 150

STYLE_NAMES = "pddl or english, each also with reasoning (-cot, -state), or compact"

RENAME = click.option(
    "--rename",
    type=click.Choice(["none", "random", "mystery", "per-task"]),
    default="none",
    show_default=True,
    help="Other names for domain and objects: nonsense, ordinary words that mislead, or nonsense new for each task.",
)
"""For a command that asks models; the ways are those of `planbench.prompts.rename`."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def task_options(command: _Command) -> _Command:
    """The options that choose tasks, for a command that hands them to `chosen_tasks`."""
    options = (
        click.option(
            "--domain",
            "domains",
            multiple=True,
            metavar="NAME|FOLDER",
            help="A built-in domain, or a folder with domain.pddl and problems; may be repeated; "
            "all is every built-in one.  [default: blocksworld, grid, logistics]",
        ),
        click.option(
            "--tasks",
            "folder",
            type=click.Path(),
            metavar="SET|FOLDER",
            help="A named set (see planbench sets), or a folder of PDDL problems; "
            "--domain FILE.pddl where their domain lies elsewhere.",
        ),
        click.option(
            "--limit",
            type=click.IntRange(1, 1_000_000),
            help="Tasks in all, spread evenly over domains and lengths.  "
            f"[default: {DEFAULT_LIMIT}; all of a named set]",
        ),
        click.option(
            "--plan-length",
            type=Range(),
            help="Length of the reference plans.  [default: 2:16 for generated tasks, any in a folder]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def chosen_tasks(
    domains: Sequence[str], folder: str | None, limit: int | None, plan_length: tuple[int, int] | None, seed: int
) -> tuple[list[Task], Spec]:
    """The tasks, and what makes the same set again, for run.json. Raises InputError where there are none."""
    if folder is not None and _is_set(folder):
        return _set_tasks(folder, named_domains(domains), limit, plan_length)
    asked, limit = limit, limit or DEFAULT_LIMIT
    from planbench.pretrain.config import DOMAINS
    from planbench.suite import domain_names, read_folder, spread
    from planbench.suite.lengths import evenly

    tasks: list[Task] = []
    builtin: list[str] = []
    if folder is not None:
        names = [folder]
        if len(domains) > 1:
            raise InputError("--tasks takes one --domain at most: the domain file of the folder's problems")
        tasks = read_folder(Path(folder), _domain_file(domains[0]) if domains else None)
        tasks = _of_length(tasks, plan_length, folder)
        spec: Spec = {"folder": folder, "domain": domains[0] if domains else None}
    else:
        names = named_domains(domains) or sorted(DOMAINS)  # what the planner that ships knows
        builtin = [name for name in names if name in domain_names()]
        for name in names:
            if name in builtin:
                # One more where the limit does not divide evenly; `spread` takes what is too many.
                tasks += evenly(name, -(-limit // len(names)), plan_length or DEFAULT_LENGTH, seed)
            elif isdir(name):
                tasks += _of_length(read_folder(Path(name)), plan_length, name)
            elif isfile(name):
                raise InputError(f"--domain {name} is the domain file of the problems in a folder: add --tasks FOLDER")
            else:
                raise InputError(f"no domain or folder {name!r}{closest(name, domain_names())}")
        spec = {"domains": names, "split": "test", "seed": seed}
    spec |= {"plan_length": None if plan_length is None else f"{plan_length[0]}:{plan_length[1]}", "limit": limit}
    if not tasks:
        raise InputError("no tasks of that plan length; widen --plan-length")
    _check_names(tasks)
    tasks = _different(tasks, ", ".join(names))
    chosen = spread(tasks, limit)
    if len(chosen) < len(tasks) and not asked and not builtin:
        note(f"{len(chosen)} of {len(tasks)} tasks, spread over the folder; --limit {len(tasks)} takes all")
    return chosen, spec


def _is_set(name: str) -> bool:
    """True for the name of a set, also where a folder is called so: that is typed `./smoke`. Raises InputError for what
    is neither."""
    from planbench.suite.sets import task_sets

    if name not in task_sets() and not exists(name) and "/" not in name:
        raise InputError(f"{name}: no such folder of tasks, and no task set of that name{closest(name, task_sets())}")
    return name in task_sets()


def _set_tasks(
    name: str, domains: list[str], limit: int | None, plan_length: tuple[int, int] | None
) -> tuple[list[Task], Spec]:
    """A named set, or what is asked for of it; a whole one has nothing but its name in the spec."""
    from planbench.suite import spread
    from planbench.suite.sets import make_set

    tasks = _of_length(make_set(name, domains or None), plan_length)
    if not tasks:
        raise InputError(f"task set {name} has no tasks of that plan length; widen --plan-length")
    spec: Spec = {"set": name}
    if domains:
        spec["domains"] = domains
    if plan_length is not None:
        spec["plan_length"] = f"{plan_length[0]}:{plan_length[1]}"
    if limit is not None:
        spec["limit"] = limit
    return spread(tasks, limit or len(tasks)), spec


def named_domains(domains: Sequence[str]) -> list[str]:
    """Each domain once; `all` stands for every built-in one."""
    from planbench.suite import domain_names

    return list(dict.fromkeys(name for one in domains for name in (domain_names() if one == "all" else [one])))


def _check_names(tasks: list[Task]) -> None:
    """Two domains of one name would be one row of every table."""
    texts: dict[str, str] = {}
    for task in tasks:
        if texts.setdefault(task.domain, task.domain_pddl) != task.domain_pddl:
            raise InputError(f"two different domains are called {task.domain!r}; give one of the folders another name")


def _domain_file(name: str) -> Path:
    from planbench.cli.inputs import domain_file

    return domain_file(name)


def _different(tasks: list[Task], source: str) -> list[Task]:
    """Each task once: a sample is known by the hash of its task."""
    found: dict[str, Task] = {}
    for task in tasks:
        found.setdefault(task.hash, task)
    if copies := len(tasks) - len(found):
        note(f"{source}: {copies} of {len(tasks)} problems are the same text as another, and are left out")
    return list(found.values())


def _of_length(tasks: list[Task], plan_length: tuple[int, int] | None, folder: str = "") -> list[Task]:
    """Those whose reference plan has the length asked for; without a range all, known plan or not. Raises InputError
    where no plan is known."""
    if plan_length is None:
        return tasks
    if all(task.reference is None for task in tasks):
        raise InputError(f"{folder}: no problem has a plan beside it (p1.plan for p1.pddl); drop --plan-length")
    low, high = plan_length
    return [task for task in tasks if task.reference_length is not None and low <= task.reference_length <= high]
