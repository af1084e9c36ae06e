"""Ferry tasks: cars to bring to their locations, one at a time, by a ferry that sails from anywhere to anywhere.

Some cars have no goal and only stand about, some are where they belong, and some tasks begin with a car on the ferry.

Each car is an arc from where it is to where it belongs, and the ferry's way goes along all of them, with empty sails
between. The reference plan splits the arcs into as few trails as possible (one for each part that hangs together, or as
many as arcs leave its locations in excess) and sails empty from the end of one to the start of the next: no plan has
fewer sails. Setting a car down on the way costs two steps and a sail, and joins two trails at most; so every plan is
optimal. What is on the ferry is brought first, or set down where it has no goal: that costs a step in any plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from planbench.core.verdict import Plan, Step
from planbench.suite.draft import Draft, Fact, renumbered
from planbench.suite.fitting import fitted

Arc = tuple[str, str, str]
"""A car, where it is, and where it belongs."""


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has about `target` steps, or None where no car has to be moved. In a wide one many cars have no
    goal, and the locations are more than the plan visits."""
    locations = [
        f"l{index + 1}" for index in range(rng.randint(2, min(16, 4 + target // 4)) + wide * rng.randint(1, 4))
    ]
    names = [f"c{index + 1}" for index in range(2 + target // 3 + (rng.randint(3, 6) if wide else rng.randint(0, 1)))]
    at = {car: rng.choice(locations) for car in names}
    aboard = rng.choice(names) if rng.random() < 0.3 else None
    here = rng.choice(locations)
    wanted = [(car, rng.choice(locations)) for car in rng.sample(names, len(names))]
    count = fitted(len(wanted), target, lambda count: len(solve(at, dict(wanted[:count]), here, aboard)))
    goal = dict(wanted[:count])
    if not wide and len(names) > count + 3:
        idle = [car for car in names if car not in goal and car != aboard]
        at = {car: place for car, place in at.items() if car not in idle[rng.randint(0, 3) :]}
    task = _task(locations, at, {car: goal[car] for car in at if car in goal}, here, aboard)
    return task and renumbered(task)


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft | None:
    """A task of `cars` and `locations`; every car belongs elsewhere, and the ferry is empty."""
    locations = [f"l{index + 1}" for index in range(sizes["locations"])]
    at = {f"c{index + 1}": rng.choice(locations) for index in range(sizes["cars"])}
    goal: dict[str, str] = {}
    for car, here in at.items():
        place = rng.randrange(len(locations) - 1)
        goal[car] = locations[place] if locations[place] != here else locations[-1]
    return _task(locations, at, goal, rng.choice(locations), None)


def _task(
    locations: list[str], at: dict[str, str], goal: dict[str, str], ferry: str, aboard: str | None
) -> Draft | None:
    """`aboard` is the car on the ferry, wherever `at` says it is."""
    init: list[Fact] = [("at-ferry", ferry), ("empty-ferry",) if aboard is None else ("on", aboard)]
    init += [("at", car, place) for car, place in at.items() if car != aboard]
    plan = solve(at, goal, ferry, aboard)
    if not plan or all(car != aboard and at[car] == place for car, place in goal.items()):
        return None
    return Draft(
        objects=dict.fromkeys(at, "car") | dict.fromkeys(locations, "location"),
        init=tuple(init),
        goal=tuple(("at", car, place) for car, place in goal.items()),
        plan=plan,
        optimal=True,
    )


def solve(at: Mapping[str, str], goal: Mapping[str, str], ferry: str, aboard: str | None) -> Plan:
    """A shortest plan."""
    steps: list[Step] = []
    here = ferry

    def sail(to: str) -> None:
        nonlocal here
        if here != to:
            steps.append(("sail", here, to))
            here = to

    if aboard is not None:
        sail(goal.get(aboard, here))
        steps.append(("debark", aboard, here))
    arcs = [(car, at[car], place) for car, place in goal.items() if car != aboard and at[car] != place]
    for trail in _trails(arcs, here):
        for car, start, end in trail:
            sail(start)
            steps.append(("board", car, start))
            sail(end)
            steps.append(("debark", car, end))
    return tuple(steps)


def _trails(arcs: list[Arc], first: str) -> list[list[Arc]]:
    """The arcs as few trails, the first of them from `first` where that takes no trail more."""
    leaving: dict[str, list[Arc]] = {}
    excess: dict[str, int] = {}
    for arc in arcs:
        leaving.setdefault(arc[1], []).append(arc)
        excess[arc[1]] = excess.get(arc[1], 0) + 1
        excess[arc[2]] = excess.get(arc[2], 0) - 1
    for waiting in leaving.values():
        waiting.reverse()
    trails: list[list[Arc]] = []
    # A trail from where more arcs leave than enter ends where more enter; what is left then goes round in circles.
    starts = sorted((place for place in excess if excess[place] > 0), key=lambda place: place != first)
    for start in starts:
        trails += [_walk(leaving, start) for _ in range(excess[start])]
    circles = [first, *(arc[1] for arc in arcs)]
    for place in circles:
        while leaving.get(place):
            trails.append(_walk(leaving, place))
    return _joined(trails, first)


def _walk(leaving: dict[str, list[Arc]], place: str) -> list[Arc]:
    trail: list[Arc] = []
    while leaving.get(place):
        trail.append(leaving[place].pop())
        place = trail[-1][2]
    return trail


def _joined(trails: list[list[Arc]], first: str) -> list[list[Arc]]:
    """Circles put into a trail that passes through them, until none does; a circle of its own through `first` leads."""
    open_ones = [trail for trail in trails if trail[0][1] != trail[-1][2]]
    waiting = [trail for trail in trails if trail[0][1] == trail[-1][2]]
    through: dict[str, list[int]] = {}
    for index, circle in enumerate(waiting):
        for arc in circle:
            through.setdefault(arc[1], []).append(index)
    used: set[int] = set()

    def grown(trail: list[Arc]) -> list[Arc]:
        whole: list[Arc] = []
        rest = trail[::-1]
        while True:
            place = rest[-1][1] if rest else whole[-1][2]
            for index in through.get(place, ()):
                if index not in used:
                    used.add(index)
                    circle = waiting[index]
                    turn = next(number for number, arc in enumerate(circle) if arc[1] == place)
                    rest += (circle[turn:] + circle[:turn])[::-1]
            if not rest:
                return whole
            whole.append(rest.pop())

    done = [grown(trail) for trail in open_ones]
    for index, circle in enumerate(waiting):
        if index not in used:
            used.add(index)
            turn = next((number for number, arc in enumerate(circle) if arc[1] == first), 0)
            done.append(grown(circle[turn:] + circle[:turn]))
    return sorted(done, key=lambda trail: trail[0][1] != first)
