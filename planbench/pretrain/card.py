"""The card of a trained planner: what it learned from, for how long, and what it scores, bin by bin."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from planbench.evaluate import Asked, evaluate
from planbench.models import load
from planbench.pretrain.checkpoint import MAX_REPLY_TOKENS
from planbench.pretrain.config import PretrainConfig
from planbench.pretrain.train import Outcome
from planbench.records import SamplingSettings, Task
from planbench.records.files import RunFolder, write_whole
from planbench.records.summary import Part, Summary
from planbench.suite import generate
from planbench.suite.generator import drafts

CARD_SEED = 1
"""The seed of the tasks that the card scores: others than those of a plain `planbench eval`, which uses 0."""


def write_card(
    folder: Path, config: PretrainConfig, outcome: Outcome, tasks: int, watch: Callable[[int, int, int], None]
) -> dict[str, Any]:
    """Measure the checkpoint in `folder` on held-out tasks and write README.md and training.json into it.

    Half of the tasks have plans within the training length, half are up to twice as long.
    """
    each = max(1, tasks // len(config.domains) // 2)
    held_out: list[Task] = []
    for domain in config.domains:
        for low, high in ((1, config.longest), (config.longest + 1, 2 * config.longest)):
            held_out += _up_to(each, domain, (low, high))
    asked = Asked(str(folder), settings=SamplingSettings(max_tokens=MAX_REPLY_TOKENS, seed=CARD_SEED))
    with TemporaryDirectory() as run:
        model = load(str(folder))
        summary = evaluate(held_out, {"seed": CARD_SEED}, model, asked, RunFolder(Path(run)), watch)
        lengths = _by_exact_length(RunFolder(Path(run)))
    training = {
        "config": config.model_dump(mode="json"),
        "tasks": outcome.tasks,
        "longest_training_plan": outcome.longest,
        "parameters": outcome.parameters,
        "final_loss_nats_per_word": round(outcome.loss, 4),
        "words": outcome.tokens,
        "seconds": round(outcome.seconds),
        "held_out": {"tasks_each_half": each, "seed": CARD_SEED, "by_length": lengths},
    }
    write_whole(folder / "training.json", json.dumps(training, indent=1) + "\n")
    write_whole(folder / "README.md", _card(config, outcome, summary, lengths, each))
    return training


def _up_to(count: int, domain: str, plan_length: tuple[int, int]) -> list[Task]:
    """As many tasks as there are: of very short plans a split may hold few."""
    there = sum(1 for _ in drafts(domain, count, seed=CARD_SEED, plan_length=plan_length))
    return generate(domain, there, seed=CARD_SEED, plan_length=plan_length)


Counts = dict[str, dict[int, list[int]]]
"""Domain, reference length: valid samples and samples."""


def _by_exact_length(run: RunFolder) -> Counts:
    counts: Counts = {}
    for sample in run.samples():
        cell = counts.setdefault(sample.domain, {}).setdefault(sample.reference_length or 0, [0, 0])
        cell[0] += sample.verdict.kind == "valid"
        cell[1] += 1
    return {domain: dict(sorted(cells.items())) for domain, cells in sorted(counts.items())}


def _card(config: PretrainConfig, outcome: Outcome, summary: Summary, lengths: Counts, each: int) -> str:
    trained = ", ".join(f"{count:,} of {domain}" for domain, count in outcome.tasks.items())
    longest = ", ".join(f"{domain} {length}" for domain, length in outcome.longest.items())
    rows = [
        f"| {domain} | {_rate(lengths[domain], 1, config.longest)} |"
        f" {_rate(lengths[domain], config.longest + 1, 2 * config.longest)} | {_longest(part)} |"
        for domain, part in sorted(summary.by_domain.items())
    ]
    bins = [
        f"| {domain} | {length} | {valid} of {total} | {valid / total:.0%} |"
        for domain, cells in lengths.items()
        for length, (valid, total) in cells.items()
    ]
    return "\n".join(
        [
            "# A small planner of planbench",
            "",
            f"A decoder of {outcome.parameters:,} parameters (LFM2 architecture: short convolutions and attention,"
            f" width {config.width}, {config.layers} layers), trained from scratch by `planbench pretrain` on short"
            " plans. It is weak on purpose: a starting point from which planning skill can be seen to grow.",
            "",
            "## Trained on",
            "",
            f"- Distinct tasks: {trained}; all of split `base`, none equal, up to the names of objects, to any task"
            " that planbench evaluates on.",
            f"- Longest training plan, in steps: {longest}.",
            f"- {config.steps:,} batches of {config.batch} freshly named uses of tasks: {outcome.tokens:,} words,"
            f" {outcome.seconds / 60:.0f} minutes on {config.threads} core{'s' * (config.threads > 1)}.",
            f"- Final training loss: {outcome.loss:.3f} nats a word of the plan. Seed {config.seed}.",
            "",
            "## Scores",
            "",
            f"Valid-plan rate, greedy, on held-out tasks (split `test`, seed {CARD_SEED}): up to {each} tasks a domain"
            f" with plans of 1 to {config.longest} steps, up to {each} with {config.longest + 1} to"
            f" {2 * config.longest}.",
            "",
            f"| domain | 1 to {config.longest} steps | {config.longest + 1} to {2 * config.longest} steps |"
            " longest reference solved |",
            "|---|---|---|---|",
            *rows,
            "",
            "| domain | reference length | valid | rate |",
            "|---|---|---|---|",
            *bins,
            "",
            "## Use",
            "",
            "An ordinary checkpoint of transformers. It reads and writes the compact style of planbench only;"
            " `planbench eval FOLDER` chooses that style by itself.",
            "",
            "The task generators, the trainer and this card are planbench's; Apache-2.0.",
            "",
        ]
    )


def _rate(cells: dict[int, list[int]], low: int, high: int) -> str:
    found = [cell for length, cell in cells.items() if low <= length <= high]
    valid, total = sum(cell[0] for cell in found), sum(cell[1] for cell in found)
    return f"{valid} of {total} ({valid / total:.0%})" if total else "-"


def _longest(part: Part) -> str:
    return "-" if part.longest_reference_solved is None else str(part.longest_reference_solved)
