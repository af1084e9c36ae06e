"""`planbench bias`: which features does fine-tuning pick up?"""

from __future__ import annotations

import json
import os
import shlex
import sys
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from planbench.cli.parameters import KeyValue
from planbench.errors import InputError

if TYPE_CHECKING:
    from planbench.bias.config import BiasConfig


@click.command()
@click.option(
    "--suite",
    default="toy",
    show_default=True,
    metavar="NAME",
    help="toy, cruz, language, planning, sentiment or module:function.",
)
@click.option("--quick", is_flag=True, help="A first figure within minutes: one model, arm and seed, fewer examples.")
@click.option("--pairs", metavar="T|S,...", help="Some of the suite's pairs.  [default: all]")
@click.option(
    "--models", metavar="NAME,...", help="lstm, decoder, or a checkpoint as for eval.  [default: the suite's]"
)
@click.option(
    "--arms", metavar="NAME,...", help="supervised, reinforce, group, ppo, deployment.  [default: the suite's]"
)
@click.option("--seeds", metavar="N,...", help="[default: the suite's]")
@click.option("--rates", metavar="R,...", help="Rates of evidence.  [default: 0,.001,.01,.05,.1,.2,.5]")
@click.option("--examples", type=click.IntRange(20), help="Of a training set.  [default: the suite's]")
@click.option("--epochs", type=click.IntRange(1), help="Times that a training set is seen.  [default: the suite's]")
@click.option("--set", "settings", type=KeyValue(), multiple=True, help="Any other setting, as width=300.")
@click.option("--processes", type=click.IntRange(1), help="Cells measured at a time.  [default: a core each]")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and stop.")
@click.option("--out", type=click.Path(), help="The run's folder.  [default: runs/bias-SUITE-HASH, by settings]")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def command(
    suite: str,
    quick: bool,
    pairs: str | None,
    models: str | None,
    arms: str | None,
    seeds: str | None,
    rates: str | None,
    examples: int | None,
    epochs: int | None,
    settings: tuple[tuple[str, str], ...],
    processes: int | None,
    dry_run: bool,
    out: str | None,
    as_json: bool,
) -> int:
    """Which features of a prompt does fine-tuning pick up?

    A label goes along with two features, and more or less of the data says which of them it is. The study measures
    how easily a model extracts each (bits of an online code), trains it at several rates of such evidence, by
    demonstration, by reward and by iterative deployment, and says how far extractability decides what was learned.

    The same command goes on where it was stopped; more seeds, arms, models or rates join what is
    there.
    """
    typed = {
        "pairs": _listed("--pairs", pairs),
        "models": _listed("--models", models),
        "arms": _listed("--arms", arms),
        "seeds": _listed("--seeds", seeds),
        "rates": _listed("--rates", rates),
        "examples": examples,
        "epochs": epochs,
    }
    given = {**dict(settings), **{name: value for name, value in typed.items() if value is not None}, "suite": suite}
    from planbench.bias.suites import suite_named
    from planbench.cli.bias_run import run, show_forecast

    found = suite_named(suite)
    config = _config({**found.full, **(found.quick if quick else {}), **given})
    if dry_run:
        show_forecast(config, as_json)
        return 0
    folder = Path(out) if out else Path("runs") / f"bias-{_slug(suite)}-{_digest(config)}"
    return run(config, folder, processes or os.cpu_count() or 1, shlex.join(["planbench", *sys.argv[1:]]), as_json)


def _listed(option: str, text: str | None) -> list[str] | None:
    if text is None:
        return None
    parts = [part for part in (piece.strip() for piece in text.split(",")) if part]
    if not parts:
        raise InputError(f"{option} {text!r} names nothing; leave it out for the default")
    return parts


def _config(values: dict[str, Any]) -> BiasConfig:
    from pydantic import ValidationError

    from planbench.bias.config import BiasConfig

    try:
        return BiasConfig.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            raise InputError(f"no setting {name!r}: there is {', '.join(BiasConfig.model_fields)}") from None
        what = fault["msg"].removeprefix("Value error, ")
        raise InputError(f"{name}: {what}" if name else what) from None


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)[:40]


def _digest(config: BiasConfig) -> str:
    """A name for the run: what may grow is left out of it, so that the run is found again with more of it."""
    return blake2b(json.dumps(config.fixed(), sort_keys=True).encode(), digest_size=4).hexdigest()
