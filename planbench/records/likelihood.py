"""A line of `likelihood.jsonl` and `fixed.jsonl`: how likely a model found a reply."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, FiniteFloat


class Likelihood(BaseModel):
    """`nats` is the log-probability of the whole reply at temperature 1, stop token included where the reply ended by
    itself; `tokens` its length so counted, `read` that of prompt and reply. `trace` is the trace's id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trace: str
    tokens: int
    read: int
    nats: FiniteFloat
