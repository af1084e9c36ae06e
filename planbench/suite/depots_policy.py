"""How crates are brought into the stacks that are wanted: gathered in trucks first, set down then.

As trucks carry any number of crates, a place need be visited twice at most: once to take away what is wrong there, once
to set down what belongs there, from the pallet up. A crate that can go straight to where it belongs, at the same place,
does; one that belongs nowhere goes on top of a stack that is not worked on. A place is dug by the truck that stands
there or by the one truck that goes round; which one that is, whether others help, and in what order it goes round is
tried in several ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from random import Random

from planbench.core.verdict import Step

_ORDERS = 24
_LARGE = 60
"""Above so many crates, fewer orders are tried."""

Stacks = dict[str, list[str]]


@dataclass(frozen=True)
class World:
    """`pallet_at`, `truck_at`: the place of each pallet and truck. `hoists`: those of each place. `stacks` and `goal`:
    crates on each pallet from the bottom up; a crate that is in no stack of `goal` may end anywhere."""

    places: Mapping[str, str]
    pallet_at: Mapping[str, str]
    truck_at: Mapping[str, str]
    hoists: Mapping[str, Sequence[str]]
    stacks: Stacks
    goal: Stacks

    def with_goal(self, goal: Stacks) -> World:
        return World(self.places, self.pallet_at, self.truck_at, self.hoists, self.stacks, goal)


def solve(world: World, rng: Random | None = None) -> list[Step]:
    """The policy's plan; with a source of chance the shortest over several trucks and orders of places."""
    trucks = list(world.truck_at)
    places = list(world.hoists)
    if rng is None:
        return _Work(world, trucks[0], helped=True).done(places)
    count = sum(map(len, world.stacks.values()))
    tried = _ORDERS if count <= _LARGE else 2
    dug = [place for place in places if any(_wrong(world, pallet) for pallet in _at(world, place))]
    orders = list(permutations(dug)) if len(dug) <= 4 else [tuple(rng.sample(dug, len(dug))) for _ in range(tried)]
    works = [
        _Work(world, truck, helped=helped).done(order)
        for truck in (trucks if count <= _LARGE else trucks[:3])
        for helped in ((True, False) if len(trucks) > 1 else (True,))
        for order in orders
    ]
    return min(works, key=len)


def _at(world: World, place: str) -> list[str]:
    return [pallet for pallet, where in world.pallet_at.items() if where == place]


def _right(stack: Sequence[str], goal: Sequence[str]) -> int:
    """How many crates, from the bottom, stand where they belong."""
    pairs = zip(stack, goal, strict=False)
    return next((index for index, (crate, wanted) in enumerate(pairs) if crate != wanted), min(len(stack), len(goal)))


def _wrong(world: World, pallet: str) -> list[str]:
    """The crates on a pallet that have to be moved, from the bottom up."""
    homes = {crate for stack in world.goal.values() for crate in stack}
    return _excess(world.stacks[pallet], world.goal[pallet], homes)


def _excess(stack: Sequence[str], goal: Sequence[str], homes: set[str]) -> list[str]:
    right = _right(stack, goal)
    if right == len(goal):
        right = next((index for index in range(right, len(stack)) if stack[index] in homes), len(stack))
    return list(stack[right:])


