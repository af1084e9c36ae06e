"""Spanner tasks: nuts to be tightened, each with a spanner of its own, along a corridor that leads one way.

In the competition the man begins at one end of the corridor and the nuts are at the other. Here he may begin on the
way, with spanners in hand, and some nuts may be on the way too. Spanners that were used, nuts that were tightened and
what lies behind the man are of no use.

The reference plan walks the corridor to the last wanted nut, picks up every usable spanner that it comes to until there
is one for each wanted nut not yet tightened, and tightens them as it comes to them. It is always optimal: there is one
way to walk, each nut takes a step to tighten and a usable spanner, and each of those that is not in hand at the start
takes a step to pick up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from planbench.core.verdict import Plan, Step
from planbench.suite.draft import Draft, Fact

MAN = "bob"
IN_HAND = 0
"""The place of a spanner that the man carries."""


@dataclass(frozen=True)
class World:
    """Locations are numbered from 1 along the corridor."""

    locations: int
    man: int
    spanners: Mapping[str, int]
    usable: frozenset[str]
    nuts: Mapping[str, int]
    loose: frozenset[str]
    wanted: frozenset[str]


def draft(rng: Random, target: int, wide: bool = False) -> Draft:
    """A task whose plan has `target` steps. In a wide one there are more spanners and nuts that nobody needs, and the
    man begins on the way."""
    wanted = max(1, round(target / rng.uniform(2.0, 6.0 if target < 30 else 4.0)))
    carried = min(wanted, rng.choice((0, 0, 0, 1, 1, 2)))
    while 2 * wanted - carried > target:
        if carried < wanted:
            carried += 1
        else:
            wanted, carried = wanted - 1, carried - 1
    man = 1 + rng.randint(0, 3 if wide else 1)
    last = man + target - (2 * wanted - carried)
    on_the_way = 0.5 if rng.random() < 0.4 else 0.0
    needing = [last, *(rng.randint(man, last) if rng.random() < on_the_way else last for _ in range(wanted - 1))]
    locations = max(2, last + rng.choice((0, 0, 0, 1, 2)))
    extra = rng.randint(2, 4) if wide else rng.choice((0, 0, 1))
    # Each wanted nut has a spanner of its own, in hand or on the way there; so no spanner comes too late.
    spanners = [(rng.randint(man, place), True) for place in rng.sample(needing, wanted - carried)]
    spanners += [(IN_HAND, True)] * carried
    spanners += [(rng.randint(1, locations), rng.random() < 0.7) for _ in range(extra + rng.randint(0, 2))]
    nuts = [(place, True, True) for place in needing]
    nuts += [(rng.randint(1, locations), rng.random() < 0.6, False) for _ in range(extra)]
    return _task(_shuffled(rng, locations, man, spanners, nuts))


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft:
    """A task of `spanners`, `nuts` and `locations`: the man begins at a location before those, all nuts are at one
    behind them, and there are at least as many spanners as nuts."""
    gate = sizes["locations"] + 2
    nuts = sizes["nuts"]
    spanners = [(rng.randint(2, gate - 1), True) for _ in range(max(nuts, sizes["spanners"]))]
    return _task(_shuffled(rng, gate, 1, spanners, [(gate, True, True)] * nuts))


def _shuffled(
    rng: Random, locations: int, man: int, spanners: list[tuple[int, bool]], nuts: list[tuple[int, bool, bool]]
) -> World:
    """`spanners`: where, and whether usable; `nuts`: where, whether loose, whether wanted."""
    rng.shuffle(spanners)
    rng.shuffle(nuts)
    tools = {f"s{index + 1}": tool for index, tool in enumerate(spanners)}
    bolts = {f"n{index + 1}": bolt for index, bolt in enumerate(nuts)}
    return World(
        locations,
        man,
        {name: place for name, (place, _) in tools.items()},
        frozenset(name for name, (_, usable) in tools.items() if usable),
        {name: place for name, (place, _, _) in bolts.items()},
        frozenset(name for name, (_, loose, _) in bolts.items() if loose),
        frozenset(name for name, (_, _, wanted) in bolts.items() if wanted),
    )


def _task(world: World) -> Draft:
    places = [_place(number) for number in range(1, world.locations + 1)]
    init: list[Fact] = [("at", MAN, _place(world.man))]
    for name, place in world.spanners.items():
        init.append(("carrying", MAN, name) if place == IN_HAND else ("at", name, _place(place)))
        if name in world.usable:
            init.append(("usable", name))
    for name, place in world.nuts.items():
        init += [("at", name, _place(place)), ("loose" if name in world.loose else "tightened", name)]
    init += [("link", here, there) for here, there in pairwise(places)]
    return Draft(
        objects={MAN: "man"}
        | dict.fromkeys(places, "location")
        | dict.fromkeys(world.spanners, "spanner")
        | dict.fromkeys(world.nuts, "nut"),
        init=tuple(init),
        goal=tuple(("tightened", name) for name in world.nuts if name in world.wanted),
        plan=solve(world),
        optimal=True,
    )


def _place(number: int) -> str:
    return f"l{number}"


def solve(world: World) -> Plan:
    """The policy's plan, of a task in which each wanted nut is loose and no spanner comes too late."""
    steps: list[Step] = []
    ready: list[str] = []
    lying: dict[int, list[str]] = {}
    for name, place in world.spanners.items():
        if name in world.usable:
            (ready if place == IN_HAND else lying.setdefault(place, [])).append(name)
    nuts: dict[int, list[str]] = {}
    for name, place in world.nuts.items():
        if name in world.wanted:
            nuts.setdefault(place, []).append(name)
    left = len(world.wanted)
    for here in range(world.man, max(nuts) + 1):
        if here != world.man:
            steps.append(("walk", _place(here - 1), _place(here), MAN))
        for name in lying.get(here, [])[: max(0, left - len(ready))]:
            steps.append(("pickup_spanner", _place(here), name, MAN))
            ready.append(name)
        for nut in nuts.get(here, ()):
            steps.append(("tighten_nut", _place(here), ready.pop(0), MAN, nut))
            left -= 1
    return tuple(steps)
