"""`planbench pretrain`: train the small planner from scratch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planbench.cli.parameters import Number
from planbench.cli.progress import bar
from planbench.cli.screen import note
from planbench.cli.taskset import named_domains
from planbench.errors import InputError

if TYPE_CHECKING:
    from planbench.pretrain.train import Progress


@click.command()
@click.option(
    "--domain", "domains", multiple=True, metavar="NAME", help="To train on.  [default: blocksworld, logistics, grid]"
)
@click.option("--longest", type=click.IntRange(1, 60), default=6, show_default=True, help="Longest plan to learn from.")
@click.option(
    "--tasks", type=click.IntRange(1, 1_000_000), default=20_000, show_default=True, help="Distinct tasks a domain."
)
@click.option(
    "--wide/--no-wide",
    default=True,
    show_default=True,
    help="Tasks with more objects than their plans need, or as few.",
)
@click.option("--steps", type=click.IntRange(1), default=9_000, show_default=True, help="Batches to learn from.")
@click.option("--batch", type=click.IntRange(1), default=32, show_default=True, help="Uses of tasks in a batch.")
@click.option(
    "--forget", type=Number(0, 1), default=0.5, show_default=True, help="Share of plans that see little of themselves."
)
@click.option("--width", type=click.IntRange(8), default=64, show_default=True, help="Of the model.")
@click.option("--layers", type=click.IntRange(1), default=6, show_default=True, help="Of the model.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same planner.")
@click.option(
    "--card-tasks", type=click.IntRange(1), default=600, show_default=True, help="Tasks to measure it on for its card."
)
@click.option("--out", type=click.Path(), help="The checkpoint.  [default: runs/planner-SEED]")
@click.option("--json", "as_json", is_flag=True, help="Print what it was trained on and scores as JSON.")
def command(
    domains: tuple[str, ...],
    longest: int,
    tasks: int,
    wide: bool,
    steps: int,
    batch: int,
    forget: float,
    width: int,
    layers: int,
    seed: int,
    card_tasks: int,
    out: str | None,
    as_json: bool,
) -> None:
    """Train a small planner from scratch on short reference plans.

    This is how the planner that ships with planbench was made: with the options as they are, about 25 minutes on one
    core. The checkpoint is an ordinary one (config.json, model.safetensors, tokenizer.json) with a card, README.md,
    that says what it was trained on and what it scores. Stopped, the same command goes on where it was.
    """
    from planbench.pretrain.config import DOMAINS, PretrainConfig
    from planbench.records.files import RunFolder

    inner = (width * 11 // 4 + 15) // 16 * 16
    config = PretrainConfig(
        domains=tuple(named_domains(domains)) or DOMAINS,
        longest=longest,
        tasks=tasks,
        wide=wide,
        steps=steps,
        batch=batch,
        forget=forget,
        width=width,
        inner=inner,
        layers=layers,
        seed=seed,
    )
    if width % (2 * config.heads):  # rotary positions turn pairs of numbers within a head
        raise InputError(f"--width {width}: must be a multiple of {2 * config.heads}")
    folder = Path(out) if out else Path("runs") / f"planner-{seed}"
    RunFolder(folder).create()

    from planbench.pretrain.card import write_card
    from planbench.pretrain.train import pretrain

    with bar("training") as advance:

        def report(progress: Progress) -> None:
            advance(progress.step, progress.steps, f"loss {progress.loss:.3f}")

        outcome = pretrain(config, folder, report)
    longest_of = ", ".join(f"{domain} {length}" for domain, length in outcome.longest.items())
    note(f"longest training plan: {longest_of} steps")
    with bar("measuring") as advance:
        training = write_card(
            folder, config, outcome, card_tasks, lambda done, total, valid: advance(done, total, f"{valid} valid")
        )
    if as_json:
        print(json.dumps(training))
    note(f"checkpoint: {folder}; measure it with: planbench eval {folder}")
