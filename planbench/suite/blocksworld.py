"""Blocksworld tasks: towers to be rebuilt.

Half of the tasks take two unrelated random states as start and goal; the other half reach the goal from the start by a
few random moves, so that a short plan also occurs among many blocks; of wide tasks most do, and among more blocks. The
goal says where every block lies.

The reference plan comes from a policy that never searches: along the towers of the goal, from the bottom up, block
after block is cleared, its place is cleared, and it goes there. What lies in the way goes to its final place if that is
free, else to the table. So a step follows from the task and the steps just before, which a small model can learn. A
plan that moves each misplaced block exactly once is optimal, as each has to be moved at least once (Gupta and Nau, "On
the complexity of blocks-world planning", 1992).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from random import Random

from planbench.core.verdict import Plan, Step
from planbench.suite.draft import Draft, Fact

TABLE = -1

MAX_BLOCKS = 32
"""For plans of up to 64 steps; it is what domain.toml states and what the small planner's vocabulary names."""

WIDE = 12
"""The most blocks of a wide task."""

State = list[int]
"""For each block the block beneath it, or TABLE."""


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has about `target` steps (two a move), or None where start and goal are the same."""
    moves = max(1, (target + 1) // 2)
    most = max(MAX_BLOCKS, moves)
    if wide and rng.random() < 0.75:
        blocks = rng.randint(max(2, moves), max(WIDE, moves))
        start = _random_state(rng, blocks)
        goal = _shuffled(rng, start, moves)
    elif rng.random() < 0.5:
        blocks = min(most, max(2, round(moves * rng.uniform(0.7, 1.1))))
        start, goal = _random_state(rng, blocks), _random_state(rng, blocks)
    else:
        blocks = min(most, rng.randint(max(2, moves // 2 + 1), moves + 5))
        start = _random_state(rng, blocks)
        goal = _shuffled(rng, start, moves)
    return _task(start, goal)


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft | None:
    """A task of `blocks`: two unrelated random states, or None where they are the same."""
    return _task(_random_state(rng, sizes["blocks"]), _random_state(rng, sizes["blocks"]))


def _task(start: State, goal: State) -> Draft | None:
    order, lower_bound = solve(start, goal)
    if not order:
        return None
    names = _names(len(start))
    return Draft(
        objects=dict.fromkeys(names, "block"),
        init=(*_facts(start, names, clear=True), ("handempty",)),
        goal=tuple(_facts(goal, names, clear=False)),
        plan=_steps(start, order, names),
        optimal=len(order) == lower_bound,
    )


def solve(start: State, goal: State) -> tuple[list[tuple[int, int]], int]:
    """The policy's moves `(block, where to)` from start to goal, and how many blocks have to be moved."""
    below = list(start)
    above = {support: block for block, support in enumerate(below) if support != TABLE}
    towers = _by_tower(goal)
    # Whether a block and everything beneath it lie as in the goal.
    settled = [False] * len(below)
    for block in towers:
        support = goal[block]
        settled[block] = below[block] == support and (support == TABLE or settled[support])
    misplaced = settled.count(False)
    order: list[tuple[int, int]] = []

    def move(block: int, destination: int) -> None:
        above.pop(below[block], None)
        below[block] = destination
        if destination != TABLE:
            above[destination] = block
        settled[block] = destination == goal[block]
        order.append((block, destination))

    def clear(block: int) -> None:
        while block in above:
            top = above[block]
            while top in above:
                top = above[top]
            support = goal[top]
            ready = support == TABLE or (settled[support] and support not in above)
            move(top, support if ready else TABLE)

    for block in towers:
        if settled[block]:
            continue
        clear(block)
        if goal[block] != TABLE:
            clear(goal[block])
        if not settled[block]:
            move(block, goal[block])
    return order, misplaced


def _by_tower(below: State) -> list[int]:
    """The blocks, each tower from the bottom up; towers in the order of their lowest blocks."""
    above = {support: block for block, support in enumerate(below) if support != TABLE}
    order: list[int] = []
    for block, support in enumerate(below):
        if support == TABLE:
            order.append(block)
            while order[-1] in above:
                order.append(above[order[-1]])
    return order


@cache
def _names(blocks: int) -> list[str]:
    return [f"b{index + 1}" for index in range(blocks)]


def _random_state(rng: Random, blocks: int) -> State:
    order = list(range(blocks))
    rng.shuffle(order)
    new_tower = rng.uniform(0.15, 0.85)
    tops: list[int] = []
    below = [TABLE] * blocks
    for block in order:
        if not tops or rng.random() < new_tower:
            tops.append(block)
        else:
            place = rng.randrange(len(tops))
            below[block], tops[place] = tops[place], block
    return below


def _shuffled(rng: Random, start: State, moves: int) -> State:
    """The state after `moves` random moves, no block moved twice in a row."""
    below = list(start)
    last = TABLE
    for _ in range(moves):
        clear = [block for block in range(len(below)) if block not in below]
        choices = [block for block in clear if block != last]
        if not choices:
            break
        block = rng.choice(choices)
        places = [place for place in [*clear, TABLE] if place not in (block, below[block])]
        if not places:
            continue
        below[block] = rng.choice(places)
        last = block
    return below


def _facts(below: State, names: list[str], *, clear: bool) -> list[Fact]:
    covered = set(below)
    facts: list[Fact] = []
    for block, support in enumerate(below):
        facts.append(("ontable", names[block]) if support == TABLE else ("on", names[block], names[support]))
        if clear and block not in covered:
            facts.append(("clear", names[block]))
    return facts


def _steps(start: State, order: list[tuple[int, int]], names: list[str]) -> Plan:
    below = list(start)
    steps: list[Step] = []
    for block, destination in order:
        origin = below[block]
        steps.append(("pick-up", names[block]) if origin == TABLE else ("unstack", names[block], names[origin]))
        steps.append(
            ("put-down", names[block]) if destination == TABLE else ("stack", names[block], names[destination])
        )
        below[block] = destination
    return tuple(steps)
