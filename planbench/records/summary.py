"""`summary.json`: what a run comes to. Rates lie in [0, 1]; an interval is `(low, high)` at 95%.

One rule for all of it: `tasks`, `samples` and `verdicts` count everything that was asked; every other figure is over
the samples that were judged, which leaves out `harness_error`, and is None (or absent) where nothing was judged.
How each figure is computed, and from which source, stands in `planbench.metrics`.

A summary may come from anywhere. Its numbers are held to what a run can have, so that whoever draws or prints them need
not ask.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from planbench.core.verdict import VerdictKind

SUMMARY_SCHEMA = 1

Interval = tuple[float, float]

MOST = 10**15
"""Above everything that is counted or measured here."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has characters that cannot be printed")
    return text


_ROUNDING = 1e-9

Count = Annotated[int, Field(ge=0, le=MOST)]
Amount = Annotated[float, Field(ge=0, le=MOST)]
Rate = Annotated[float, Field(ge=-_ROUNDING, le=1 + _ROUNDING)]
"""In [0, 1], but for the last digits of a mean."""
RateInterval = tuple[Rate, Rate]
Steps = Annotated[float, Field(gt=0, le=MOST)]
Said = Annotated[str, Field(max_length=200), AfterValidator(_printable)]


class _Frozen(BaseModel):
    # By alias, so that a file says "schema": that word as an attribute would shadow a method of pydantic's BaseModel.
    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True, allow_inf_nan=False
    )


class LengthBin(_Frozen):
    """The tasks whose reference plan has `low` to `high` steps, both included."""

    low: Count
    high: Count
    tasks: Count
    samples: Count
    valid_rate: Rate | None
    valid_ci: RateInterval | None


class AtK(_Frozen):
    """Of `tasks` tasks with at least `k` judged samples: the share solved by at least one of k samples
    (`pass_rate`), and by all of them (`unanimous_rate`)."""

    k: Count
    tasks: Count
    pass_rate: Rate
    pass_ci: RateInterval
    unanimous_rate: Rate
    unanimous_ci: RateInterval


class Horizon(_Frozen):
    """The reference length at which the valid rate is one half.

    `value` is None where it cannot be estimated, and `reason` says why. `low` or `high` is None where the interval is
    open on that side. `extrapolated` is True where one half lies outside the lengths tested.
    """

    value: Steps | None
    low: Steps | None = None
    high: Steps | None = None
    extrapolated: bool = False
    reason: Said = ""


class PlanLength(_Frozen):
    """Steps of the valid plans. `ratio_to_reference` is the mean of length / reference length.

    `quality` is the IPC's satisficing score as a mean over all samples with a known reference: reference cost / plan
    cost, 0 where unsolved. It is not capped: above 1 the plan is cheaper than the reference, which an optimal
    reference rules out by itself.
    """

    mean: Amount | None
    median: Amount | None
    max: Count | None
    ratio_to_reference: Amount | None
    quality: Amount | None


class Tokens(_Frozen):
    """Counts as the model's own tokenizer sees them; None where the model has no tokens. The means are over samples;
    `per_task` and `per_solved` are completion tokens over tasks and over solved tasks."""

    prompt_mean: Amount | None
    completion_mean: Amount | None
    completion_total: Count | None
    per_task: Amount | None
    per_solved: Amount | None


class Seconds(_Frozen):
    """The model's time, judging not included."""

    total: Amount
    per_task: Amount | None
    per_solved: Amount | None


class Part(_Frozen):
    """The measures of some samples: of a whole run, or of one domain.

    `solved_tasks` are tasks with at least one valid sample. `longest_reference_solved` and `longest_plan` are steps,
    over valid samples. `first_failure` is the mean of failing step / plan length over the plans that failed at a
    step. `at_k` is empty where each task has one sample; `by_length` holds the bins that have tasks.
    """

    tasks: Count
    samples: Count
    valid_rate: Rate | None
    valid_ci: RateInterval | None
    solved_tasks: Count
    verdicts: dict[VerdictKind, Count]
    at_k: list[AtK]
    by_length: Annotated[list[LengthBin], Field(max_length=100)]
    horizon: Horizon
    longest_reference_solved: Count | None
    longest_plan: Count | None
    plan_length: PlanLength
    first_failure: Amount | None
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
    near_ties: Count | None = None
    by_domain: dict[str, Part]
