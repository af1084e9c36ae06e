"""An entry as a log of Inspect (inspect.aisi.org.uk), format 2, with a sample for each of ours.

Prompts are not in an entry, so the task's name stands in the place of a sample's input.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from planbench.leaderboard.entry import Entry, StoredSample
from planbench.records.summary import Part

METRIC = "valid_plan"


@dataclass(frozen=True)
class Export:
    """A file: its path within the folder of exports, and what is in it."""

    name: str
    text: str


def inspect_log(entry: Entry, samples: Iterable[StoredSample]) -> Export:
    """A log that succeeded. A sample's score is 1 or 0, explained by its verdict; harness errors have none."""
    results = entry.results
    name = f"planbench/{entry.board}"
    kept = list(samples)
    epochs = entry.settings.samples
    judged = results.samples - results.verdicts.get("harness_error", 0)
    metrics = {"accuracy": results.valid_rate, "stderr": standard_error(results)}
    document = {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": entry.id,
            "run_id": entry.id,
            "created": f"{entry.date}T00:00:00+00:00",
            "task": name,
            "task_id": entry.id,
            "task_version": 0,
            "task_args": {"prompt": entry.settings.prompt, "shots": entry.settings.shots},
            "dataset": {"name": entry.tasks.set, "samples": entry.tasks.tasks, "shuffled": False},
            "model": f"planbench/{entry.model.name}",
            "model_args": {},
            "model_generate_config": {
                "temperature": entry.settings.temperature,
                "top_p": entry.settings.top_p,
                "max_tokens": entry.settings.max_tokens,
            },
            "config": {"epochs": epochs},
            "packages": {"planbench": entry.planbench},
            "metadata": {"tasks_hash": entry.tasks.hash, "fingerprint": entry.model.fingerprint},
        },
        "plan": {"name": "plan", "steps": [], "config": {}},
        "results": {
            "total_samples": results.samples,
            "completed_samples": judged,
            "scores": [
                {
                    "name": METRIC,
                    "scorer": METRIC,
                    "params": {},
                    "metrics": {
                        key: {"name": key, "value": value, "params": {}}
                        for key, value in metrics.items()
                        if value is not None
                    },
                }
            ],
        },
        "stats": {"started_at": "", "completed_at": "", "model_usage": {}},
        "samples": [_inspect_sample(sample, entry.model.name) for sample in kept],
    }
    return Export(f"{entry.id}.inspect.json", as_json(document))


def _inspect_sample(sample: StoredSample, model: str) -> dict[str, Any]:
    plan = "" if sample.plan is None else "\n".join(sample.plan)
    where = "" if sample.step is None else f" at step {sample.step}"
    stop = {"stop": "stop", "length": "max_tokens", "error": "unknown"}[sample.finish]
    usage = None
    if sample.completion_tokens is not None:
        read = sample.prompt_tokens or 0
        usage = {
            "input_tokens": read,
            "output_tokens": sample.completion_tokens,
            "total_tokens": read + sample.completion_tokens,
        }
    message = {"role": "assistant", "content": plan, "source": "generate"}
    output: dict[str, Any] = {
        "model": model,
        "choices": [{"message": message, "stop_reason": stop}],
        "completion": plan,
        "time": sample.seconds,
    }
    if usage is not None:
        output["usage"] = usage
    score = {"value": int(sample.verdict == "valid"), "answer": plan, "explanation": f"{sample.verdict}{where}"}
    return {
        "id": sample.task,
        "epoch": sample.index + 1,
        "input": sample.task,
        "target": "a valid plan",
        "messages": [],
        "output": output,
        "scores": {} if sample.verdict == "harness_error" else {METRIC: score},
        "metadata": {"task_hash": sample.hash, "verdict": sample.verdict},
        "total_time": sample.seconds,
    }


def standard_error(part: Part) -> float | None:
    """Of the mean over judged samples."""
    judged = part.samples - part.verdicts.get("harness_error", 0)
    if part.valid_rate is None or judged < 2:
        return None
    return math.sqrt(part.valid_rate * (1 - part.valid_rate) / (judged - 1))


def as_json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
