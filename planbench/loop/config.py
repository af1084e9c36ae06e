"""What an iterate run depends on: equal configurations give equal runs, on one machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from planbench.errors import InputError
from planbench.loop.advantages import COMPARE, RATIOS

Init = Literal["previous", "base"]
Match = Literal["generations", "tokens", "compute"]

_INIT = "-init-"


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to make the next generation: a curation rule, or `base-only`, and what each training starts from."""

    name: str
    rule: str
    init: Init


def arm_named(name: str, init: Init) -> Arm:
    """`shortest`, `base-only`, `package.module:function`, each with an optional `-init-base` or `-init-previous`."""
    rule, separator, start = name.partition(_INIT)
    if not rule or (separator and start not in ("previous", "base")):
        raise InputError(f"arm {name!r}: write a rule, as shortest, or a rule and its start, as shortest-init-base")
    return Arm(name, rule, "base" if start == "base" else "previous" if start else init)


class TaskConfig(BaseModel):
    """The task sets. Numbers of tasks are over all domains; lengths are of reference plans, both ends included. With
    `tuning`, what is measured comes from split `tuning` instead of `test`: the way to choose settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domains: tuple[str, ...] = ("blocksworld",)
    pool: int = Field(default=4_000, ge=1)
    held_out: int = Field(default=500, ge=1)
    longer: int = Field(default=200, ge=0)
    pool_length: tuple[int, int] | None = None
    held_out_length: tuple[int, int] | None = None
    longer_length: tuple[int, int] | None = None
    seed: int = 0
    tuning: bool = False


class WarmStart(BaseModel):
    """Generation 0 made first, from reference plans of split `base`. Without `steps`, nothing is trained, and the
    reference plans only serve the control."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    length: tuple[int, int] | None = None
    tasks: int = Field(default=1_000, ge=1)
    steps: int = Field(default=0, ge=0)


class SamplingConfig(BaseModel):
    """How a generation is deployed on the pool, and asked everywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: int = Field(default=3, ge=1, le=10_000)
    temperature: float = Field(default=1.0, ge=0, le=100)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_thinking_tokens: int | None = Field(default=None, ge=0)
    prompt: str | None = None
    shots: int = Field(default=0, ge=0, le=64)
    batch_size: int | None = Field(default=None, ge=1)
    model_args: dict[str, str] = Field(default_factory=dict[str, str])

    @property
    def folder_args(self) -> dict[str, str]:
        """For a checkpoint that is a folder by now: a revision said which one the hub was asked for."""
        return {key: value for key, value in self.model_args.items() if key != "revision"}


class CurationConfig(BaseModel):
    """`duplicates` is how often one plan of one task may be kept; `solved` the share of the kept traces that may be of
    tasks that every sample of the newest generation solved. None: no cap."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    duplicates: int | None = Field(default=None, ge=1)
    solved: float | None = Field(default=None, ge=0, le=1)


def filled(stored: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration from a file, with what it stands for in settings that were not there yet when it was written."""
    return _filled(IterateConfig().model_dump(mode="json"), stored)


def _filled(defaults: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    whole = {**defaults, **stored}
    for name, default in defaults.items():
        if isinstance(default, dict) and isinstance(stored.get(name), dict):
            whole[name] = _filled(default, stored[name])
    return whole


class IterateConfig(BaseModel):
    """A whole run. `model` may hold `{seed}`, for independent generations 0. `probes` are further measurements at the
    first and the last generation: names of domains, or `renamed`, `mystery`, `per-task`: the held-out tasks in other
    words.

    `updates_per_generation` makes each training so many updates that together read each example (None: as long as
    `training` says). `match` is what the arms get alike (`planbench.loop.budget`). `implicit_reward` keeps the
    log-probabilities of one set of traces under every generation (`planbench.loop.implicit`). A key of `training` with
    an arm before it, as `group:lr`, is for that arm alone (`of`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = "tiny"
    generations: int = Field(default=5, ge=1, le=1_000)
    arms: tuple[str, ...] = ("shortest",)
    init: Init = "previous"
    seeds: tuple[int, ...] = (0,)
    tasks: TaskConfig = TaskConfig()
    warm_start: WarmStart = WarmStart()
    sampling: SamplingConfig = SamplingConfig()
    curation: CurationConfig = CurationConfig()
    training: dict[str, str] = Field(default_factory=dict[str, str])
    probes: tuple[str, ...] = ()
    updates_per_generation: int | None = Field(default=None, ge=1)
    match: Match = "generations"
    implicit_reward: bool = False
    trust_remote_code: bool = False

    def chosen_arms(self) -> list[Arm]:
        """The arms in order. Raises InputError where two are the same or one is none."""
        arms = [arm_named(name, self.init) for name in self.arms]
        if len({arm.name for arm in arms}) < len(arms):
            raise InputError("--arms: one stands there twice")
        for arm in arms:
            self._check_ratio(arm)
        names = {arm.name for arm in arms}
        for key in self.training:
            owner, separator, _ = key.rpartition(":")
            if separator and owner not in names:
                raise InputError(f"--train {key}: there is no arm {owner!r}; there is: {', '.join(self.arms)}")
        return arms

    def of(self, arm: Arm | None) -> IterateConfig:
        """With the settings of the training that an arm has for itself in place of those of all; without an arm, as
        for a warm start, those of all."""
        told: dict[str, str] = {key: text for key, text in self.training.items() if ":" not in key}
        for key, text in self.training.items():
            owner, separator, name = key.rpartition(":")
            if separator and arm is not None and owner == arm.name:
                told[name] = text
        return self.model_copy(update={"training": told})

    def _check_ratio(self, arm: Arm) -> None:
        """Raises InputError for a rule that compares policies in a run that leaves nothing to compare."""
        if arm.rule not in RATIOS:
            return
        if arm.init == "base":
            raise InputError(f"arm {arm.name}: rule {arm.rule} trains the model that sampled; leave out init base")
        if arm.rule in COMPARE and self.sampling.samples < 2:
            raise InputError(
                f"arm {arm.name}: rule {arm.rule} compares the samples of a task; type --samples 4 or more"
            )
        if not self.exact_probabilities:
            raise InputError(
                f"arm {arm.name}: rule {arm.rule} needs replies drawn with the model's own probabilities: "
                "temperature 1, top-p 1"
            )

    @property
    def exact_probabilities(self) -> bool:
        """Whether replies are drawn with the probabilities that the model itself gives them."""
        return self.sampling.temperature == 1 and self.sampling.top_p == 1
