"""Classical planners as rows of the table: `planner:NAME`.

    policy     the reference plan that the task carries, where a policy of its domain found it
    gbfs       greedy best-first search with the FF heuristic; built in, for small tasks
    astar      A* with the LM-cut heuristic, so that what it finds is optimal; built in, for small tasks
    kairos     Kairos, in this process                    (package kairos-planner)
    lama       the first plan of LAMA, by Fast Downward   (package up-fast-downward, run as a program)
    lmcut      A* with LM-cut, by Fast Downward

They see the task itself, not the prompt, and have a limit of time and of memory for each task.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a planner is found, and the package that it needs with the version that is tested."""

    solver: str
    package: str = ""
    version: str = ""


PLANNERS: dict[str, Entry] = {
    "policy": Entry("planbench.models.planners.policy:recall"),
    "gbfs": Entry("planbench.models.planners.search:greedy"),
    "astar": Entry("planbench.models.planners.search:optimal"),
    "kairos": Entry("planbench.models.planners.kairos:first", "kairos-planner", "1.0.6"),
    "lama": Entry("planbench.models.planners.fast_downward:lama", "up-fast-downward", "1.0.0"),
    "lmcut": Entry("planbench.models.planners.fast_downward:lmcut", "up-fast-downward", "1.0.0"),
}
