"""Satellite tasks: pictures to be taken, and satellites to be left pointing somewhere.

Every satellite has an instrument or more, every instrument a direction that it is calibrated on and modes that it
supports. What is wanted is drawn from what some instrument can do, one thing after another until the plan is as long
as asked for.

The reference plan comes from a policy: pictures are given out to instruments, each to the one that it costs least on
top of what is given out already, and change hands for as long as that makes the plan shorter. Then one satellite after
the other goes through its instruments: on, to the calibration target, to what is to be photographed. It is optimal
where it meets the bound in `_lower_bound`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from random import Random

from planbench.core.verdict import Step
from planbench.suite.draft import Draft, Fact
from planbench.suite.fitting import fitted

Picture = tuple[str, str]
"""A direction and a mode."""

_EXCHANGED = 40
"""Up to so many pictures change hands."""


@dataclass
class World:
    pointing: dict[str, str]
    board: dict[str, list[str]]
    """The instruments of each satellite."""
    target: dict[str, str]
    modes: dict[str, list[str]]
    directions: list[str]

    @property
    def owner(self) -> dict[str, str]:
        return {tool: satellite for satellite, tools in self.board.items() for tool in tools}

    @property
    def supported(self) -> list[str]:
        return sorted({mode for modes in self.modes.values() for mode in modes})


@dataclass(frozen=True)
class Wish:
    """What is wanted: pictures, and the direction that a satellite is to point in at the end."""

    pictures: tuple[Picture, ...]
    last: Mapping[str, str]


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has about `target` steps, or None where nothing has to be done. A wide one has more satellites,
    instruments and directions than what is wanted needs."""
    extra = rng.randint(2, 4) if wide else 0
    satellites = rng.randint(1, 1 + min(3, target // 12)) + extra // 3
    world = _random_world(
        rng,
        satellites=satellites,
        instruments=satellites + rng.randint(0, 3) + extra // 2,
        modes=rng.randint(1, 3) + target // 100 + extra // 4,
        directions=rng.randint(2 + target // 6, 4 + target // 4) + extra,
    )
    things = _wishes(rng, world, turning=0.5 if target < 6 else 0.3)
    kept = fitted(len(things), target, lambda count: len(_plan(world, _wish(things[:count]), exchange=False)))
    return _draft(world, _wish(things[:kept]))


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft | None:
    """A task of `satellites`, `instruments`, `modes` and `directions`: pictures of most directions, some in two modes,
    and a direction to point in for a third of the satellites. There are at least as many instruments as satellites."""
    world = _random_world(rng, **{name: sizes[name] for name in ("satellites", "instruments", "modes", "directions")})
    things = _wishes(rng, world, turning=0.3)
    pictures = [thing for thing in things if thing[0] in world.directions]
    turns = [thing for thing in things if thing[0] not in world.directions]
    return _draft(world, _wish([*pictures[: sizes["directions"]], *turns]))


def _random_world(rng: Random, *, satellites: int, instruments: int, modes: int, directions: int) -> World:
    places = [f"d{index + 1}" for index in range(directions)]
    names = [f"s{index + 1}" for index in range(satellites)]
    tools = [f"i{index + 1}" for index in range(max(instruments, satellites))]
    all_modes = [f"m{index + 1}" for index in range(modes)]
    board: dict[str, list[str]] = {name: [] for name in names}
    for index, tool in enumerate(tools):
        board[names[index] if index < satellites else rng.choice(names)].append(tool)
    return World(
        pointing={name: rng.choice(places) for name in names},
        board=board,
        target={tool: rng.choice(places) for tool in tools},
        modes={tool: sorted(rng.sample(all_modes, rng.randint(1, min(3, modes)))) for tool in tools},
        directions=places,
    )


def _wishes(rng: Random, world: World, turning: float) -> list[Picture]:
    """All pictures that can be taken, and some `(satellite, direction)`, shuffled."""
    things = [(direction, mode) for direction in world.directions for mode in world.supported]
    things += [
        (satellite, direction)
        for satellite in world.board
        if rng.random() < turning and (direction := rng.choice(world.directions))
    ]
    rng.shuffle(things)
    return things


def _wish(things: Iterable[Picture]) -> Wish:
    things = list(things)
    return Wish(
        tuple(thing for thing in things if thing[0].startswith("d")),
        {thing[0]: thing[1] for thing in things if thing[0].startswith("s")},
    )


def _draft(world: World, wish: Wish) -> Draft | None:
    plan = _plan(world, wish, exchange=True)
    if not plan:
        return None
    goal: list[Fact] = [("pointing", satellite, wish.last[satellite]) for satellite in sorted(wish.last)]
    goal += [("have_image", *picture) for picture in sorted(wish.pictures)]
    return Draft(_objects(world), tuple(_init(world)), tuple(goal), tuple(plan), len(plan) == _lower_bound(world, wish))


_Given = dict[str, list[Picture]]


def _plan(world: World, wish: Wish, *, exchange: bool) -> list[Step]:
    given = _given_out(world, wish)
    if exchange and len(wish.pictures) <= _EXCHANGED:
        given = _exchanged(world, wish, given)
    return [step for satellite in world.board for step in _orbit(world, wish, satellite, given)]


def _given_out(world: World, wish: Wish) -> _Given:
    """Pictures to instruments. Where none is in use for a mode yet, one that supports most modes still wanted is taken,
    so that few have to be switched on."""
    given: _Given = {tool: [] for tool in world.target}
    owner = world.owner
    wanted = {mode for _, mode in wish.pictures}
    for picture in sorted(wish.pictures):
        able = [tool for tool in given if picture[1] in world.modes[tool]]

        def cost(tool: str, picture: Picture = picture) -> tuple[int, int]:
            satellite = owner[tool]
            seen = {direction for other in world.board[satellite] for direction, _ in given[other]}
            price = 0 if picture[0] in seen or picture[0] == world.pointing[satellite] else 1
            if not given[tool]:
                price += 2 + (world.target[tool] not in seen | {world.pointing[satellite]})
                price += any(given[other] for other in world.board[satellite])
            return price, -len(wanted.intersection(world.modes[tool]))

        given[min(able, key=cost)].append(picture)
    return given


def _exchanged(world: World, wish: Wish, given: _Given) -> _Given:
    """With pictures, one at a time or all of an instrument, in other hands, for as long as that makes the plan
    shorter."""
    owner = world.owner

    def length(hands: _Given, satellites: set[str]) -> int:
        return sum(len(_orbit(world, wish, satellite, hands)) for satellite in satellites)

    def better() -> _Given | None:
        for tool, pictures in given.items():
            for moved in [*([picture] for picture in pictures), pictures]:
                if not moved:
                    continue
                for other in given:
                    if other == tool or not all(mode in world.modes[other] for _, mode in moved):
                        continue
                    left = [picture for picture in pictures if picture not in moved]
                    changed = given | {tool: left, other: [*given[other], *moved]}
                    involved = {owner[tool], owner[other]}
                    if length(changed, involved) < length(given, involved):
                        return changed
        return None

    while (found := better()) is not None:
        given = found
    return given


def _orbit(world: World, wish: Wish, satellite: str, given: _Given) -> list[Step]:
    """The steps of one satellite, its instruments in the best order where there are up to three to use."""
    used = [tool for tool in world.board[satellite] if given[tool]]
    orders = permutations(used) if len(used) <= 3 else [tuple(used)]
    return min((_in_order(world, wish, satellite, given, order) for order in orders), key=len)


def _in_order(world: World, wish: Wish, satellite: str, given: _Given, order: Sequence[str]) -> list[Step]:
    steps: list[Step] = []
    here = world.pointing[satellite]

    def turn(there: str) -> None:
        nonlocal here
        if there != here:
            steps.append(("turn_to", satellite, there, here))
            here = there

    for index, tool in enumerate(order):
        if index:
            steps.append(("switch_off", order[index - 1], satellite))
        steps.append(("switch_on", tool, satellite))
        turn(world.target[tool])
        steps.append(("calibrate", satellite, tool, here))
        after = world.target[order[index + 1]] if index + 1 < len(order) else wish.last.get(satellite)
        views = list(dict.fromkeys(direction for direction, _ in given[tool]))
        # First what it points at anyhow, last what it has to point at next.
        for view in sorted(views, key=lambda view: (view != here, view == after)):
            turn(view)
            modes = [mode for direction, mode in given[tool] if direction == view]
            steps += [("take_image", satellite, view, tool, mode) for mode in modes]
    if satellite in wish.last:
        turn(wish.last[satellite])
    return steps


def _lower_bound(world: World, wish: Wish) -> int:
    """Steps that no plan can do without: each picture; switching on and calibrating as many instruments as it takes for
    all modes, one at least and two where none has them all; a turn of each satellite that is to point elsewhere, one to
    each other direction to be photographed where none points, and one to a calibration target where none of those is
    one that could be used."""
    bound = len(wish.pictures)
    due = {direction for satellite, direction in wish.last.items() if world.pointing[satellite] != direction}
    bound += sum(world.pointing[satellite] != direction for satellite, direction in wish.last.items())
    if not wish.pictures:
        return bound
    wanted = {mode for _, mode in wish.pictures}
    bound += 2 if any(wanted.issubset(modes) for modes in world.modes.values()) else 4
    due |= (views := {direction for direction, _ in wish.pictures} - set(world.pointing.values()) - due)
    useful = [tool for tool, modes in world.modes.items() if wanted.intersection(modes)]
    owner = world.owner
    at_hand = any(world.target[tool] in due or world.target[tool] == world.pointing[owner[tool]] for tool in useful)
    return bound + len(views) + (not at_hand)


def _objects(world: World) -> dict[str, str]:
    objects = dict.fromkeys(world.board, "satellite") | dict.fromkeys(world.target, "instrument")
    return objects | dict.fromkeys(world.supported, "mode") | dict.fromkeys(world.directions, "direction")


def _init(world: World) -> list[Fact]:
    facts: list[Fact] = []
    for satellite, tools in world.board.items():
        facts += [("pointing", satellite, world.pointing[satellite]), ("power_avail", satellite)]
        for tool in tools:
            facts += [("on_board", tool, satellite), ("calibration_target", tool, world.target[tool])]
            facts += [("supports", tool, mode) for mode in world.modes[tool]]
    return facts
