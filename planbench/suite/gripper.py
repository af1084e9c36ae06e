"""Gripper tasks: balls to be carried to their rooms, two at a time, by a robot that moves from any room to any other.

Some balls have no goal, some are where they belong, and in some tasks the robot holds balls at the start. There are two
rooms, as in the competition, or more.

The reference plan comes from a policy. In each room the robot drops what belongs there and takes up balls that have to
leave, those for one room together; then it goes where one of the balls in its grippers belongs, or, with empty
grippers, where most have to leave. A ball without a goal in a gripper at the start is dropped where that makes the plan
shorter. The plan is optimal where it meets the bound in `_lower_bound`, as it nearly always does with two rooms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from planbench.core.verdict import Plan, Step
from planbench.suite.draft import Draft, Fact, renumbered
from planbench.suite.fitting import fitted

GRIPPERS: tuple[str, ...] = ("left", "right")


@dataclass(frozen=True)
class World:
    """`at` is the room of each ball, that of the robot for those in `held`, which maps gripper to ball."""

    rooms: tuple[str, ...]
    robot: str
    at: Mapping[str, str]
    held: Mapping[str, str]


def draft(rng: Random, target: int, wide: bool = False) -> Draft | None:
    """A task whose plan has about `target` steps, or None where no ball has to be carried. In a wide one many balls
    have no goal."""
    most = 2 if rng.random() < 0.25 else min(16, 3 + target // 5)
    rooms = tuple(f"r{index + 1}" for index in range(rng.randint(2, most) + 2 * wide))
    names = [f"b{index + 1}" for index in range(2 + target // 2 + (rng.randint(3, 6) if wide else 1))]
    world = _random_world(rng, rooms, names, rng.choice((0, 0, 0, 1, 2)))
    wanted = [
        (ball, world.at[ball] if rng.random() < 0.15 else _elsewhere(rng, rooms, world.at[ball]))
        for ball in rng.sample(names, len(names))
    ]
    count = fitted(len(wanted), target, lambda count: len(solve(world, dict(wanted[:count]))))
    goal = dict(wanted[:count])
    if not wide:
        idle = [ball for ball in names if ball not in goal and ball not in world.held.values()]
        gone = idle[rng.randint(0, 3) :]
        at = {ball: room for ball, room in world.at.items() if ball not in gone}
        world = World(rooms, world.robot, at, world.held)
    task = _task(world, {ball: goal[ball] for ball in world.at if ball in goal})
    return task and renumbered(task)


def sized(rng: Random, sizes: Mapping[str, int]) -> Draft | None:
    """A task of `balls` and `rooms`; every ball belongs in another room, and the grippers are free."""
    rooms = tuple(f"r{index + 1}" for index in range(sizes["rooms"]))
    world = _random_world(rng, rooms, [f"b{index + 1}" for index in range(sizes["balls"])], 0)
    return _task(world, {ball: _elsewhere(rng, rooms, here) for ball, here in world.at.items()})


def _random_world(rng: Random, rooms: tuple[str, ...], balls: list[str], held: int) -> World:
    at = {ball: rng.choice(rooms) for ball in balls}
    robot = rng.choice(rooms)
    carried = dict(zip(rng.sample(GRIPPERS, held), rng.sample(balls, held), strict=True))
    return World(rooms, robot, at | dict.fromkeys(carried.values(), robot), carried)


def _elsewhere(rng: Random, rooms: tuple[str, ...], here: str) -> str:
    """Another room than `here`."""
    room = rooms[rng.randrange(len(rooms) - 1)]
    return room if room != here else rooms[-1]


def _task(world: World, goal: dict[str, str]) -> Draft | None:
    plan = solve(world, goal)
    if not plan:
        return None
    holder = {ball: gripper for gripper, ball in world.held.items()}
    init: list[Fact] = [("at-robby", world.robot)]
    init += [("free", gripper) for gripper in GRIPPERS if gripper not in world.held]
    init += [("carry", ball, holder[ball]) if ball in holder else ("at", ball, room) for ball, room in world.at.items()]
    return Draft(
        objects=dict.fromkeys(world.rooms, "room")
        | dict.fromkeys(world.at, "ball")
        | dict.fromkeys(GRIPPERS, "gripper"),
        init=tuple(init),
        goal=tuple(("at", ball, room) for ball, room in goal.items()),
        plan=plan,
        optimal=len(plan) == _lower_bound(world, goal),
    )


def solve(world: World, goal: Mapping[str, str]) -> Plan:
    """The policy's plan; empty where the goal holds."""
    idle = [gripper for gripper, ball in world.held.items() if ball not in goal]
    plans = [_carried_out(world, goal, idle[:count]) for count in range(len(idle) + 1)]
    return min((plan for plan in plans if plan is not None), key=len)


