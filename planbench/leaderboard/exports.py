"""The same results in the formats of other tools.

    lm-eval           results_*.json of the LM Evaluation Harness, 0.4: a task a domain, and a group of them all
    inspect           a log of Inspect, with a sample for each of ours (`inspect_log`)
    every-eval-ever   the schema of that name, 0.3
    huggingface       a file for the folder .eval_results of a model on the Hugging Face hub

Not covered: prompts, which an entry does not hold (`planbench prompt` makes them); in a sample of Inspect's the task's
name stands in the place of its input.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from planbench.errors import InputError
from planbench.leaderboard.entry import Entry, StoredSample
from planbench.leaderboard.inspect_log import METRIC, Export, as_json, inspect_log, standard_error
from planbench.leaderboard.rows import asked, parameters
from planbench.records.summary import Part

ABOUT = "Share of replies that hold a plan whose every step applies and which reaches the goal, as planbench judges it."


def lm_eval(entry: Entry) -> Export:
    """`results` with a row a domain, named `planbench_<set>_<domain>`, and a group `planbench_<set>` of all."""
    group = f"planbench_{_word(entry.board)}"
    parts = {f"{group}_{_word(name)}": part for name, part in entry.results.by_domain.items()}
    settings = entry.settings
    kwargs = {
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "max_gen_toks": settings.max_tokens,
        "do_sample": settings.temperature > 0,
    }
    config = {
        "metric_list": [{"metric": METRIC, "aggregation": "mean", "higher_is_better": True}],
        "output_type": "generate_until",
        "generation_kwargs": kwargs,
        "repeats": settings.samples,
        "num_fewshot": settings.shots,
        "dataset_name": entry.tasks.set,
        "metadata": {"version": 1.0, "tasks_hash": entry.tasks.hash, "prompt": settings.prompt},
    }
    rows: dict[str, Any] = {name: _lm_eval_row(name, part) for name, part in parts.items()}
    document = {
        "results": {group: _lm_eval_row(group, entry.results), **rows},
        "groups": {group: _lm_eval_row(group, entry.results)},
        "group_subtasks": {group: list(parts), **{name: [] for name in parts}},
        "configs": {name: {"task": name, **config} for name in parts},
        "versions": dict.fromkeys((group, *parts), 1.0),
        "n-shot": dict.fromkeys(parts, settings.shots),
        "higher_is_better": {name: {METRIC: True} for name in (group, *parts)},
        "n-samples": {name: {"original": part.tasks, "effective": part.tasks} for name, part in parts.items()},
        "config": {
            "model": entry.model.kind,
            "model_args": f"pretrained={entry.model.name}",
            "model_num_parameters": parameters(entry),
            "batch_size": "auto",
            "gen_kwargs": kwargs,
            "random_seed": settings.seed,
        },
        "model_name": entry.model.name,
        "model_source": entry.model.kind,
        "date": _epoch(entry),
        "lm_eval_version": f"planbench {entry.planbench}",
    }
    return Export(f"results_{entry.id}.json", as_json(document))


def _lm_eval_row(name: str, part: Part) -> dict[str, Any]:
    return {
        "alias": name,
        f"{METRIC},none": part.valid_rate,
        f"{METRIC}_stderr,none": standard_error(part),
        "samples": part.samples,
    }


def every_eval_ever(entry: Entry) -> Export:
    """A result for all tasks, then one a domain, at the place that the collection gives it. Timestamps are the day of
    the run, so that the bytes are its own. A model whose name says no developer is `unknown/` in it, of which the
    collection's own check warns: it takes no such record in."""
    settings, stamp = entry.settings, str(int(_epoch(entry)))
    developer, model = _developer(entry.model.name)
    generation = {
        "generation_args": {
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "max_tokens": settings.max_tokens,
        },
        "additional_details": {
            "prompt": settings.prompt,
            "shots": str(settings.shots),
            "samples_a_task": str(settings.samples),
            "rename": settings.rename,
        },
    }

    def result(name: str, part: Part) -> dict[str, Any]:
        low, high = part.valid_ci or (0.0, 1.0)
        return {
            "evaluation_name": name,
            "source_data": {
                "dataset_name": name,
                "source_type": "other",
                "additional_details": {"tasks": str(part.tasks), "tasks_hash": entry.tasks.hash},
            },
            "evaluation_timestamp": stamp,
            "metric_config": {
                "evaluation_description": ABOUT,
                "metric_id": METRIC,
                "metric_name": "valid-plan rate",
                "metric_kind": "accuracy",
                "metric_unit": "proportion",
                "lower_is_better": False,
                "score_type": "continuous",
                "min_score": 0.0,
                "max_score": 1.0,
            },
            "score_details": {
                "score": part.valid_rate or 0.0,
                "details": {kind: str(count) for kind, count in part.verdicts.items()},
                "uncertainty": {
                    "confidence_interval": {"lower": low, "upper": high, "confidence_level": 0.95, "method": "wilson"},
                    "num_samples": part.samples,
                },
            },
            "generation_config": generation,
        }

    name = f"planbench/{entry.board}"
    document = {
        "schema_version": "0.3.0",
        "evaluation_id": f"{name}/{developer}_{model}/{stamp}",
        "evaluation_timestamp": stamp,
        "retrieved_timestamp": stamp,
        "source_metadata": {
            "source_name": "planbench leaderboard",
            "source_type": "evaluation_run",
            "source_organization_name": entry.card.contact or "unknown",
            "evaluator_relationship": "other",
            "additional_details": {"entry": entry.id, "checksum": entry.checksum},
        },
        "eval_library": {"name": "planbench", "version": entry.planbench},
        "model_info": {
            "name": entry.title,
            "id": f"{developer}/{model}",
            "developer": developer,
            "inference_engine": {"name": entry.model.kind},
            "additional_details": {
                "deployment_type": "self_deployed",
                "model_availability": "unknown",
                "fingerprint": entry.model.fingerprint,
            },
        },
        "evaluation_results": [
            result(name, entry.results),
            *(result(f"{name}/{domain}", part) for domain, part in entry.results.by_domain.items()),
        ],
    }
    # The collection wants random UUIDs for names; this one follows from the entry, so that it is written once.
    unique = UUID(bytes=blake2b(entry.checksum.encode(), digest_size=16).digest(), version=4)
    return Export(f"data/planbench/{_safe(developer)}/{_safe(model)}/{unique}.json", as_json(document))


