"""What a run would do, before it does it: tasks, samples, tokens, disk, memory, time.

Tokens are estimated from the reference plans as the model would have to write them (`expected`), and bounded by the
token limit (`most`); a model that reasons before it answers lies between the two. Time is measured, on a few replies
and a few training steps' worth of tokens, where the checkpoint is at hand and small; elsewhere it is not guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from planbench.errors import CheckpointError
from planbench.forecast import LETTERS_A_TOKEN, MEASURED_BYTES, SAMPLE_BYTES, answer_tokens, seconds_a_reply
from planbench.loop.checkpoints import Source, source_of
from planbench.loop.config import IterateConfig
from planbench.loop.tasks import TaskSet
from planbench.models import load
from planbench.preparation import Prepared
from planbench.records import SamplingSettings
from planbench.records.iterate import SPLITS
from planbench.records.sampling import DEFAULT_TOKENS


@dataclass(frozen=True)
class Forecast:
    """Totals of a whole run. Bytes and seconds are None where the checkpoint is not at hand to tell; `unknown` says
    why. `memory_bytes` are weights, gradients and the optimizer's moments; batches and the libraries come on top."""

    tasks: dict[str, int]
    lengths: dict[str, tuple[int, int] | None]
    pool_by_length: dict[int, int]
    deployments: int
    trainings: int
    samples: int
    expected_tokens: int
    most_tokens: int
    disk_bytes: int | None = None
    memory_bytes: int | None = None
    seconds_a_generation: float | None = None
    unknown: str = ""


def forecast(config: IterateConfig, sets: dict[str, TaskSet], *, keep_all: bool = False) -> Forecast:
    """What `iterate` would do with this configuration. Raises InputError for one that cannot be run."""
    arms, seeds = len(config.chosen_arms()), len(config.seeds)
    deployments = seeds * (1 + arms * config.generations)
    trainings = seeds * (arms * config.generations + bool(config.warm_start.steps))
    splits = {name: tasks for name, tasks in sets.items() if name in SPLITS}
    replies = {name: len(tasks.prepared) * _samples(name, config) for name, tasks in splits.items()}
    probes = sum(len(tasks.prepared) for name, tasks in sets.items() if name not in SPLITS)
    source, unknown = _source(config)
    style = config.sampling.prompt or (source.prompt_style if source else None) or "pddl"
    limit = config.sampling.max_tokens or (source.default_max_tokens if source else None) or DEFAULT_TOKENS
    answers = {
        name: sum(answer_tokens(one, style) for one in tasks.prepared) * _samples(name, config)
        for name, tasks in splits.items()
    }
    samples = deployments * sum(replies.values()) + seeds * (1 + arms) * probes
    by_length: dict[int, int] = {}
    for one in sets["pool"].prepared:
        if (length := one.task.reference_length) is not None:
            by_length[length] = by_length.get(length, 0) + 1
    plain = Forecast(
        tasks={name: len(tasks.prepared) for name, tasks in sets.items()},
        lengths={name: tasks.lengths for name, tasks in sets.items()},
        pool_by_length=dict(sorted(by_length.items())),
        deployments=deployments,
        trainings=trainings,
        samples=samples,
        expected_tokens=deployments * sum(answers.values()),
        most_tokens=samples * limit,
        unknown=unknown,
    )
    return plain if source is None else _with_costs(plain, config, source, sets, style, limit, keep_all)


def _samples(name: str, config: IterateConfig) -> int:
    return config.sampling.samples if name == "pool" else 1


def _source(config: IterateConfig) -> tuple[Source | None, str]:
    name = config.model.replace("{seed}", str(config.seeds[0]))
    # A hub name would be downloaded, which is more than a dry run should do.
    if "/" in name and not Path(name).exists() and not name.startswith((".", "/", "~")):
        return None, f"{name} is not on this machine, so memory, disk and time are not known"
    try:
        return source_of(name, config), ""
    except CheckpointError as error:
        return None, f"{error}; so memory, disk and time are not known"


def _with_costs(
    plain: Forecast,
    config: IterateConfig,
    source: Source,
    sets: dict[str, TaskSet],
    style: str,
    limit: int,
    keep_all: bool,
) -> Forecast:
    seeds, arms = len(config.seeds), len(config.chosen_arms())
    checkpoints = plain.trainings if keep_all else seeds * arms + seeds * bool(config.warm_start.steps)
    letters = 7 if style == "compact" else LETTERS_A_TOKEN
    disk = checkpoints * source.weights_bytes + plain.samples * SAMPLE_BYTES + plain.expected_tokens * letters
    # Weights, gradients and an optimizer's two moments, if all weights are trained.
    full = 4 * source.weights_bytes
    seconds = _seconds_a_generation(config, source, sets["pool"].prepared, style, limit, plain)
    return Forecast(
        **{
            **vars(plain),
            "disk_bytes": disk,
            "memory_bytes": full,
            "seconds_a_generation": seconds,
            "unknown": "" if seconds is not None else "time is measured for small checkpoints only",
        }
    )


def _seconds_a_generation(
    config: IterateConfig, source: Source, pool: list[Prepared], style: str, limit: int, plain: Forecast
) -> float | None:
    """Sampling alone, measured on a few tasks of the pool, spread over its lengths."""
    if source.weights_bytes > MEASURED_BYTES:
        return None
    model = load(str(source.folder), model_args=config.sampling.folder_args, batch_size=config.sampling.batch_size)
    settings = SamplingSettings(config.sampling.temperature, config.sampling.top_p, limit)
    a_reply = seconds_a_reply(model, pool, {}, style, settings)
    return a_reply * plain.samples / plain.deployments
