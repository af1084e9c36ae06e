"""Seeded tasks with a valid plan, made without search: walk at random, take the goal from where the walk ends."""

from __future__ import annotations

import random
from dataclasses import replace

from planbench.core.compile import CompiledTask, compile_task
from planbench.core.parse import read_domain, read_problem
from planbench.core.syntax import And, Atom, Domain, Problem
from planbench.core.verdict import Plan, Step
from planbench.paths import domains_dir


def domain_pddl(name: str) -> str:
    return (domains_dir() / name / "domain.pddl").read_text(encoding="utf-8")


def built_in(name: str) -> Domain:
    return read_domain(domain_pddl(name), name)


def blocksworld(rng: random.Random, blocks: int) -> str:
    names = [f"b{k}" for k in range(blocks)]
    facts = ["(handempty)"]
    towers: list[list[str]] = []
    for name in rng.sample(names, blocks):
        if towers and rng.random() < 0.6:
            tower = rng.choice(towers)
            facts.append(f"(on {name} {tower[-1]})")
            tower.append(name)
        else:
            facts.append(f"(ontable {name})")
            towers.append([name])
    facts += [f"(clear {tower[-1]})" for tower in towers]
    return _problem("blocksworld", f"{' '.join(names)} - block", facts)


def logistics(rng: random.Random, cities: int, packages: int) -> str:
    objects, facts, places = [], [], []
    for c in range(cities):
        here = [f"ap{c}", f"l{c}"]
        places += here
        objects.append(f"c{c} - city ap{c} - airport l{c} - location t{c} - truck")
        facts += [f"(in-city {place} c{c})" for place in here]
        facts.append(f"(at t{c} {rng.choice(here)})")
    objects.append("plane - airplane")
    facts.append(f"(at plane ap{rng.randrange(cities)})")
    for p in range(packages):
        objects.append(f"p{p} - package")
        facts.append(f"(at p{p} {rng.choice(places)})")
    return _problem("logistics", " ".join(objects), facts)


def grid(rng: random.Random, side: int, keys: int) -> str:
    cells = [(x, y) for x in range(side) for y in range(side)]
    objects = " ".join(f"n{x}-{y}" for x, y in cells) + " - place s0 s1 - shape "
    facts = ["(arm-empty)"]
    for x, y in cells:
        for a, b in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if (a, b) in cells:
                facts.append(f"(conn n{x}-{y} n{a}-{b})")
        if (x, y) != (0, 0) and rng.random() < 0.3:
            facts += [f"(locked n{x}-{y})", f"(lock-shape n{x}-{y} s{rng.randrange(2)})"]
        else:
            facts.append(f"(open n{x}-{y})")
    for k in range(keys):
        x, y = rng.choice(cells)
        objects += f"k{k} "
        facts += [f"(at k{k} n{x}-{y})", f"(key-shape k{k} s{rng.randrange(2)})"]
    return _problem("grid", objects + "- key", [*facts, "(at-robot n0-0)"])


MAKERS = {
    "blocksworld": lambda rng: blocksworld(rng, rng.randint(2, 7)),
    "logistics": lambda rng: logistics(rng, rng.randint(1, 3), rng.randint(1, 3)),
    "grid": lambda rng: grid(rng, rng.randint(2, 4), rng.randint(1, 4)),
}


def walk(task: CompiledTask, rng: random.Random, steps: int) -> Plan:
    """A plan of applicable steps chosen at random; shorter where nothing applies."""
    state, plan = task.initial, list[Step]()
    for _ in range(steps):
        choices = task.applicable(state)
        if not choices:
            break
        plan.append(rng.choice(choices))
        state = task.apply(state, plan[-1])
    return tuple(plan)


def solved_task(name: str, seed: int) -> tuple[Domain, Problem, Plan]:
    """A task of a built-in domain and a valid plan for it."""
    rng = random.Random(f"{name} {seed}")
    domain = built_in(name)
    problem = read_problem(MAKERS[name](rng), domain)
    task = compile_task(domain, problem)
    plan = walk(task, rng, rng.randint(0, 15))
    state = task.initial
    for step in plan:
        state = task.apply(state, step)
    goal = rng.sample(sorted(state), min(len(state), rng.randint(1, 4)))
    return domain, replace(problem, goal=And(tuple(Atom(fact[0], fact[1:]) for fact in goal))), plan


def mutants(domain: Domain, problem: Problem, plan: Plan, rng: random.Random) -> list[Plan]:
    """Plans that differ from `plan` in one place, as a model's mistakes do."""
    return [mutant for _, mutant in mutations(domain, problem, plan, rng)]


def mutations(domain: Domain, problem: Problem, plan: Plan, rng: random.Random) -> list[tuple[str, Plan]]:
    """As `mutants`, each with the name of what was done to the plan."""
    steps = list(plan)
    objects = list(problem.objects)
    name, action = rng.choice(list(domain.actions.items()))
    at_random = (name, *(rng.choice(objects) for _ in action.parameters))
    made: list[tuple[str, list[Step]]] = [
        ("truncate", steps[:-1]),
        ("unknown action", [*steps, ("no-such-action",)]),
        ("unknown action", [("",), *steps]),
        ("append", [*steps, at_random]),
        ("insert", [at_random, *steps]),
    ]
    if steps:
        k = rng.randrange(len(steps))
        step = steps[k]
        made += [
            ("truncate", steps[:k]),
            ("drop", steps[:k] + steps[k + 1 :]),
            ("duplicate", [*steps[: k + 1], step, *steps[k + 1 :]]),
            ("wrong arity", [*steps[:k], (*step, objects[0]), *steps[k + 1 :]]),
            ("wrong arity", [*steps[:k], step[:-1], *steps[k + 1 :]]),
        ]
        if len(step) > 1:
            j = rng.randrange(1, len(step))
            for what, other in (("change an argument", rng.choice(objects)), ("unknown object", "no-such-object")):
                made.append((what, [*steps[:k], (*step[:j], other, *step[j + 1 :]), *steps[k + 1 :]]))
    if len(steps) > 1:
        i, j = rng.sample(range(len(steps)), 2)
        swapped = steps.copy()
        swapped[i], swapped[j] = swapped[j], swapped[i]
        made.append(("swap", swapped))
    return [(what, tuple(mutant)) for what, mutant in made]


def detour(task: CompiledTask, plan: Plan, rng: random.Random) -> Plan | None:
    """A valid `plan` with a way round in it, or with two neighbours swapped, that may be valid still: a step that
    applies and, where there is one, the step that undoes it. None where nothing applies there."""
    k = rng.randint(0, len(plan))
    if 0 < k < len(plan) and rng.random() < 0.3:
        return (*plan[: k - 1], plan[k], plan[k - 1], *plan[k + 1 :])
    state = task.initial
    for step in plan[:k]:
        state = task.apply(state, step)
    choices = task.applicable(state)
    if not choices:
        return None
    away = rng.choice(choices)
    there = task.apply(state, away)
    back = next((step for step in task.applicable(there) if task.apply(there, step) == state), None)
    return (*plan[:k], away, *([back] if back else []), *plan[k:])


def _problem(domain: str, objects: str, facts: list[str]) -> str:
    return f"(define (problem p) (:domain {domain}) (:objects {objects}) (:init {' '.join(facts)}) (:goal (and)))"
