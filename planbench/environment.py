"""Our tasks and our judge as an environment of the package `verifiers`, for whoever trains or measures with that.

    vf-eval planbench --env.taskset.domain logistics --env.agent.harness.id null -m MODEL ...

`planbench` is the environment's id: the package hands out `PlanTaskset` when it is asked for it. The reward is that of
`planbench.rewards`: 1 for a valid plan, 0 for any other reply. Where judging itself failed, the rollout ends in an
error and has no reward. The verdict stands in the `info` of each trace.

Written for verifiers 0.4. This module alone imports it.
"""

from __future__ import annotations

from collections.abc import Iterator

import verifiers.v1 as vf  # pyright: ignore[reportMissingImports]

from planbench.errors import PlanbenchError
from planbench.rewards import COLUMNS, dataset_rows, valid_plan
from planbench.suite import generate

__all__ = ["PlanTaskset"]


class PlanData(vf.TaskData):
    """A row of `dataset_rows`."""

    style: str
    domain: str
    domain_pddl: str
    problem_pddl: str
    domain_toml: str


class PlanTask(vf.Task[PlanData]):
    """One task, and the judge."""

    @vf.reward
    async def valid_plan(self, trace: vf.Trace) -> float:
        columns = {name: [getattr(self.data, name)] for name in COLUMNS}
        verdicts = trace.info
        (reward,) = valid_plan(
            [trace.last_reply], **columns, log_extra=lambda name, column: verdicts.update({name: column[0]})
        )
        if reward is None:
            raise PlanbenchError("judging failed, through no fault of the reply")
        return reward


class PlanConfig(vf.TasksetConfig):
    """`tasks` of a domain, with reference plans of `shortest` to `longest` steps, from a split of the task forms."""

    domain: str = "blocksworld"
    tasks: int = 1_000
    shortest: int = 2
    longest: int = 8
    split: str = "pool"
    seed: int = 0
    style: str = "pddl"


class PlanTaskset(vf.Taskset[PlanTask, PlanConfig]):
    """Tasks of a built-in domain."""

    def load(self) -> Iterator[PlanTask]:
        """Raises InputError for a domain, a split or a style that there is not."""
        asked = self.config
        lengths = (asked.shortest, asked.longest)
        tasks = generate(asked.domain, asked.tasks, seed=asked.seed, plan_length=lengths, split=asked.split)
        for task, row in zip(tasks, dataset_rows(tasks, asked.style), strict=True):
            yield PlanTask(PlanData(name=task.id, **row), asked.task)
