"""Replies that the LM Evaluation Harness drew: its `samples_*.jsonl`, as written with `--log_samples`.

A line's `doc` is the row of the data set that the harness was given. It says which task it is by `task_hash`, by `task`
(the task's name in its set), or by `problem_pddl`, the text of the problem; with `domain_pddl` beside that it needs no
task set. The replies are taken from `resps`, as the model gave them: what filters made of them is not read. The harness
writes a line for each filter; the first of a doc counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planbench.errors import InputError
from planbench.models.foreign_lines import json_object, next_line, open_lines
from planbench.records import SamplingSettings, Task

MAX_GEN_TOKS = 256
"""What the harness takes where a task says nothing."""


@dataclass(frozen=True)
class Replies:
    """The tasks that were asked, the replies to each, in the same order, and how they were drawn as far as is said."""

    tasks: list[Task]
    replies: list[list[str]]
    settings: SamplingSettings

    def lines(self) -> Iterator[str]:
        """As `replay:FILE` reads them."""
        for task, replies in zip(self.tasks, self.replies, strict=True):
            for index, reply in enumerate(replies):
                yield json.dumps({"task_hash": task.hash, "index": index, "reply": reply}) + "\n"


def read_lm_eval(path: Path, tasks: Sequence[Task]) -> Replies:
    """The replies of a file, in the order of `tasks`, then of the file.

    Raises InputError, with file and line, for a line that is no sample of the harness or whose task is unknown, and
    where docs have different numbers of replies.
    """
    known = {name: task for task in tasks for name in (task.hash, task.id, task.problem_pddl)}
    found: dict[str, tuple[Task, list[str]]] = {}
    seen: set[Any] = set()
    settings: dict[str, Any] = {}
    for place, line in _lines(path):
        doc, doc_id = line.get("doc"), line.get("doc_id")
        if not isinstance(doc, dict) or not isinstance(doc_id, int):
            raise InputError(f"{place}: no doc and doc_id; give a samples_*.jsonl that lm-eval --log_samples wrote")
        if doc_id in seen:
            continue
        seen.add(doc_id)
        task = _task(doc, known, place)
        if task.hash in found:
            raise InputError(f"{place}: task {task.id} stands there twice, as two docs")
        found[task.hash] = task, _replies(line.get("resps"), place)
        settings = settings or _settings(line.get("arguments"))
    if not found:
        raise InputError(f"{path}: holds no samples; write them with lm-eval's --log_samples")
    counts = {len(replies) for _, replies in found.values()}
    if len(counts) > 1:
        raise InputError(f"{path}: some docs have {min(counts)} replies and others {max(counts)}; judge them apart")
    order = {task.hash: place for place, task in enumerate(tasks)}
    rows = sorted(found.values(), key=lambda row: order.get(row[0].hash, len(order)))
    drawn = SamplingSettings(
        temperature=_number(settings.get("temperature"), 0.0),
        top_p=_number(settings.get("top_p"), 1.0),
        max_tokens=int(_number(settings.get("max_gen_toks"), MAX_GEN_TOKS)) or MAX_GEN_TOKS,
        samples=counts.pop(),
    )
    return Replies([task for task, _ in rows], [replies for _, replies in rows], drawn)


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with open_lines(path, "planbench score FILE with a samples_*.jsonl of lm-eval") as file:
        number = 1
        while line := next_line(file, place := f"{path}:{number}"):
            if line.strip():
                yield place, json_object(line, place)
            number += 1


def _task(doc: dict[str, Any], known: dict[str, Task], place: str) -> Task:
    for key in ("task_hash", "task", "problem_pddl"):
        if isinstance(value := doc.get(key), str) and value in known:
            return known[value]
    domain, problem = doc.get("domain_pddl"), doc.get("problem_pddl")
    if isinstance(domain, str) and isinstance(problem, str):
        name = doc.get("task")
        title = doc.get("domain")
        return Task(
            name if isinstance(name, str) else place.rsplit(":", 1)[-1],
            title if isinstance(title, str) else "lm-eval",
            domain,
            problem,
        )
    if known:
        raise InputError(f"{place}: its doc has no task_hash, task or problem_pddl that is one of these tasks")
    raise InputError(f"{place}: its doc has no domain_pddl and problem_pddl; say with --tasks which tasks these are")


def _replies(resps: object, place: str) -> list[str]:
    first = resps[0] if isinstance(resps, list) and len(resps) == 1 else resps
    replies = [first] if isinstance(first, str) else first
    if not isinstance(replies, list) or not replies or not all(isinstance(reply, str) for reply in replies):
        raise InputError(f"{place}: its resps are no texts; only tasks of output_type generate_until can be judged")
    return [str(reply) for reply in replies]


def _settings(arguments: object) -> dict[str, Any]:
    """The generation settings, in either of the shapes that the harness has written them in."""
    first = next(iter(arguments.values()), None) if isinstance(arguments, dict) else None
    if first is None and isinstance(arguments, list) and arguments:
        first = arguments[0]
    second = first.get("arg_1") if isinstance(first, dict) else None
    if second is None and isinstance(first, list) and len(first) > 1:
        second = first[1]
    return second if isinstance(second, dict) else {}


def _number(value: object, otherwise: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9
    return float(value) if good else otherwise  # pyright: ignore[reportArgumentType]
