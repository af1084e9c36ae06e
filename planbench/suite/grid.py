"""Grid tasks: keys to bring to places on a rectangle of places, some of them locked.

The places are named after their coordinates (`pos-3-2`) and connected to their four neighbours. Some tasks begin with a
key in hand.

The reference plan comes from a policy: one wanted key after another is fetched and brought; where a locked place is in
the way, the nearest key that fits is fetched first. Up to three wanted keys are tried in every order and the shortest
plan is kept. It is optimal where one key is wanted and the plan is as long as the distances alone demand.

That policy finds no plan where a wanted key would have to be left behind to open a lock that lies further on: on its
way there the robot comes past the wanted key and takes it again. In large tasks of a size asked for there is nearly
always such a lock; there a second policy opens all locks on the way of a wanted key before it takes that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations
from random import Random

from planbench.core.verdict import Step
from planbench.suite.draft import Draft, Fact

Place = tuple[int, int]

_LOCK_COST = 6
"""What a locked place on the way counts, in steps, when a way is chosen: about what fetching a key takes."""


@dataclass
class World:
    width: int
    height: int
    robot: Place
    holding: str | None
    keys: dict[str, Place]
    shape: dict[str, str]
    shapes: list[str]
    locked: dict[Place, str]
    steps: list[Step] = field(default_factory=list)

    def copy(self) -> World:
        return World(
            self.width,
            self.height,
            self.robot,
            self.holding,
            dict(self.keys),
            self.shape,
            self.shapes,
            dict(self.locked),
        )


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has roughly `target` steps; None where the goal already holds or the policy finds no plan."""
    return _task(
        *(_wide_world(rng, target) if wide and rng.random() < 0.75 else _ordinary_world(rng, target)), _deliver
    )


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft | None:
    """A task of `width` by `height` places, `locked` of which are locked, with locks of `shapes` and `keys` of which
    half, rounded up, are wanted elsewhere; None where neither policy finds a plan."""
    world, wanted = _sized_world(rng, sizes)
    return _task(world, wanted, _deliver) or _task(world, wanted, _bring_along_open_ways)


def _task(world: World, wanted: dict[str, Place], deliver: _Deliver) -> Draft | None:
    if all(world.keys.get(key) == place for key, place in wanted.items()):
        return None
    start = world.copy()
    best = solve(world, wanted, deliver)
    if best is None:
        return None
    places = _places(world)
    return Draft(
        objects=_objects(start, places),
        init=tuple(_init(start, places)),
        goal=tuple(("at", key, _name(wanted[key])) for key in start.shape if key in wanted),
        plan=tuple(best),
        optimal=len(best) == _lower_bound(start, wanted),
    )


