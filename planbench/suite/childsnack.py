"""Childsnack tasks: sandwiches to make, to put on trays and to serve at tables.

Most tasks begin in the middle: a plan for all children is made from an empty start and begun, and the task is what is
left to do. What was made, carried or served by then lies about. Wide tasks have bread, content, trays and children that
nobody has to think of.

The reference plan is always optimal. Each child takes a sandwich of its own, which is made, put on a tray and served;
and each table with children takes a move of a tray, all of which begin in the kitchen. The plan has just these steps,
as every table is visited once; and what is left of a shortest plan is a shortest plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from planbench.core.verdict import Step
from planbench.suite.draft import Draft, Fact

KITCHEN = "kitchen"


@dataclass(frozen=True)
class World:
    """`waits` says at which table a child waits; `hungry` are those to be served. The first of bread and content, as
    many as `no_gluten`, are without gluten."""

    waits: dict[str, str]
    allergic: frozenset[str]
    hungry: tuple[str, ...]
    tables: tuple[str, ...]
    trays: tuple[str, ...]
    sandwiches: tuple[str, ...]
    portions: int
    no_gluten: int


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has `target` steps, or None where the draw gives too few children for that."""
    hungry = max(1, round(target / rng.uniform(2.4, 3.6))) + (rng.randint(0, 2) if rng.random() < 0.7 else 0)
    extra = rng.randint(2, 4) if wide else rng.choice((0, 0, 1))
    world = _random_world(
        rng,
        children=hungry + extra,
        hungry=hungry,
        allergic=rng.randint(0, hungry + extra),
        tables=rng.randint(1, 3) + extra // 4,
        trays=rng.randint(1, 3) + extra // 4,
        sandwiches=hungry + extra + rng.randint(0, 2),
    )
    plan = _plan(rng, world)
    done = len(plan) - target
    return None if done < 0 else _draft(world, plan, done, settled=rng.random() < 0.5)


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft | None:
    """A task of `children`, `allergic` ones among them, `trays` and `sandwiches`. There are three tables and at least
    as many sandwiches as children. Nothing is made or served yet unless `begun` is 1: of few children there are too few
    tasks from the beginning."""
    world = _random_world(
        rng,
        children=sizes["children"],
        hungry=sizes["children"],
        allergic=min(sizes["allergic"], sizes["children"]),
        tables=3,
        trays=sizes["trays"],
        sandwiches=max(sizes["sandwiches"], sizes["children"]),
    )
    plan = _plan(rng, world)
    return _draft(world, plan, rng.randrange(len(plan) - 1) if sizes["begun"] else 0, settled=False)


def _random_world(
    rng: Random, *, children: int, hungry: int, allergic: int, tables: int, trays: int, sandwiches: int
) -> World:
    names = [f"c{index + 1}" for index in range(children)]
    places = [f"table{index + 1}" for index in range(tables)]
    return World(
        waits={name: rng.choice(places) for name in names},
        allergic=frozenset(rng.sample(names, allergic)),
        hungry=tuple(sorted(rng.sample(names, hungry), key=names.index)),
        tables=tuple(places),
        trays=tuple(f"t{index + 1}" for index in range(trays)),
        sandwiches=tuple(f"s{index + 1}" for index in range(sandwiches)),
        portions=children,
        no_gluten=allergic,
    )


