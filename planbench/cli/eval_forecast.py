"""`planbench eval --dry-run`: what it would take."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from planbench.cli.screen import note, size, table

if TYPE_CHECKING:
    from planbench.evaluate import Asked
    from planbench.models.catalog import LoadOptions
    from planbench.records.task import Task


def show_forecast(
    model: str, tasks: Sequence[Task], asked: Asked, max_tokens: int | None, options: LoadOptions, as_json: bool
) -> None:
    """What the run would do."""
    from planbench.forecast import forecast_eval
    from planbench.preparation import examples, prepare

    settings = asked.settings
    prepared = prepare(tasks, asked.rename, settings.seed)
    shots = examples(tasks, asked.shots, asked.rename, settings.seed)
    told = forecast_eval(model, prepared, shots, asked.prompt, settings, max_tokens, options)
    if as_json:
        print(json.dumps(asdict(told)))
        return
    prompt_tokens = "unknown"
    if told.prompt_tokens is not None:
        prompt_tokens = f"{told.prompt_tokens:,}; {told.distinct_prompt_tokens:,} where what prompts share is read once"
    table(
        ("what", "how much"),
        [
            ("tasks", f"{told.tasks:,}"),
            ("samples", f"{told.samples:,}"),
            ("prompt style", told.prompt),
            ("prompt tokens", prompt_tokens),
            (
                "tokens to sample",
                f"about {told.expected_tokens:,} if plans are as the reference's, {told.most_tokens:,} at most",
            ),
            ("disk", size(told.disk_bytes)),
            ("weights", size(told.weights_bytes)),
            ("memory, for the model", size(told.memory_bytes)),
            ("sampling", "unknown" if told.seconds is None else f"about {told.seconds:,.1f} s on this machine"),
        ],
    )
    if told.unknown:
        note(told.unknown)
    note("nothing was written; leave out --dry-run to start")
