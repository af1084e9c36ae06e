"""How a task of Rovers is solved: what is wanted is given out to rovers, and each rover goes on a tour of its own.

A thing goes to the rover that has the least way to go for it from what it visits already. On its tour a rover does all
that it can where it is, then takes a step towards the nearest waypoint where it can do more, and last to where it sees
the lander. Rovers do not get in each other's way. Small tasks are given out in several orders, and things then change
hands for as long as that makes the plan shorter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from planbench.core.verdict import Step

Goal = tuple[str, ...]
"""`("soil", waypoint)`, `("rock", waypoint)` or `("image", objective, mode)`: whose data the lander has to get."""

LANDER = "general"
_FAR = 1 << 20
_SMALL = 12
"""Up to so many wanted things, several ways of giving them out are tried."""


@dataclass
class World:
    """Everything that stands. `visible` and, for each rover, `ways` are graphs over waypoints; `tools` says which of
    soil, rock and image a rover is equipped for; `board` says which rover has a camera, `target` what calibrates it."""

    visible: dict[str, list[str]]
    lander_at: str
    start: dict[str, str]
    ways: dict[str, dict[str, list[str]]]
    tools: dict[str, set[str]]
    board: dict[str, str]
    target: dict[str, str]
    modes: dict[str, list[str]]
    seen_from: dict[str, list[str]]
    samples: dict[str, list[str]]
    _hops: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)

    @property
    def rovers(self) -> list[str]:
        return list(self.start)

    def store(self, rover: str) -> str:
        return f"s{rover[1:]}"

    def goals(self) -> list[Goal]:
        """All that could be wanted."""
        found: list[Goal] = [(kind, place) for kind, places in self.samples.items() for place in places]
        modes = {mode for modes in self.modes.values() for mode in modes}
        return found + [("image", thing, mode) for thing in self.seen_from for mode in sorted(modes)]

    def hops(self, rover: str, place: str) -> Mapping[str, int]:
        """How many steps the rover has between `place` and each waypoint that it can reach from there."""
        if (rover, place) not in self._hops:
            ways, found = self.ways[rover], {place: 0}
            queue = deque([place])
            while queue:
                here = queue.popleft()
                for there in ways.get(here, ()):
                    if there not in found:
                        found[there] = found[here] + 1
                        queue.append(there)
            self._hops[rover, place] = found
        return self._hops[rover, place]

    def reached(self, rover: str, places: Iterable[str]) -> list[str]:
        return [place for place in places if place in self.ways[rover]]

    def posts(self, rover: str) -> list[str]:
        """Where the rover sees the lander."""
        return self.reached(rover, self.visible[self.lander_at])

    def cameras(self, rover: str, goal: Goal) -> list[str]:
        """The rover's cameras that can take a picture and be calibrated."""
        return [
            camera
            for camera, carrier in self.board.items()
            if carrier == rover
            and goal[2] in self.modes[camera]
            and self.reached(rover, self.seen_from[self.target[camera]])
        ]

    def can(self, rover: str, goal: Goal) -> bool:
        """Whether the rover can gather and send the data of `goal`."""
        if goal[0] not in self.tools[rover] or not self.posts(rover):
            return False
        if goal[0] != "image":
            return goal[1] in self.ways[rover]
        return bool(self.reached(rover, self.seen_from[goal[1]]) and self.cameras(rover, goal))


def solve(world: World, goals: Sequence[Goal]) -> list[Step]:
    """The policy's plan. Each goal is within what some rover can do."""
    return _whole(_tours(world, _given_out(world, goals)))


def improved(rng: Random, world: World, goals: Sequence[Goal]) -> list[Step]:
    """As `solve`, and shorter where trying other hands for what is wanted makes it so."""
    best = _tours(world, _given_out(world, goals))
    if len(goals) > _SMALL:
        return _whole(best)
    given = _given_out(world, goals)
    for _ in range(min(8, 2 * len(goals))):
        order = list(goals)
        rng.shuffle(order)
        other = _given_out(world, order)
        tours = _tours(world, other)
        if _length(tours) < _length(best):
            given, best = other, tours
    while (found := _exchanged(world, given, best)) is not None:
        given, best = found
    return _whole(best)