def _developer(name: str) -> tuple[str, str]:
    """Who made a model, and what it is called there."""
    developer, slash, model = name.partition("/")
    if slash:
        return developer, model
    if name in ("tiny", "grown", "random") or name.startswith("planner:"):
        return "planbench", name.replace(":", "-")
    return ("HuggingFaceTB", "SmolLM2-135M-Instruct") if name == "smollm2-135m" else ("unknown", name)


def huggingface(entry: Entry, dataset: str) -> Export:
    """For `.eval_results/` in a model's repository. `dataset` is the benchmark on the hub, `owner/name`: the hub shows
    a result only under a dataset that is registered there as a benchmark. Raises InputError for anything else."""
    owner, slash, name = dataset.partition("/")
    if not (slash and owner and name) or not all(one.isalnum() or one in "-_." for one in owner + name):
        raise InputError(f"--dataset {dataset!r}: the benchmark's dataset on the hub, as in owner/name")
    low, high = entry.results.valid_ci or (0.0, 1.0)
    notes = (
        f"valid plans in %, 95% interval {100 * low:.1f} to {100 * high:.1f}; {asked(entry)}; "
        f"{entry.tasks.tasks} tasks, hash {entry.tasks.hash}; planbench {entry.planbench}"
    )
    # A JSON text is a text of YAML too, and needs no rules of its own about what to quote.
    lines = [
        "- dataset:",
        f"    id: {json.dumps(dataset)}",
        f"    task_id: {json.dumps(entry.board)}",
        f"  value: {round(100 * (entry.results.valid_rate or 0.0), 4)}",
        f"  date: {json.dumps(entry.date)}",
        f"  notes: {json.dumps(notes)}",
    ]
    if entry.card.link:
        lines += ["  source:", f"    url: {json.dumps(entry.card.link)}"]
    return Export(f"{_word(entry.board)}.yaml", "".join(line + "\n" for line in lines))


FORMATS: Mapping[str, Callable[[Entry, list[StoredSample], str], Export]] = {
    "lm-eval": lambda entry, samples, dataset: lm_eval(entry),
    "inspect": lambda entry, samples, dataset: inspect_log(entry, samples),
    "every-eval-ever": lambda entry, samples, dataset: every_eval_ever(entry),
    "huggingface": lambda entry, samples, dataset: huggingface(entry, dataset),
}


def _epoch(entry: Entry) -> float:
    return datetime.fromisoformat(entry.date).replace(tzinfo=UTC).timestamp()


def _word(text: str) -> str:
    return "".join(one if one.isalnum() and one.isascii() else "_" for one in text.lower()).strip("_")


def _safe(name: str) -> str:
    """A name as one folder: whatever it is, it leads nowhere else."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip(".") or "unknown"
