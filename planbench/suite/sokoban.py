"""Sokoban tasks: boxes to push to places in a warehouse with walls.

A task is made by playing it. Walls are drawn and boxes set down at random; then one box after another is pushed to some
cell that it can reach, and that cell is its goal. So every task can be solved, and what was played is a plan. Wide
tasks have larger warehouses and boxes that only stand in the way.

The reference plan is the shortest that pushes one box after the other all the way, over all orders where there are up
to three of them. It is optimal where a single box is to be moved and the other boxes cost it no step; or where every
step is a push, but for the walk to the nearest box, and no box can do with fewer pushes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from random import Random

from planbench.core.verdict import Step
from planbench.suite.draft import Draft, Fact
from planbench.suite.sokoban_pushing import DIRECTIONS, FAR, Cell, Move, Warehouse, beside, ways

_LARGE = 15
"""From this side on, a box is pushed a bounded way, so that a warehouse of any size is played in seconds."""
_MOST = 30
_PATIENCE = 12


@dataclass
class World:
    floor: set[Cell]
    robot: Cell
    boxes: dict[str, Cell]
    side: int

    @property
    def patience(self) -> int:
        return FAR if self.side < _LARGE else _PATIENCE


@dataclass
class Play:
    """What is played from a world: moves, each with the box that it pushes, and where everything is then."""

    robot: Cell
    boxes: dict[str, Cell]
    moves: list[tuple[Move, str]]

    def push(self, world: World, box: str, *, goal: Cell, most: int = FAR) -> bool:
        """Bring a box to its goal, the others staying where they are; False where that cannot be done."""
        found = ways(self.house(world, box), self.robot, self.boxes[box], goal=goal, most=most)
        if goal not in found.best:
            return False
        self.take(box, goal, found.moves(goal))
        return True

    def take(self, box: str, goal: Cell, moves: Sequence[Move]) -> None:
        self.moves += [(move, box) for move in moves]
        self.boxes[box] = goal
        self.robot = moves[-1][0]

    def house(self, world: World, box: str) -> Warehouse:
        standing = {cell for name, cell in self.boxes.items() if name != box}
        return Warehouse(world.floor, standing, world.patience)


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has about `target` steps, or None where no box can be moved."""
    moved = 1 if target < 6 else rng.randint(1 + target // 25, 1 + target // 12)
    side = rng.randint(5, 8) if wide else min(_LARGE - 1, rng.randint(4, min(8, 4 + target // 10)) + moved // 2)
    world = _random_world(rng, side, moved + (rng.randint(0, 3) if wide else rng.choice((0, 0, 0, 1))))
    return None if world is None else _played(rng, world, moved, target)


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft | None:
    """A task in a square warehouse of side `grid` with `boxes` boxes, each of which is to be moved if it can be."""
    world = _random_world(rng, sizes["grid"], sizes["boxes"])
    return None if world is None else _played(rng, world, sizes["boxes"], None)


def _random_world(rng: Random, side: int, boxes: int) -> World | None:
    """Floor in one piece, with short walls through it. A box stands where it can be pushed at once, walls allowing."""
    floor = {(x, y) for x in range(side) for y in range(side)}
    for _ in range(rng.randint(side // 2, side * side // 12 + 1)):
        cell, step = (rng.randrange(side), rng.randrange(side)), rng.choice(tuple(DIRECTIONS.values()))
        for _ in range(rng.randint(1, max(1, min(5, side // 3)))):
            floor.discard(cell)
            cell = beside(cell, step)
    pieces: list[set[Cell]] = []
    while floor:
        piece = set(Warehouse(floor, ()).distances(min(floor), None))
        pieces.append(piece)
        floor -= piece
    floor = max(pieces, key=len, default=set())
    loose = [
        cell
        for cell in sorted(floor)
        if any(beside(cell, step) in floor and beside(cell, step, -1) in floor for step in ((1, 0), (0, 1)))
    ]
    if len(loose) <= boxes or len(floor) < 2 * boxes + 2:
        return None
    standing = rng.sample(loose, boxes)
    robot = rng.choice(sorted(floor.difference(standing)))
    return World(floor, robot, {f"b{index + 1}": cell for index, cell in enumerate(standing)}, side)


def _played(rng: Random, world: World, moved: int, target: int | None) -> Draft | None:
    """Push boxes wherever they can go: the last one so that the plan comes near the target."""
    play = Play(world.robot, dict(world.boxes), [])
    goals: dict[str, Cell] = {}
    waiting = rng.sample(sorted(world.boxes), moved)
    for count in range(moved):
        box = _next(world, play, waiting)
        most = FAR if world.side < _LARGE else rng.randint(_MOST // 4, _MOST)
        # A walk to the box is part of its way, and in a large warehouse the larger one.
        house = play.house(world, box)
        near = house.distances(play.robot, play.boxes[box])
        starts = [near[cell] for step in DIRECTIONS.values() if (cell := beside(play.boxes[box], step)) in near]
        if not starts:
            continue
        found = ways(house, play.robot, play.boxes[box], most=most + min(starts) if most < FAR else FAR)
        reached = sorted(found.reached().items())
        if not reached:
            continue
        if target is None:
            goal = rng.choice(reached)[0]
        else:
            share = (target - len(play.moves)) / (moved - count)
            share *= 1 if count == moved - 1 else rng.uniform(0.5, 1.5)
            least = min(abs(cost - share) for _, cost in reached)
            goal = rng.choice([cell for cell, cost in reached if abs(cost - share) == least])
        goals[box] = goal
        play.take(box, goal, found.moves(goal))
    if not goals:
        return None
    play = _shortest(world, goals, play)
    robot, steps = world.robot, list[Step]()
    for move, box in play.moves:
        steps.append(_step(robot, move, box))
        robot = move[0]
    return Draft(
        objects=_objects(world),
        init=tuple(_init(world)),
        goal=tuple(("at", box, _name(goals[box])) for box in world.boxes if box in goals),
        plan=tuple(steps),
        optimal=len(steps) <= _lower_bound(world, goals),
        constants=frozenset(DIRECTIONS),
    )


def _next(world: World, play: Play, waiting: list[str]) -> str:
    """Takes a box from those that wait: where there are many, the one nearest to the robot, as the crow flies."""
    near = [abs(x - play.robot[0]) + abs(y - play.robot[1]) for x, y in map(play.boxes.__getitem__, waiting)]
    return waiting.pop(0 if world.side < _LARGE else near.index(min(near)))


def _shortest(world: World, goals: Mapping[str, Cell], played: Play) -> Play:
    """The shortest of what was played and the other orders of the boxes."""
    if not 1 < len(goals) <= 3:
        return played
    best = played
    for order in permutations(goals):
        play = Play(world.robot, dict(world.boxes), [])
        if all(play.push(world, box, goal=goals[box]) for box in order) and len(play.moves) < len(best.moves):
            best = play
    return best


def _lower_bound(world: World, goals: Mapping[str, Cell]) -> int:
    """Steps that no plan can do without. A single box takes those of its way in a warehouse without other boxes. Of
    several, each takes the pushes of its way there, and the robot walks to some box first."""
    if world.side >= _LARGE or len(goals) > 3:
        return 0
    empty = Warehouse(world.floor, ())
    if len(goals) == 1:
        ((box, goal),) = goals.items()
        found = ways(empty, world.robot, world.boxes[box], goal=goal)
        return found.cost[found.best[goal]]
    near = empty.distances(world.robot, None)
    pushes = sum(abs(goal[0] - world.boxes[box][0]) + abs(goal[1] - world.boxes[box][1]) for box, goal in goals.items())
    return pushes + min(near[cell] for cell in world.boxes.values()) - 1


def _step(robot: Cell, move: Move, box: str) -> Step:
    cell, pushes = move
    heading = (cell[0] - robot[0], cell[1] - robot[1])
    word = next(name for name, step in DIRECTIONS.items() if step == heading)
    if pushes:
        return ("push", _name(robot), _name(cell), _name(beside(cell, heading)), word, box)
    return ("move", _name(robot), _name(cell), word)


def _name(cell: Cell) -> str:
    return f"pos-{cell[0]}-{cell[1]}"


def _objects(world: World) -> dict[str, str]:
    objects = dict.fromkeys(DIRECTIONS, "direction") | {_name(cell): "location" for cell in sorted(world.floor)}
    return objects | dict.fromkeys(world.boxes, "box")


def _init(world: World) -> list[Fact]:
    facts: list[Fact] = [("at-robot", _name(world.robot))]
    facts += [("at", box, _name(cell)) for box, cell in world.boxes.items()]
    cells, standing = sorted(world.floor), set(world.boxes.values())
    facts += [("clear", _name(cell)) for cell in cells if cell not in standing]
    facts += [
        ("adjacent", _name(cell), _name(there), word)
        for cell in cells
        for word, step in DIRECTIONS.items()
        if (there := beside(cell, step)) in world.floor
    ]
    return facts
