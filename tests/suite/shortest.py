"""The length of a shortest plan, by breadth-first search."""

from __future__ import annotations

from planbench.core.compile import CompiledTask


def shortest(task: CompiledTask, most_states: int) -> int | None:
    """Steps of a shortest plan; None where more than `most_states` states would have to be seen. The task has one."""
    seen = {task.initial}
    frontier = [task.initial]
    depth = 0
    while frontier:
        if any(task.goal_reached(state) for state in frontier):
            return depth
        depth += 1
        after = []
        for state in frontier:
            for step in task.applicable(state):
                new = task.apply(state, step)
                if new not in seen:
                    if len(seen) == most_states:
                        return None
                    seen.add(new)
                    after.append(new)
        frontier = after
    raise AssertionError("the task has no plan")