def _plan(rng: Random, world: World) -> list[Step]:
    """Tray after tray is filled, taken to its tables and emptied there. Allergic children come first at each table."""
    tray_of = {table: rng.choice(world.trays) for table in world.tables}
    together = rng.random() < 0.5
    unmade, safe, plain = list(world.sandwiches), 0, world.no_gluten
    steps: list[Step] = []
    for tray in world.trays:
        eating = [
            child
            for table in world.tables
            if tray_of[table] == tray
            for child in sorted(world.hungry, key=lambda child: child not in world.allergic)
            if world.waits[child] == table
        ]
        making: list[Step] = []
        serving: list[Step] = []
        here = KITCHEN
        for child in eating:
            sandwich = unmade.pop(0)
            if child in world.allergic:
                suffix, portion, safe = "_no_gluten", safe + 1, safe + 1
            else:
                suffix, portion, plain = "", plain + 1, plain + 1
            making.append((f"make_sandwich{suffix}", sandwich, f"b{portion}", f"f{portion}"))
            if here != world.waits[child]:
                serving.append(("move_tray", tray, here, world.waits[child]))
                here = world.waits[child]
            serving.append((f"serve_sandwich{suffix}", sandwich, child, tray, here))
        putting: list[Step] = [("put_on_tray", step[1], tray) for step in making]
        pairs = zip(making, putting, strict=True)
        steps += [*making, *putting] if together else [step for pair in pairs for step in pair]
        steps += serving
    return steps


def _draft(world: World, plan: Sequence[Step], done: int, *, settled: bool) -> Draft:
    """The task of what is left after the first `done` steps; `settled`: the goal names those served by then as well."""
    facts = dict.fromkeys(_start(world))
    for step in plan[:done]:
        for fact, holds in _changes(step):
            if holds:
                facts[fact] = None
            else:
                del facts[fact]
    served = {fact[1] for fact in facts if fact[0] == "served"}
    wanted = [child for child in world.hungry if settled or child not in served]
    return Draft(
        objects=_objects(world),
        init=tuple(facts),
        goal=tuple(("served", child) for child in wanted),
        plan=tuple(plan[done:]),
        optimal=True,
        constants=frozenset({KITCHEN}),
    )


def _changes(step: Step) -> list[tuple[Fact, bool]]:
    """What a step of the plan makes true and false."""
    match step:
        case (("make_sandwich" | "make_sandwich_no_gluten") as name, sandwich, bread, content):
            gluten: list[tuple[Fact, bool]] = [(("no_gluten_sandwich", sandwich), True)]
            return [
                (("at_kitchen_bread", bread), False),
                (("at_kitchen_content", content), False),
                (("notexist", sandwich), False),
                (("at_kitchen_sandwich", sandwich), True),
                *(gluten if name == "make_sandwich_no_gluten" else []),
            ]
        case ("put_on_tray", sandwich, tray):
            return [(("at_kitchen_sandwich", sandwich), False), (("ontray", sandwich, tray), True)]
        case ("move_tray", tray, here, there):
            return [(("at", tray, here), False), (("at", tray, there), True)]
        case (_, sandwich, child, tray, _):
            return [(("ontray", sandwich, tray), False), (("served", child), True)]
        case _:
            raise AssertionError(step)


def _start(world: World) -> list[Fact]:
    facts: list[Fact] = [("at", tray, KITCHEN) for tray in world.trays]
    for number in range(1, world.portions + 1):
        facts += [("at_kitchen_bread", f"b{number}"), ("at_kitchen_content", f"f{number}")]
        if number <= world.no_gluten:
            facts += [("no_gluten_bread", f"b{number}"), ("no_gluten_content", f"f{number}")]
    for child, table in world.waits.items():
        facts += [("allergic_gluten" if child in world.allergic else "not_allergic_gluten", child)]
        facts += [("waiting", child, table)]
    return facts + [("notexist", sandwich) for sandwich in world.sandwiches]


def _objects(world: World) -> dict[str, str]:
    objects = {KITCHEN: "place"} | dict.fromkeys(world.waits, "child") | dict.fromkeys(world.trays, "tray")
    objects |= dict.fromkeys(world.sandwiches, "sandwich")
    objects |= {f"b{number}": "bread-portion" for number in range(1, world.portions + 1)}
    objects |= {f"f{number}": "content-portion" for number in range(1, world.portions + 1)}
    return objects | dict.fromkeys(world.tables, "place")