_Given = dict[str, list[Goal]]
_Tours = dict[str, list[Step]]


def _exchanged(world: World, given: _Given, tours: _Tours) -> tuple[_Given, _Tours] | None:
    """With one thing in other hands, so that the plan is shorter; None where that is not so of any."""
    for rover, goals in given.items():
        for goal in goals:
            for other in world.rovers:
                if other == rover or not world.can(other, goal):
                    continue
                changed = {rover: [kept for kept in goals if kept != goal], other: [*given[other], goal]}
                new = {name: tour(world, name, changed[name]) for name in changed}
                if sum(map(len, new.values())) < len(tours[rover]) + len(tours[other]):
                    return given | changed, tours | new
    return None


def _tours(world: World, given: _Given) -> _Tours:
    return {rover: tour(world, rover, goals) for rover, goals in given.items()}


def _length(tours: _Tours) -> int:
    return sum(map(len, tours.values()))


def _whole(tours: _Tours) -> list[Step]:
    return [step for steps in tours.values() for step in steps]


def _given_out(world: World, goals: Sequence[Goal]) -> _Given:
    given: _Given = {rover: [] for rover in world.rovers}
    near = {rover: dict(world.hops(rover, world.start[rover])) for rover in world.rovers}
    for goal in goals:
        able = [rover for rover in world.rovers if world.can(rover, goal)]
        costs = {rover: _way_to(world, rover, goal, near[rover]) for rover in able}
        rover = min(
            able,
            key=lambda rover: (
                costs[rover][0] + min(near[rover][post] for post in world.posts(rover)) * (not given[rover])
            ),
        )
        given[rover].append(goal)
        for place in costs[rover][1]:
            hops = world.hops(rover, place)
            near[rover] = {other: min(steps, hops.get(other, _FAR)) for other, steps in near[rover].items()}
    return given


def _way_to(world: World, rover: str, goal: Goal, near: Mapping[str, int]) -> tuple[int, tuple[str, ...]]:
    """Steps from the nearest waypoint that the rover visits anyhow to where `goal` takes it, and these waypoints."""
    if goal[0] != "image":
        return near[goal[1]], (goal[1],)
    best: tuple[int, tuple[str, ...]] = (_FAR, ())
    for camera in world.cameras(rover, goal):
        for first in world.reached(rover, world.seen_from[world.target[camera]]):
            hops = world.hops(rover, first)
            for place in world.reached(rover, world.seen_from[goal[1]]):
                best = min(best, (near[first] + min(hops[place], near[place]), (first, place)))
    return best


def tour(world: World, rover: str, goals: Sequence[Goal]) -> list[Step]:
    """The steps of one rover for all of `goals`: the shorter of two ways to choose where a picture is taken, at the
    nearest waypoint or on the shortest way from the start over calibration to the lander."""
    if not goals:
        return []
    camera_of = {goal: _camera(world, rover, goal) for goal in goals if goal[0] == "image"}
    return min((_Tour(world, rover, goals, camera_of, fixed).steps for fixed in (False, True)), key=len)


_Shot = tuple[int, str, str, str]
"""Steps on the way alone from start to sending, the camera, where it is calibrated and where the picture is taken."""


def _camera(world: World, rover: str, goal: Goal) -> _Shot:
    start = world.hops(rover, world.start[rover])
    ends = {
        place: min(world.hops(rover, place)[post] for post in world.posts(rover))
        for place in world.reached(rover, world.seen_from[goal[1]])
    }
    return min(
        (start[first] + world.hops(rover, first)[place] + rest, camera, first, place)
        for camera in world.cameras(rover, goal)
        for first in world.reached(rover, world.seen_from[world.target[camera]])
        for place, rest in ends.items()
    )


