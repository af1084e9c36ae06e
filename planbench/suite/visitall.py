"""VisitAll tasks: places of a rectangle that a robot has to visit.

The places are named after their coordinates (`loc-3-2`) and connected to their four neighbours; there are no gaps. Most
tasks begin on the way: some places are visited already, wanted ones among them. Wide tasks have more places than the
plan comes near.

The reference plan comes from a policy: the robot goes to the nearest place still to be visited, first along the row; of
several the one with the fewest neighbours still to be visited, so that corners are not left behind. A task that begins
on the way has what is left of such a plan. It is optimal where it meets the bound in `_lower_bound`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise, permutations
from random import Random

from planbench.core.verdict import Plan, Step
from planbench.suite.draft import Draft, Fact
from planbench.suite.fitting import fitted

Place = tuple[int, int]

_ORDERS = 4
"""Up to so many places still to be visited, every order is tried for the bound."""
_SPANNED = 200
"""Up to so many, the shortest tree through them is found for it."""


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has `target` steps, or None where the rectangle drawn is too small for that."""
    area = 2 + target * rng.uniform(1.0, 2.5) + (rng.randint(6, 16) if wide else 0)
    width = min(20, max(2, round(area**0.5 * rng.uniform(0.7, 1.4))))
    height = min(20, max(2, round(area / width)))
    places = _places(width, height)
    order = rng.sample(places, len(places))
    start = order.pop()
    count = fitted(len(order), target, lambda count: len(solve(start, order[:count])) - 1)
    way = solve(start, order[:count])
    while len(way) <= target and count < len(order):
        count += 1
        way = solve(start, order[:count])
    done = len(way) - 1 - target
    if done < 0:
        return None
    visited = set(way[: done + 1])
    if rng.random() < 0.5:
        visited |= set(rng.sample(places, rng.randint(0, 1 + len(places) // 4))) - set(way[done + 1 :])
    wanted = set(order[:count])
    if rng.random() < 0.5:
        wanted -= visited
    return _task(width, height, way[done:], visited, wanted)


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft:
    """A task of `width` by `height` places, of which as many as `wanted` have to be visited and only that of the robot
    is visited."""
    places = _places(sizes["width"], sizes["height"])
    start, *others = rng.sample(places, 1 + min(sizes["wanted"], len(places) - 1))
    return _task(sizes["width"], sizes["height"], solve(start, others), {start}, set(others))


def _task(width: int, height: int, way: list[Place], visited: set[Place], wanted: set[Place]) -> Draft:
    places = _places(width, height)
    init: list[Fact] = [("at-robot", _name(way[0]))]
    init += [("visited", _name(place)) for place in places if place in visited]
    init += [
        ("connected", _name(place), _name(near))
        for place in places
        for near in _neighbours(place)
        if near[0] in range(width) and near[1] in range(height)
    ]
    return Draft(
        objects={_name(place): "place" for place in places},
        init=tuple(init),
        goal=tuple(("visited", _name(place)) for place in places if place in wanted),
        plan=_steps(way),
        optimal=len(way) - 1 == _lower_bound(way[0], wanted - visited),
    )


def _steps(way: list[Place]) -> Plan:
    steps: list[Step] = [("move", _name(here), _name(there)) for here, there in pairwise(way)]
    return tuple(steps)


def _places(width: int, height: int) -> list[Place]:
    return [(x, y) for x in range(width) for y in range(height)]


def _name(place: Place) -> str:
    return f"loc-{place[0]}-{place[1]}"


def _neighbours(place: Place) -> tuple[Place, ...]:
    x, y = place
    return (x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)


def _distance(a: Place, b: Place) -> int:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def solve(start: Place, wanted: Iterable[Place]) -> list[Place]:
    """The policy's way from `start`: every place that the robot is at, one after the other."""
    way = [start]
    left = set(wanted) - {start}
    while left:
        here = way[-1]
        near = [place for place in _neighbours(here) if place in left]
        if not near:
            shortest = min(_distance(here, place) for place in left)
            near = [place for place in left if _distance(here, place) == shortest]
        there = min(near, key=lambda place: (sum(other in left for other in _neighbours(place)), place))
        while way[-1] != there:
            x, y = way[-1]
            if x != there[0]:
                way.append((x + (1 if there[0] > x else -1), y))
            else:
                way.append((x, y + (1 if there[1] > y else -1)))
        left.remove(there)
    return way


def _lower_bound(start: Place, left: Collection[Place]) -> int:
    """Steps that no plan can do without. For few places it is the shortest of all ways. For more it is the length of
    a shortest tree through them and the robot; and as the robot is on places of odd and even coordinates by turns, it
    is about twice the number of either."""
    if len(left) <= _ORDERS:
        return min(_length(start, order) for order in permutations(left))
    odd = sum(_distance(start, place) % 2 for place in left)
    bound = max(2 * odd - 1, 2 * (len(left) - odd), len(left))
    return max(bound, _tree(start, left)) if len(left) <= _SPANNED else bound


def _length(start: Place, order: Iterable[Place]) -> int:
    length = 0
    for place in order:
        length += _distance(start, place)
        start = place
    return length


def _tree(start: Place, left: Iterable[Place]) -> int:
    """The length of a shortest tree, by Prim's algorithm."""
    away = {place: _distance(start, place) for place in left}
    length = 0
    while away:
        nearest = min(away, key=lambda place: away[place])
        length += away.pop(nearest)
        for place, known in away.items():
            if (distance := _distance(nearest, place)) < known:
                away[place] = distance
    return length
