"""One cell of a bias run, on one thread: nets are made, trained and tested."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch

from planbench.bias.answers import ANSWERS, Task
from planbench.bias.arms import Budget, Data, Dice, Tick, deployment, group, reinforce, supervised
from planbench.bias.config import MODELS, BiasConfig
from planbench.bias.nets import Decoder, Lstm, Net
from planbench.bias.pairs import Labelled, Material, Pair
from planbench.bias.policy import rewards_by_section
from planbench.bias.ppo import ppo
from planbench.bias.probe import ProbeBudget, extract
from planbench.bias.suites import pairs_of, suite_named, writes
from planbench.records.bias import ExtractionCell, TrainingCell

Arm = Callable[[Net, Data, Task, Budget, Dice, Tick], None]

ARMS: dict[str, Arm] = {
    "supervised": supervised,
    "reinforce": reinforce,
    "group": group,
    "ppo": ppo,
    "deployment": deployment,
}


def extraction_cell(
    config: BiasConfig, model: str, pair: Pair, seed: int, net_seed: int, started: float
) -> ExtractionCell:
    torch.set_num_threads(1)
    material = _material(config.model_dump_json(), pair.name, seed)
    sets = [material.probe(feature, config.probe_examples) for feature in ("t", "s")]
    tests = [material.probe_test(feature) for feature in ("t", "s")]
    budget = ProbeBudget(
        epochs=config.probe_epochs,
        steps=config.probe_steps,
        batch=config.batch,
        lr=config.probe_lr or _lr(config, model),
    )
    data, tested, seeds = _stacked(sets), _stacked(tests), (net_seed, net_seed + 1)
    target, spurious = (
        found
        for runs in _together(model, len(seeds))
        for found in extract(
            lambda seeds: _net(config, model, pair, seeds, outputs=2, positions=pair.positions),
            data.of(runs),
            tested.of(runs),
            seeds[runs],
            budget,
        )
    )
    if not np.isfinite([*target.code.bits, *spurious.code.bits]).all():
        raise FloatingPointError
    return ExtractionCell(
        model=model,
        pair=pair.name,
        seed=seed,
        blocks=target.code.blocks,
        target_bits=target.code.bits,
        spurious_bits=spurious.code.bits,
        target_accuracy=target.accuracy,
        spurious_accuracy=spurious.accuracy,
        seconds=time.perf_counter() - started,
    )


def training_cell(
    config: BiasConfig, model: str, arm: str, pair: Pair, seed: int, net_seed: int, started: float, tick: Tick
) -> TrainingCell:
    torch.set_num_threads(1)
    material = _material(config.model_dump_json(), pair.name, seed)
    task = _task(config, model)
    data = _stacked([material.training(config.examples, rate) for rate in config.rates])
    # Every rate starts from the same net and has the same luck: they differ by evidence alone.
    seeds = [net_seed] * len(config.rates)
    budget = Budget(
        epochs=config.epochs,
        batch=config.batch,
        lr=_lr(config, model),
        group=config.group,
        rollout=config.rollout,
        passes=config.passes,
    )
    tested = {
        name: (torch.from_numpy(prompts), int(name in ("both", "t-only"))) for name, prompts in material.test.items()
    }

    def trained(runs: slice) -> dict[str, list[float]]:
        net = _policy(config, model, arm, pair, task, seeds[runs])
        before, share = runs.start / len(seeds), (runs.stop - runs.start) / len(seeds)
        ARMS[arm](net, data.of(runs), task, budget, Dice(seeds[runs]), lambda done: tick(before + share * done))
        if not all(bool(weights.isfinite().all()) for weights in net.parameters()):
            raise FloatingPointError
        return rewards_by_section(net, tested, task)

    found = [trained(runs) for runs in _together(model, len(seeds))]
    return TrainingCell(
        model=model,
        arm=arm,
        pair=pair.name,
        seed=seed,
        rates=config.rates,
        scores={name: tuple(score for part in found for score in part[name]) for name in tested},
        seconds=time.perf_counter() - started,
    )


@lru_cache(maxsize=2)
def _material(written: str, name: str, seed: int) -> Material:
    """Drawn once for the cells of a pair, which follow each other: planning cases take half a minute."""
    config = BiasConfig.model_validate_json(written)
    return Material(next(pair for pair in pairs_of(config) if pair.name == name), seed, config.tested)


def _together(model: str, runs: int) -> list[slice]:
    """Which runs are trained side by side: all; a checkpoint's one by one."""
    return [slice(0, runs)] if model in MODELS else [slice(run, run + 1) for run in range(runs)]


def _net(config: BiasConfig, model: str, pair: Pair, seeds: Sequence[int], outputs: int, positions: int) -> Net:
    if model == "lstm":
        return Lstm(seeds, pair.vocabulary, outputs, config.width)
    if model == "decoder":
        return Decoder(seeds, pair.vocabulary, outputs, config.decoder_width, config.layers, config.heads, positions)
    from planbench.bias.checkpoint import Checkpoint, loaded

    return Checkpoint(loaded(model), pair, outputs)


def _task(config: BiasConfig, model: str) -> Task:
    if not writes(config):
        return ANSWERS[suite_named(config.suite).answers]()
    from planbench.bias.checkpoint import loaded
    from planbench.bias.sentiment import replies

    return replies(loaded(model), config.classifier, config.reply_tokens)


def _policy(config: BiasConfig, model: str, arm: str, pair: Pair, task: Task, seeds: Sequence[int]) -> Net:
    valued = arm == "ppo"
    if not writes(config):
        return _net(config, model, pair, seeds, task.outputs + valued, pair.positions + task.steps - 1)
    from planbench.bias.checkpoint import Writer, loaded

    return Writer(loaded(model), pair, valued)


def _lr(config: BiasConfig, model: str) -> float:
    return {"lstm": config.lr, "decoder": config.decoder_lr}.get(model, config.checkpoint_lr)


def _stacked(sets: Sequence[Labelled]) -> Data:
    prompts, labels = (np.stack([getattr(part, name) for part in sets]) for name in ("prompts", "labels"))
    return Data(torch.from_numpy(prompts), torch.from_numpy(labels))
