"""The compact style: a task and its plan in a few dozen words, for small planners trained from scratch.

    blocksworld init handempty ontable block1 on block2 block1 clear block2 goal ontable block2 on block1 block2 plan
    unstack block2 block1 put-down block2 pick-up block1 stack block1 block2

One word a predicate, action or object, so that a vocabulary of a few hundred words does. An object is written as its
type and its place among the objects of that type; a name that ends in coordinates (`pos-3-2`) is written as two words,
`x3 y2`, which a small model can count in. Facts come in the order of the task's objects, whatever the order of the
file. Which predicates a domain leaves out is in its domain.toml (`[compact] omit`): Grid leaves out `conn` and `open`,
which its coordinates and its locks already say.

Not covered: a task with more objects of a type than a planner's vocabulary (it reads the rest as unknown), and domains
that a planner was not trained on. Both are the planner's weakness and count as its failures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from planbench.core.verdict import Plan

Fact = tuple[str, ...]
Words = tuple[str, ...]

_COORDINATES = re.compile(r"(\d{1,4})-(\d{1,4})\D{0,8}$")


@dataclass(frozen=True)
class Scene:
    """What the style writes down of a task. `objects` maps name to type; `actions` maps each action to its arity."""

    domain: str
    objects: Mapping[str, str]
    init: Sequence[Fact]
    goal: Sequence[Fact]


def name_objects(objects: Mapping[str, str], numbers: Mapping[str, Sequence[int]] | None = None) -> dict[str, Words]:
    """Each object's words. `numbers` gives, for a type, the number of its first, second, ... object; without it they
    are 1, 2, ... (training draws them, so that no number means anything)."""
    words: dict[str, Words] = {}
    count: dict[str, int] = {}
    for name, kind in objects.items():
        if found := _COORDINATES.search(name):
            words[name] = (f"x{int(found[1])}", f"y{int(found[2])}")
            continue
        index = count.get(kind, 0)
        count[kind] = index + 1
        number = numbers[kind][index] if numbers and kind in numbers else index + 1
        words[name] = (f"{kind}{number}",)
    return words


def prompt_words(scene: Scene, names: Mapping[str, Words], omit: Iterable[str] = ()) -> list[str]:
    """The words of a prompt, ending in `plan`."""
    left_out = frozenset(omit)
    place = {name: index for index, name in enumerate(scene.objects)}

    def ordered(facts: Iterable[Fact]) -> list[Fact]:
        kept = [fact for fact in facts if fact[0] not in left_out]
        return sorted(kept, key=lambda fact: ([place.get(name, -1) for name in fact[1:]], fact[0]))

    words = [scene.domain, "init"]
    for fact in ordered(scene.init):
        words.append(fact[0])
        words += [word for name in fact[1:] for word in names.get(name, (name,))]
    words.append("goal")
    for fact in ordered(scene.goal):
        words.append(fact[0])
        words += [word for name in fact[1:] for word in names.get(name, (name,))]
    words.append("plan")
    return words


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
