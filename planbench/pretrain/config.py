"""What a small planner's training depends on: equal configurations train equal planners, on one machine."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

DOMAINS = ("blocksworld", "logistics", "grid")
"""What the planner that ships was trained on."""


class PretrainConfig(BaseModel):
    """`tasks` are distinct tasks a domain, at most; `longest` is the length of the longest plan learned from; `wide`
    tasks hold more objects than their plans need. A step is one batch of `batch` uses of tasks. `lr` is that of
    matrices (Muon), norms and convolutions (AdamW), `embedding_lr` that of embeddings (AdamW). `spread` is the standard
    deviation of the embeddings at the start; positions are drawn below `stretch` times the length of a text
    (`planbench.models.stretch`). `forget` is the share of texts in which a plan sees little of itself
    (`planbench.models.forgetting`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    domains: tuple[str, ...] = DOMAINS
    tasks: int = Field(default=20_000, ge=1, le=1_000_000)
    longest: int = Field(default=6, ge=1, le=60)
    wide: bool = True
    steps: int = Field(default=9_000, ge=1)
    batch: int = Field(default=32, ge=1)
    lr: float = Field(default=5e-3, gt=0)
    embedding_lr: float = Field(default=2.5e-3, gt=0)
    warmup: int = Field(default=200, ge=0)
    width: int = Field(default=64, ge=8)
    layers: int = Field(default=6, ge=1)
    heads: int = Field(default=4, ge=1)
    inner: int = Field(default=176, ge=8)
    spread: float = Field(default=0.15, gt=0)
    stretch: float = Field(default=2.0, ge=1)
    forget: float = Field(default=0.5, ge=0, le=1)
    context: int = Field(default=2_048, ge=64)
    seed: int = 0
    threads: int = Field(default=1, ge=1)