def _ordinary_world(rng: Random, target: int) -> tuple[World, dict[str, Place]]:
    wanted_count = max(1, round(target / rng.uniform(5.0, 14.0)))
    span = max(2, min(10, round(target / wanted_count / 2)))
    width, height = rng.randint(2, span + 2), rng.randint(2, span + 2)
    width, height = min(width, 9), min(height, 9)
    places = [(x, y) for x in range(width) for y in range(height)]
    shapes = [f"s{index + 1}" for index in range(rng.randint(1, 3))]
    names = [f"k{index + 1}" for index in range(wanted_count + rng.randint(0, 2))]
    robot = rng.choice(places)
    keys = {key: rng.choice(places) for key in names}
    locked_count = min(len(places) // 4, rng.randint(0, 1 + target // 10))
    closed = [place for place in rng.sample(places, locked_count) if place != robot]
    world = World(
        width,
        height,
        robot,
        None,
        keys,
        {key: rng.choice(shapes) for key in names},
        shapes,
        {place: rng.choice(shapes) for place in closed},
    )
    if rng.random() < 0.25:
        world.holding = rng.choice(names)
        del world.keys[world.holding]
    wanted = {key: rng.choice(places) for key in rng.sample(names, wanted_count)}
    return world, wanted


def _sized_world(rng: Random, sizes: Mapping[str, int]) -> tuple[World, dict[str, Place]]:
    width, height = sizes["width"], sizes["height"]
    places = [(x, y) for x in range(width) for y in range(height)]
    shapes = [f"s{index + 1}" for index in range(sizes["shapes"])]
    names = [f"k{index + 1}" for index in range(sizes["keys"])]
    robot, *closed = rng.sample(places, sizes["locked"] + 1)
    keys = {key: rng.choice(places) for key in names}
    shape = {key: rng.choice(shapes) for key in names}
    locked = {place: rng.choice(shapes) for place in closed}
    wanted = {key: rng.choice(places) for key in rng.sample(names, (len(names) + 1) // 2)}
    return World(width, height, robot, None, keys, shape, shapes, locked), wanted


def _wide_world(rng: Random, target: int) -> tuple[World, dict[str, Place]]:
    """A large grid with many keys, most of them wanted where they are or nowhere; what is to be done lies near the
    robot."""
    width, height = rng.randint(2, 9), rng.randint(2, 9)
    places = [(x, y) for x in range(width) for y in range(height)]
    robot = rng.choice(places)

    def near(place: Place, most: int) -> Place:
        return rng.choice([other for other in places if _distance(place, other) <= most])

    names = [f"k{index + 1}" for index in range(rng.randint(1, 7))]
    shapes = [f"s{index + 1}" for index in range(rng.randint(1, 3))]
    keys = {key: rng.choice(places) for key in names}
    moved = rng.sample(names, min(len(names), 2 if rng.random() < 0.3 else 1))
    for key in moved:
        keys[key] = near(robot, max(1, target // 2))
    goals = {key: near(keys[key], max(1, target - 2)) for key in moved}
    closed = [near(robot, target) if rng.random() < 0.5 else rng.choice(places) for _ in range(rng.randint(0, 4))]
    if rng.random() < 0.3:
        closed.append(goals[moved[0]])
    locked = {place: rng.choice(shapes) for place in closed if place != robot and len(places) > 4}
    world = World(width, height, robot, None, keys, {key: rng.choice(shapes) for key in names}, shapes, locked)
    if rng.random() < 0.4:
        world.holding = moved[0] if rng.random() < 0.5 else rng.choice(names)
        del world.keys[world.holding]
    settled = [key for key in world.keys if key not in goals]
    goals |= {key: world.keys[key] for key in rng.sample(settled, rng.randint(0, len(settled)))}
    return world, goals


def solve(world: World, wanted: dict[str, Place], deliver: _Deliver) -> list[Step] | None:
    """The plan of a policy, or None where it finds none. `world` is left as it was."""
    pending = [key for key, place in wanted.items() if world.keys.get(key) != place]
    orders = permutations(pending) if len(pending) <= 3 else [_nearest_first(world, wanted, pending)]
    plans = [plan for order in orders if (plan := _in_order(world.copy(), wanted, list(order), deliver)) is not None]
    return min(plans, key=len, default=None)


def _in_order(world: World, wanted: dict[str, Place], order: list[str], deliver: _Deliver) -> list[Step] | None:
    for _ in range(3):
        for key in order:
            if world.keys.get(key) != wanted[key] and not deliver(world, key, wanted):
                return None
        # A key already brought may have been taken again to open a lock.
        order = [key for key, place in wanted.items() if world.keys.get(key) != place]
        if not order:
            return world.steps
    return None


def _deliver(world: World, key: str, wanted: Mapping[str, Place]) -> bool:
    """The first policy."""
    seen: set[tuple[object, ...]] = set()
    for _ in range(4 * (len(world.locked) + 1)):
        # What was so before would come again and again.
        now = (world.robot, world.holding, len(world.locked), *world.keys.items())
        if now in seen:
            return False
        seen.add(now)
        target = wanted[key] if world.holding == key else world.keys[key]
        route = _route(_search(world, through_locks=True), target)
        if route is None:
            return False
        lock = next((place for place in route if place in world.locked), None)
        if lock is None:
            _walk(world, route)
            if world.holding == key:
                _put_down(world, key)
                return True
            _take(world, key)
        elif world.holding is not None and world.shape[world.holding] == world.locked[lock]:
            _walk(world, route[: route.index(lock)])
            _unlock(world, lock, world.holding)
        else:
            came = _search(world)
            fitting = [other for other in world.keys if world.shape[other] == world.locked[lock]]
            routes = [(other, way) for other in fitting if (way := _route(came, world.keys[other])) is not None]
            if not routes:
                return False
            other, way = min(routes, key=lambda pair: len(pair[1]))
            _walk(world, way)
            _take(world, other)
    return False


def _bring_along_open_ways(world: World, key: str, wanted: Mapping[str, Place]) -> bool:
    """The second policy. Locks that no key fits are walls; a key that was brought already opens a lock only where no
    other is at hand."""
    while True:
        held = world.holding == key
        place = world.robot if held else world.keys[key]
        way = _route(_search(world, through_locks=True, walls=True), place)
        onward = _route(_search(world, start=place, through_locks=True, walls=True), wanted[key])
        if way is None or onward is None:
            return False
        lock = next((place for place in (*way, *onward) if place in world.locked), None)
        if lock is None:
            _walk(world, way)
            if not held:
                _take(world, key)
            _walk(world, onward)
            _put_down(world, key)
            return True
        if world.holding is None or world.shape[world.holding] != world.locked[lock]:
            came = _search(world)
            fitting = [other for other, there in world.keys.items() if world.shape[other] == world.locked[lock]]
            routes = [(other, way) for other in fitting if (way := _route(came, world.keys[other])) is not None]
            if not routes:
                return False
            other, way = min(routes, key=lambda pair: (wanted.get(pair[0]) == world.keys[pair[0]], len(pair[1])))
            _walk(world, way)
            _take(world, other)
        came = _search(world)
        ways = [way for near in _neighbours(world, lock) if (way := _route(came, near)) is not None]
        _walk(world, min(ways, key=len))
        assert world.holding is not None
        _unlock(world, lock, world.holding)


_Deliver = Callable[[World, str, Mapping[str, Place]], bool]
"""Brings a key to where it is wanted, and says whether that came to an end."""


def _unlock(world: World, lock: Place, key: str) -> None:
    shape = world.locked.pop(lock)
    world.steps.append(("unlock", _name(world.robot), _name(lock), key, shape))


def _put_down(world: World, key: str) -> None:
    world.steps.append(("putdown", _name(world.robot), key))
    world.keys[key], world.holding = world.robot, None


def _take(world: World, key: str) -> None:
    if world.holding is None:
        world.steps.append(("pickup", _name(world.robot), key))
    else:
        world.steps.append(("pickup-and-loose", _name(world.robot), key, world.holding))
        world.keys[world.holding] = world.robot
    world.holding = key
    del world.keys[key]


def _walk(world: World, route: list[Place]) -> None:
    for place in route:
        world.steps.append(("move", _name(world.robot), _name(place)))
        world.robot = place


def _search(
    world: World, *, start: Place | None = None, through_locks: bool = False, walls: bool = False
) -> dict[Place, Place]:
    """For each place that can be reached the one before it on a cheapest way from `start`, by default the robot's
    place. `walls`: not through locks that no key fits."""
    first = start or world.robot
    shut = set() if through_locks else set(world.locked)
    if walls:
        shapes = set(world.shape.values())
        shut |= {place for place, shape in world.locked.items() if shape not in shapes}
    near = _neighbourhood(world.width, world.height)
    locked = world.locked
    cost = {first: 0}
    came = {first: first}
    queue = deque([first])
    while queue:
        here = queue.popleft()
        so_far = cost[here]
        for place in near[here]:
            if place in shut:
                continue
            price = so_far + (_LOCK_COST if place in locked else 1)
            if price < cost.get(place, 1 << 30):
                cost[place], came[place] = price, here
                queue.append(place)
    return came


def _route(came: Mapping[Place, Place], target: Place) -> list[Place] | None:
    """The places to enter on the way to `target`, in order; empty where the search began there."""
    if target not in came:
        return None
    route: list[Place] = []
    while came[target] != target:
        route.append(target)
        target = came[target]
    return route[::-1]


@cache
def _neighbourhood(width: int, height: int) -> dict[Place, tuple[Place, ...]]:
    def around(x: int, y: int) -> tuple[Place, ...]:
        near = ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1))
        return tuple((a, b) for a, b in near if 0 <= a < width and 0 <= b < height)

    return {(x, y): around(x, y) for x in range(width) for y in range(height)}


def _neighbours(world: World, place: Place) -> tuple[Place, ...]:
    return _neighbourhood(world.width, world.height)[place]


def _distance(a: Place, b: Place) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _nearest_first(world: World, wanted: dict[str, Place], pending: list[str]) -> list[str]:
    here, order, left = world.robot, [], list(pending)
    while left:
        key = min(left, key=lambda key: 0 if key == world.holding else _distance(here, world.keys[key]))
        left.remove(key)
        order.append(key)
        here = wanted[key]
    return order


def _lower_bound(world: World, wanted: dict[str, Place]) -> int | None:
    """Steps that no plan can do without where one key is wanted; None where several are."""
    pending = [key for key, place in wanted.items() if world.keys.get(key) != place]
    if len(pending) != 1:
        return None
    key = pending[0]
    if world.holding == key:
        return _distance(world.robot, wanted[key]) + 1
    return _distance(world.robot, world.keys[key]) + 1 + _distance(world.keys[key], wanted[key]) + 1


def _places(world: World) -> list[Place]:
    return [(x, y) for x in range(world.width) for y in range(world.height)]


def _name(place: Place) -> str:
    return f"pos-{place[0]}-{place[1]}"


def _objects(world: World, places: list[Place]) -> dict[str, str]:
    objects = {_name(place): "place" for place in places}
    return objects | dict.fromkeys(world.shapes, "shape") | dict.fromkeys(world.shape, "key")


def _init(world: World, places: list[Place]) -> list[Fact]:
    facts: list[Fact] = [("at-robot", _name(world.robot))]
    facts.append(("arm-empty",) if world.holding is None else ("holding", world.holding))
    facts += [("at", key, _name(place)) for key, place in world.keys.items()]
    facts += [("key-shape", key, shape) for key, shape in world.shape.items()]
    for place, shape in world.locked.items():
        facts += [("locked", _name(place)), ("lock-shape", _name(place), shape)]
    facts += [("open", _name(place)) for place in places if place not in world.locked]
    facts += [("conn", _name(place), _name(near)) for place in places for near in _neighbours(world, place)]
    return facts
