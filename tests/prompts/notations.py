"""Ways to write a plan down, each a function from plan to text: what a reader of replies has to undo."""

from __future__ import annotations

import json
from collections.abc import Callable

from planbench.core.verdict import Plan, step_text
from tests.prompts.tasks import Example


def _lines(plan: Plan, write: Callable[[tuple[str, ...]], str], before: str = "") -> str:
    return "\n".join(before.format(number) + write(step) for number, step in enumerate(plan, start=1))


def _call(step: tuple[str, ...]) -> str:
    return f"{step[0]}({', '.join(step[1:])})"


NOTATIONS: dict[str, Callable[[Plan, Example], str]] = {
    "lines": lambda plan, _: _lines(plan, step_text),
    "upper case": lambda plan, _: _lines(plan, step_text).upper(),
    "numbered": lambda plan, _: _lines(plan, step_text, "{}. "),
    "numbered with a parenthesis": lambda plan, _: _lines(plan, step_text, "{}) "),
    "bulleted": lambda plan, _: _lines(plan, step_text, "- "),
    "labelled": lambda plan, _: _lines(plan, step_text, "Step {}: "),
    "bold": lambda plan, _: _lines(plan, lambda step: f"**{step_text(step)}**", "{}. "),
    "code": lambda plan, _: _lines(plan, lambda step: f"`{step_text(step)}`", "* "),
    "time stamps": lambda plan, _: _lines(plan, lambda step: f"{step_text(step)} [1.000]", "{}.000: "),
    "comments": lambda plan, _: _lines(plan, lambda step: f"{step_text(step)} ; as it should be"),
    "on one line": lambda plan, _: " ".join(map(step_text, plan)),
    "arrows": lambda plan, _: " -> ".join(map(step_text, plan)),
    "calls": lambda plan, _: _lines(plan, _call),
    "calls, numbered": lambda plan, _: _lines(plan, _call, "{}. "),
    "calls with underscores": lambda plan, _: _lines(plan, lambda step: _call((step[0].replace("-", "_"), *step[1:]))),
    "bare": lambda plan, _: _lines(plan, " ".join),
    "bare, upper case": lambda plan, _: _lines(plan, " ".join).upper(),
    "bare, labelled": lambda plan, _: _lines(plan, " ".join, "Action {}: "),
    "bare, bulleted": lambda plan, _: _lines(plan, " ".join, "• "),
    "bare with arrows": lambda plan, _: " → ".join(map(" ".join, plan)),
    "JSON of strings": lambda plan, _: json.dumps(list(map(step_text, plan)), indent=1),
    "JSON of bare strings": lambda plan, _: json.dumps(list(map(" ".join, plan))),
    "JSON of lists": lambda plan, _: json.dumps({"plan": [list(step) for step in plan]}),
    "JSON of objects": lambda plan, _: json.dumps([{"action": step[0], "args": list(step[1:])} for step in plan]),
    "Python": lambda plan, _: str(list(map(" ".join, plan))),
    "english": lambda plan, of: of.wording.plan(plan, of.task.objects),
    "english, numbered": lambda plan, of: _lines(
        plan, lambda step: of.wording.step(step, of.task.objects).capitalize() + ".", "{}. "
    ),
}
EXACT = frozenset(NOTATIONS) - {"english", "english, numbered"}
"""Those in which a step of any words, known or not, keeps its form."""

SETTINGS: dict[str, Callable[[str], str]] = {
    "alone": lambda text: text,
    "fenced": lambda text: f"```\n{text}\n```",
    "fenced, with a language": lambda text: f"```pddl\n{text}\n```",
    "fence left open": lambda text: f"Sure!\n```\n{text}",
    "marked": lambda text: f"[PLAN]\n{text}\n[PLAN END]",
    "marked at the start of a line of prose": lambda text: f"My answer is this. [PLAN]\n{text}\n[/PLAN] I am done.",
    "tagged": lambda text: f"<plan>\n{text}\n</plan>",
    "after thinking": lambda text: f"<think>\nNo block is free. (stack zz zz)\n1. stack zz zz\n</think>\n{text}",
    "with prose": lambda text: f"Let me solve this task. Here is a plan:\n\n{text}\n\nThis reaches the goal.",
    "with a heading": lambda text: f"## Analysis\nThe goal needs a few steps.\n\n## Plan\n{text}\n\n## Notes\nNone.",
    "end of turn": lambda text: f"{text}<|im_end|>",
}
