"""Miconic tasks: passengers to be taken by a lift from the floors where they wait to those where they want to go.

Some passengers need not be served, and in some tasks there are passengers in the lift at the start.

The reference plan comes from a policy. On each floor whoever has arrived leaves and everybody who waits gets in; then
the lift goes to the nearest floor that nobody still waiting elsewhere wants to go to, so that it need not come back.
Where there is no such floor, it goes to one from which and to which many want to go. The plan is optimal where it meets
the bound in `_lower_bound`; to find the shortest in general is to find a smallest set of floors that meets every circle
of wishes, which is NP-hard (Helmert, "Complexity results for standard benchmark domains in planning", 2003).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

from planbench.core.verdict import Plan, Step
from planbench.suite.draft import Draft, Fact, renumbered
from planbench.suite.fitting import fitted


@dataclass(frozen=True)
class World:
    """Floors are numbered from 1 at the bottom. `origin` leaves those in the lift out."""

    floors: int
    lift: int
    origin: Mapping[str, int]
    destin: Mapping[str, int]


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has about `target` steps. In a wide one many passengers need not be served."""
    floors = rng.randint(2, min(16, 3 + target // 4)) + (rng.randint(1, 3) if wide else 0)
    names = [f"p{index + 1}" for index in range(2 + target // 2 + (rng.randint(3, 6) if wide else 1))]
    riding = rng.choice((0, 0, 0, 1, 2))
    world = _random_world(rng, floors, names, riding)
    order = rng.sample(names, len(names))
    count = fitted(len(order), target, lambda count: len(solve(world, order[:count])))
    wanted = set(order[:count])
    if not wide:
        gone = set([name for name in names if name not in wanted][rng.randint(0, 3) :])
        world = World(
            floors,
            world.lift,
            {name: floor for name, floor in world.origin.items() if name not in gone},
            {name: floor for name, floor in world.destin.items() if name not in gone},
        )
    task = _task(world, [name for name in world.destin if name in wanted])
    return task and renumbered(task)


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft | None:
    """A task of `passengers`, all of them waiting and to be served, and `floors`."""
    world = _random_world(rng, sizes["floors"], [f"p{index + 1}" for index in range(sizes["passengers"])], 0)
    return _task(world, list(world.destin))


def _random_world(rng: Random, floors: int, names: list[str], riding: int) -> World:
    origin = {name: rng.randint(1, floors) for name in names}
    destin: dict[str, int] = {}
    for name, here in origin.items():
        floor = rng.randint(1, floors - 1)
        destin[name] = floor if floor != here else floors
    inside = set(rng.sample(names, riding))
    waiting = {name: floor for name, floor in origin.items() if name not in inside}
    return World(floors, rng.randint(1, floors), waiting, destin)


def _task(world: World, wanted: list[str]) -> Draft | None:
    plan = solve(world, wanted)
    if not plan:
        return None
    floors = range(1, world.floors + 1)
    init: list[Fact] = [("lift-at", _floor(world.lift))]
    init += [("origin", name, _floor(floor)) for name, floor in world.origin.items()]
    init += [("boarded", name) for name in world.destin if name not in world.origin]
    init += [("destin", name, _floor(floor)) for name, floor in world.destin.items()]
    init += [("above", _floor(low), _floor(high)) for low in floors for high in range(low + 1, world.floors + 1)]
    return Draft(
        objects=dict.fromkeys(world.destin, "passenger") | dict.fromkeys(map(_floor, floors), "floor"),
        init=tuple(init),
        goal=tuple(("served", name) for name in wanted),
        plan=plan,
        optimal=len(plan) == _lower_bound(world, wanted),
    )


def _floor(number: int) -> str:
    return f"f{number}"


def solve(world: World, wanted: Iterable[str]) -> Plan:
    """The policy's plan."""
    steps: list[Step] = []
    waiting: dict[int, list[str]] = {}
    riding: dict[int, list[str]] = {}
    coming: Counter[int] = Counter()
    for name in wanted:
        if name in world.origin:
            waiting.setdefault(world.origin[name], []).append(name)
            coming[world.destin[name]] += 1
        else:
            riding.setdefault(world.destin[name], []).append(name)
    here = world.lift
    while True:
        steps += [("depart", _floor(here), name) for name in riding.pop(here, ())]
        for name in waiting.pop(here, ()):
            steps.append(("board", _floor(here), name))
            riding.setdefault(world.destin[name], []).append(name)
            coming[world.destin[name]] -= 1
        ahead = waiting.keys() | riding.keys()
        if not ahead:
            return tuple(steps)
        ready = [floor for floor in ahead if not coming[floor]]
        if ready:
            there = min(ready, key=lambda floor: (abs(floor - here), floor))
        else:
            arcs = {floor: {world.destin[name] for name in names} for floor, names in waiting.items()}
            there = _busiest(_circles(arcs))
        steps.append(("up" if there > here else "down", _floor(here), _floor(there)))
        here = there


_Arcs = Mapping[int, set[int]]
"""Where those who wait on a floor want to go."""


def _circles(arcs: _Arcs) -> dict[int, set[int]]:
    """What is left of the arcs without floors that no circle passes through, so far as cutting off ends shows it."""
    left = {floor: set(there) for floor, there in arcs.items()}
    while True:
        entered = set[int]().union(*left.values())
        kept = {floor: there & left.keys() for floor, there in left.items() if floor in entered}
        kept = {floor: there for floor, there in kept.items() if there}
        if kept == left:
            return kept
        left = kept


def _busiest(arcs: _Arcs) -> int:
    entering = Counter(floor for there in arcs.values() for floor in there)
    return max(arcs, key=lambda floor: (entering[floor] * len(arcs[floor]), -floor))


def _lower_bound(world: World, wanted: Iterable[str]) -> int:
    """Steps that no plan can do without: those in which passengers get in and out, a move to every floor that has to be
    visited, and a second one to some floor of each of several circles of wishes that share no floor. The lift is where
    it begins without a move, and who waits there can get in first."""
    names = list(wanted)
    waiting = [name for name in names if name in world.origin]
    away = [name for name in waiting if world.origin[name] != world.lift]
    visited = {world.destin[name] for name in waiting} | {world.origin[name] for name in away}
    visited |= {floor for name in names if (floor := world.destin[name]) != world.lift}
    arcs: dict[int, set[int]] = {}
    for name in away:
        arcs.setdefault(world.origin[name], set()).add(world.destin[name])
    return len(names) + len(waiting) + len(visited) + _separate_circles(arcs)


def _separate_circles(arcs: _Arcs) -> int:
    """How many circles that share no floor are found, pairs of floors first."""
    count = 0
    left = _circles(arcs)
    for pairs in (True, False):
        for start in sorted(left):
            if start not in left:
                continue
            circle = _pair(left, start) if pairs else _circle(left, start)
            if circle:
                count += 1
                left = _circles({floor: there for floor, there in left.items() if floor not in circle})
    return count


def _pair(arcs: _Arcs, start: int) -> set[int]:
    partner = min((floor for floor in arcs[start] if start in arcs[floor]), default=None)
    return set() if partner is None else {start, partner}


def _circle(arcs: _Arcs, start: int) -> set[int]:
    way = [start]
    while (there := min(arcs[way[-1]])) not in way:
        way.append(there)
    return set(way[way.index(there) :])
