"""Logistics tasks: packages to bring to places, by truck within a city and by airplane between airports.

Every city has one truck and one airport. Some packages begin inside a vehicle, some have no goal and only lie about,
so that short plans also occur in large states. Wide tasks have more of all this, and packages that are where they
belong.

The reference plan comes from a reactive policy: each truck in turn gathers what has to move within or out of its city
and delivers it; when no truck has work left, one airplane flies on, gathering first, delivering then. Packages are
looked at city by city and place by place. It is optimal where it meets the bound in `_lower_bound`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from planbench.core.verdict import Step
from planbench.suite.draft import Draft, Fact


@dataclass
class World:
    """Places and vehicles; `at` says where a thing is: a place, or for a package also a vehicle."""

    city_of: dict[str, str]
    airport_of: dict[str, str]
    truck_of: dict[str, str]
    airplanes: list[str]
    packages: list[str]
    at: dict[str, str]
    goal: dict[str, str]
    steps: list[Step] = field(default_factory=list)

    @property
    def vehicles(self) -> list[str]:
        return [*self.truck_of.values(), *self.airplanes]

    def place(self, thing: str) -> str:
        """The place of a thing, through the vehicle that carries it."""
        where = self.at[thing]
        return where if where in self.city_of else self.at[where]


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has roughly `target` steps, or None where nothing has to be moved."""
    return _task(_wide_world(rng, target) if wide and rng.random() < 0.75 else _ordinary_world(rng, target))


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft | None:
    """A task of `packages` to be moved, `cities`, `places` in each of them, its airport included, and `airplanes`."""
    return _task(_sized_world(rng, sizes))


def _task(world: World) -> Draft | None:
    start = dict(world.at)
    if all(start[package] == goal for package, goal in world.goal.items()):
        return None
    bound = _lower_bound(world)
    objects = _objects(world)
    solve(world)
    init: list[Fact] = [("in-city", place, city) for place, city in world.city_of.items()]
    init += [("at" if where in world.city_of else "in", thing, where) for thing, where in start.items()]
    return Draft(
        objects=objects,
        init=tuple(init),
        goal=tuple(("at", package, place) for package, place in world.goal.items()),
        plan=tuple(world.steps),
        optimal=len(world.steps) == bound,
    )


