"""The compact style: a task and its plan in a few dozen words, for small planners trained from scratch.

    blocksworld handempty block1 ontable goal:on block2 block2 clear on block1 goal:ontable plan
    unstack block2 block1 put-down block2 pick-up block1 stack block1 block2

One word a predicate, action or object, so that a vocabulary of a few hundred words does. After the facts without an
object comes object after object: its name, its facts, and what the goal wants of it, so that what is and what is wanted
stand side by side. A fact belongs to its first object, whose name is not repeated. Objects stand in the order of the
task, or nested where the domain says so (`planbench.prompts.layout`): tower by tower, city by city.

An object is written as its type and its place among the objects of that type; a name that ends in coordinates
(`pos-3-2`) is written as two words, `x3 y2`, which a small model can count in. Which predicates a domain leaves out is
in its domain.toml: Grid leaves out `conn` and `open`, which its coordinates and its locks already say.

Not covered: a task with more objects of a type than a planner's vocabulary (it reads the rest as unknown), and domains
that a planner was not trained on. Both are the planner's weakness and count as its failures.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planbench.core.syntax import Atom, Equal, alternatives, literals
from planbench.core.verdict import Plan
from planbench.errors import InputError
from planbench.prompts.layout import GOAL, PLAIN, Layout
from planbench.prompts.wording import Wording
from planbench.records.prompt import Message, Prompt

if TYPE_CHECKING:
    from planbench.core.compile import CompiledTask
    from planbench.prompts.styles import Shot

Fact = tuple[str, ...]
Words = tuple[str, ...]

_Order = tuple[bool, int, str, list[int]]

_COORDINATES = re.compile(r"(\d{1,4})-(\d{1,4})\D{0,8}$")


@dataclass(frozen=True)
class Scene:
    """What the style writes down of a task. `objects` maps name to type; `constants` are those of them that are the
    domain's, the same in every task."""

    domain: str
    objects: Mapping[str, str]
    init: Sequence[Fact]
    goal: Sequence[Fact]
    constants: Collection[str] = ()


def name_objects(objects: Mapping[str, str], numbers: Mapping[str, Sequence[int]] | None = None) -> dict[str, Words]:
    """Each object's words. `numbers` gives, for a type, the number of its first, second, ... object; without it they
    are 1, 2, ... (training draws them, so that no number means anything)."""
    words: dict[str, Words] = {}
    count: dict[str, int] = {}
    for name, kind in objects.items():
        kind = alternatives(kind)[0]
        if found := _COORDINATES.search(name):
            words[name] = (f"x{int(found[1])}", f"y{int(found[2])}")
            continue
        index = count.get(kind, 0)
        count[kind] = index + 1
        number = numbers[kind][index] if numbers and kind in numbers else index + 1
        words[name] = (f"{kind}{number}",)
    return words


def prompt_words(scene: Scene, names: Mapping[str, Words], layout: Layout = PLAIN) -> list[str]:
    """The words of a prompt, ending in `plan`."""
    place = {name: index for index, name in enumerate(scene.objects)}
    recalled: dict[str, list[str]] = {}
    for fact in scene.init:
        if fact[0] in layout.recall and len(fact) > 1:
            recalled.setdefault(fact[1], []).extend(_said(fact[2:], names))
    lines: dict[str, list[tuple[_Order, list[str]]]] = {name: [] for name in nested(scene, layout.nest)}
    alone: list[str] = []
    for wanted, facts in ((False, scene.init), (True, scene.goal)):
        for fact in facts:
            if fact[0] in layout.omit:
                continue
            word = f"{GOAL}{fact[0]}" if wanted else fact[0]
            if len(fact) == 1:
                alone.append(word)
                continue
            rest = _said(fact[2:], names)
            if wanted:
                rest += [part for name in fact[2:] for part in recalled.get(name, ())]
            order = (wanted, len(fact), fact[0], [place.get(name, -1) for name in fact[2:]])
            lines.setdefault(fact[1], []).append((order, [word, *rest]))
    words = [scene.domain, *sorted(alone)]
    for name, facts_of in lines.items():
        if facts_of:
            words += names.get(name, (name,))
            words += [word for _, line in sorted(facts_of) for word in line]
    return [*words, "plan"]


