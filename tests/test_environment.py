"""Our tasks and our judge as an environment of `verifiers`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import planbench
from planbench.core.verdict import plan_text
from planbench.suite import generate


def test_a_rollout_is_scored_by_the_judge() -> None:
    vf: Any = pytest.importorskip("verifiers.v1", reason="verifiers is not installed: pip install verifiers")
    loaders: Any = pytest.importorskip("verifiers.v1.utils.loaders")
    config = {"id": "planbench", "domain": "grid", "tasks": 4, "longest": 5}
    tasks = list(loaders.load_taskset(loaders.taskset_config_type("planbench").model_validate(config)))
    known = generate("grid", 4, seed=0, plan_length=(2, 5), split="pool")
    assert [task.data.name for task in tasks] == [one.id for one in known]
    assert [task.data.problem_pddl for task in tasks] == [one.problem_pddl for one in known]
    assert tasks[0].data.prompt[-1].role == "user"
    assert tasks[0].data.prompt[-1].content

    def rollout(task: Any, reply: str) -> tuple[float, str]:
        trace = vf.Trace(
            task=vf.TraceTask(type=type(task).__name__, data=task.data),
            agent=vf.AgentInfo(config=vf.AgentConfig()),
            nodes=[vf.MessageNode(message=vf.AssistantMessage(content=reply), sampled=True)],
        )
        asyncio.run(task.score(trace))
        assert list(trace.rewards) == ["valid_plan"]
        return trace.rewards["valid_plan"].score, trace.info["verdict"]

    for task, one in zip(tasks, known, strict=True):
        assert one.reference is not None
        assert rollout(task, plan_text(one.reference.steps)) == (1.0, "valid")
        assert rollout(task, plan_text(one.reference.steps[:-1]) or "I cannot.")[0] == 0.0
    assert rollout(tasks[0], "I cannot.") == (0.0, "no_plan")


def test_only_that_name_is_looked_for_elsewhere() -> None:
    with pytest.raises(AttributeError, match="no attribute 'PlanTaskSet'"):
        planbench.__getattr__("PlanTaskSet")
