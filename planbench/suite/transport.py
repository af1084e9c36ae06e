"""Transport tasks: packages to be brought to their locations by vehicles that hold a few at a time.

The roads, which lead both ways, are a random tree with some roads more. Most tasks begin on the way: a plan for all
packages is begun, and the task is what is left to do. Wide tasks have more vehicles, locations and packages without a
goal.

The reference plan comes from a policy: package after package is given to a vehicle, and taken up and set down on its
route where that makes the plan least longer. Then one vehicle after the other drives its route. The plan is optimal
where it meets the bound in `_lower_bound`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from planbench.core.verdict import Step
from planbench.suite.draft import Draft, Fact


@dataclass(frozen=True)
class Map:
    """Locations are numbered from 0."""

    near: list[list[int]]
    """The locations that a road leads to, of each location."""
    away: list[list[int]]
    """The roads on a shortest way from one location to another."""


@dataclass
class Vehicle:
    """A vehicle's route: for each stop the location and the package, taken up the first time, set down the second."""

    start: int
    capacity: int
    stops: list[tuple[int, int]] = field(default_factory=list)


def draft(rng: Random, target: int, wide: bool = False) -> Draft:
    """A task whose plan has `target` steps."""
    extra = rng.randint(2, 4) if wide else rng.choice((0, 0, 1))
    roads = _random_map(rng, rng.randint(2, 3 + min(9, target // 4)) + (rng.randint(1, 3) if wide else 0))
    fleet = _random_fleet(rng, roads, rng.randint(1, 2 + min(2, target // 15)) + extra // 2, rng.randint(1, 3))
    origin: list[int] = []
    goal: dict[int, int] = {}
    length = 0
    while length < target:
        package = len(origin)
        origin.append(rng.randrange(len(roads.near)))
        goal[package] = _elsewhere(rng, roads, origin[package])
        length += 2 + _give_out(roads, fleet, package, origin[package], goal[package])
    origin += [rng.randrange(len(roads.near)) for _ in range(extra)]
    return _task(rng, roads, fleet, origin, goal, length - target, settled=rng.random() < 0.5)


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft:
    """A task of `vehicles`, each of which holds up to `capacity` packages at the most, `packages`, all of them wanted
    elsewhere, and `locations`."""
    roads = _random_map(rng, sizes["locations"])
    fleet = _random_fleet(rng, roads, sizes["vehicles"], sizes["capacity"])
    origin = [rng.randrange(len(roads.near)) for _ in range(sizes["packages"])]
    goal = {package: _elsewhere(rng, roads, here) for package, here in enumerate(origin)}
    for package, here in enumerate(origin):
        _give_out(roads, fleet, package, here, goal[package])
    return _task(rng, roads, fleet, origin, goal, 0, settled=True)


def _random_map(rng: Random, locations: int) -> Map:
    near: list[set[int]] = [set() for _ in range(locations)]
    pairs = [(rng.randrange(place), place) for place in range(1, locations)]
    pairs += [(rng.randrange(locations), rng.randrange(locations)) for _ in range(rng.randint(0, locations // 2))]
    for here, there in pairs:
        if here != there:
            near[here].add(there)
            near[there].add(here)
    around = [sorted(places) for places in near]
    return Map(around, [_distances(around, place) for place in range(locations)])


def _distances(near: list[list[int]], start: int) -> list[int]:
    away = [-1] * len(near)
    away[start] = 0
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for place in near[here]:
            if away[place] < 0:
                away[place] = away[here] + 1
                queue.append(place)
    return away


def _random_fleet(rng: Random, roads: Map, vehicles: int, capacity: int) -> list[Vehicle]:
    return [Vehicle(rng.randrange(len(roads.near)), rng.randint(1, capacity)) for _ in range(vehicles)]


def _elsewhere(rng: Random, roads: Map, here: int) -> int:
    place = rng.randrange(len(roads.near) - 1)
    return place if place != here else len(roads.near) - 1


def _give_out(roads: Map, fleet: list[Vehicle], package: int, origin: int, goal: int) -> int:
    """Puts a package into a route, where that adds the fewest roads, and returns how many it adds."""
    best: tuple[int, int, int, int] | None = None
    for index, vehicle in enumerate(fleet):
        found = _cheapest(roads, vehicle, origin, goal)
        if best is None or found[0] < best[0]:
            best = (*found, index)
    assert best is not None
    added, taken, given, index = best
    fleet[index].stops.insert(given, (goal, package))
    fleet[index].stops.insert(taken, (origin, package))
    return added


def _cheapest(roads: Map, vehicle: Vehicle, origin: int, goal: int) -> tuple[int, int, int]:
    """The roads added, the stop before which to take up the package, and that before which to set it down."""
    away = roads.away
    places = [vehicle.start, *(place for place, _ in vehicle.stops)]
    loads = [0]
    inside: set[int] = set()
    for _, package in vehicle.stops:
        inside ^= {package}
        loads.append(len(inside))

    def detour(stop: int, place: int) -> int:
        before = away[places[stop]][place]
        if stop + 1 == len(places):
            return before
        return before + away[place][places[stop + 1]] - away[places[stop]][places[stop + 1]]

    best = (1 << 30, 0, 0)
    for taken in range(len(places)):
        if loads[taken] == vehicle.capacity:
            continue
        both = away[places[taken]][origin] + away[origin][goal]
        if taken + 1 < len(places):
            both += away[goal][places[taken + 1]] - away[places[taken]][places[taken + 1]]
        best = min(best, (both, taken, taken))
        first = detour(taken, origin)
        if first >= best[0]:
            continue
        for given in range(taken + 1, len(places)):
            if loads[given] == vehicle.capacity:
                break  # There is no room for it from here on.
            best = min(best, (first + detour(given, goal), taken, given))
    return best


def _route(roads: Map, number: int, vehicle: Vehicle, names: Sequence[str]) -> list[Step]:
    steps: list[Step] = []
    here, room = vehicle.start, vehicle.capacity
    inside: set[int] = set()
    for there, package in vehicle.stops:
        while here != there:
            ahead = next(place for place in roads.near[here] if roads.away[place][there] < roads.away[here][there])
            steps.append(("drive", _vehicle(number), _place(here), _place(ahead)))
            here = ahead
        name = "drop" if package in inside else "pick-up"
        inside ^= {package}
        larger = room + (name == "drop")
        steps.append((name, _vehicle(number), _place(here), names[package], _size(larger - 1), _size(larger)))
        room = vehicle.capacity - len(inside)
    return steps


def _vehicle(number: int) -> str:
    return f"v{number + 1}"


def _place(number: int) -> str:
    return f"l{number + 1}"


def _size(number: int) -> str:
    return f"s{number}"


def _task(
    rng: Random,
    roads: Map,
    fleet: Sequence[Vehicle],
    origin: Sequence[int],
    goal: Mapping[int, int],
    done: int,
    *,
    settled: bool,
) -> Draft:
    """The task of what is left after the first `done` steps; `settled`: the goal names what was brought by then too.
    Packages get their names by lot."""
    names = [f"p{number + 1}" for number in rng.sample(range(len(origin)), len(origin))]
    steps = [step for number, vehicle in enumerate(fleet) for step in _route(roads, number, vehicle, names)]
    where = {_vehicle(number): _place(vehicle.start) for number, vehicle in enumerate(fleet)}
    where |= {
        name: _place(here) for here, name in sorted(zip(origin, names, strict=True), key=lambda pair: _number(pair[1]))
    }
    room = {_vehicle(number): _size(vehicle.capacity) for number, vehicle in enumerate(fleet)}
    for step in steps[:done]:
        match step:
            case ("drive", vehicle, _, there):
                where[vehicle] = there
            case ("pick-up", vehicle, _, package, smaller, _):
                where[package], room[vehicle] = vehicle, smaller
            case (_, vehicle, here, package, _, larger):
                where[package], room[vehicle] = here, larger
            case _:
                raise AssertionError(step)
    wanted = {names[package]: _place(there) for package, there in goal.items()}
    left = {package: there for package, there in wanted.items() if where[package] != there}
    sizes = [_size(number) for number in range(1 + max(vehicle.capacity for vehicle in fleet))]
    init: list[Fact] = [("in" if there in room else "at", thing, there) for thing, there in where.items()]
    init += [("capacity", vehicle, size) for vehicle, size in room.items()]
    init += [("capacity-predecessor", smaller, larger) for smaller, larger in pairwise(sizes)]
    init += [("road", _place(here), _place(there)) for here, near in enumerate(roads.near) for there in near]
    return Draft(
        objects=dict.fromkeys(room, "vehicle")
        | dict.fromkeys(sorted(names, key=_number), "package")
        | {_place(number): "location" for number in range(len(roads.near))}
        | dict.fromkeys(sizes, "size"),
        init=tuple(init),
        goal=tuple(("at", name, wanted[name]) for name in where if name in (wanted if settled else left)),
        plan=tuple(steps[done:]),
        optimal=len(steps) - done == _lower_bound(roads, where, list(room), left),
    )


def _lower_bound(roads: Map, where: Mapping[str, str], vehicles: Sequence[str], left: Mapping[str, str]) -> int:
    """Steps that no plan can do without: those that take packages up and set them down; and a drive to every location
    where one lies or belongs and no vehicle is, or the drives that the package farthest from its location takes."""
    away = roads.away
    starts = [_number(where[vehicle]) for vehicle in vehicles]
    due = farthest = 0
    visited: set[int] = set()
    for package, there in left.items():
        goal = _number(there)
        visited.add(goal)
        due += 1
        if where[package] in vehicles:
            farthest = max(farthest, away[_number(where[where[package]])][goal])
            continue
        here = _number(where[package])
        visited.add(here)
        due += 1
        farthest = max(farthest, min(away[start][here] for start in starts) + away[here][goal])
    return due + max(len(visited.difference(starts)), farthest)


def _number(name: str) -> int:
    """The number of a location or package, from 0."""
    return int(name[1:]) - 1
