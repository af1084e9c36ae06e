"""Traces made up for the tests of curation: few tasks, plans and lengths, so that ties and copies abound."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from planbench.records import VERDICT_KINDS
from planbench.records.trace import Trace


def trace(task: str = "a", verdict: str = "valid", generation: int = 0, index: int = 0, **changes: Any) -> Trace:
    has_plan = verdict not in ("no_plan", "harness_error")
    fields: dict[str, Any] = {
        "id": f"gen-{generation}/{task}-p-{index}",
        "generation": generation,
        "task": f"task {task}",
        "task_hash": task,
        "domain": "blocksworld",
        "prompt_hash": "p",
        "index": index,
        "reply": "pick-up b1",
        "finish": "stop",
        "plan": ("(pick-up b1)",) if has_plan else None,
        "verdict": verdict,
        "length": 1 if has_plan else None,
        "tokens": 3,
        "reference_length": 1,
    }
    return Trace(**{**fields, **changes})


@st.composite
def traces(draw: st.DrawFn, most: int = 40) -> list[Trace]:
    keys = st.tuples(st.sampled_from("abc"), st.integers(0, 11), st.integers(0, 2))
    found: list[Trace] = []
    for task, generation, index in draw(st.lists(keys, max_size=most, unique=True)):
        verdict = draw(st.sampled_from([*VERDICT_KINDS, "valid", "valid", "valid"]))
        length = draw(st.integers(1, 3))
        step = draw(st.sampled_from(["(go a)", "(go b)"]))
        changes: dict[str, Any] = {"tokens": draw(st.none() | st.integers(2, 4)), "reply": f"{step} " * length}
        if verdict not in ("no_plan", "harness_error"):
            changes |= {"length": length, "plan": (step,) * length}
        found.append(trace(task, verdict, generation, index, **changes))
    return found
