"""How a floor is painted: from the top, column by column or row by row.

Below the floor to be painted lies a row that stays bare, so every tile has to be painted from the one below it, before
that one is. Two ways are tried. A sweep: one robot paints row after row from the top, each from the nearer end. And
greed: whichever robot has the least way to a topmost bare tile, change of color included, paints it; with all robots,
and with each of them alone while the others stand. Where robots are in each other's way, some make room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from planbench.core.verdict import Step

Tile = tuple[int, int]
"""Column and row."""

COLORS = ("white", "black")
_STEPS = {"up": (0, 1), "down": (0, -1), "left": (-1, 0), "right": (1, 0)}
_FAR = 1 << 20
_LARGE = 150
"""Above so many tiles to paint, greed is tried with all robots only."""


@dataclass(frozen=True)
class Floor:
    """`bare` is, for each column, how many of its tiles are not painted yet; those above them are. `parity` says which
    color the checkerboard begins with."""

    rows: int
    bare: tuple[int, ...]
    robots: Mapping[str, Tile]
    has: Mapping[str, str]
    parity: int

    def color(self, tile: Tile) -> str:
        return COLORS[(tile[0] + tile[1] + self.parity) % 2]

    @property
    def wanted(self) -> list[Tile]:
        """The tiles still to be painted."""
        return [(column, row) for column, bare in enumerate(self.bare) for row in range(1, bare + 1)]


def name(tile: Tile) -> str:
    return f"tile-{tile[0]}-{tile[1]}"


def solve(floor: Floor) -> list[Step]:
    """The shortest plan of those that the policy tries. There are no more robots than columns."""
    small = len(floor.wanted) <= _LARGE
    crews = [list(floor.robots)] + [[robot] for robot in floor.robots if small and len(floor.robots) > 1]
    works = [_Work(floor).greedy(crew) for crew in crews]
    sweeps = [_Work(floor).sweep(robot, turned) for robot in _nearest(floor, 3) for turned in (False, True)]
    return min([*works, *(steps for steps in sweeps if steps is not None)], key=len)


def _nearest(floor: Floor, count: int) -> list[str]:
    return sorted(floor.robots, key=lambda robot: _first(floor, robot))[:count]


def _first(floor: Floor, robot: str) -> int:
    """Steps that the robot needs before it can paint anything, if nothing is in its way."""
    column, row = floor.robots[robot]
    return min(
        abs(column - tile[0]) + abs(row - tile[1] + 1) + (floor.has[robot] != floor.color(tile))
        for tile in floor.wanted
    )


def lower_bound(floor: Floor) -> int:
    """Steps that no plan can do without. Each tile is painted once. Between two tiles a robot takes two steps at least:
    where they can be painted from tiles side by side, their colors differ. Before its first tile it takes those of
    `_first`."""
    count = len(floor.wanted)
    gains = sorted((2 - _first(floor, robot) for robot in floor.robots), reverse=True)[:count]
    return 3 * count - max(gains[0], sum(gain for gain in gains if gain > 0))


class _Work:
    """A floor while it is painted."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.bare = list(floor.bare)
        self.at = dict(floor.robots)
        self.has = dict(floor.has)
        self.steps: list[Step] = []

    def greedy(self, crew: Iterable[str]) -> list[Step]:
        crew = list(crew)
        while any(self.bare):
            found = self._best(crew) or self._best(self.at)
            if found is not None:
                self._paint(*found)
            else:
                self._make_room()
        return self.steps

    def sweep(self, robot: str, turned: bool) -> list[Step] | None:
        """`turned`: the top row is begun at its farther end."""
        for row in range(max(self.bare), 0, -1):
            columns = [column for column, bare in enumerate(self.bare) if bare == row]
            here = self.at[robot][0]
            if (abs(columns[-1] - here) < abs(columns[0] - here)) != (turned and row == max(self.floor.bare)):
                columns.reverse()
            for column in columns:
                path = self._path(robot, (column, row - 1), _FAR)
                if path is None or self._occupied((column, row), robot):
                    return None
                self._paint(robot, column, path)
        return self.steps

    def _best(self, crew: Iterable[str]) -> tuple[str, int, list[str]] | None:
        """The robot, the column and the way there that cost least; of several the highest tile."""
        tops = [(column, bare) for column, bare in enumerate(self.bare) if bare]
        offers: list[tuple[int, int, str, int]] = []
        for robot in crew:
            x, y = self.at[robot]
            for column, row in tops:
                change = self.has[robot] != self.floor.color((column, row))
                offers.append((abs(x - column) + abs(y - row + 1) + change, -row, robot, column))
        best: tuple[int, int, str, int, list[str]] | None = None
        for least, height, robot, column in sorted(offers):
            if best is not None and (least, height) >= best[:2]:
                break
            if self._occupied((column, -height), robot):
                continue
            change = self.has[robot] != self.floor.color((column, -height))
            path = self._path(robot, (column, -height - 1), _FAR if best is None else best[0] - change)
            if path is not None and (best is None or (len(path) + change, height) < best[:2]):
                best = (len(path) + change, height, robot, column, path)
        return None if best is None else best[2:]

    def _occupied(self, tile: Tile, but: str) -> bool:
        return any(place == tile and robot != but for robot, place in self.at.items())

    def _path(self, robot: str, goal: Tile, most: int) -> list[str] | None:
        """A shortest way of at most `most` steps round paint and robots."""
        start = self.at[robot]
        taken = set(self.at.values())
        came: dict[Tile, tuple[Tile, str]] = {}
        depth = {start: 0}
        queue = deque([start])
        while queue and goal not in depth:
            here = queue.popleft()
            if depth[here] == most:
                return None
            for word, there in self._beside(here):
                if there not in depth and there not in taken:
                    depth[there], came[there] = depth[here] + 1, (here, word)
                    queue.append(there)
        if goal not in depth:
            return None
        path: list[str] = []
        while goal != start:
            goal, word = came[goal]
            path.append(word)
        return path[::-1]

    def _beside(self, tile: Tile) -> Iterator[tuple[str, Tile]]:
        """Tiles next to one that are not painted."""
        for word, (x, y) in _STEPS.items():
            column, row = tile[0] + x, tile[1] + y
            if 0 <= column < len(self.bare) and 0 <= row <= self.bare[column]:
                yield word, (column, row)

    def _paint(self, robot: str, column: int, path: Iterable[str]) -> None:
        for word in path:
            self._move(robot, word)
        tile = (column, self.bare[column])
        color = self.floor.color(tile)
        if self.has[robot] != color:
            self.steps.append(("change-color", robot, self.has[robot], color))
            self.has[robot] = color
        self.steps.append(("paint-up", robot, name(tile), name(self.at[robot]), color))
        self.bare[column] -= 1

    def _move(self, robot: str, word: str) -> None:
        here = self.at[robot]
        there = (here[0] + _STEPS[word][0], here[1] + _STEPS[word][1])
        self.steps.append((word, robot, name(here), name(there)))
        self.at[robot] = there

    def _make_room(self) -> None:
        """Where nobody can paint, a robot stands on every topmost bare tile and another below it. The lower one of some
        column is made to go, and those in its way to the nearest free tile go on before it: then the upper one can."""
        tops = [(column, bare) for column, bare in enumerate(self.bare) if bare]
        standing = {place: robot for robot, place in self.at.items()}
        chains = [self._way_out((column, row - 1), (column, row), standing) for column, row in tops]
        chain = min(chains, key=len)
        for here, word in reversed(chain):
            if here in standing:
                self._move(standing[here], word)

    def _way_out(self, start: Tile, but: Tile, standing: Mapping[Tile, str]) -> list[tuple[Tile, str]]:
        """Tiles with the step to take from each, from `start` to the nearest tile without a robot, not over `but`."""
        came: dict[Tile, tuple[Tile, str]] = {}
        queue = deque([start])
        while queue:
            here = queue.popleft()
            if here not in standing:
                break
            for word, there in self._beside(here):
                if there != but and there != start and there not in came:
                    came[there] = (here, word)
                    queue.append(there)
        else:
            raise AssertionError("there are no more robots than columns, so a tile is free")
        chain: list[tuple[Tile, str]] = []
        while here != start:
            chain.append(came[here])
            here = came[here][0]
        return chain[::-1]
