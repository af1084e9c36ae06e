"""`summary.json`: what a run comes to. Rates lie in [0, 1]; an interval is `(low, high)` at 95%.

One rule for all of it: `tasks`, `samples` and `verdicts` count everything that was asked; every other figure is over
the samples that were judged, which leaves out `harness_error`, and is None (or absent) where nothing was judged.
How each figure is computed, and from which source, stands in `planbench.metrics`.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from planbench.core.verdict import VerdictKind

SUMMARY_SCHEMA = 1

Interval = tuple[float, float]


class _Frozen(BaseModel):
    # By alias, so that a file says "schema": that word as an attribute would shadow a method of pydantic's BaseModel.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True)


class LengthBin(_Frozen):
    """The tasks whose reference plan has `low` to `high` steps, both included."""

    low: int
    high: int
    tasks: int
    samples: int
    valid_rate: float | None
    valid_ci: Interval | None


class AtK(_Frozen):
    """Of `tasks` tasks with at least `k` judged samples: the share solved by at least one of k samples
    (`pass_rate`), and by all of them (`unanimous_rate`)."""

    k: int
    tasks: int
    pass_rate: float
    pass_ci: Interval
    unanimous_rate: float
    unanimous_ci: Interval


class Horizon(_Frozen):
    """The reference length at which the valid rate is one half.

    `value` is None where it cannot be estimated, and `reason` says why. `low` or `high` is None where the interval is
    open on that side. `extrapolated` is True where one half lies outside the lengths tested.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    extrapolated: bool = False
    reason: str = ""


class PlanLength(_Frozen):
    """Steps of the valid plans. `ratio_to_reference` is the mean of length / reference length.

    `quality` is the IPC's satisficing score as a mean over all samples with a known reference: reference cost / plan
    cost, 0 where unsolved. It is not capped: above 1 the plan is cheaper than the reference, which an optimal
    reference rules out by itself.
    """

    mean: float | None
    median: float | None
    max: int | None
    ratio_to_reference: float | None
    quality: float | None


class Tokens(_Frozen):
    """Counts as the model's own tokenizer sees them; None where the model has no tokens. The means are over samples;
    `per_task` and `per_solved` are completion tokens over tasks and over solved tasks."""

    prompt_mean: float | None
    completion_mean: float | None
    completion_total: int | None
    per_task: float | None
    per_solved: float | None


class Seconds(_Frozen):
    """The model's time, judging not included."""

    total: float
    per_task: float | None
    per_solved: float | None


class Part(_Frozen):
    """The measures of some samples: of a whole run, or of one domain.

    `solved_tasks` are tasks with at least one valid sample. `longest_reference_solved` and `longest_plan` are steps,
    over valid samples. `first_failure` is the mean of failing step / plan length over the plans that failed at a
    step. `at_k` is empty where each task has one sample; `by_length` holds the bins that have tasks.
    """

    tasks: int
    samples: int
    valid_rate: float | None
    valid_ci: Interval | None
    solved_tasks: int
    verdicts: dict[VerdictKind, int]
    at_k: list[AtK]
    by_length: list[LengthBin]
    horizon: Horizon
    longest_reference_solved: int | None
    longest_plan: int | None
    plan_length: PlanLength
    first_failure: float | None
    tokens: Tokens
    seconds: Seconds


class Summary(Part):
    """A whole run. `near_ties` counts the greedy choices between two tokens whose logits differ by less than 1e-4, None
    where the model does not say."""

    schema_version: int = Field(default=SUMMARY_SCHEMA, alias="schema")
    model: str
    model_fingerprint: str
    prompt: str
    finished: bool
    near_ties: int | None = None
    by_domain: dict[str, Part]
