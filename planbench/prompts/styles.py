"""Prompt styles: how a task becomes messages, and how the answer is read back.

    pddl      domain and problem as PDDL; the plan as one ground action a line, in parentheses
    english   the wording of the domain; the plan as one sentence a line (steps in PDDL notation are read as well)
    compact   the bare notation of models trained by planbench itself, with a reader of its own

`pddl-cot`, `pddl-state`, `english-cot` and `english-state` ask for reasoning before the plan
(`planbench.prompts.reasoning`), and show it in their examples. There only what is marked as the final plan is read.

All readable styles ask for the plan between [PLAN] and [PLAN END], and whatever else models write instead is read by
`planbench.prompts.extract`. Examples are turns of a conversation: the first user message holds instructions, domain
and the first task, each later one a task alone, under a line [TASK]. A chat model sees a dialogue in which it has
answered so before; for a base model the contents are joined and read as a text that goes on in the same pattern. A
base model that goes on to invent the next [TASK] is cut there. Where examples speak languages of their own (renamed
`per-task`), the domain moves from the instructions to the tasks, each of which comes with its own.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from planbench.core.syntax import TOTAL_COST, alternatives
from planbench.core.verdict import Plan, plan_text
from planbench.core.write import expression_text, number_text, rule_text
from planbench.errors import InputError
from planbench.prompts.compact import name_objects, plan_words
from planbench.prompts.ending import PlanEnd
from planbench.prompts.extract import extract_final_plan, extract_plan
from planbench.prompts.lexicon import lexicon_of
from planbench.prompts.reasoning import ASKED, REASONINGS, Reasoning, worked
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
    task: CompiledTask,
    domain_pddl: str,
    problem_pddl: str,
    wording: Wording,
    shots: Sequence[Shot] = (),
    reasoning: Reasoning | None = None,
) -> Prompt:
    """Style `pddl`."""
    opening = (
        "Solve a planning task given in PDDL. Find a plan: a sequence of actions that leads from the initial state to "
        "a state in which the goal holds.\n"
        f"{_asked(reasoning)} between {OPENING} and {CLOSING}: one action a line, in the order of execution, "
        "each in parentheses with the name of the action and then its objects."
    )
    asked = [(shot.own.domain_pddl if shot.own else domain_pddl, shot.problem_pddl) for shot in shots]
    asked.append((domain_pddl, problem_pddl))
    tasks = [(f"The domain:\n{domain.strip()}", problem.strip()) for domain, problem in asked]
    answers = [_answer(plan_text(shot.plan), reasoning, shot.plan, shot.task, None) for shot in shots]
    return _dialogue(_style("pddl", reasoning), opening, tasks, shots, answers)


def build_english(
    task: CompiledTask,
    domain_pddl: str,
    problem_pddl: str,
    wording: Wording,
    shots: Sequence[Shot] = (),
    reasoning: Reasoning | None = None,
) -> Prompt:
    """Style `english`."""
    opening = (
        "Solve a planning task. Find a plan: a sequence of actions that leads from the start to the goal.\n"
        f"{_asked(reasoning)} between {OPENING} and {CLOSING}: one action a line, in the order of execution, "
        "worded exactly as in the list of actions, with the names of objects in place of the words in capitals."
    )
    said = [(shot.task, shot.own.wording if shot.own else wording) for shot in shots]
    tasks = [(english_domain(one, words), english_task(one, words)) for one, words in [*said, (task, wording)]]
    answers = [
        _answer(words.plan(shot.plan, shot.task.objects), reasoning, shot.plan, shot.task, words)
        for shot, (_, words) in zip(shots, said, strict=True)
    ]
    return _dialogue(_style("english", reasoning), opening, tasks, shots, answers)


def _style(notation: str, reasoning: Reasoning | None) -> str:
    return notation if reasoning is None else f"{notation}-{reasoning}"


def _asked(reasoning: Reasoning | None) -> str:
    return "Answer with the plan alone," if reasoning is None else f"{ASKED[reasoning]} Then give the plan, once,"


def _dialogue(
    style: str, opening: str, tasks: Sequence[tuple[str, str]], shots: Sequence[Shot], answers: Sequence[str]
) -> Prompt:
    """`tasks` are those of the shots and the one that is asked, each as domain and problem."""
    if any(shot.own for shot in shots):
        asked = [f"{TASK}\n{domain}\n\n{problem}" for domain, problem in tasks]
    else:
        opening = f"{opening}\n\n{tasks[-1][0]}"
        asked = [f"{TASK}\n{problem}" for _, problem in tasks]
    asked[0] = f"{opening}\n\n{asked[0]}"
    messages = [Message("user", asked[0])]
    for answer, question in zip(answers, asked[1:], strict=True):
        messages.append(Message("assistant", answer))
        messages.append(Message("user", question))
    return Prompt(style, tuple(messages))


def _answer(said: str, reasoning: Reasoning | None, plan: Plan, task: CompiledTask, wording: Wording | None) -> str:
    """`said` is the plan as the style writes it; the rest is for the reasoning before it."""
    before = "" if reasoning is None else f"{worked(reasoning, plan, task, wording)}\n\n"
    return f"{before}{OPENING}\n{said}{CLOSING}"


def write_answer(style: str, plan: Plan, task: CompiledTask, wording: Wording) -> str:
    """The reply that a valid plan is, in a style: what `read_reply` reads back."""
    if style == "compact":
        return " ".join(plan_words(plan, name_objects(task.objects)))
    notation, _, after = style.partition("-")
    reasoning: Reasoning | None = next((kind for kind in REASONINGS if kind == after), None)
    if notation == "english":
        return _answer(wording.plan(plan, task.objects), reasoning, plan, task, wording)
    return _answer(plan_text(plan), reasoning, plan, task, None)


def english_domain(task: CompiledTask, wording: Wording) -> str:
    """What the world is, and the actions."""
    forms = "\n".join(
        f"- {wording.step_form(action)}\n  {wording.rules[name]}".rstrip()
        for name, action in task.domain.actions.items()
    )
    told = (f"{wording.intro.strip()}\n\n" if wording.intro.strip() else "") + f"The actions:\n{forms}"
    rules = "\n".join(rule_text(rule, typed=True) for rule in task.domain.rules)
    return f"{told}\n\nWhat follows from what holds, in PDDL:\n{rules}" if rules else told


def english_task(task: CompiledTask, wording: Wording) -> str:
    """The objects by type, what holds at the start, and the goal."""
    by_kind: dict[str, list[str]] = {}
    for name, kind in task.objects.items():
        by_kind.setdefault(" as well as ".join(wording.kinds[one] for one in alternatives(kind)), []).append(name)
    lines = [f"{kind[:1].upper()}{kind[1:]}: {', '.join(names)}." for kind, names in by_kind.items()]
    lines.append("\nAt the start:")
    start = [wording.fact(fact[0], fact[1:], task.objects) for fact in task.problem.init]
    for function, value in task.problem.values.items():
        if function[1:]:
            start.append(f"the {function[0]} of {', '.join(function[1:])} is {number_text(value)}")
        elif function[0] != TOTAL_COST:
            start.append(f"the {function[0]} is {number_text(value)}")
    names = task.objects.keys() | task.domain.predicates.keys()
    lines.extend(_sentence(clause, names) for clause in start)
    lines.append("Whatever is not said does not hold.")
    lines.append("\nThe goal:")
    lines.extend(_sentence(clause, names) for clause in clauses(task.problem.goal, wording, task.objects))
    if task.problem.metric is not None:
        metric = task.problem.metric
        what = metric if isinstance(metric, str) else expression_text(metric)
        lines.append(
            f"Among the plans that reach it, one of {'more' if task.problem.maximize else 'less'} {what} is better."
        )
    return "\n".join(lines)


def _sentence(clause: str, names: Set[str]) -> str:
    """A clause with capital and full stop; a name that stands first keeps its spelling."""
    first = clause.split(" ", 1)[0]
    return f"{clause if first in names else clause[:1].upper() + clause[1:]}."


def read_answer(text: str, task: CompiledTask, wording: Wording) -> Plan | None:
    """The reader of the readable styles."""
    return extract_plan(text, lexicon_of(task, wording))


def read_reasoned(text: str, task: CompiledTask, wording: Wording) -> Plan | None:
    """The reader of the styles that ask for reasoning."""
    return extract_final_plan(text, lexicon_of(task, wording))


build_pddl_cot = partial(build_pddl, reasoning="cot")
build_pddl_state = partial(build_pddl, reasoning="state")
build_english_cot = partial(build_english, reasoning="cot")
build_english_state = partial(build_english, reasoning="state")

STYLES: dict[str, tuple[str, str]] = {
    "pddl": ("planbench.prompts.styles:build_pddl", "planbench.prompts.styles:read_answer"),
    "pddl-cot": ("planbench.prompts.styles:build_pddl_cot", "planbench.prompts.styles:read_reasoned"),
    "pddl-state": ("planbench.prompts.styles:build_pddl_state", "planbench.prompts.styles:read_reasoned"),
    "english": ("planbench.prompts.styles:build_english", "planbench.prompts.styles:read_answer"),
    "english-cot": ("planbench.prompts.styles:build_english_cot", "planbench.prompts.styles:read_reasoned"),
    "english-state": ("planbench.prompts.styles:build_english_state", "planbench.prompts.styles:read_reasoned"),
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
    """How a plan ends in a style, None where only the end of the reply ends it: a compact plan has no marker, and one
    that was reasoned may be a draft that is corrected below."""
    return PlanEnd() if style in ("pddl", "english") else None


def _named(style: str, part: int) -> object:
    if style not in STYLES:
        raise InputError(f"prompt style {style}: there is none of that name; use one of {', '.join(sorted(STYLES))}")
    module, _, name = STYLES[style][part].partition(":")
    return getattr(import_module(module), name)