class _Work:
    """Stacks while they are rebuilt. `main` is the truck that goes round; with `helped`, a place where another truck
    stands is dug by that one."""

    def __init__(self, world: World, main: str, *, helped: bool) -> None:
        self.world, self.main, self.helped = world, main, helped
        self.stacks = {pallet: list(stack) for pallet, stack in world.stacks.items()}
        self.truck_at = dict(world.truck_at)
        self.riding: dict[str, str] = {}
        """The truck that each crate on the road is in."""
        self.home = {crate: pallet for pallet, stack in world.goal.items() for crate in stack}
        self.homes = set(self.home)
        self.pallets = {place: _at(world, place) for place in world.hoists}
        self.steps: list[Step] = []

    def done(self, order: Sequence[str]) -> list[Step]:
        for place in self.pallets:
            self._shift(place)
        for place in order:
            if any(map(self._top_wrong, self.pallets[place])):
                self._dig(place)
        while self.riding:
            offers: dict[tuple[str, str], int] = {}
            for crate, truck in self.riding.items():
                if crate in self.home and self._ready(crate):
                    key = (truck, self.world.pallet_at[self.home[crate]])
                    offers[key] = offers.get(key, 0) + 1
            if not offers:
                break
            # What is at hand first, then where most can be set down at once.
            truck, place = max(offers, key=lambda key: (self.truck_at[key[0]] == key[1], offers[key]))
            self._drive(truck, place)
            self._set_down(place)
        return self.steps

    def _top_wrong(self, pallet: str) -> bool:
        return bool(_excess(self.stacks[pallet], self.world.goal[pallet], self.homes))

    def _ready(self, crate: str) -> bool:
        """Whether a crate could be set down where it belongs."""
        pallet = self.home[crate]
        stack, goal = self.stacks[pallet], self.world.goal[pallet]
        return len(stack) < len(goal) and goal[len(stack)] == crate and _right(stack, goal) == len(stack)

    def _shift(self, place: str) -> None:
        """All that can be done at a place without a truck."""
        moving = True
        while moving:
            moving = False
            for pallet in self.pallets[place]:
                while self._top_wrong(pallet) and (goal := self._straight(place, pallet)) is not None:
                    crate = self._lift(place, pallet)
                    self._drop(place, crate, goal)
                    moving = True

    def _straight(self, place: str, pallet: str) -> str | None:
        """The pallet at the same place that the top crate of a stack can go to for good."""
        crate = self.stacks[pallet][-1]
        if crate in self.home:
            goal = self.home[crate]
            return goal if self.world.pallet_at[goal] == place and self._ready(crate) else None
        for other in self.pallets[place]:
            stack, goal = self.stacks[other], self.world.goal[other]
            if other != pallet and not self._top_wrong(other) and _right(stack, goal) == len(goal):
                return other
        return None

    def _dig(self, place: str) -> None:
        """Take away what is wrong at a place, and set down what can be."""
        there = [truck for truck, where in self.truck_at.items() if where == place]
        truck = self.main if self.main in there or not (self.helped and there) else there[0]
        self._drive(truck, place)
        self._set_down(place)
        while wrong := [pallet for pallet in self.pallets[place] if self._top_wrong(pallet)]:
            pallet = min(
                wrong,
                key=lambda pallet: len(_excess(self.stacks[pallet], self.world.goal[pallet], self.homes)),
            )
            crate = self._lift(place, pallet)
            self.steps.append(("load", self._hoist(place), crate, truck, place))
            self.riding[crate] = truck
            self._set_down(place)

    def _set_down(self, place: str) -> None:
        self._shift(place)
        while True:
            crate = next(
                (
                    crate
                    for crate, truck in self.riding.items()
                    if self.truck_at[truck] == place
                    and crate in self.home
                    and self.world.pallet_at[self.home[crate]] == place
                    and self._ready(crate)
                ),
                None,
            )
            if crate is None:
                return
            self.steps.append(("unload", self._hoist(place), crate, self.riding.pop(crate), place))
            self._drop(place, crate, self.home[crate])
            self._shift(place)

    def _drive(self, truck: str, place: str) -> None:
        if self.truck_at[truck] != place:
            self.steps.append(("drive", truck, self.truck_at[truck], place))
            self.truck_at[truck] = place

    def _hoist(self, place: str) -> str:
        return self.world.hoists[place][0]

    def _lift(self, place: str, pallet: str) -> str:
        crate = self.stacks[pallet].pop()
        self.steps.append(("lift", self._hoist(place), crate, self._top(pallet), place))
        return crate

    def _drop(self, place: str, crate: str, pallet: str) -> None:
        self.steps.append(("drop", self._hoist(place), crate, self._top(pallet), place))
        self.stacks[pallet].append(crate)

    def _top(self, pallet: str) -> str:
        return self.stacks[pallet][-1] if self.stacks[pallet] else pallet


def lower_bound(world: World) -> int:
    """Steps that no plan can do without. A crate in the wrong place is lifted, loaded, unloaded and dropped; one that
    is wrong at the right place lifted and dropped; one that is only in the way lifted, and put down where there is but
    one hoist. A truck drives to each place that a crate has to be brought to, and to each that one has to be
    fetched from, if none stands there."""
    home = {crate: world.pallet_at[pallet] for pallet, stack in world.goal.items() for crate in stack}
    bound = 0
    visited: set[str] = set()
    for pallet, place in world.pallet_at.items():
        for crate in _wrong(world, pallet):
            if crate not in home:
                bound += 2 if len(world.hoists[place]) == 1 else 1
            elif home[crate] == place:
                bound += 2
            else:
                bound += 4
                visited.add(home[crate])
                if place not in world.truck_at.values():
                    visited.add(place)
    return bound + len(visited)
