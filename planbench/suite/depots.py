"""Depots tasks: crates to be stacked on pallets, at the same place or at another.

Every place has a hoist and a pallet or more. Crates begin in random stacks. Wanted are stacks from the pallet up: the
lower part of some that are there already, and crate after crate on top of that until the plan is as long as asked for;
the remaining crates may end anywhere. Wide tasks have more pallets and more of such crates.

The reference plan comes from the policy in `planbench.suite.depots_policy`. It is optimal where it meets the bound
there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from planbench.suite.depots_policy import Stacks, World, lower_bound, solve
from planbench.suite.draft import Draft, Fact
from planbench.suite.fitting import fitted

_NAMES = ("depots", "distributors", "trucks", "pallets", "hoists", "crates")


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has about `target` steps, or None where nothing has to be moved."""
    extra = rng.randint(2, 4) if wide else rng.choice((0, 0, 1))
    depots, distributors = rng.randint(1, 2 + (target > 20)), rng.randint(0, min(4, 1 + target // 15))
    places = depots + distributors
    world = _random_world(
        rng,
        depots=depots,
        distributors=distributors,
        trucks=rng.randint(1, min(3, 1 + target // 15)),
        pallets=max(2, places + rng.randint(0, 2) + extra // 2),
        hoists=places,
        crates=max(1, round(target / rng.uniform(2.0, 6.0 if target < 40 else 4.0))) + extra,
    )
    kept, added = _wanted(rng, world, stay=0.5 if target < 12 else 0.2)
    count = fitted(len(added), target, lambda count: len(solve(world.with_goal(_stacked(kept, added[:count])))))
    return _draft(rng, world.with_goal(_stacked(kept, added[:count])))


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft | None:
    """A task of `depots`, `distributors`, `trucks`, `pallets`, `hoists` and `crates`; a place has a pallet and a hoist
    at least. Three quarters of the crates are wanted somewhere."""
    world = _random_world(rng, **{name: sizes[name] for name in _NAMES})
    kept, added = _wanted(rng, world, stay=0.1)
    settled = sum(map(len, kept.values()))
    return _draft(rng, world.with_goal(_stacked(kept, added[: max(1, 3 * sizes["crates"] // 4 - settled)])))


def _random_world(
    rng: Random, *, depots: int, distributors: int, trucks: int, pallets: int, hoists: int, crates: int
) -> World:
    places = {f"d{index + 1}": "depot" for index in range(depots)}
    places |= {f"b{index + 1}": "distributor" for index in range(distributors)}
    names = list(places)
    pallet_at = {
        f"p{index + 1}": names[index] if index < len(names) else rng.choice(names)
        for index in range(max(pallets, len(names)))
    }
    hoists_of: dict[str, list[str]] = {place: [] for place in names}
    for index in range(max(hoists, len(names))):
        hoists_of[names[index] if index < len(names) else rng.choice(names)].append(f"h{index + 1}")
    stacks: Stacks = {pallet: [] for pallet in pallet_at}
    for index in range(crates):
        stacks[rng.choice(list(pallet_at))].append(f"c{index + 1}")
    truck_at = {f"t{index + 1}": rng.choice(names) for index in range(trucks)}
    return World(places, pallet_at, truck_at, hoists_of, stacks, {pallet: [] for pallet in pallet_at})


def _wanted(rng: Random, world: World, stay: float) -> tuple[Stacks, list[tuple[str, str]]]:
    """The lower parts of stacks that are to stay, and where the other crates would go, each on top of what is wanted
    before it. `stay` is the share of crates that go to a pallet of their own place."""
    kept = {pallet: stack[: rng.randint(0, len(stack))] for pallet, stack in world.stacks.items() if rng.random() < 0.4}
    kept = {pallet: kept.get(pallet, []) for pallet in world.stacks}
    added: list[tuple[str, str]] = []
    for pallet, stack in world.stacks.items():
        near = [other for other, place in world.pallet_at.items() if place == world.pallet_at[pallet]]
        pools = [near if rng.random() < stay else list(world.stacks) for _ in stack[len(kept[pallet]) :]]
        added += [(crate, rng.choice(pool)) for crate, pool in zip(stack[len(kept[pallet]) :], pools, strict=True)]
    rng.shuffle(added)
    return kept, added


def _stacked(kept: Stacks, added: Sequence[tuple[str, str]]) -> Stacks:
    goal = {pallet: list(stack) for pallet, stack in kept.items()}
    for crate, pallet in added:
        goal[pallet].append(crate)
    return goal


def _draft(rng: Random, world: World) -> Draft | None:
    plan = solve(world, rng)
    if not plan:
        return None
    return Draft(
        _objects(world), tuple(_init(world)), tuple(_on(world.goal)), tuple(plan), len(plan) == lower_bound(world)
    )


def _on(stacks: Stacks) -> list[Fact]:
    return [
        ("on", crate, below)
        for pallet, stack in stacks.items()
        for crate, below in zip(stack, [pallet, *stack], strict=False)
    ]


def _objects(world: World) -> dict[str, str]:
    objects = dict(world.places) | dict.fromkeys(world.truck_at, "truck")
    objects |= {hoist: "hoist" for hoists in world.hoists.values() for hoist in hoists}
    objects |= dict.fromkeys(world.pallet_at, "pallet")
    crates = [crate for stack in world.stacks.values() for crate in stack]
    return objects | dict.fromkeys(sorted(crates, key=lambda crate: int(crate[1:])), "crate")


def _init(world: World) -> list[Fact]:
    facts: list[Fact] = [("at", truck, place) for truck, place in world.truck_at.items()]
    for place, hoists in world.hoists.items():
        facts += [fact for hoist in hoists for fact in (("at", hoist, place), ("available", hoist))]
    for pallet, place in world.pallet_at.items():
        stack = world.stacks[pallet]
        facts += [("at", thing, place) for thing in (pallet, *stack)]
        facts.append(("clear", stack[-1] if stack else pallet))
    return facts + _on(world.stacks)
