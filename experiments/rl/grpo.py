"""TRL's GRPOTrainer on the tasks of a finished `planbench iterate` run: a reference from outside.

    python -m experiments.rl.grpo runs/rl-blocksworld             (in an environment with TRL: make experiment-grpo)

Each seed's generation 0 is trained on the pool, with our judge as the reward, until it has sampled as many tokens there
as the run's first arm had. The result is measured as generation 1 of an arm `grpo`, by the code and on the tasks that
measure the loop's generations, in the run's own folder:

    seed-S/grpo/gen-1/      checkpoint, training.json, answers as of any generation; grpo.json: settings and every step
    grpo.json               as summary.json, with arm grpo beside the run's, and compared with each on the same tasks

What is there is kept, so the same command goes on at the seed where it was stopped.

Everything that is not an option here is TRL's default: one update a batch of fresh samples, AdamW, no KL term, the
loss of DAPO. Objects keep the names of their task, where the loop names them anew at every use.

Not covered: runs with examples in the prompt or with a budget for reasoning; adapters.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from planbench.errors import InputError, MissingPackage, PlanbenchError, RunFolderError
from planbench.loop.answers import Answers
from planbench.loop.conclusion import conclude
from planbench.loop.config import Arm, IterateConfig
from planbench.loop.finetune_files import save_checkpoint
from planbench.loop.generations import Loop
from planbench.loop.iterate import Reader
from planbench.loop.layout import CHECKPOINT, Place
from planbench.loop.tasks import TaskSet, task_sets
from planbench.models.catalog import LoadOptions
from planbench.models.hf_load import load_checkpoint
from planbench.models.hf_prompt import stop_tokens
from planbench.records.files import ITERATE, SUMMARY, RunFolder, read_json, write_json
from planbench.records.iterate import Budget, Generation, IterateRecord, IterateSummary, Training
from planbench.records.sampling import DEFAULT_TOKENS
from planbench.rewards import dataset_rows, valid_plan

GRPO = Arm("grpo", "grpo", "previous")
RECORD = "grpo.json"


class Settings(BaseModel):
    """`tokens` are sampled, then training stops, at the end of a step; a step samples and trains on `batch` replies,
    `samples` of each task."""

    tokens: int
    batch: int
    samples: int
    lr: float
    temperature: float
    top_p: float
    max_tokens: int
    seed: int


class Step(BaseModel):
    """`tokens` were sampled so far; `reward` is the mean over the step's replies."""

    tokens: int
    reward: float
    seconds: float


class Outcome(BaseModel):
    """A training, from first to last. `read` counts the tokens of prompts and replies."""

    trl: str
    settings: Settings
    tokens: int
    read: int
    seconds: float
    steps: list[Step]


class Judged:
    """`valid_plan`, of each reply just as it was sampled, and a count of the tokens.

    TRL leaves special tokens out of the text that it shows to a reward; without an unknown word a plan may be mended.
    """

    def __init__(self, tokenizer: Any, ends: Collection[int]) -> None:
        self.__name__ = "valid_plan"
        self.tokens = 0
        self._tokenizer, self._ends = tokenizer, frozenset(ends)

    def __call__(self, completion_ids: Sequence[Sequence[int]], **columns: Any) -> list[float | None]:
        self.tokens += sum(map(len, completion_ids))
        return valid_plan(**{**columns, "completions": [self._text(ids) for ids in completion_ids]})

    def _text(self, ids: Sequence[int]) -> str:
        said = ids[:-1] if ids and ids[-1] in self._ends else ids
        return self._tokenizer.decode(said, skip_special_tokens=False, clean_up_tokenization_spaces=False)


class _Lines(Reader):
    """What is going on, a line a phase."""

    def phase(self, place: Place, name: str) -> None:
        print(f"seed {place.seed}: {name}", flush=True)

    def generation(self, place: Place) -> None:
        """Part of what a loop tells; nothing is left to say."""


