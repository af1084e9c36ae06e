"""The files of an iterate run: what was asked for (`iterate.json`), what was kept (`curated.jsonl`), what a training
came to (`training.json`), what it all comes to (`summary.json`). Rates lie in [0, 1], intervals are at 95%."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from planbench.records.summary import MOST, Amount, Count, Horizon, Part, Rate, RateInterval

ITERATE_SCHEMA = 1

BASE_ONLY = "base-only"
"""The control: the same training steps on generation 0's own data, whatever was sampled."""

SPLITS = ("pool", "held_out", "longer")
"""What every generation is measured on, in the order of the tables. `pool` is sampled, as it was deployed; the other
two are answered greedily, once."""


MAX_ARMS = 100

Signed = Annotated[float, Field(ge=-MOST, le=MOST)]
Loss = Annotated[float, Field(allow_inf_nan=True)]
"""A training may come to nothing, and is said to have."""


class _Frozen(BaseModel):
    # By alias, so that a file says "schema": that word as an attribute would shadow a method of pydantic's BaseModel.
    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True, allow_inf_nan=False
    )


class TaskSetSpec(_Frozen):
    """One of the run's task sets. `split` is the split by canonical form that its tasks come from; `lengths` are of
    reference plans, None where a folder's tasks have none."""

    name: str
    split: str
    tasks: Count
    lengths: tuple[Count, Count] | None
    hash: str


class IterateRecord(_Frozen):
    """`iterate.json`. `config` is the whole configuration, compared when a run goes on; so are the fingerprints in
    `sources` of the models that the seeds began with. `task_sets` is what it made."""

    schema_version: int = Field(default=ITERATE_SCHEMA, alias="schema")
    planbench: str
    command: str
    config: dict[str, Any]
    task_sets: tuple[TaskSetSpec, ...]
    sources: dict[str, str] = Field(default_factory=dict[str, str])
    versions: dict[str, str]
    machine: dict[str, str | int]
    started: str


class Curated(_Frozen):
    """What a generation was trained on. `new` traces come from the generation just before, `total` from all;
    `by_generation` says how many from each. `weight` is the sum of weights; `examined` counts the traces that the rule
    had before it. `length_mean` is steps a plan, `tokens_mean` tokens a reply."""

    rule: str
    examined: Count
    new: Count
    total: Count
    tasks: Count
    weight: Signed
    by_generation: dict[Count, Count]
    length_mean: Amount | None
    length_max: Count | None
    tokens_mean: Amount | None


class Training(_Frozen):
    """What a fine-tuning came to. Losses are nats a token, of completions; None where nothing was held out. `compared`:
    each use was scored first, for the ratio of policies; None in files of before that was kept."""

    steps: Count
    tokens: Count
    seconds: Amount
    loss: Loss | None
    validation_before: Loss | None
    validation_after: Loss | None
    stopped_early: bool = False
    compared: bool | None = None


class Budget(_Frozen):
    """What a model has cost: `tokens` sampled on the pool by the generations before it, `compute` in passes of a token
    through the model (`planbench.loop.budget`)."""

    tokens: Count
    compute: Count


class Generation(_Frozen):
    """One deployment of one model. `curated` and `training` say how the model was made, None for generation 0.
    `probes` are further task sets, measured at the first and at the last generation. `plan_lengths` counts the valid
    plans of each split by their steps. `spent` is what the model has cost. `plan_diversity` is the chance that two
    valid plans sampled for one task of the pool differ, over the tasks with two or more of them. `tokens` were sampled
    on the pool; `seconds` are wall time by phase."""

    arm: str
    generation: Count
    seed: int
    model_fingerprint: str
    pool: Part
    held_out: Part
    longer: Part | None
    probes: dict[str, Part] = Field(default_factory=dict[str, Part])
    plan_lengths: dict[str, dict[Count, Count]] = Field(default_factory=dict[str, dict[Count, Count]])
    curated: Curated | None = None
    training: Training | None = None
    spent: Budget | None = None
    plan_diversity: Rate | None = None
    tokens: Count
    seconds: dict[str, Amount]