def _said(objects: Sequence[str], names: Mapping[str, Words]) -> list[str]:
    return [part for name in objects for part in names.get(name, (name,))]


def nested(scene: Scene, nest: Iterable[str]) -> list[str]:
    """The objects of a task, each directly after the one that it is nested in or after what stands there before it.

    An object is nested in the second object of its first fact, or of what is first wanted of it, of a predicate in
    `nest`. Objects that are nested in each other, in a circle, come last, in the order of the task.
    """
    nesting = frozenset(nest)
    if not nesting:
        return list(scene.objects)
    within: dict[str, str] = {}
    for wanted, facts in ((False, scene.init), (True, scene.goal)):
        for fact in facts:
            word = f"{GOAL}{fact[0]}" if wanted else fact[0]
            if word in nesting and len(fact) > 2 and fact[1] in scene.objects and fact[2] in scene.objects:
                within.setdefault(fact[1], fact[2])
    inside: dict[str, list[str]] = {}
    for name in scene.objects:
        if name in within:
            inside.setdefault(within[name], []).append(name)
    order: dict[str, None] = {}
    waiting = [name for name in scene.objects if name not in within][::-1]
    while waiting:
        name = waiting.pop()
        order[name] = None
        waiting += reversed(inside.get(name, []))
    return list(order | dict.fromkeys(scene.objects))


def plan_words(plan: Plan, names: Mapping[str, Words]) -> list[str]:
    return [word for step in plan for word in (step[0], *(part for name in step[1:] for part in names[name]))]


def read_words(words: Sequence[str], names: Mapping[str, Words], actions: Iterable[str]) -> Plan | None:
    """The plan that the words say, None where no action occurs. A word that names nothing stays as it is, so that the
    judge sees it; words before the first action are not part of a plan."""
    known = frozenset(actions)
    single = {parts[0]: name for name, parts in names.items() if len(parts) == 1}
    double = {parts: name for name, parts in names.items() if len(parts) == 2}
    steps: list[list[str]] = []
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if word in known:
            steps.append([word])
        elif steps:
            pair = (word, words[index]) if index < len(words) else (word, "")
            if pair in double:
                steps[-1].append(double[pair])
                index += 1
            else:
                steps[-1].append(single.get(word, word))
    return tuple(tuple(step) for step in steps) if steps else None


def scene_of(task: CompiledTask) -> Scene:
    """A compiled task as the style sees it. A goal that wants a fact not to hold is a fact of `not-<predicate>`.

    Raises InputError for a goal that is no conjunction of literals.
    """
    goal: list[Fact] = []
    for part, positive in literals(task.problem.goal):
        if isinstance(part, Atom):
            goal.append((part.predicate if positive else f"not-{part.predicate}", *part.terms))
        elif not isinstance(part, Equal):
            raise InputError(
                f"the goal of {task.problem.name} is no conjunction of facts, which is all that the compact style can"
                " say; use --prompt english or --prompt pddl"
            )
    return Scene(task.domain.name, task.objects, task.problem.init, goal, task.domain.constants)


def build(
    task: CompiledTask, domain_pddl: str, problem_pddl: str, wording: Wording, shots: Sequence[Shot] = ()
) -> Prompt:
    """Style `compact`. Raises InputError for examples, which a model of this style was never shown."""
    if shots:
        raise InputError("the compact style takes no examples; drop --shots or use --prompt pddl")
    words = prompt_words(scene_of(task), name_objects(task.objects), wording.layout)
    return Prompt("compact", (Message("user", " ".join(words)),), raw=True)


def read(text: str, task: CompiledTask, wording: Wording) -> Plan | None:
    """The plan in a reply of this style. Time and memory are linear in the text."""
    return read_words(text.split(), name_objects(task.objects), task.domain.actions)
