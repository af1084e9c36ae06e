"""Pushing one box through a warehouse in which nothing else moves: the cheapest ways, walks of the robot included.

A state is where the box is and in which direction the robot, standing behind it, would push. From there the robot
pushes, or walks round the box to push another way. Where the box is the only one in the warehouse the way found is the
shortest plan, by Dijkstra's algorithm.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from heapq import heappop, heappush

Cell = tuple[int, int]
Move = tuple[Cell, bool]
"""The cell that the robot enters, and whether it pushes a box by that."""

DIRECTIONS: dict[str, Cell] = {"up": (0, 1), "down": (0, -1), "left": (-1, 0), "right": (1, 0)}
_STEPS = tuple(DIRECTIONS.values())
FAR = 1 << 20

_State = tuple[Cell, Cell]


def beside(cell: Cell, step: Cell, sign: int = 1) -> Cell:
    return (cell[0] + sign * step[0], cell[1] + sign * step[1])


@dataclass(frozen=True)
class Warehouse:
    """Cells of floor, everything else is wall; and cells that boxes stand on which are not to be moved. `patience` is
    the longest walk round a box that is looked for."""

    floor: Collection[Cell]
    standing: Collection[Cell]
    patience: int = FAR

    def free(self, cell: Cell) -> bool:
        return cell in self.floor and cell not in self.standing

    def distances(self, start: Cell, box: Cell | None, most: int = FAR, until: Cell | None = None) -> dict[Cell, int]:
        """Steps of the robot to each cell that it can reach round the boxes; to those no farther than `until`."""
        found = {start: 0}
        queue = deque([start])
        while queue:
            here = queue.popleft()
            if found[here] == most or here == until:
                break
            for step in _STEPS:
                there = beside(here, step)
                if there not in found and there != box and self.free(there):
                    found[there] = found[here] + 1
                    queue.append(there)
        return found

    def walk(self, start: Cell, end: Cell, box: Cell | None = None) -> list[Cell]:
        """The cells that the robot enters on a shortest way, which there must be."""
        left = self.distances(end, box, until=start)
        cells: list[Cell] = []
        while start != end:
            start = min(
                (there for step in _STEPS if (there := beside(start, step)) in left), key=lambda cell: left[cell]
            )
            cells.append(start)
        return cells

    def around(self, box: Cell, heading: Cell, other: Cell) -> int:
        """Steps from behind the box to where it is pushed in direction `other`; FAR where there is no way."""
        start, end = beside(box, heading, -1), beside(box, other, -1)
        if not self.free(end):
            return FAR
        if beside(heading, other) == (0, 0):
            across = ((heading[1], heading[0]), (-heading[1], -heading[0]))
            if any(all(map(self.free, (beside(start, s), beside(box, s), beside(end, s)))) for s in across):
                return 4
        elif self.free(beside(start, other, -1)):
            return 2
        return self.distances(start, box, self.patience).get(end, FAR)


@dataclass(frozen=True)
class Ways:
    """All that a box can be pushed to, as found by `ways`. A state that the search began with came from itself."""

    house: Warehouse
    robot: Cell
    box: Cell
    cost: dict[_State, int]
    came: dict[_State, _State]
    best: dict[Cell, _State]

    def reached(self) -> dict[Cell, int]:
        """Each cell that the box can be brought to, with the steps that it takes."""
        return {cell: self.cost[state] for cell, state in self.best.items() if cell != self.box}

    def moves(self, goal: Cell) -> list[Move]:
        """The robot's moves that bring the box to `goal`; it ends behind the box."""
        chain = [self.best[goal]]
        while (before := self.came[chain[-1]]) != chain[-1]:
            chain.append(before)
        box, heading = chain.pop()
        robot = beside(box, heading, -1)
        moves: list[Move] = [(cell, False) for cell in self.house.walk(self.robot, robot, box)]
        for new_box, heading in reversed(chain):
            behind = beside(new_box, heading, -1)
            if new_box == box:
                moves += [(cell, False) for cell in self.house.walk(robot, behind, box)]
            else:
                moves.append((behind, True))
            box, robot = new_box, behind
        return moves


def ways(house: Warehouse, robot: Cell, box: Cell, *, goal: Cell | None = None, most: int = FAR) -> Ways:
    """Cheapest ways from where the robot and the box are, up to `most` steps. With a goal, the search goes towards it
    and ends there."""
    cost: dict[_State, int] = {}
    came: dict[_State, _State] = {}
    best: dict[Cell, _State] = {}
    heap: list[tuple[int, int, _State, _State]] = []

    def add(spent: int, state: _State, before: _State) -> None:
        cell = state[0]
        rest = 0 if goal is None else abs(cell[0] - goal[0]) + abs(cell[1] - goal[1])
        if spent + rest <= most and state not in cost:
            heappush(heap, (spent + rest, spent, state, before))

    near = house.distances(robot, box)
    for heading in _STEPS:
        behind = beside(box, heading, -1)
        if behind in near:
            add(near[behind], (box, heading), (box, heading))
    while heap:
        _, spent, state, before = heappop(heap)
        if state in cost:
            continue
        cost[state], came[state] = spent, before
        cell, heading = state
        if cell not in best:
            best[cell] = state
        if cell == goal:
            break
        ahead = beside(cell, heading)
        if house.free(ahead):
            add(spent + 1, (ahead, heading), state)
        for other in _STEPS:
            if other != heading and (cell, other) not in cost and (steps := house.around(cell, heading, other)) < FAR:
                add(spent + steps, (cell, other), state)
    return Ways(house, robot, box, cost, came, best)
