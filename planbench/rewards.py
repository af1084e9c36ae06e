"""Our judge as a reward function, for whoever trains with reinforcement learning elsewhere.

`valid_plan` has the signature that TRL's GRPOTrainer and RLOOTrainer call: lists of completions, and each further
column of the data set as a list. `dataset_rows` makes the columns, for `datasets.Dataset.from_list`:

    rows = dataset_rows(generate("blocksworld", 1000, seed=0, plan_length=(2, 8), split="pool"))
    GRPOTrainer(model, reward_funcs=valid_plan, train_dataset=Dataset.from_list(rows), ...)

The reward is 1 for a valid plan and 0 for any other reply; None, which these trainers leave out, where judging itself
failed, so that a fault of ours teaches nothing. Nothing of TRL is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from planbench.errors import InputError, PlanbenchError
from planbench.evaluate import verdict_of
from planbench.preparation import Prepared, prepare
from planbench.prompts.styles import build_prompt
from planbench.records import Task

COLUMNS = ("style", "domain", "domain_pddl", "problem_pddl", "domain_toml")
"""Of the data set, beside `prompt`: what judging needs."""

_KEPT = 4_096


def dataset_rows(tasks: Iterable[Task], style: str = "pddl") -> list[dict[str, Any]]:
    """A row a task: the prompt, as messages or, for styles of bare text, as a string, and what judging needs.

    Raises PddlError for a task that cannot be read, InputError for a style that there is not or no task at all.
    """
    rows: list[dict[str, Any]] = []
    for one in prepare(tasks):
        prompt = build_prompt(style, one.compiled, one.task.domain_pddl, one.task.problem_pddl, one.wording)
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        values = (style, one.task.domain, one.task.domain_pddl, one.task.problem_pddl, one.task.domain_toml)
        asked = "".join(message.content for message in prompt.messages) if prompt.raw else messages
        rows.append({"prompt": asked, **dict(zip(COLUMNS, values, strict=True))})
    return rows


def valid_plan(
    completions: Sequence[object],
    domain_pddl: Sequence[str] | None = None,
    problem_pddl: Sequence[str] | None = None,
    style: Sequence[str] | None = None,
    domain: Sequence[str] | None = None,
    domain_toml: Sequence[str] | None = None,
    log_extra: Callable[[str, list[Any]], None] | None = None,
    **others: object,
) -> list[float | None]:
    """A reward for each completion: a text, or a conversation, of which the last message is read.

    `log_extra`, where the trainer gives it, is told of the verdicts. Raises InputError where a column is missing, has
    another length, or holds a task that cannot be read: that is a fault of the data set, not of a reply.
    """
    count = len(completions)
    if domain_pddl is None or problem_pddl is None:
        raise InputError("the data set has no columns domain_pddl and problem_pddl; make it with dataset_rows")
    given = {
        "style": style or ["pddl"] * count,
        "domain": domain or [""] * count,
        "domain_pddl": domain_pddl,
        "problem_pddl": problem_pddl,
        "domain_toml": domain_toml or [""] * count,
    }
    for name, column in given.items():
        if len(column) != count:
            raise InputError(f"column {name} has {len(column)} rows for {count} completions")
    verdicts: list[str] = []
    for number, completion in enumerate(completions):
        of, *task = (given[name][number] for name in COLUMNS)
        verdicts.append(verdict_of(_ready(*task), of, text_of(completion), None)[1].kind)
    if log_extra is not None:
        log_extra("verdict", list(verdicts))
    return [None if kind == "harness_error" else float(kind == "valid") for kind in verdicts]


def text_of(completion: object) -> str:
    """What a model wrote. Raises InputError for what is neither a text nor a list of messages."""
    if isinstance(completion, str):
        return completion
    if isinstance(completion, Sequence):
        last: object = completion[-1] if completion else {"content": ""}
        if isinstance(last, Mapping):
            content: object = last.get("content")
            return content if isinstance(content, str) else ""
    raise InputError(f"a completion is {type(completion).__name__}, neither a text nor a list of messages")


@lru_cache(maxsize=_KEPT)
def _ready(domain: str, domain_pddl: str, problem_pddl: str, domain_toml: str) -> Prepared:
    """A group of completions is of one task, and an epoch comes back to it: it is read once."""
    task = Task("task", domain or "domain", domain_pddl, problem_pddl, domain_toml=domain_toml)
    try:
        return prepare([task])[0]
    except PlanbenchError as error:
        raise InputError(f"a row of the data set holds no task: {error}") from error