class Across(_Frozen):
    """A split of a generation over all seeds: mean rate, its interval over seeds and tasks (over tasks alone with one
    seed), the horizon of the mean (its interval over tasks alone), the share of tasks solved with every seed."""

    arm: str
    generation: Count
    split: Literal["pool", "held_out", "longer"]
    seeds: Count
    rate: Rate
    ci: RateInterval
    horizon: Horizon
    longest_reference_solved: Count | None
    longest_plan: Count | None
    unanimous_rate: Rate


class Comparison(_Frozen):
    """Two generations on the same tasks, in pairs, over all seeds. `difference` is the second's rate less the first's,
    with a bootstrap interval over seeds and tasks; `gained` and `lost` count the tasks (times seeds) that only the
    second, or only the first, solved; `p_value` is McNemar's exact one, where there is one seed."""

    split: Literal["held_out", "longer"]
    first: str
    second: str
    seeds: Count
    tasks: Count
    gained: Count
    lost: Count
    difference: Signed
    ci: tuple[Signed, Signed]
    p_value: Rate | None


class Rewarded(_Frozen):
    """A feature's coefficient: nats of log-ratio a unit of the feature, other features alike, with a 95% interval.
    `mean` and `deviation` are the feature's own, over the traces. `by_seed`: each seed's coefficient, None where it has
    none; empty with one seed."""

    feature: str
    coefficient: Signed
    ci: tuple[Signed, Signed]
    mean: Signed
    deviation: Signed
    by_seed: tuple[Signed | None, ...] = ()


class ImplicitReward(_Frozen):
    """What the way from generation `first` to `last` acted as if it rewarded: the log-ratio of the two on one set of
    traces, regressed on features of these. `within` compares traces of one task, which is all that a log-ratio can tell
    of a reward (it may differ by a constant for each task); `pooled` compares all traces. `mean_valid` and
    `mean_invalid` are log-ratios; `r_squared` is the share of their variance within tasks that the features explain.
    `constant` names features that have no coefficient in `within`: the same in all traces of nearly every task, or
    following from others."""

    arm: str
    first: Count
    last: Count
    seeds: Count
    traces: Count
    tasks: Count
    mean_valid: Signed | None
    mean_invalid: Signed | None
    within: list[Rewarded]
    pooled: list[Rewarded]
    r_squared: Signed
    constant: list[str]


class FirstSolved(_Frozen):
    """A task that no earlier generation of its arm and seed solved, with the plan that the last one found."""

    arm: str
    seed: int
    split: str
    task: str
    reference_length: Count | None
    problem: str
    plan: tuple[str, ...]


class IterateSummary(_Frozen):
    """`summary.json` of an iterate run. `ended` says why an arm stopped before its last generation, by arm and seed.
    `taught` is the length of the longest plan that generation 0 was trained on, where known."""

    schema_version: int = Field(default=ITERATE_SCHEMA, alias="schema")
    model: str
    finished: bool
    config: dict[str, Any]
    task_sets: tuple[TaskSetSpec, ...]
    taught: Count | None
    arms: Annotated[dict[str, list[Generation]], Field(max_length=MAX_ARMS)]
    across: list[Across]
    comparisons: list[Comparison]
    first_solved: list[FirstSolved]
    implicit_reward: list[ImplicitReward] = Field(default_factory=list[ImplicitReward])
    ended: dict[str, str] = Field(default_factory=dict[str, str])
    tokens: Count
    seconds: Amount

    @model_validator(mode="after")
    def _hangs_together(self) -> IterateSummary:
        """Raises ValueError where a row is of an arm that is not there, or stands there twice."""
        for arm in (*(row.arm for row in self.across), *(one.arm for one in self.implicit_reward)):
            if arm not in self.arms:
                raise ValueError(f"speaks of an arm {arm[:40]!r}, which it does not have")
        seen: set[tuple[str, int, str]] = set()
        for row in self.across:
            key = (row.arm, row.generation, row.split)
            if key in seen:
                raise ValueError(f"across: generation {row.generation} of {row.arm[:40]!r}, {row.split}, twice")
            seen.add(key)
        return self
