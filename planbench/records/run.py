"""`run.json`: everything that a run depends on, written before its first sample."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from planbench.paths import as_text

RUN_SCHEMA = 1

Text = Annotated[str, AfterValidator(as_text)]
"""What was typed, or the name of a file: any bytes may be in it."""


class _Frozen(BaseModel):
    # By alias, so that a file says "schema": that word as an attribute would shadow a method of pydantic's BaseModel.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True)


class TaskSetRecord(_Frozen):
    """Where the tasks came from and what they hash to. `spec` is what makes the set again: domains, lengths, seed,
    limit, or the folder that was read."""

    spec: dict[str, Text | int | list[Text] | None]
    tasks: int
    hash: str


class RunConfig(_Frozen):
    """What decides the samples: two runs with equal configurations ask the same model for the same replies."""

    model: Text
    model_fingerprint: str
    model_args: dict[Text, Text]
    prompt: str
    shots: int
    rename: str
    temperature: float
    top_p: float
    max_tokens: int
    max_thinking_tokens: int | None = None
    samples: int
    seed: int
    batch_size: str
    tasks: TaskSetRecord


class RunRecord(_Frozen):
    """`run.json`. `config` decides the samples and is compared when a run goes on; the rest is for the reader.
    `prompts` holds, for each domain, its shortest prompt just as the model was given it (none for models that are given
    no text); what the model says of its chat template and special tokens is in `model`."""

    schema_version: int = Field(RUN_SCHEMA, alias="schema")
    planbench: str
    command: Text
    config: RunConfig
    model: dict[str, Text | int | float | bool | None]
    versions: dict[str, str]
    machine: dict[str, str | int]
    started: str
    prompts: dict[str, Text] = Field(default_factory=dict[str, Text])
