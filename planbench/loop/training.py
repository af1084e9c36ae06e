"""From curated traces to the next checkpoint: settings, examples, fine-tuning.

Small planners of our own train all weights with Muon, and every use of a trace names the objects anew, as in their
training from scratch. Any other checkpoint gets the adapters and the settings of the iterative-deployment paper (arXiv
2512.24940). `--train key=value` overrides either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from planbench.errors import InputError
from planbench.loop.advantages import Ratio
from planbench.loop.checkpoints import Source
from planbench.loop.config import IterateConfig
from planbench.loop.curation import Weighted
from planbench.loop.examples import TrainExample, train_example
from planbench.loop.finetune_config import FinetuneConfig, FinetuneProgress
from planbench.preparation import Prepared
from planbench.prompts.compact import scene_of
from planbench.prompts.styles import Shot, build_prompt
from planbench.records import Prompt
from planbench.records.iterate import Training

# Chosen on the tuning split of Blocksworld. Validation before and after only: every epoch would take as long as the
# training. One thread of the processor: at this size a second one costs more than it gains, and so does an accelerator.
SMALL: dict[str, Any] = {
    "steps": 320,
    "batch": 24,
    "device": "cpu",
    "threads": 1,
    "lr": 1e-3,
    "warmup": 10,
    "floor": 0.02,
    "optimizer": "muon",
    "validation": 0.1,
    "evaluate_every": 1_000_000,
    "group": 8,
    "stretch": 2.0,
    "forget": 0.5,
}
PAPER: dict[str, Any] = {"epochs": 2, "batch": 1, "lr": 1e-5, "optimizer": "adamw", "validation": 0.1}

# Asked for, these leave the forward pass that can hide words from a plan, and the default of `forget` with it.
_ELSEWHERE = {"device", "precision", "checkpointing"}

RELABEL = "relabel"
_SETTLED = {
    "seed": "every training has a seed of its own, from the run's --seeds",
    "ratio": "the curation rule says which ratio its weights are multiplied with",
}
_LORA = {"lora": "r", "lora_alpha": "alpha", "lora_dropout": "dropout", "keep_adapter": "keep_adapter"}


def finetune_settings(
    config: IterateConfig,
    source: Source,
    seed: int,
    steps: int | None = None,
    *,
    ratio: Ratio = "none",
    examples: int = 1,
) -> FinetuneConfig:
    """The settings of a training on so many examples. Raises InputError for a `--train` that there is not."""
    small = source.prompt_style == "compact"
    if settled := sorted(config.training.keys() & _SETTLED.keys()):
        raise InputError(f"--train {settled[0]}: {_SETTLED[settled[0]]}")
    told = {key: text for key, text in config.training.items() if key not in _LORA and key != RELABEL}
    values: dict[str, Any] = {**(SMALL if small else PAPER)}
    if ratio != "none":
        # A loss with weights below zero, or with ratios, is no measure to validate by.
        values |= {"ratio": ratio, "validation": 0}
    if ratio == "taper":
        # The average push is zero only under the policy that sampled: with words hidden or positions stretched, a
        # baseline pushes a policy away from all that it says.
        values |= {"forget": 0.0, "stretch": 1.0}
    if config.updates_per_generation is not None and steps is None:
        values = _with_updates(values, told, config.updates_per_generation, examples)
        told = {key: text for key, text in told.items() if key != "batch" or _count(text) is None}
    values |= {**told, "seed": seed % 2**31}
    for one, other in (("steps", "epochs"), ("epochs", "steps")):
        if one in told and other not in told:
            values.pop(other, None)
    if steps is not None:
        values.pop("epochs", None)
        values["steps"] = steps
    adapters = {_LORA[key]: text for key, text in config.training.items() if key in _LORA}
    if adapters.get("r") == "none":
        adapters = {}
    elif adapters or not small:
        values["lora"] = adapters
    if "forget" not in told and (adapters or told.keys() & _ELSEWHERE):
        values.pop("forget", None)
    try:
        return FinetuneConfig.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        if not place:  # each setting is right, together they are not
            raise InputError(f"--train: {fault['msg'].removeprefix('Value error, ')}") from None
        fields = [name for name in FinetuneConfig.model_fields if name not in ("lora", *_SETTLED)]
        known = ", ".join([*fields, *_LORA, RELABEL])
        raise InputError(f"--train {place}: {fault['msg']}; there is: {known}") from None


def _with_updates(values: dict[str, Any], told: Mapping[str, str], updates: int, examples: int) -> dict[str, Any]:
    """So many updates that together read every example, a few twice where it does not come out even, each update from
    as many batches of up to `batch` as that takes, all at one learning rate; nothing is held out."""
    taken = {"steps", "epochs", "accumulate"} & told.keys()
    if taken:
        raise InputError(f"--train {min(taken)}: --updates-per-generation says how long a training is; use one of them")
    most = _count(told.get("batch", str(values["batch"]))) or 1
    values = {name: value for name, value in values.items() if name != "epochs"}
    accumulate = max(1, -(-examples // (most * updates)))
    # Batches as small as will do: what does not come out even is read twice, which is less than a trace a batch.
    batch = max(1, -(-examples // (accumulate * updates)))
    values |= {"steps": updates, "accumulate": accumulate, "batch": batch, "group": 1, "validation": 0}
    return values | {"warmup": 0, "floor": 1.0}


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) else None


def relabels(config: IterateConfig, source: Source, style: str) -> bool:
    """Whether every use of a trace names the objects anew: by default for planners of our own alone, which have a token
    a word."""
    told = config.training.get(RELABEL, "yes" if source.prompt_style == "compact" else "no")
    if told not in ("yes", "no"):
        raise InputError(f"--train {RELABEL}={told}: type yes or no")
    if style != "compact" and config.training.get(RELABEL) == "yes":
        raise InputError(f"--train {RELABEL}=yes: objects are named anew in the compact style only")
    return style == "compact" and told == "yes"


def template_of(config: IterateConfig) -> dict[str, bool]:
    """The options of the chat template that replies are sampled with."""
    thinking = config.sampling.model_args.get("thinking")
    return {"enable_thinking": thinking == "yes"} if thinking else {}


def training_examples(
    start: Path,
    kept: Sequence[Weighted],
    tasks: Mapping[str, Prepared],
    style: str,
    shots: Mapping[str, Sequence[Shot]],
    template: Mapping[str, bool],
    *,
    relabel: bool,
    trust_remote_code: bool = False,
    behaviours: Mapping[str, float] | None = None,
) -> list[TrainExample]:
    """The traces as token ids, under the prompts that they answered. `tasks` is by task hash, `behaviours` by trace."""
    from planbench.models.completions import CompletionEncoder

    encoder = CompletionEncoder.load(start, template, trust_remote_code=trust_remote_code)
    known = behaviours or {}
    prompts: dict[str, Prompt] = {}
    examples: list[TrainExample] = []
    for one in kept:
        task = tasks[one.trace.task_hash]
        if one.trace.task_hash not in prompts:
            prompts[one.trace.task_hash] = build_prompt(
                style,
                task.compiled,
                task.task.domain_pddl,
                task.task.problem_pddl,
                task.wording,
                shots.get(task.task.domain, ()),
            )
        scene = scene_of(task.compiled) if relabel else None
        prompt, behaviour = prompts[one.trace.task_hash], known.get(one.trace.id)
        examples.append(train_example(encoder, prompt, one.trace, one.weight, scene, behaviour))
    return examples


def train(
    config: IterateConfig,
    source: Source,
    start: Path,
    kept: Sequence[Weighted],
    tasks: Mapping[str, Prepared],
    style: str,
    shots: Mapping[str, Sequence[Shot]],
    seed: int,
    steps: int | None,
    out: Path,
    progress: Callable[[int, int, float], None],
    ratio: Ratio = "none",
    behaviours: Mapping[str, float] | None = None,
) -> Training:
    """Fine-tune `start` on the curated traces and leave the next checkpoint in `out`.

    `behaviours` says, for a `ratio`, how likely each trace was under the model that sampled it, in nats, by trace id.
    """
    from planbench.loop.finetune import finetune

    settings = finetune_settings(config, source, seed, steps, ratio=ratio, examples=len(kept))
    if ratio == "taper" and all(one.weight > 0 for one in kept):
        settings = settings.model_copy(update={"ratio": "none"})  # it would be 1 for all
    examples = training_examples(
        start,
        kept,
        tasks,
        style,
        shots,
        template_of(config),
        relabel=relabels(config, source, style),
        trust_remote_code=config.trust_remote_code,
        behaviours=behaviours,
    )

    def told(now: FinetuneProgress) -> None:
        progress(now.step, now.steps, now.loss)

    outcome = finetune(start, examples, settings, out, told)
    return Training(
        steps=outcome.steps,
        tokens=outcome.tokens,
        seconds=round(outcome.seconds, 3),
        loss=outcome.loss,
        validation_before=outcome.validation_before,
        validation_after=outcome.validation_after,
        stopped_early=outcome.stopped_early,
        compared=settings.ratio != "none",
    )