def train(
    start: Path, tasks: TaskSet, style: str, settings: Settings, out: Path, told: Callable[[str], None]
) -> Outcome:
    """Train the checkpoint `start` on the tasks with GRPOTrainer and leave the new checkpoint in `out`."""
    if find_spec("trl") is None:
        raise MissingPackage("trl is not installed; type: pip install trl")
    from datasets import Dataset  # pyright: ignore[reportMissingImports]
    from transformers import PrinterCallback, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer  # pyright: ignore[reportMissingImports]

    loaded = load_checkpoint(start, LoadOptions({"device": "cpu", "dtype": "stored"}))
    loaded.tokenizer.padding_side = "left"
    saved_as, use_cache = loaded.model.dtype, loaded.model.config.use_cache
    ends = stop_tokens(loaded.model.generation_config, loaded.model.config, loaded.tokenizer)
    judged = Judged(loaded.tokenizer, ends)
    steps: list[Step] = []
    started = time.perf_counter()

    class Watch(TrainerCallback):
        """Keeps a line a step, and stops at the budget."""

        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            control.should_training_stop = judged.tokens >= settings.tokens

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
            if logs and "reward" in logs:
                seconds = round(time.perf_counter() - started, 1)
                steps.append(Step(tokens=judged.tokens, reward=logs["reward"], seconds=seconds))
                told(f"step {len(steps)}: {judged.tokens:,} of {settings.tokens:,} tokens, reward {logs['reward']:.3f}")

    with tempfile.TemporaryDirectory() as scratch:
        asked: Any = GRPOConfig(
            output_dir=scratch,
            bf16=False,
            gradient_checkpointing=False,
            per_device_train_batch_size=settings.batch,
            num_generations=settings.samples,
            max_completion_length=settings.max_tokens,
            temperature=settings.temperature,
            top_p=settings.top_p,
            learning_rate=settings.lr,
            lr_scheduler_type="constant",
            # Never reached: a reply has a token at least.
            max_steps=-(-settings.tokens // settings.batch),
            seed=settings.seed,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer: Any = GRPOTrainer(
            loaded.model.float(),
            reward_funcs=judged,
            args=asked,
            train_dataset=Dataset.from_list(dataset_rows((one.task for one in tasks.prepared), style)),
            processing_class=loaded.tokenizer,
            callbacks=[Watch()],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        model = trainer.accelerator.unwrap_model(trainer.model).eval()
        model.config.use_cache = use_cache
        out.mkdir(parents=True)
        save_checkpoint(model, saved_as, start, out, None)
    return Outcome(
        trl=version("trl"),
        settings=settings,
        tokens=judged.tokens,
        read=int(trainer.state.num_input_tokens_seen),
        seconds=round(time.perf_counter() - started, 3),
        steps=steps,
    )


def _make(loop: Loop, tokens: int, batch: int, lr: float, max_tokens: int | None) -> Outcome:
    """The checkpoint of a seed, trained where it is not there yet."""
    place = Place(loop.run, GRPO.name, loop.seed, 1)
    sampling = loop.config.sampling
    settings = Settings(
        tokens=tokens,
        batch=batch,
        samples=sampling.samples,
        lr=lr,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=max_tokens or sampling.max_tokens or loop.source.default_max_tokens or DEFAULT_TOKENS,
        seed=loop.seed,
    )
    if place.checkpoint.is_dir():
        there = read_json(place.path / RECORD, Outcome)
        if there.settings != settings:
            raise RunFolderError(f"{place.path}: was trained with other settings; remove it, or give those again")
        return there
    beside = place.path / f".{CHECKPOINT}"
    shutil.rmtree(beside, ignore_errors=True)
    start = loop.checkpoint(GRPO, place.before())
    outcome = train(start, loop.sets["pool"], loop.style, settings, beside, partial(print, flush=True))
    write_json(place.path / RECORD, outcome)
    training = Training(
        steps=len(outcome.steps),
        tokens=outcome.read,
        seconds=outcome.seconds,
        loss=None,
        validation_before=None,
        validation_after=None,
    )
    write_json(place.training, training)
    os.replace(beside, place.checkpoint)
    return outcome


def reference(
    run: Path, batch: int, lr: float, tokens: int | None = None, max_tokens: int | None = None
) -> IterateSummary:
    """Train and measure every seed of a run, and write what it comes to beside the run's own summary.

    Raises InputError for a run that is not finished, or that is not covered.
    """
    config = IterateConfig.model_validate(read_json(run / ITERATE, IterateRecord).config)
    summary = read_json(run / SUMMARY, IterateSummary)
    if not summary.finished:
        raise InputError(f"{run}: is not finished; go on with planbench iterate first")
    if config.sampling.shots or config.sampling.max_thinking_tokens is not None:
        raise InputError(f"{run}: has examples in its prompts or a budget for reasoning, which is not covered")
    if batch < 1 or batch % config.sampling.samples or config.sampling.samples < 2:
        raise InputError(f"--batch {batch}: has to be a multiple of the run's {config.sampling.samples} samples a task")
    if min(one for one in (tokens, max_tokens, 1) if one is not None) < 1:
        raise InputError("--tokens and --max-tokens: at least 1")
    arms = config.chosen_arms()
    with RunFolder(run).lock():
        sets = task_sets(config.tasks, config.probes)
        if tuple(one.record for one in sets.values()) != summary.task_sets:
            raise InputError(f"{run}: made from other tasks (another version of planbench?)")
        cost: dict[int, Budget] = {}
        for seed in config.seeds:
            loop = Loop(config, sets, run, seed, _Lines())
            wanted = tokens or _spent(summary.arms[arms[0].name], seed)
            outcome = _make(loop, wanted, batch, lr, max_tokens)
            # As planbench.loop.budget counts: once read or sampled, three times in training.
            cost[seed] = Budget(tokens=outcome.tokens, compute=4 * outcome.read)
            loop.deploy_and_measure(GRPO, Place(run, GRPO.name, seed, 1), probes=True)
        # Generations end where each arm's budget did, as of arms that are matched.
        beside = config.model_copy(
            update={"arms": (*config.arms, GRPO.name), "match": "tokens", "implicit_reward": False}
        )
        found = conclude(beside, [*arms, GRPO], Answers(sets), run, summary.taught, summary.ended, done=True)
        ours = [
            row.model_copy(update={"spent": cost[row.seed]}) if row.generation else row for row in found.arms["grpo"]
        ]
        found = found.model_copy(update={"arms": {**found.arms, GRPO.name: ours}})
        write_json(run / RECORD, found)
    return found


def _spent(rows: Sequence[Generation], seed: int) -> int:
    """The tokens that the arm's last generation of a seed has cost."""
    return max(row.spent.tokens for row in rows if row.seed == seed and row.spent is not None)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="TRL's GRPOTrainer on the tasks of a finished planbench iterate run.")
    parser.add_argument("run", type=Path)
    parser.add_argument("--tokens", type=int, help="sampled in training, per seed (what the run's first arm sampled)")
    parser.add_argument("--batch", type=int, default=256, help="replies a step (%(default)s)")
    parser.add_argument("--lr", type=float, default=1e-4, help="learning rate (%(default)s)")
    parser.add_argument("--max-tokens", type=int, help="a reply in training (as in the run)")
    asked = parser.parse_args(arguments)
    try:
        found = reference(asked.run, asked.batch, asked.lr, asked.tokens, asked.max_tokens)
    except PlanbenchError as error:
        sys.exit(f"error: {error}")
    for row in found.comparisons:
        if GRPO.name in row.second or GRPO.name in row.first:
            low, high = row.ci
            print(f"{row.split}: {row.second} less {row.first}: {row.difference:+.3f} [{low:+.3f}, {high:+.3f}]")


if __name__ == "__main__":
    main()