class _Tour:
    """A rover on its way."""

    def __init__(
        self, world: World, rover: str, goals: Sequence[Goal], shots: Mapping[Goal, _Shot], fixed: bool
    ) -> None:
        self.world, self.rover, self.shots, self.fixed = world, rover, shots, fixed
        self.at = world.start[rover]
        self.samples = [goal for goal in goals if goal[0] != "image"]
        self.images = [goal for goal in goals if goal[0] == "image"]
        self.held: list[Goal] = []
        self.full = False
        self.ready: set[str] = set()
        self.steps: list[Step] = []
        posts = world.posts(rover)
        while True:
            self._gather()
            if self.at in posts:
                self._send()
            stops = self._stops() or (posts if self.held else [])
            if not stops:
                return
            self._step_towards(stops)

    def _gather(self) -> None:
        world, rover, here = self.world, self.rover, self.at
        for goal in [goal for goal in self.samples if goal[1] == here]:
            if self.full:
                self.steps.append(("drop", rover, world.store(rover)))
            self.steps.append((f"sample_{goal[0]}", rover, world.store(rover), here))
            self.full = True
            self.samples.remove(goal)
            self.held.append(goal)
        busy = True
        while busy:
            busy = False
            for goal in list(self.images):
                camera = self.shots[goal][1]
                if camera not in self.ready and here in world.seen_from[world.target[camera]]:
                    self.steps.append(("calibrate", rover, camera, world.target[camera], here))
                    self.ready.add(camera)
                if camera in self.ready and here in world.seen_from[goal[1]]:
                    self.steps.append(("take_image", rover, here, goal[1], camera, goal[2]))
                    self.ready.remove(camera)
                    self.images.remove(goal)
                    self.held.append(goal)
                    busy = True

    def _send(self) -> None:
        for goal in self.held:
            name = f"communicate_{goal[0]}_data"
            self.steps.append((name, self.rover, LANDER, *goal[1:], self.at, self.world.lander_at))
        self.held = []

    def _stops(self) -> list[str]:
        """Where something can be gathered or calibrated."""
        stops = [goal[1] for goal in self.samples]
        for goal in self.images:
            _, camera, first, place = self.shots[goal]
            if self.fixed:
                stops.append(place if camera in self.ready else first)
            else:
                thing = goal[1] if camera in self.ready else self.world.target[camera]
                stops += self.world.reached(self.rover, self.world.seen_from[thing])
        return stops

    def _step_towards(self, stops: Sequence[str]) -> None:
        hops = self.world.hops(self.rover, self.at)
        back = self.world.hops(self.rover, min(stops, key=lambda stop: hops[stop]))
        there = min(self.world.ways[self.rover][self.at], key=lambda place: back[place])
        self.steps.append(("navigate", self.rover, self.at, there))
        self.at = there


def lower_bound(world: World, goals: Sequence[Goal]) -> int:
    """Steps that no plan can do without: data are gathered and sent, each picture after a calibration of its own; a
    store holds one sample; rovers go at least as far as the thing that is farthest off alone demands, and enter each
    waypoint with a sample where no rover stands that could take it."""
    samples = [goal for goal in goals if goal[0] != "image"]
    fixed = 2 * len(samples) + 3 * (len(goals) - len(samples))
    diggers = [rover for rover in world.rovers if world.tools[rover] & {"soil", "rock"}]
    drops = max(0, len(samples) - len(diggers))
    alone = [min(_alone(world, rover, goal) for rover in world.rovers if world.can(rover, goal)) for goal in goals]
    entered = {
        goal[1]
        for goal in samples
        if not any(place == goal[1] and goal[0] in world.tools[rover] for rover, place in world.start.items())
    }
    return fixed + drops + max([len(entered), *alone])


def _alone(world: World, rover: str, goal: Goal) -> int:
    """The way of a rover that has only this to do."""
    if goal[0] == "image":
        return _camera(world, rover, goal)[0]
    hops = world.hops(rover, goal[1])
    return hops[world.start[rover]] + min(hops[post] for post in world.posts(rover))
