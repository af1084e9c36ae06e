"""What a comparison of runs comes to: `planbench compare --json`, and what its table and page are made of.

Everything is over the tasks that all runs have and in which all of them have a judged sample; a task counts once,
whatever its samples. Rates and differences lie in [-1, 1], a difference is second less first; intervals are at 95%.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from planbench.core.verdict import VerdictKind
from planbench.records.run import Text
from planbench.records.summary import Interval

COMPARISON_SCHEMA = 1

Test = Literal["mcnemar", "sign-flip"]


class _Frozen(BaseModel):
    # By alias, so that a file says "schema": that word as an attribute would shadow a method of pydantic's BaseModel.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True)


class ComparedRun(_Frozen):
    """A run. `tasks` are its own, `samples` those of the tasks compared; `valid_rate` is the mean over these tasks."""

    label: str
    folder: Text
    model: Text
    prompt: str
    tasks: int
    samples: int
    valid_rate: float


class Difference(_Frozen):
    """Second less first over some tasks: `gained` did better in the second run, `lost` worse. `p_value` is of the
    hypothesis that the runs could be exchanged in every task; `p_adjusted` is corrected for its family: the pairs of
    runs, the domains of a pair, or the bins of length of a pair."""

    tasks: int
    first: float
    second: float
    difference: float
    ci: Interval
    gained: int
    lost: int
    test: Test
    p_value: float
    p_adjusted: float


class BinDifference(Difference):
    """The tasks whose reference plan has `low` to `high` steps, both included."""

    low: int
    high: int


class Change(_Frozen):
    """A task that came out differently: how many samples of each run ended in which verdict."""

    task: str
    task_hash: str
    domain: str
    reference_length: int | None
    first: dict[VerdictKind, int]
    second: dict[VerdictKind, int]
    difference: float


class PairOfRuns(_Frozen):
    """`first` and `second` are positions in `runs`. `gained` and `lost` hold the largest changes first, `listed` at
    most; how many there are stands in `overall`."""

    first: int
    second: int
    overall: Difference
    by_domain: dict[str, Difference]
    by_length: list[BinDifference]
    gained: list[Change]
    lost: list[Change]


class Comparison(_Frozen):
    """`tasks` are compared; `elsewhere` tasks are in some runs only, `unjudged` ones have no judged sample in one."""

    schema_version: int = Field(default=COMPARISON_SCHEMA, alias="schema")
    runs: list[ComparedRun]
    tasks: int
    elsewhere: int
    unjudged: int
    pairs: list[PairOfRuns]
