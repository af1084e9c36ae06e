"""The files of a bias run: `bias.json` (what was asked for), `cells.jsonl` (what was measured, a line a cell),
`results.json` (what it comes to). Errors and rewards lie in [0, 1]; code lengths are bits; intervals are at 95%."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveInt, model_validator

from planbench.records.run import Text

BIAS_SCHEMA = 1

CELLS, RESULTS = "cells.jsonl", "results.json"

Interval = tuple[float, float]

Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Bits = Annotated[FiniteFloat, Field(ge=0)]
Seconds = Annotated[FiniteFloat, Field(ge=0)]

SECTIONS: dict[str, tuple[bool, bool]] = {
    "both": (True, True),
    "neither": (False, False),
    "s-only": (False, True),
    "t-only": (True, False),
}
"""What holds in a section: t, s."""


class _Frozen(BaseModel):
    # By alias, so that a file says "schema": that word as an attribute would shadow a method of pydantic's BaseModel.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True)


class BiasRecord(_Frozen):
    """`bias.json`. `config` is compared when a run goes on, less what may grow (seeds, arms, models, pairs, rates),
    which is all that was ever asked for, by the lines of `command`; so are `prompts`, the version of what draws them,
    and the fingerprints of pretrained models in `checkpoints`."""

    schema_version: int = Field(default=BIAS_SCHEMA, alias="schema")
    planbench: str
    command: Text
    config: dict[str, Any]
    prompts: int = 0
    checkpoints: dict[str, str] = Field(default_factory=dict[str, str])
    versions: dict[str, str]
    machine: dict[str, str | int]
    started: str


class ExtractionCell(_Frozen):
    """Extractability of both features of a pair for one model and seed: bits of each block, the probe's accuracy."""

    kind: Literal["extraction"] = "extraction"
    model: str
    pair: str
    seed: int
    blocks: tuple[PositiveInt, ...] = Field(min_length=1)
    target_bits: tuple[Bits, ...]
    spurious_bits: tuple[Bits, ...]
    target_accuracy: Share
    spurious_accuracy: Share
    seconds: Seconds

    @model_validator(mode="after")
    def _whole(self) -> ExtractionCell:
        if not len(self.blocks) == len(self.target_bits) == len(self.spurious_bits):
            raise ValueError("a block has bits of both features")
        if not (sum(self.target_bits) and sum(self.spurious_bits)):
            raise ValueError("a feature takes some bits")
        return self

    @property
    def relative(self) -> float:
        """MDL(s) / MDL(t)."""
        return sum(self.spurious_bits) / sum(self.target_bits)


class TrainingCell(_Frozen):
    """A model trained by an arm with one seed at every rate of evidence. `scores` are mean rewards of the likeliest
    answers by section, a number a rate; for a label, the reward is whether it is right."""

    kind: Literal["training"] = "training"
    model: str
    arm: str
    pair: str
    seed: int
    rates: tuple[Share, ...] = Field(min_length=1)
    scores: dict[str, tuple[Share, ...]]
    seconds: Seconds

    @model_validator(mode="after")
    def _whole(self) -> TrainingCell:
        if list(self.rates) != sorted(set(self.rates)):
            raise ValueError("rates rise")
        if self.scores.keys() != SECTIONS.keys() or any(len(one) != len(self.rates) for one in self.scores.values()):
            raise ValueError("every section has a score a rate")
        return self

    def at(self, rates: Sequence[float]) -> TrainingCell | None:
        """Of this, what is at these rates; None where one is missing."""
        if not set(rates) <= set(self.rates):
            return None
        places = [self.rates.index(rate) for rate in rates]
        scores = {name: tuple(found[place] for place in places) for name, found in self.scores.items()}
        return self.model_copy(update={"rates": tuple(rates), "scores": scores})

    def joined(self, more: TrainingCell) -> TrainingCell:
        """This with the rates of another that it has not."""
        new = [place for place, rate in enumerate(more.rates) if rate not in self.rates]
        rates = (*self.rates, *(more.rates[place] for place in new))
        order = sorted(range(len(rates)), key=rates.__getitem__)
        scores = {name: (*found, *(more.scores[name][place] for place in new)) for name, found in self.scores.items()}
        return self.model_copy(
            update={
                "rates": tuple(rates[place] for place in order),
                "scores": {name: tuple(found[place] for place in order) for name, found in scores.items()},
                "seconds": self.seconds + (more.seconds if new else 0),
            }
        )


Cell = Annotated[ExtractionCell | TrainingCell, Field(discriminator="kind")]


class CellLine(_Frozen):
    """A line of `cells.jsonl`. Rates that were asked for later are a further line of the same cell."""

    cell: Cell


class PairResult(_Frozen):
    """A pair under one arm and model, over its seeds. `score` is the mean over rates of F1 (of the reward, where no
    label is named); `by_rate` the same a rate; `sections` the error (1 - reward) by section and rate, with intervals
    over seeds in `spread` (lowest and highest of the seeds where there are fewer than five). `evidence` is the smallest
    rate whose score is above .99 for the median seed, None where none is."""

    pair: str
    target: str
    spurious: str
    relative: float
    target_mdl: float
    spurious_mdl: float
    score: float
    score_ci: Interval
    by_rate: tuple[float, ...]
    sections: dict[str, tuple[float, ...]]
    spread: dict[str, tuple[Interval, ...]]
    evidence: float | None
    seeds: int


class Dropped(_Frozen):
    """A pair that is left out of an arm's statistics, and why."""

    pair: str
    why: str


class Logistic(_Frozen):
    """score = lowest + (highest - lowest) / (1 + exp(-(intercept + slope log2 relative)))."""

    lowest: float
    highest: float
    intercept: float
    slope: float


class ArmResult(_Frozen):
    """`spearman` is between relative extractability and score over pairs (means over seeds), `p` two-sided, by
    permutations of pairs, `p_features` by permutations of the features that pairs share; `ci` by a bootstrap over pairs
    and, within them, seeds. `at_no_evidence` is the same of the score at
    rate 0, None where that was not tried; `with_dropped` of all pairs, those that were dropped as well. `pairs` are
    those that count."""

    arm: str
    model: str
    spearman: float | None
    p: float | None
    p_features: float | None = None
    ci: Interval | None
    seeds: int
    pairs: tuple[PairResult, ...]
    dropped: tuple[Dropped, ...]
    dropped_pairs: tuple[PairResult, ...]
    fit: Logistic | None
    at_no_evidence: float | None
    p_at_no_evidence: float | None
    with_dropped: float | None
    p_with_dropped: float | None


class BiasResults(_Frozen):
    """`results.json`: `arms` by name, `ARM/MODEL`."""

    schema_version: int = Field(default=BIAS_SCHEMA, alias="schema")
    planbench: str
    suite: Text
    finished: bool
    measure: Literal["F1", "reward"]
    rates: tuple[float, ...]
    examples: int
    arms: dict[str, ArmResult]
    seconds: float
