"""The main path: tasks and a model in, judged samples out.

    prepare     a task is renamed if asked for, compiled, and its reference plan checked
    ask         each task becomes a prompt and each sample of it a request with a key and a seed of its own
    answer      the model replies, in whatever order suits it
    judge       the plan is read out of the reply, once, and judged: one sample, one verdict
    keep        the sample is appended to the run folder at once

Requests are made when they are looked at, and samples are read one by one, so that a million of them fit. Several
processes draw the samples of a share of the tasks each.

A run goes on where it was stopped: samples that are there are kept, the others are drawn. What decides the samples is
in run.json and compared first, so that nothing is ever reused across different settings. Samples that ended in
`harness_error` are our failure, so they are drawn again.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from planbench import __version__
from planbench.core.judge import judge
from planbench.core.plan import solid
from planbench.core.verdict import Verdict, step_text
from planbench.crew import ALONE, Crew
from planbench.errors import PlanbenchError, RunFolderError
from planbench.metrics import summarise
from planbench.models import Model
from planbench.preparation import Prepared, examples, prepare
from planbench.prompts.styles import Shot, read_reply
from planbench.records import Prompt, Reply, Request, SamplingSettings, Task, task_set_hash
from planbench.records.files import RUN, SUMMARY, TASKS, RunFolder, write_json
from planbench.records.run import RUN_SCHEMA, RunConfig, RunRecord, TaskSetRecord
from planbench.records.sample import Sample, VerdictRecord
from planbench.records.summary import Summary
from planbench.requests import Requests, requests_of
from planbench.resume import earlier, gather, take_out_errors

MAX_HARNESS_ERRORS = 0.05
"""A run fails where a larger share of its samples could not be judged through a fault of ours."""

STANDS_ON = ("torch", "transformers", "tokenizers", "accelerate", "peft", "pddl", "numpy")
"""Packages whose versions run.json keeps."""

__all__ = ["Asked", "conclude", "deploy", "evaluate", "requests_of", "sample_of", "score", "verdict_of"]

Spec = dict[str, str | int | list[str] | None]

Watch = Callable[[int, int, int], None]
"""Told of progress: samples there are, samples wanted, valid ones among the first."""


@dataclass(frozen=True)
class Asked:
    """What is asked of a model, beside the tasks. `prompt` None means the style that the model was trained on, else
    `pddl`; `batch_size` None that the model chooses. `command` is for the reader of run.json."""

    model: str
    prompt: str | None = None
    shots: int = 0
    rename: str = "none"
    settings: SamplingSettings = field(default_factory=SamplingSettings)
    model_args: tuple[tuple[str, str], ...] = ()
    batch_size: int | None = None
    command: str = ""


def evaluate(
    tasks: Sequence[Task],
    spec: Spec,
    model: Model,
    asked: Asked,
    folder: RunFolder,
    watch: Watch = lambda done, total, valid: None,
    crew: Crew = ALONE,
) -> Summary:
    """Measure `model` on `tasks` and leave samples and summary in `folder`.

    `spec` is what makes the task set again, for run.json. Raises InputError for tasks that cannot be used,
    RunFolderError where the folder holds a run of other settings, and PlanbenchError where too many samples ended in
    `harness_error` (the summary is written all the same, and the same command tries them again).
    """
    # Before any work, so that a folder that cannot be written to is told of at once.
    folder.create(RUN)
    prepared = prepare(tasks, asked.rename, asked.settings.seed)
    shots = examples(tasks, asked.shots, asked.rename, asked.settings.seed)
    return deploy(prepared, shots, spec, model, asked, folder, watch, crew=crew)


def deploy(
    prepared: Sequence[Prepared],
    shots: Mapping[str, Sequence[Shot]],
    spec: Spec,
    model: Model,
    asked: Asked,
    folder: RunFolder,
    watch: Watch = lambda done, total, valid: None,
    judged: Callable[[float], None] = lambda seconds: None,
    crew: Crew = ALONE,
) -> Summary:
    """As `evaluate`, of tasks that are prepared already, as `asked` wants them, with the examples of each domain.

    `judged` is told the seconds that reading and judging the replies took, of this start alone. The processes of `crew`
    each draw the samples of their share of the tasks; `watch` is told of this one's.
    """
    folder.create(RUN)
    style = asked.prompt or model.prompt_style or "pddl"
    requests = Requests(prepared, style, shots, asked.settings)
    config = _config(asked, model, style, spec, prepared)
    with folder.lock() if crew.leads else nullcontext():
        if crew.leads:
            config = earlier(folder, config) or _begin(folder, config, model, asked, prepared, requests)
            gather(folder, len(requests), requests.position)
            take_out_errors(folder, requests)
        crew.meet()
        judged(_draw(requests.share(crew.rank, crew.size), model, asked.settings, folder, crew.rank, watch))
        crew.meet()
        if crew.leads:
            gather(folder, len(requests), requests.position)
            conclude(folder, config)
        crew.meet()
    return folder.summary()


def _draw(
    requests: Requests, model: Model, settings: SamplingSettings, folder: RunFolder, rank: int, watch: Watch
) -> float:
    """Draw the samples that are not there yet. Returns the seconds that judging them took."""
    there = bytearray(len(requests))
    valid = 0
    for sample in folder.samples():
        if (position := requests.position(sample)) is not None:
            there[position] = 1
            valid += sample.verdict.kind == "valid"
    count, total, seconds = sum(there), len(requests), 0.0
    watch(count, total, valid)
    if count == total:
        return seconds
    done = frozenset(position for position, is_there in enumerate(there) if is_there)
    with folder.appending(rank) as writer:
        for position, reply in model.replies(requests, done, settings):
            started = time.perf_counter()
            sample = sample_of(requests.task(position), requests[position], reply)
            seconds += time.perf_counter() - started
            writer.write((sample,))
            count += 1
            valid += sample.verdict.kind == "valid"
            watch(count, total, valid)
    return seconds


def sample_of(one: Prepared, request: Request, reply: Reply) -> Sample:
    """A reply, judged."""
    plan, verdict = verdict_of(one, request.prompt.style, reply.text, reply.error if reply.finish == "error" else None)
    return Sample(
        key=request.key,
        task=one.task.id,
        domain=one.task.domain,
        task_hash=one.task.hash,
        prompt_hash=request.prompt.hash,
        index=request.sample_index,
        seed=request.seed,
        reply=reply.text,
        finish=reply.finish,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        seconds=round(reply.seconds, 6),
        near_ties=reply.near_ties,
        plan=plan,
        verdict=VerdictRecord.of(verdict),
        length=verdict.length,
        cost=verdict.cost,
        reference_length=one.task.reference_length,
        reference_cost=one.reference_cost,
    )


def verdict_of(one: Prepared, style: str, text: str, error: str | None) -> tuple[tuple[str, ...] | None, Verdict]:
    """The plan in a reply, as PDDL text, and the verdict on it. `error` is a failure of ours to get a reply at all."""
    if error is not None:
        return None, Verdict("harness_error", reason=error or "no reply")
    try:
        plan = read_reply(style, text, one.compiled, one.wording)
        if plan is None:
            return None, Verdict("no_plan", reason="nothing in the reply reads as a plan")
        plan = solid(plan)  # what is judged is what is stored
        return tuple(step_text(step) for step in plan), judge(one.compiled, plan)
    except Exception as fault:  # whatever breaks here is our fault and must not count as the model's
        return None, Verdict("harness_error", reason=f"judging failed: {type(fault).__name__}: {fault}")


def score(folder: RunFolder) -> tuple[Summary, int]:
    """Judge the stored replies of a run again, without the model, and write what it comes to.

    Returns the summary and how many verdicts changed. Raises RunFolderError where the folder holds no run.
    """
    record = folder.record()
    if record is None:
        raise RunFolderError(f"{folder.path}: no {RUN} in it; give the folder that planbench eval wrote with --out")
    with folder.lock():
        # The tasks were stored as the model saw them: renamed already, if they were.
        tasks = folder.tasks()
        if not tasks:
            raise RunFolderError(f"{folder.path}: {TASKS} holds no tasks; measure the model again")
        by_hash = {one.task.hash: one for one in prepare(tasks)}
        places, samples = {task_hash: place for place, task_hash in enumerate(by_hash)}, record.config.samples
        changed = 0

        def position(sample: Sample) -> int | None:
            known = sample.task_hash in places and 0 <= sample.index < samples
            return places[sample.task_hash] * samples + sample.index if known else None

        def again() -> Iterator[Sample]:
            nonlocal changed
            for sample in folder.samples():
                one = by_hash.get(sample.task_hash)
                if one is None:
                    raise RunFolderError(f"{folder.path}: sample {sample.key} is of a task that {TASKS} does not have")
                error = sample.verdict.reason if sample.finish == "error" else None
                plan, verdict = verdict_of(one, record.config.prompt, sample.reply, error)
                changed += verdict.kind != sample.verdict.kind
                yield sample.model_copy(
                    update={
                        "plan": plan,
                        "verdict": VerdictRecord.of(verdict),
                        "length": verdict.length,
                        "cost": verdict.cost,
                    }
                )

        gather(folder, len(places) * samples, position)
        folder.keep_samples(again())
        return conclude(folder, record.config), changed


def conclude(folder: RunFolder, config: RunConfig) -> Summary:
    """Write summary.json from the samples that there are. Raises PlanbenchError above the harness-error threshold."""
    ties: int | None = None

    def counted() -> Iterator[Sample]:
        nonlocal ties
        for sample in folder.samples():
            if sample.near_ties is not None:
                ties = (ties or 0) + sample.near_ties
            yield sample

    summary = summarise(
        counted(),
        model=config.model,
        model_fingerprint=config.model_fingerprint,
        prompt=config.prompt,
        finished=False,
    )
    errors = summary.verdicts.get("harness_error", 0)
    lost = errors > MAX_HARNESS_ERRORS * summary.samples
    finished = summary.samples == config.tasks.tasks * config.samples and not lost
    summary = summary.model_copy(update={"finished": finished, "near_ties": ties})
    write_json(folder.path / SUMMARY, summary)
    if lost:
        reason = next(s.verdict.reason for s in folder.samples() if s.verdict.kind == "harness_error")
        raise PlanbenchError(
            f"{errors} of {summary.samples} samples failed through no fault of the model ({reason}); "
            "type the same command again to retry them"
        )
    return summary


def _config(asked: Asked, model: Model, style: str, spec: Spec, prepared: Sequence[Prepared]) -> RunConfig:
    settings = asked.settings
    return RunConfig(
        model=model.name,
        model_fingerprint=model.fingerprint,
        model_args=dict(asked.model_args),
        prompt=style,
        shots=asked.shots,
        rename=asked.rename,
        temperature=settings.temperature,
        top_p=settings.top_p,
        max_tokens=settings.max_tokens,
        max_thinking_tokens=settings.max_thinking_tokens,
        samples=settings.samples,
        seed=settings.seed,
        batch_size="auto" if asked.batch_size is None else str(asked.batch_size),
        tasks=TaskSetRecord(spec=spec, tasks=len(prepared), hash=task_set_hash(one.task for one in prepared)),
    )


def _begin(
    folder: RunFolder,
    config: RunConfig,
    model: Model,
    asked: Asked,
    prepared: Sequence[Prepared],
    requests: Requests,
) -> RunConfig:
    """Write run.json and the tasks."""
    folder.write_tasks(one.task for one in prepared)
    record = RunRecord(
        schema=RUN_SCHEMA,
        planbench=__version__,
        command=asked.command,
        config=config,
        model=model.describe(),
        versions=versions(),
        machine=machine(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        prompts=_shown_prompts(model, requests),
    )
    write_json(folder.path / RUN, record)
    return config


def _shown_prompts(model: Model, requests: Requests) -> dict[str, str]:
    """The shortest prompt of each domain, as the model is given it; none for a model that is given no text."""
    rendered: Callable[[Prompt], str] | None = getattr(model, "rendered", None)
    if rendered is None:
        return {}
    return {domain: rendered(prompt) for domain, prompt in requests.shortest_prompts().items()}


def versions() -> dict[str, str]:
    """What planbench stands on here, package to version."""
    return {name: found for name in STANDS_ON if (found := _version(name))}


def machine() -> dict[str, str | int]:
    """What this runs on."""
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processor": platform.machine(),
        "cores": os.cpu_count() or 0,
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
