"""Prompt styles: how a task becomes messages, and how the answer is read back.

    pddl      domain and problem as PDDL; the plan as one ground action a line, in parentheses
    english   the wording of the domain; the plan as one sentence a line (steps in PDDL notation are read as well)
    compact   the bare notation of models trained by planbench itself, with a reader of its own

Both readable styles ask for the plan between [PLAN] and [PLAN END], and whatever else models write instead is read by
`planbench.prompts.extract`. Examples are turns of a conversation: the first user message holds instructions, domain
and the first task, each later one a task alone, under a line [TASK]. A chat model sees a dialogue in which it has
answered so before; for a base model the contents are joined and read as a text that goes on in the same pattern. A
base model that goes on to invent the next [TASK] is cut there. Where examples speak languages of their own (renamed
`per-task`), the domain moves from the instructions to the tasks, each of which comes with its own.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from planbench.core.verdict import Plan, plan_text
from planbench.core.write import expression_text
from planbench.errors import InputError
from planbench.prompts.compact import name_objects, plan_words
from planbench.prompts.ending import PlanEnd
from planbench.prompts.extract import extract_plan
from planbench.prompts.lexicon import lexicon_of
from planbench.prompts.wording import Wording, clauses
from planbench.records.prompt import Message, Prompt
from planbench.records.sampling import Ending

if TYPE_CHECKING:
    from planbench.core.compile import CompiledTask

OPENING = "[PLAN]"
CLOSING = "[PLAN END]"
TASK = "[TASK]"


@dataclass(frozen=True)
class Language:
    """How a domain is said: as PDDL, and in English."""

    domain_pddl: str
    wording: Wording


@dataclass(frozen=True)
class Shot:
    """A solved example: a task outside the set that is measured, and its reference plan. `own` is its language where
    that is not the language of the task that is asked."""

    task: CompiledTask
    problem_pddl: str
    plan: Plan
    own: Language | None = None


class Build(Protocol):
    """A task as a prompt. All shots are of the task's domain, perhaps in a language of their own."""

    def __call__(
        self, task: CompiledTask, domain_pddl: str, problem_pddl: str, wording: Wording, shots: Sequence[Shot] = ()
    ) -> Prompt: ...


class Read(Protocol):
    """The plan in a reply, None where there is none. Never raises, whatever the text."""

    def __call__(self, text: str, task: CompiledTask, wording: Wording) -> Plan | None: ...


def build_pddl(
    task: CompiledTask, domain_pddl: str, problem_pddl: str, wording: Wording, shots: Sequence[Shot] = ()
) -> Prompt:
    """Style `pddl`."""
    opening = (
        "Solve a planning task given in PDDL. Find a plan: a sequence of actions that leads from the initial state to "
        "a state in which the goal holds.\n"
        f"Answer with the plan alone, between {OPENING} and {CLOSING}: one action a line, in the order of execution, "
        "each in parentheses with the name of the action and then its objects."
    )
    asked = [(shot.own.domain_pddl if shot.own else domain_pddl, shot.problem_pddl) for shot in shots]
    asked.append((domain_pddl, problem_pddl))
    tasks = [(f"The domain:\n{domain.strip()}", problem.strip()) for domain, problem in asked]
    return _dialogue("pddl", opening, tasks, shots, [plan_text(shot.plan) for shot in shots])


def build_english(
    task: CompiledTask, domain_pddl: str, problem_pddl: str, wording: Wording, shots: Sequence[Shot] = ()
) -> Prompt:
    """Style `english`."""
    opening = (
        "Solve a planning task. Find a plan: a sequence of actions that leads from the start to the goal.\n"
        f"Answer with the plan alone, between {OPENING} and {CLOSING}: one action a line, in the order of execution, "
        "worded exactly as in the list of actions, with the names of objects in place of the words in capitals."
    )
    said = [(shot.task, shot.own.wording if shot.own else wording) for shot in shots]
    tasks = [(english_domain(one, words), english_task(one, words)) for one, words in [*said, (task, wording)]]
    plans = [words.plan(shot.plan, shot.task.objects) for shot, (_, words) in zip(shots, said, strict=True)]
    return _dialogue("english", opening, tasks, shots, plans)


