"""What a bias run depends on: equal configurations give equal results, on one machine."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, field_validator, model_validator

from planbench.bias.pairs import RATES

ARMS = ("supervised", "reinforce", "group", "ppo", "deployment")
MODELS = ("lstm", "decoder")
"""Nets that are made from nothing. Any other name is a pretrained checkpoint's."""

TEMPLATES = "templates"
"""The classifier that is trained here, on reviews from templates."""

GROWS = ("seeds", "arms", "models", "pairs", "rates")
"""What may be another when a run goes on: cells that are there stay."""


class BiasConfig(BaseModel):
    """`suite` names the pairs (all of them where `pairs` is empty). `examples` are those of a training set, seen
    `epochs` times; `probe_examples` those whose labels are coded, by nets that see theirs
    `probe_epochs` times, in `probe_steps` updates at least; `tested` prompts a section are tested on. `lr` and `width`
    are the LSTM's; `decoder_width`, `layers` and `heads` of the decoder; `checkpoint_lr` that of a pretrained model;
    `probe_lr` that of every probe, where it is another one.
    `classifier` and `reply_tokens` are the sentiment task's. `rollout`, `passes`: of PPO, in prompts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str
    pairs: tuple[str, ...] = ()
    models: tuple[str, ...] = MODELS
    arms: tuple[str, ...] = ARMS
    seeds: tuple[NonNegativeInt, ...] = (0, 1, 2, 3, 4)
    rates: tuple[float, ...] = RATES
    examples: int = Field(default=10_000, ge=20, le=10_000_000)
    epochs: int = Field(default=4, ge=1)
    probe_examples: int = Field(default=10_000, ge=20, le=10_000_000)
    probe_epochs: int = Field(default=4, ge=1)
    probe_steps: int = Field(default=60, ge=1)
    probe_lr: float | None = Field(default=None, gt=0, le=1)
    tested: int = Field(default=1_000, ge=2)
    vocabulary: int = Field(default=12, ge=6, le=1_000_000)
    positions: int = Field(default=6, ge=4, le=256)
    batch: int = Field(default=128, ge=2)
    lr: float = Field(default=4e-3, gt=0, le=1)
    decoder_lr: float = Field(default=4e-3, gt=0, le=1)
    checkpoint_lr: float = Field(default=2e-5, gt=0, le=1)
    width: int = Field(default=64, ge=4)
    decoder_width: int = Field(default=32, ge=4)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    group: int = Field(default=8, ge=2)
    rollout: int = Field(default=512, ge=2)
    classifier: str = TEMPLATES
    reply_tokens: int = Field(default=48, ge=1, le=4_096)
    passes: int = Field(default=5, ge=1)

    @field_validator("rates")
    @classmethod
    def _rates(cls, rates: tuple[float, ...]) -> tuple[float, ...]:
        if not rates or any(not 0 <= rate <= max(RATES) for rate in rates) or list(rates) != sorted(set(rates)):
            raise ValueError("rates of evidence must rise, and lie between 0 and 0.5")
        return rates

    @field_validator(*GROWS)
    @classmethod
    def _once(cls, named: tuple[Any, ...]) -> tuple[Any, ...]:
        if twice := [name for name, count in Counter(named).items() if count > 1]:
            raise ValueError(f"{twice[0]} is named twice")
        return named

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> BiasConfig:
        if self.decoder_width % self.heads:
            raise ValueError(f"a decoder_width of {self.decoder_width} cannot be shared by {self.heads} heads")
        if none := [rate for rate in self.rates if rate and not round(rate * self.examples)]:
            raise ValueError(
                f"a rate of {none[0]} of {self.examples} examples is none of them; choose more, or other rates"
            )
        return self

    def joined(self, before: dict[str, Any]) -> BiasConfig:
        """This with the seeds, arms, models, pairs and rates of a run that it goes on from. No pairs stands for all."""
        grown: dict[str, Any] = {}
        for name in GROWS:
            there, asked = before.get(name, ()), getattr(self, name)
            grown[name] = (
                tuple(dict.fromkeys([*there, *asked])) if there and asked else () if name == "pairs" else asked
            )
        grown["rates"] = tuple(sorted(grown["rates"]))
        return BiasConfig.model_validate({**self.model_dump(), **grown})

    def fixed(self) -> dict[str, Any]:
        """What must not change when a run goes on."""
        return self.model_dump(mode="json", exclude=set(GROWS))
