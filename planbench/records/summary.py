"""`summary.json`: what a run comes to. Rates lie in [0, 1]; an interval is `(low, high)` at 95%."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from planbench.core.verdict import VerdictKind

SUMMARY_SCHEMA = 1

Interval = tuple[float, float]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LengthBin(_Frozen):
    """The tasks whose reference plan has `low` to `high` steps, both included."""

    low: int
    high: int
    tasks: int
    samples: int
    valid_rate: float | None
    valid_ci: Interval | None


class Horizon(_Frozen):
    """The reference length at which the valid rate is one half.

    `value` is None where it cannot be estimated (`reason` says why: no task solved, all solved, one length only).
    `extrapolated` is True where the estimate lies outside the lengths tested.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    extrapolated: bool = False
    reason: str = ""


class PlanLength(_Frozen):
    """Steps of the valid plans; `ratio_to_reference` is the mean of length / reference length; `quality` is the mean
    over all samples of reference cost / plan cost, 0 where unsolved (the IPC's agile-free quality score), capped at
    1 only where the reference is known to be optimal."""

    mean: float | None
    median: float | None
    max: int | None
    ratio_to_reference: float | None
    quality: float | None


class Tokens(_Frozen):
    """Counts as the model's own tokenizer sees them; None where the model has no tokens."""

    prompt_mean: float | None
    completion_mean: float | None
    completion_total: int | None
    per_solved: float | None


class Seconds(_Frozen):
    total: float
    per_task: float | None
    per_solved: float | None


class Part(_Frozen):
    """The measures of some samples: of a whole run, or of one domain.

    `tasks` and `samples` count everything asked; `valid_rate` is over the samples that are not `harness_error`.
    `solved_tasks` are tasks with at least one valid sample. `first_failure` is the mean of (failing step / plan
    length) over plans that failed at a step.
    """

    tasks: int
    samples: int
    valid_rate: float | None
    valid_ci: Interval | None
    solved_tasks: int
    verdicts: dict[VerdictKind, int]
    by_length: list[LengthBin]
    horizon: Horizon
    longest_reference_solved: int | None
    longest_plan: int | None
    plan_length: PlanLength
    first_failure: float | None
    tokens: Tokens
    seconds: Seconds


class Summary(Part):
    """A whole run."""

    schema_version: int = SUMMARY_SCHEMA
    model: str
    model_fingerprint: str
    prompt: str
    finished: bool
    by_domain: dict[str, Part]
