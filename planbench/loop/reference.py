"""What generation 0 was trained on, as traces: the data of a warm start and of the control `base-only`."""

from __future__ import annotations

from planbench.core.verdict import step_text
from planbench.errors import InputError
from planbench.loop.checkpoints import Source, Taught
from planbench.loop.config import IterateConfig
from planbench.preparation import Prepared, prepare
from planbench.prompts.styles import build_prompt, write_answer
from planbench.records import Task
from planbench.records.trace import Trace
from planbench.suite import GENERATORS, generate
from planbench.suite.generator import short_drafts, tasks_of

MOST = 5_000
"""At most so many tasks a domain, the first that there were: about as many as the control's trainings have time for."""


def reference_tasks(config: IterateConfig, source: Source) -> list[Prepared]:
    """The tasks of the run's domains that generation 0 was trained on, up to `MOST` a domain. Raises InputError where
    that is not known."""
    taught = source.taught
    if taught is None:
        raise unknown_teaching(source)
    tasks: list[Task] = []
    for domain in config.tasks.domains:
        if domain not in GENERATORS:
            raise InputError(f"{domain} has no generator, so it has no reference plans to train on")
        count = min(taught.tasks.get(domain, 0), MOST)
        if count:
            tasks += _tasks(taught, domain, count)
    if not tasks:
        raise InputError(f"{source.folder}: was trained on no task of {', '.join(config.tasks.domains)}")
    return prepare(tasks)


def _tasks(taught: Taught, domain: str, count: int) -> list[Task]:
    if taught.short:
        made = short_drafts(domain, count, seed=taught.seed, longest=taught.length[1], wide=taught.wide)
        return tasks_of(domain, made)
    return generate(domain, count, seed=taught.seed, plan_length=taught.length, split="base")


def unknown_teaching(source: Source) -> InputError:
    """The error for a model of which nobody says what it was trained on."""
    return InputError(
        f"{source.folder}: what it was trained on is not known, so there is nothing to train the control on; "
        "say which reference plans to use with --warm-start 1:4, or leave out the arm base-only"
    )


def reference_traces(prepared: list[Prepared], style: str) -> list[Trace]:
    """Their reference plans as a model would have answered, as traces of generation 0."""
    return [_trace(one, style) for one in prepared]


def _trace(one: Prepared, style: str) -> Trace:
    task, reference = one.task, one.task.reference
    assert reference is not None, "generated tasks have one"
    prompt = build_prompt(style, one.compiled, task.domain_pddl, task.problem_pddl, one.wording)
    return Trace(
        id=f"base/{task.hash}",
        generation=0,
        task=task.id,
        task_hash=task.hash,
        domain=task.domain,
        prompt_hash=prompt.hash,
        index=0,
        reply=write_answer(style, reference.steps, one.compiled, one.wording),
        finish="stop",
        plan=tuple(step_text(step) for step in reference.steps),
        verdict="valid",
        length=reference.length,
        tokens=None,
        reference_length=reference.length,
    )