def _carried_out(world: World, goal: Mapping[str, str], dropped: list[str]) -> Plan | None:
    """The plan that begins by emptying the grippers `dropped`; None where none is free then and one is needed."""
    steps: list[Step] = [("drop", world.held[gripper], world.robot, gripper) for gripper in dropped]
    held = {gripper: ball for gripper, ball in world.held.items() if gripper not in dropped}
    usable = [gripper for gripper in GRIPPERS if gripper not in held or held[gripper] in goal]
    leaving: dict[str, dict[str, list[str]]] = {room: {} for room in world.rooms}
    for ball in reversed(list(goal)):
        if ball not in held.values() and goal[ball] != world.at[ball]:
            leaving[world.at[ball]].setdefault(goal[ball], []).append(ball)
    waiting = Counter({room: sum(map(len, balls.values())) for room, balls in leaving.items()})
    arriving = Counter(goal[ball] for balls in leaving.values() for group in balls.values() for ball in group)
    if not usable:
        return None if waiting.total() else tuple(steps)
    here = world.robot
    while True:
        for gripper in [gripper for gripper in usable if gripper in held and goal[held[gripper]] == here]:
            steps.append(("drop", held.pop(gripper), here, gripper))
        for gripper in usable:
            if gripper in held or not waiting[here]:
                continue
            groups = {room: balls for room, balls in leaving[here].items() if balls}
            bound = {goal[held[other]] for other in usable if other in held}
            room = max(groups, key=lambda room: (room in bound, min(2, len(groups[room])), waiting[room]))
            held[gripper] = groups[room].pop()
            steps.append(("pick", held[gripper], here, gripper))
            waiting[here] -= 1
            arriving[room] -= 1
        ahead = list(dict.fromkeys(goal[held[gripper]] for gripper in usable if gripper in held))
        if not ahead:
            ahead = [room for room in world.rooms if waiting[room]]
        if not ahead:
            return tuple(steps)
        there = max(ahead, key=lambda room: (min(2, waiting[room]), waiting[room] - arriving[room]))
        steps.append(("move", here, there))
        here = there


def _lower_bound(world: World, goal: Mapping[str, str]) -> int:
    """Steps that no plan can do without: what has to be picked up and dropped, and moves. A room is left at least once
    for every two balls that have to leave it, and entered at least once for every two that have to come; the robot is
    where it begins once more than it enters there, and where it ends once less than it leaves from there. A ball
    without a goal in a gripper takes a drop, or the gripper for all of the plan."""
    idle = sum(ball not in goal for ball in world.held.values())
    moved = [ball for ball, room in goal.items() if world.at[ball] != room]
    held = set(world.held.values()).intersection(goal)
    due = 2 * len(moved) - len(held.intersection(moved)) + len(held.difference(moved))
    leaving = Counter(world.at[ball] for ball in moved)
    coming = Counter(goal[ball] for ball in moved)
    bounds: list[int] = []
    for dropped in range(idle + 1):
        usable = len(GRIPPERS) - idle + dropped
        if not moved or not usable:
            continue
        out = {room: -(-leaving[room] // usable) for room in world.rooms}
        into = {room: -(-coming[room] // usable) + (room == world.robot) for room in world.rooms}
        moves = sum(max(out[room], into[room]) for room in world.rooms)
        bounds.append(dropped + moves - any(into[room] > out[room] for room in world.rooms))
    return due + min(bounds, default=0)
