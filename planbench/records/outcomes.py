"""What a seed of an iterate run came to, task by task (`outcomes.json.gz`): all that is needed, beside its summary, to
put seeds together that were run apart, without their samples."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from planbench.core.verdict import VerdictKind

OUTCOMES = "outcomes.json.gz"
OUTCOMES_SCHEMA = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True, allow_inf_nan=False
    )


class Deployed(_Frozen):
    """A generation on a task set. `solved` is by task, in the order of the set: the share of its judged samples that
    are valid, None where none was judged. All arms share generation 0, which stands here once, under the first."""

    arm: str
    generation: int
    split: str
    solved: list[Annotated[float, Field(ge=0, le=1)] | None]


class Look(_Frozen):
    """What the implicit reward is regressed on, of one reply. `task` is the task's hash; the other fields are as in
    `planbench.records.trace.Trace`."""

    task: str
    domain: str
    verdict: VerdictKind
    length: int | None
    tokens: int | None
    reference_length: int | None
    first_action: str
    style: str

    @property
    def valid(self) -> bool:
        return self.verdict == "valid"


class Likely(_Frozen):
    """How likely each of `looks` was under a generation, in nats; None where it was not scored."""

    arm: str
    generation: int
    nats: list[float | None]


class Outcomes(_Frozen):
    """`lengths` are steps of the reference plan of each task of a set, None where there is none."""

    schema_version: Literal[1] = Field(default=OUTCOMES_SCHEMA, alias="schema")
    seed: int
    lengths: dict[str, list[int | None]]
    deployed: list[Deployed]
    looks: list[Look] = Field(default_factory=list[Look])
    likely: list[Likely] = Field(default_factory=list[Likely])
