"""A line of `samples.jsonl`: one reply to one task together with its verdict."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from planbench.core.verdict import Verdict, VerdictKind

MOST = 10**9
"""Above what a single reply has of anything, so that sums over a run stay below `planbench.records.summary.MOST`."""

Number = Annotated[int, Field(le=MOST)]


class VerdictRecord(BaseModel):
    """`planbench.core.verdict.Verdict` as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: VerdictKind
    step: Number | None = None
    reason: str = ""
    facts: tuple[str, ...] = ()

    @classmethod
    def of(cls, verdict: Verdict) -> VerdictRecord:
        return cls(kind=verdict.kind, step=verdict.step, reason=verdict.reason, facts=verdict.facts)


class Sample(BaseModel):
    """One reply to one task, judged.

    `key` is unique within a run: `<task hash>-<prompt hash>-<sample index>`; model and sampling settings are the
    run's. `plan` holds the steps as PDDL text (`(stack b1 b2)`), None where nothing read as a plan. `length` and
    `cost` are the plan's, `reference_length` that of the reference plan (None where none is known). `seconds` is the
    model's time for this reply alone, judging not included. `near_ties` counts greedy choices between two tokens whose
    logits differ by less than 1e-4, which rounding could have turned; None where the model does not say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    task: str
    domain: str
    task_hash: str
    prompt_hash: str
    index: int
    seed: int
    reply: str
    finish: Literal["stop", "length", "error"]
    prompt_tokens: Number | None = None
    completion_tokens: Number | None = None
    seconds: float = 0.0
    near_ties: Number | None = None
    plan: tuple[str, ...] | None = None
    verdict: VerdictRecord
    length: Number | None = None
    cost: float | None = None
    reference_length: Number | None = None
    reference_cost: float | None = None
