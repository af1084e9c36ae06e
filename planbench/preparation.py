"""Tasks made ready to be asked: renamed if asked for, compiled, their reference plans checked, examples chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from planbench.core.compile import CompiledTask, compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.syntax import Domain
from planbench.core.verdict import Plan
from planbench.core.write import domain_text, problem_text
from planbench.errors import InputError
from planbench.prompts.rename import rename_plan, rename_task
from planbench.prompts.styles import Language, Shot
from planbench.prompts.wording import Wording, generic_wording, read_wording
from planbench.records import ReferencePlan, Task
from planbench.records.toml import read_toml
from planbench.suite import GENERATORS, domain_info, generate, task_key

SHOT_LENGTHS = (2, 8)
"""Examples have reference plans of so many steps: short enough to fit, long enough to show more than one step."""


@dataclass(frozen=True)
class Prepared:
    """A task ready to be asked and judged. `task` holds the texts as the model sees them, renamed if asked for.
    `policy` is its reference plan, None where it has none or where no policy of the domain found it."""

    task: Task
    compiled: CompiledTask
    wording: Wording
    reference_cost: float | None
    policy: Plan | None = None


def prepare(tasks: Iterable[Task], rename: str = "none", seed: int = 0) -> list[Prepared]:
    """Each task once, in order; tasks of equal texts are one task.

    Raises PddlError for a task that cannot be read, and InputError where there is none at all or where a reference
    plan is not valid.
    """
    domains: dict[str, Domain] = {}
    prepared: dict[str, Prepared] = {}
    for task in tasks:
        if task.domain_pddl not in domains:
            domains[task.domain_pddl] = read_domain(task.domain_pddl, task.domain_file or f"{task.domain}/domain.pddl")
        ready = _prepared(task, domains[task.domain_pddl], rename, seed)
        prepared.setdefault(ready.task.hash, ready)
    if not prepared:
        raise InputError("no tasks to evaluate; widen --plan-length or --limit")
    return list(prepared.values())


def _prepared(task: Task, domain: Domain, rename: str, seed: int) -> Prepared:
    problem = read_problem(task.problem_pddl, domain, task.problem_file or task.id)
    has_policy = _has_policy(task.domain_toml, f"{task.domain}/domain.toml")
    if rename == "none":
        wording = read_wording(task.domain_toml, domain, f"{task.domain}/domain.toml")
    else:
        domain, problem, renaming = rename_task(domain, problem, rename, seed)
        reference = task.reference
        if reference is not None:
            reference = ReferencePlan(rename_plan(reference.steps, renaming), reference.optimal)
        # The wording of the domain would tell what it was before it was renamed.
        task = replace(
            task,
            domain_pddl=domain_text(domain),
            problem_pddl=problem_text(problem, domain),
            reference=reference,
            domain_toml="",
        )
        wording = generic_wording(domain)
    compiled = compile_task(domain, problem)
    cost = None
    if task.reference is not None:
        verdict = judge(compiled, task.reference.steps)
        if not verdict.valid:
            raise InputError(
                f"{task.problem_file or task.id}: its reference plan is not valid: {verdict.kind}, {verdict.reason}"
            )
        # A quality is a ratio of costs, which says nothing where more is better.
        cost = None if problem.maximize else verdict.cost
    policy = task.reference.steps if task.reference is not None and has_policy else None
    return Prepared(task, compiled, wording, cost, policy)


@cache
def _has_policy(domain_toml: str, source: str) -> bool:
    """Whether the reference plans of a domain are what a policy finds (`reference = "policy"`, or nothing said), or
    come with the making of its tasks (`reference = "construction"`)."""
    said = read_toml(domain_toml, source).get("reference", "policy")
    if said not in ("policy", "construction"):
        raise InputError(f'{source}: reference must be "policy" or "construction"; correct that line')
    return said == "policy"


def examples(tasks: Sequence[Task], count: int, rename: str = "none", seed: int = 0) -> dict[str, tuple[Shot, ...]]:
    """`count` solved examples for each domain of `tasks`, in the words of the renamed domain if `rename` asks for it;
    with `per-task` each in a language of its own, which it brings along.

    They come from split `base` of our own generators, and none equals a task of the set up to the names of objects.
    Raises InputError where a domain has no generator.
    """
    shots: dict[str, tuple[Shot, ...]] = {}
    if count == 0:
        return shots
    by_domain: dict[str, list[Task]] = {}
    for task in tasks:
        by_domain.setdefault(task.domain, []).append(task)
    for name, members in by_domain.items():
        ours = next((known for known in GENERATORS if domain_info(known).pddl == members[0].domain_pddl), None)
        if ours is None:
            raise InputError(f"no examples for domain {name}: it has no generator; use --shots 0")
        # Of the whole set: the same domain may stand in it under another name as well.
        same = [task for task in tasks if task.domain_pddl == members[0].domain_pddl]
        measured = {task_key(one.compiled) for one in prepare(same)}
        found: list[Shot] = []
        wanted = count
        while len(found) < count:
            candidates = prepare(generate(ours, wanted, seed=seed, plan_length=SHOT_LENGTHS, split="base"))
            fresh = [one.task for one in candidates if task_key(one.compiled) not in measured]
            found = (
                [
                    Shot(
                        one.compiled,
                        one.task.problem_pddl,
                        one.task.reference.steps,
                        Language(one.task.domain_pddl, one.wording) if rename == "per-task" else None,
                    )
                    for one in prepare(fresh[:count], rename, seed)
                    if one.task.reference is not None
                ]
                if fresh
                else []
            )
            wanted *= 2
        shots[name] = tuple(found)
    return shots