def _dialogue(
    style: str, opening: str, tasks: Sequence[tuple[str, str]], shots: Sequence[Shot], plans: Sequence[str]
) -> Prompt:
    """`tasks` are those of the shots and the one that is asked, each as domain and problem."""
    if any(shot.own for shot in shots):
        asked = [f"{TASK}\n{domain}\n\n{problem}" for domain, problem in tasks]
    else:
        opening = f"{opening}\n\n{tasks[-1][0]}"
        asked = [f"{TASK}\n{problem}" for _, problem in tasks]
    asked[0] = f"{opening}\n\n{asked[0]}"
    messages = [Message("user", asked[0])]
    for plan, question in zip(plans, asked[1:], strict=True):
        messages.append(Message("assistant", _answer(plan)))
        messages.append(Message("user", question))
    return Prompt(style, tuple(messages))


def _answer(plan: str) -> str:
    return f"{OPENING}\n{plan}{CLOSING}"


def write_answer(style: str, plan: Plan, task: CompiledTask, wording: Wording) -> str:
    """The reply that a plan is, in a style: what `read_reply` reads back."""
    if style == "compact":
        return " ".join(plan_words(plan, name_objects(task.objects)))
    return _answer(wording.plan(plan, task.objects) if style == "english" else plan_text(plan))


def english_domain(task: CompiledTask, wording: Wording) -> str:
    """What the world is, and the actions."""
    forms = "\n".join(
        f"- {wording.step_form(action)}\n  {wording.rules[name]}".rstrip()
        for name, action in task.domain.actions.items()
    )
    return (f"{wording.intro.strip()}\n\n" if wording.intro.strip() else "") + f"The actions:\n{forms}"


def english_task(task: CompiledTask, wording: Wording) -> str:
    """The objects by type, what holds at the start, and the goal."""
    by_kind: dict[str, list[str]] = {}
    for name, kind in task.objects.items():
        by_kind.setdefault(wording.kinds[kind], []).append(name)
    lines = [f"{kind[:1].upper()}{kind[1:]}: {', '.join(names)}." for kind, names in by_kind.items()]
    lines.append("\nAt the start:")
    start = [wording.fact(fact[0], fact[1:], task.objects) for fact in task.problem.init]
    for function, value in task.problem.values.items():
        if function[1:]:
            start.append(f"the {function[0]} of {', '.join(function[1:])} is {value:g}")
    names = task.objects.keys() | task.domain.predicates.keys()
    lines.extend(_sentence(clause, names) for clause in start)
    lines.append("Whatever is not said does not hold.")
    lines.append("\nThe goal:")
    lines.extend(_sentence(clause, names) for clause in clauses(task.problem.goal, wording, task.objects))
    if task.problem.metric is not None:
        metric = task.problem.metric
        what = metric if isinstance(metric, str) else expression_text(metric)
        lines.append(f"Among the plans that reach it, one of less {what} is better.")
    return "\n".join(lines)


def _sentence(clause: str, names: Set[str]) -> str:
    """A clause with capital and full stop; a name that stands first keeps its spelling."""
    first = clause.split(" ", 1)[0]
    return f"{clause if first in names else clause[:1].upper() + clause[1:]}."


def read_answer(text: str, task: CompiledTask, wording: Wording) -> Plan | None:
    """The reader of the readable styles."""
    return extract_plan(text, lexicon_of(task, wording))


STYLES: dict[str, tuple[str, str]] = {
    "pddl": ("planbench.prompts.styles:build_pddl", "planbench.prompts.styles:read_answer"),
    "english": ("planbench.prompts.styles:build_english", "planbench.prompts.styles:read_answer"),
    "compact": ("planbench.prompts.compact:build", "planbench.prompts.compact:read"),
}
"""Each style: what builds its prompt, what reads its replies."""


def build_prompt(
    style: str,
    task: CompiledTask,
    domain_pddl: str,
    problem_pddl: str,
    wording: Wording,
    shots: Sequence[Shot] = (),
) -> Prompt:
    """The prompt of a task in a style. Raises InputError for a style that there is not."""
    return cast("Build", _named(style, 0))(task, domain_pddl, problem_pddl, wording, shots)


def read_reply(style: str, text: str, task: CompiledTask, wording: Wording) -> Plan | None:
    """The plan in a reply to a prompt of this style."""
    return cast("Read", _named(style, 1))(text, task, wording)


def end_of(style: str) -> Ending | None:
    """How a plan ends in a style, None where only the end of the reply ends it."""
    return None if style == "compact" else PlanEnd()


def _named(style: str, part: int) -> object:
    if style not in STYLES:
        raise InputError(f"prompt style {style}: there is none of that name; use one of {', '.join(sorted(STYLES))}")
    module, _, name = STYLES[style][part].partition(":")
    return getattr(import_module(module), name)
