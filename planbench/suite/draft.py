"""A task as a generator makes it: objects, facts, goal and the plan that its policy found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from planbench.core.verdict import Plan

Fact = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """`objects` maps name to type, in the order of the file. `plan` is valid; `optimal` is True where `plan` meets a
    lower bound on the number of steps, so that no shorter plan exists. `constants` are those of the objects that the
    domain declares; they come first."""

    objects: dict[str, str]
    init: tuple[Fact, ...]
    goal: tuple[Fact, ...]
    plan: Plan
    optimal: bool
    constants: frozenset[str] = frozenset()


def renumbered(draft: Draft) -> Draft:
    """The same task with its objects numbered from 1 on, without the gaps that objects taken out of it left."""
    count: Counter[str] = Counter()
    names: dict[str, str] = {}
    for thing in draft.objects:
        kind = thing.rstrip("0123456789")
        if kind != thing:
            count[kind] += 1
            names[thing] = f"{kind}{count[kind]}"

    def anew(facts: Iterable[Fact]) -> tuple[Fact, ...]:
        return tuple((fact[0], *(names.get(thing, thing) for thing in fact[1:])) for fact in facts)

    objects = {names.get(thing, thing): kind for thing, kind in draft.objects.items()}
    return replace(draft, objects=objects, init=anew(draft.init), goal=anew(draft.goal), plan=anew(draft.plan))


def problem_pddl(draft: Draft, name: str, domain: str) -> str:
    """The problem file: one type of objects a line, one fact a line, so that a difference of two files reads well."""
    by_type: dict[str, list[str]] = {}
    for thing, kind in draft.objects.items():
        if thing in draft.constants:
            continue
        by_type.setdefault(kind, []).append(thing)
    lines = [f"(define (problem {name})", f"  (:domain {domain})", "  (:objects"]
    lines += [f"    {' '.join(names)} - {kind}" for kind, names in by_type.items()]
    lines[-1] += ")"
    lines += ["  (:init", *_facts(draft.init)]
    lines[-1] += ")"
    lines += ["  (:goal (and", *_facts(draft.goal)]
    lines[-1] += ")))"
    return "\n".join(lines) + "\n"


def _facts(facts: Iterable[Fact]) -> list[str]:
    return [f"    ({' '.join(fact)})" for fact in facts]
