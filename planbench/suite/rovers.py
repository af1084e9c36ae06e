"""Rovers tasks: soil, rock and pictures to be gathered by rovers and sent to a lander.

Waypoints see each other along a random connected graph; a rover can traverse a random tree of those edges, which may
leave waypoints out. What is wanted is drawn from what some rover can do, one thing after another until the plan is as
long as asked for.

The reference plan comes from the policy in `planbench.suite.rovers_policy`. It is optimal where it meets the bound
there.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from planbench.suite.draft import Draft, Fact
from planbench.suite.fitting import fitted
from planbench.suite.rovers_policy import Goal, World, improved, lower_bound, solve

MODES = ("colour", "high_res", "low_res")
LANDER = "general"


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has about `target` steps, or None where the draw comes to nothing. A wide one has more rovers,
    waypoints, cameras and objectives than what is wanted needs."""
    if target < 2:
        return None
    extra = 4 if wide else 0
    rovers = rng.randint(1, 1 + min(3, target // 15 + extra // 4))
    world = random_world(
        rng,
        rovers=rovers,
        waypoints=rng.randint(2 + extra, min(20, 4 + target // 6) + extra),
        cameras=rng.randint(1, rovers + 1 + extra // 4),
        objectives=rng.randint(1 + extra // 4, min(16, 2 + target // 8) + extra),
    )
    pool = [goal for goal in world.goals() if any(world.can(rover, goal) for rover in world.rovers)]
    rng.shuffle(pool)
    kept = fitted(len(pool), target, lambda count: len(solve(world, pool[:count])))
    return None if kept == 0 else _draft(rng, world, pool[:kept])


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft | None:
    """A task of `rovers`, `waypoints`, `cameras` and `objectives`. Wanted are as many things as there are objectives
    and pairs of waypoints, where rovers can do so many."""
    world = random_world(rng, **{name: sizes[name] for name in ("rovers", "waypoints", "cameras", "objectives")})
    pool = [goal for goal in world.goals() if any(world.can(rover, goal) for rover in world.rovers)]
    wanted = rng.sample(pool, min(len(pool), sizes["objectives"] + sizes["waypoints"] // 2))
    return _draft(rng, world, wanted) if wanted else None


def random_world(rng: Random, *, rovers: int, waypoints: int, cameras: int, objectives: int) -> World:
    places = [f"w{index + 1}" for index in range(waypoints)]
    visible: dict[str, list[str]] = {place: [] for place in places}
    pairs = [(place, rng.choice(places[:index])) for index, place in enumerate(places) if index]
    pairs += [tuple(rng.sample(places, 2)) for _ in range(round(waypoints * rng.uniform(0.2, 1.0)))]
    for one, other in pairs:
        if other not in visible[one]:
            visible[one].append(other)
            visible[other].append(one)
    names = [f"r{index + 1}" for index in range(rovers)]
    start = {name: rng.choice(places) for name in names}
    devices = [f"c{index + 1}" for index in range(cameras)]
    board = {device: rng.choice(names) for device in devices}
    things = [f"o{index + 1}" for index in range(objectives)]
    tools: dict[str, set[str]] = {name: {tool for tool in ("soil", "rock") if rng.random() < 0.6} for name in names}
    tools[rng.choice(names)] |= {"soil", "rock"}
    for rover in board.values():
        tools[rover].add("image")
    most = max(1, min(8, waypoints // 3))
    return World(
        visible=visible,
        lander_at=rng.choice(places),
        start=start,
        ways={name: _tree(rng, visible, start[name]) for name in names},
        tools=tools,
        board=board,
        target={device: rng.choice(things) for device in devices},
        modes={device: sorted(rng.sample(MODES, rng.randint(1, 3))) for device in devices},
        seen_from={thing: sorted(rng.sample(places, rng.randint(1, most)), key=places.index) for thing in things},
        samples={kind: [place for place in places if rng.random() < 0.4] for kind in ("soil", "rock")},
    )


def _tree(rng: Random, visible: Mapping[str, list[str]], root: str) -> dict[str, list[str]]:
    """What a rover can traverse: a random tree around its start, which sometimes leaves waypoints out."""
    ways: dict[str, list[str]] = {root: []}
    left_out = rng.choice((0.0, 0.0, 0.2))
    edges = [(root, place) for place in visible[root]]
    while edges:
        index = rng.randrange(len(edges))
        edges[index], edges[-1] = edges[-1], edges[index]
        here, there = edges.pop()
        if there in ways or rng.random() < left_out:
            continue
        ways[here].append(there)
        ways[there] = [here]
        edges += [(there, place) for place in visible[there] if place not in ways]
    return ways


def _draft(rng: Random, world: World, wanted: list[Goal]) -> Draft | None:
    plan = improved(rng, world, wanted)
    return Draft(
        objects=_objects(world),
        init=tuple(_init(world)),
        goal=tuple(_wanted(goal) for goal in sorted(wanted)),
        plan=tuple(plan),
        optimal=len(plan) == lower_bound(world, wanted),
    )


def _wanted(goal: Goal) -> Fact:
    return (f"communicated_{goal[0]}_data", *goal[1:])


def _objects(world: World) -> dict[str, str]:
    objects = {LANDER: "lander"} | dict.fromkeys(MODES, "mode") | dict.fromkeys(world.rovers, "rover")
    objects |= dict.fromkeys(map(world.store, world.rovers), "store") | dict.fromkeys(world.visible, "waypoint")
    return objects | dict.fromkeys(world.board, "camera") | dict.fromkeys(world.seen_from, "objective")


def _init(world: World) -> list[Fact]:
    facts: list[Fact] = [("at_lander", LANDER, world.lander_at)]
    for rover, place in world.start.items():
        facts.append(("at", rover, place))
        for tool, predicate in (("soil", "soil_analysis"), ("rock", "rock_analysis"), ("image", "imaging")):
            if tool in world.tools[rover]:
                facts.append((f"equipped_for_{predicate}", rover))
        facts += [("store_of", world.store(rover), rover), ("empty", world.store(rover))]
        facts += [("can_traverse", rover, here, there) for here, near in world.ways[rover].items() for there in near]
    facts += [("visible", here, there) for here, near in world.visible.items() for there in near]
    facts += [(f"at_{kind}_sample", place) for kind, places in world.samples.items() for place in places]
    for camera, rover in world.board.items():
        facts += [("on_board", camera, rover), ("calibration_target", camera, world.target[camera])]
        facts += [("supports", camera, mode) for mode in world.modes[camera]]
    facts += [("visible_from", thing, place) for thing, places in world.seen_from.items() for place in places]
    return facts