def _ordinary_world(rng: Random, target: int) -> World:
    moved = max(1, round(target / rng.uniform(3.0, 9.0)))
    cities = rng.randint(1, min(5, 2 + moved // 2)) if target < 12 else rng.randint(2, min(6, 2 + moved // 2))
    return _random_world(
        rng,
        cities=cities,
        places=rng.randint(2 if cities == 1 else 1, 3 if target < 12 else 4),
        airplanes=1 if moved < 4 else rng.randint(1, 2),
        moved=moved,
        idle=rng.randint(0, 2),
    )


def _sized_world(rng: Random, sizes: Mapping[str, int]) -> World:
    cities = [f"c{index + 1}" for index in range(sizes["cities"])]
    airport_of = {city: f"a{index + 1}" for index, city in enumerate(cities)}
    city_of: dict[str, str] = {}
    for index, city in enumerate(cities):
        city_of[airport_of[city]] = city
        locations = sizes["places"] - 1
        city_of |= {f"l{index * locations + place + 1}": city for place in range(locations)}
    places = list(city_of)
    truck_of = {city: f"t{index + 1}" for index, city in enumerate(cities)}
    airplanes = [f"p{index + 1}" for index in range(sizes["airplanes"])]
    packages = [f"o{index + 1}" for index in range(sizes["packages"])]
    at = {truck_of[city]: rng.choice([place for place in places if city_of[place] == city]) for city in cities}
    at |= {airplane: airport_of[rng.choice(cities)] for airplane in airplanes}
    at |= {package: rng.choice(places) for package in packages}
    goal = {package: rng.choice([place for place in places if place != at[package]]) for package in packages}
    return World(city_of, airport_of, truck_of, airplanes, packages, at, goal)


def _wide_world(rng: Random, target: int) -> World:
    world = _random_world(
        rng,
        cities=rng.randint(1, 4),
        places=rng.randint(1, 4),
        airplanes=rng.randint(1, 2),
        moved=max(1, round(target / rng.uniform(1.5, 9.0))),
        idle=rng.randint(0, 4),
        riding=0.4,
    )
    if rng.random() < 0.5:
        _gather(rng, world)
    idle = [package for package in world.packages if package not in world.goal and world.at[package] in world.city_of]
    settled = {package: world.at[package] for package in idle[: rng.randint(0, 4)]}
    wanted = world.goal | settled
    world.goal = {package: wanted[package] for package in world.packages if package in wanted}
    return world


def _gather(rng: Random, world: World) -> None:
    """Give most of what has to be moved a start and a goal within one city, so that a short plan moves several."""
    city = rng.choice(list(world.truck_of))
    places = [place for place, around in world.city_of.items() if around == city]
    for package in world.goal:
        if rng.random() < 0.8:
            world.at[package] = rng.choice([*places, world.truck_of[city]])
            world.goal[package] = rng.choice(places)


def solve(world: World) -> None:
    """Append the policy's steps to `world.steps`, moving things as it goes."""
    world.packages.sort(key=_by_place(world).__getitem__)
    while True:
        worked = [_truck_tour(world, city) for city in world.truck_of]
        if any(worked):
            continue
        if not any(_airplane_hop(world, airplane) for airplane in world.airplanes):
            return


def _by_place(world: World) -> dict[str, int]:
    """Each package's rank, city by city and place by place, what stands at a place before what rides in it."""
    within: dict[str, list[str]] = {}
    for thing in [*world.packages, *world.truck_of.values(), *world.airplanes]:
        within.setdefault(world.at[thing], []).append(thing)
    order: list[str] = []
    for city in world.truck_of:
        for place in (place for place, around in world.city_of.items() if around == city):
            for thing in within.get(place, ()):
                order += [thing, *within.get(thing, ())]
    return {thing: rank for rank, thing in enumerate(order)}


def _wants(world: World, package: str) -> str | None:
    """Where the package has to go next from where it is: its goal, or the airport of its city; None where settled."""
    goal = world.goal.get(package)
    here = world.place(package)
    if goal is None or world.at[package] == goal:
        return None
    return goal if world.city_of[goal] == world.city_of[here] else world.airport_of[world.city_of[here]]


def _truck_tour(world: World, city: str) -> bool:
    """Let the truck of a city do all that it can do now; True where it did anything."""
    truck = world.truck_of[city]
    before = len(world.steps)
    while True:
        here = world.at[truck]
        for package in world.packages:
            if world.at[package] == truck and _wants(world, package) in (here, None):
                if world.goal.get(package) is not None:
                    _move(world, ("unload-truck", package, truck, here), package, here)
            elif world.at[package] == here and _wants(world, package) not in (here, None):
                _move(world, ("load-truck", package, truck, here), package, truck)
        stops = [
            world.at[package]
            for package in world.packages
            if world.at[package] in world.city_of
            and world.city_of[world.at[package]] == city
            and _wants(world, package) not in (world.at[package], None)
        ]
        stops += [_wants(world, package) or here for package in world.packages if world.at[package] == truck]
        stop = next((stop for stop in stops if stop != here), None)
        if stop is None:
            return len(world.steps) > before
        _move(world, ("drive-truck", truck, here, stop, city), truck, stop)


def _airplane_hop(world: World, airplane: str) -> bool:
    """Unload and load where the airplane stands, then fly to one more airport; True where it did anything."""
    before = len(world.steps)
    here = world.at[airplane]
    city = world.city_of[here]

    def destination(package: str) -> str | None:
        goal = world.goal.get(package)
        return None if goal is None else world.airport_of[world.city_of[goal]]

    for package in world.packages:
        where, airport = world.at[package], destination(package)
        if airport is None:
            continue
        if where == airplane and airport == here:
            _move(world, ("unload-airplane", package, airplane, here), package, here)
        elif where == here and airport != here:
            _move(world, ("load-airplane", package, airplane, here), package, airplane)
    waiting = [
        world.at[package]
        for package in world.packages
        if world.at[package] in world.airport_of.values()
        and world.at[package] != here
        and destination(package) not in (None, world.at[package])
    ]
    others = {world.at[other] for other in world.airplanes if other != airplane}
    stops = [place for place in waiting if place not in others]
    stops += [
        airport for package in world.packages if world.at[package] == airplane and (airport := destination(package))
    ]
    if stops and world.city_of[stops[0]] != city:
        _move(world, ("fly-airplane", airplane, here, stops[0]), airplane, stops[0])
    return len(world.steps) > before


def _move(world: World, step: Step, thing: str, where: str) -> None:
    world.steps.append(step)
    world.at[thing] = where


def _lower_bound(world: World) -> int:
    """Steps that no plan can do without: each package's loads and unloads; for each truck the other places of its city
    where something has to be fetched or brought; for the airplanes together the airports without an airplane where
    something has to be fetched or brought by air."""
    transfers = 0
    stops: dict[str, set[str]] = {city: set() for city in world.truck_of}
    airports: set[str] = set()
    for package, goal in world.goal.items():
        if world.at[package] == goal:
            continue
        carrier = world.at[package] if world.at[package] in world.vehicles else None
        here = world.place(package)
        city, last_city = world.city_of[here], world.city_of[goal]
        by_air = city != last_city or carrier in world.airplanes
        if carrier in world.airplanes:
            transfers += 1
            airports.add(world.airport_of[last_city])
        elif by_air:
            gate = world.airport_of[city]
            transfers += 2 + (1 if carrier else 0 if here == gate else 2)
            airports |= {gate, world.airport_of[last_city]}
            if carrier or here != gate:
                stops[city] |= {gate} if carrier else {here, gate}
        else:
            transfers += 1 if carrier else 2
            stops[city] |= {goal} if carrier else {here, goal}
        if by_air and goal != world.airport_of[last_city]:
            transfers += 2
            stops[last_city] |= {world.airport_of[last_city], goal}
    drives = sum(len(places - {world.at[world.truck_of[city]]}) for city, places in stops.items())
    flights = len(airports - {world.at[airplane] for airplane in world.airplanes})
    return transfers + drives + flights


def _random_world(
    rng: Random, *, cities: int, places: int, airplanes: int, moved: int, idle: int, riding: float = 0.2
) -> World:
    """`riding` is the share of packages that begin inside a vehicle."""
    city_names = [f"c{index + 1}" for index in range(cities)]
    city_of: dict[str, str] = {}
    airport_of: dict[str, str] = {}
    count = 0
    for index, city in enumerate(city_names):
        airport_of[city] = f"a{index + 1}"
        city_of[airport_of[city]] = city
        for _ in range(rng.randint(1 if cities == 1 else 0, places)):
            count += 1
            city_of[f"l{count}"] = city
    truck_of = {city: f"t{index + 1}" for index, city in enumerate(city_names)}
    planes = [f"p{index + 1}" for index in range(airplanes if cities > 1 else 0)]
    all_places = list(city_of)
    at = {
        truck: rng.choice([place for place in all_places if city_of[place] == city]) for city, truck in truck_of.items()
    }
    at |= {plane: rng.choice(list(airport_of.values())) for plane in planes}
    carriers = list(at)
    packages = [f"o{index + 1}" for index in range(moved + idle)]
    for package in packages:
        at[package] = rng.choice(carriers) if rng.random() < riding else rng.choice(all_places)
    goal = {package: rng.choice(all_places) for package in rng.sample(packages, moved)}
    goal = {package: goal[package] for package in packages if package in goal}
    return World(city_of, airport_of, truck_of, planes, packages, at, goal)


def _objects(world: World) -> dict[str, str]:
    airports = set(world.airport_of.values())
    objects = dict.fromkeys(world.packages, "package")
    objects |= dict.fromkeys(world.truck_of.values(), "truck")
    objects |= dict.fromkeys(world.airplanes, "airplane")
    objects |= {place: "airport" for place in world.city_of if place in airports}
    objects |= {place: "location" for place in world.city_of if place not in airports}
    return objects | dict.fromkeys(world.truck_of, "city")
