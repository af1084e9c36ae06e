"""Floortile tasks: a checkerboard to be painted by robots that cannot step on paint.

Some floors are bare, others partly painted from the top; then the columns differ in how much of them is left, and the
goal names what is painted with what is not, or only what is not. Below lies a row that stays bare. Wide tasks have
columns and rows that are done, and more robots.

The reference plan comes from the policies in `planbench.suite.floortile_policy`. It is optimal where it meets the bound
there.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from planbench.suite.draft import Draft, Fact
from planbench.suite.floortile_policy import COLORS, Floor, Tile, lower_bound, name, solve


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has about `target` steps, or None where the draw gives a column too high."""
    count = max(1, round((target + rng.randint(-2, 2)) / 3))
    columns = rng.randint(1 if count < 6 else 2, min(9, 1 + count))
    bare = [0] * columns
    # Evenly, or as it comes: in the columns that have least left, or in any.
    uneven = rng.choice((0.0, 0.3, 1.0)) if count <= 30 else 0.2
    for _ in range(count):
        least = [column for column in range(columns) if bare[column] == min(bare)]
        bare[rng.choice(least) if rng.random() >= uneven else rng.randrange(columns)] += 1
    if max(bare) > 40:
        return None
    rows = max(bare) + (rng.randint(1, 2) if wide else rng.choice((0, 0, 1)))
    if wide:
        bare = [0] * rng.randint(0, 2) + bare + [0] * rng.randint(1, 2)
    robots = rng.randint(1, min(len(bare), (3 if count > 2 else 2) + wide))
    return _draft(rng, rows, bare, robots, whole=rng.random() < 0.5)


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft | None:
    """A bare floor of `rows` and `columns` for `robots` robots, of which there are no more than columns."""
    bare = [sizes["rows"]] * sizes["columns"]
    return _draft(rng, sizes["rows"], bare, min(sizes["robots"], sizes["columns"]), whole=True)


def _draft(rng: Random, rows: int, bare: list[int], robots: int, *, whole: bool) -> Draft:
    """`whole`: the goal names every tile, painted or not."""
    free = [(column, row) for column, left in enumerate(bare) for row in range(left + 1)]
    names = [f"r{index + 1}" for index in range(robots)]
    floor = Floor(
        rows,
        tuple(bare),
        dict(zip(names, rng.sample(free, robots), strict=True)),
        {robot: rng.choice(COLORS) for robot in names},
        rng.randint(0, 1),
    )
    plan = solve(floor)
    tiles = [(column, row) for row in range(rows + 1) for column in range(len(bare))]
    named = [tile for tile in tiles if tile[1] > 0] if whole else floor.wanted
    return Draft(
        objects=dict.fromkeys(map(name, tiles), "tile")
        | dict.fromkeys(names, "robot")
        | dict.fromkeys(COLORS, "color"),
        init=tuple(_init(floor, tiles)),
        goal=tuple(("painted", name(tile), floor.color(tile)) for tile in named),
        plan=tuple(plan),
        optimal=len(plan) == lower_bound(floor),
    )


def _init(floor: Floor, tiles: list[Tile]) -> list[Fact]:
    facts: list[Fact] = []
    for robot, tile in floor.robots.items():
        facts += [("robot-at", robot, name(tile)), ("robot-has", robot, floor.has[robot])]
    facts += [("available-color", color) for color in COLORS]
    there, taken = set(tiles), set(floor.robots.values())
    for tile in tiles:
        if tile[1] > floor.bare[tile[0]]:
            facts.append(("painted", name(tile), floor.color(tile)))
        elif tile not in taken:
            facts.append(("clear", name(tile)))
    for column, row in tiles:
        for word, near in (
            ("up", (column, row - 1)),
            ("down", (column, row + 1)),
            ("right", (column - 1, row)),
            ("left", (column + 1, row)),
        ):
            if near in there:
                facts.append((word, name((column, row)), name(near)))
    return facts
