"""`planbench iterate`: the loop over many generations. `deploy-iterate` is the same command."""

from __future__ import annotations

import json
import shlex
import sys
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planbench.cli.parameters import KeyValue, Number, Range
from planbench.cli.processes import PROCESSES, processes
from planbench.cli.settings import typed
from planbench.cli.taskset import STYLE_NAMES, named_domains
from planbench.errors import InputError

if TYPE_CHECKING:
    from planbench.loop.config import IterateConfig


@click.command()
@click.argument("model", default="tiny", required=False)
@click.option(
    "--domain", "domains", multiple=True, metavar="NAME|FOLDER", help="May be repeated.  [default: blocksworld]"
)
@click.option(
    "--generations", type=click.IntRange(1, 1_000), default=5, show_default=True, help="After generation 0, so many."
)
@click.option("--tasks", type=click.IntRange(1), default=4_000, show_default=True, help="Tasks in the pool.")
@click.option(
    "--samples", type=click.IntRange(1, 10_000), default=3, show_default=True, help="Replies a task of the pool."
)
@click.option("--curate", metavar="RULE", help="A rule, or module:function.  [default: shortest]")
@click.option("--arms", metavar="ARM,...", help="Several rules, or base-only, from the same generation 0.")
@click.option(
    "--init",
    type=click.Choice(["previous", "base"]),
    default="previous",
    show_default=True,
    help="What each training starts from.",
)
@click.option("--seeds", default="0", show_default=True, metavar="N,...", help="A whole loop each; {seed} in MODEL.")
@click.option("--pool-length", type=Range(), help="Reference lengths of the pool.  [default: the domain's]")
@click.option("--held-out", type=click.IntRange(1), default=500, show_default=True, help="Held-out tasks.")
@click.option("--held-out-length", type=Range(), help="[default: as the pool]")
@click.option("--longer", type=click.IntRange(0), default=200, show_default=True, help="Tasks longer than the pool's.")
@click.option("--longer-length", type=Range(), help="[default: the domain's]")
@click.option("--task-seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same tasks.")
@click.option("--tuning", is_flag=True, help="Measure on split tuning instead of test: to choose settings.")
@click.option(
    "--probe",
    "probes",
    multiple=True,
    metavar="DOMAIN|renamed|mystery|per-task",
    help="Measured too, at the first and the last.",
)
@click.option("--prompt", help=f"Prompt style: {STYLE_NAMES}.  [default: the model's own, else pddl]")
@click.option(
    "--shots", type=click.IntRange(0, 64), default=0, show_default=True, help="Solved examples in the prompt."
)
@click.option("--temperature", type=Number(0, 100), default=1.0, show_default=True, help="On the pool.")
@click.option("--top-p", type=Number(0, 1, min_open=True), default=1.0, show_default=True)
@click.option("--max-tokens", type=click.IntRange(1), help="Longest reply.  [default: the model's own, else 512]")
@click.option("--max-thinking-tokens", type=click.IntRange(0), help="Reasoning before the answer, not counted there.")
@click.option("--batch-size", type=click.IntRange(1), help="Replies drawn together.  [default: chosen]")
@click.option("--model-arg", "model_args", type=KeyValue(), multiple=True, help="A setting of the model's engine.")
@click.option(
    "--train",
    "training",
    type=KeyValue(),
    multiple=True,
    help="A setting of the fine-tuning, as lr=1e-4, or of one arm's, as group:lr=1e-4.",
)
@click.option("--warm-start", type=Range(), help="Reference plans of these lengths are what generation 0 was taught.")
@click.option("--warm-start-tasks", type=click.IntRange(1), default=1_000, show_default=True)
@click.option(
    "--warm-start-steps", type=click.IntRange(0), default=0, show_default=True, help="Train generation 0 on them."
)
@click.option("--cap-duplicates", type=click.IntRange(1), help="Keep a plan of a task so often at most.")
@click.option("--cap-solved", type=Number(0, 1), help="Share of kept tasks that every sample solved, at most.")
@click.option(
    "--updates-per-generation",
    type=click.IntRange(1),
    help="Updates of a training, each trace read once; 1 is a policy gradient.  [default: as --train says]",
)
@click.option(
    "--match",
    type=click.Choice(["generations", "tokens", "compute"]),
    default="generations",
    show_default=True,
    help="What all arms get as much of as the first.",
)
@click.option("--implicit-reward", is_flag=True, help="Measure what each step acted as if it rewarded.")
@click.option(
    "--keep", type=click.Choice(["last", "all"]), default="last", show_default=True, help="Which checkpoints stay."
)
@PROCESSES
@click.option("--trust-remote-code", is_flag=True, help="Run code that comes with the checkpoint.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and stop.")
@click.option("--out", type=click.Path(), help="The run's folder.  [default: runs/iterate-HASH, by settings]")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    model: str,
    domains: tuple[str, ...],
    generations: int,
    tasks: int,
    samples: int,
    curate: str | None,
    arms: str | None,
    init: str,
    seeds: str,
    pool_length: tuple[int, int] | None,
    held_out: int,
    held_out_length: tuple[int, int] | None,
    longer: int,
    longer_length: tuple[int, int] | None,
    task_seed: int,
    tuning: bool,
    probes: tuple[str, ...],
    prompt: str | None,
    shots: int,
    temperature: float,
    top_p: float,
    max_tokens: int | None,
    max_thinking_tokens: int | None,
    batch_size: int | None,
    model_args: tuple[tuple[str, str], ...],
    training: tuple[tuple[str, str], ...],
    warm_start: tuple[int, int] | None,
    warm_start_tasks: int,
    warm_start_steps: int,
    cap_duplicates: int | None,
    cap_solved: float | None,
    updates_per_generation: int | None,
    match: str,
    implicit_reward: bool,
    keep: str,
    wanted: int | None,
    trust_remote_code: bool,
    dry_run: bool,
    out: str | None,
    as_json: bool,
) -> int:
    """Deploy MODEL on a pool of tasks, keep what worked, fine-tune on it, deploy the next generation.

    Each generation samples plans for every task of the pool; a rule keeps some of them, by default the shortest valid
    plan of each task that any generation found; the next generation is fine-tuned on these. Every generation is
    measured on held-out tasks and on longer ones, which no model was ever trained or deployed on.

    The same command goes on where it was stopped; more generations, arms or seeds go on with what is there.
    """
    from planbench.loop.config import CurationConfig, IterateConfig, SamplingConfig, TaskConfig, WarmStart
    from planbench.prompts.styles import STYLES

    if prompt is not None and prompt not in STYLES:
        raise InputError(f"no prompt style {prompt!r}: there is {', '.join(sorted(STYLES))}")
    if curate is not None and arms is not None:
        raise InputError("--curate and --arms say the same thing; use one of them")
    config = IterateConfig(
        model=model,
        generations=generations,
        arms=tuple(_listed(arms)) if arms else (curate or "shortest",),
        init="base" if init == "base" else "previous",
        seeds=_seeds(seeds),
        tasks=TaskConfig(
            domains=tuple(named_domains(domains)) or ("blocksworld",),
            pool=tasks,
            held_out=held_out,
            longer=longer,
            pool_length=pool_length,
            held_out_length=held_out_length,
            longer_length=longer_length,
            seed=task_seed,
            tuning=tuning,
        ),
        warm_start=WarmStart(length=warm_start, tasks=warm_start_tasks, steps=warm_start_steps),
        sampling=SamplingConfig(
            samples=samples,
            temperature=temperature,
            top_p=top_p,
            max_tokens=max_tokens,
            max_thinking_tokens=max_thinking_tokens,
            prompt=prompt,
            shots=shots,
            batch_size=batch_size,
            model_args=dict(model_args),
        ),
        curation=CurationConfig(duplicates=cap_duplicates, solved=cap_solved),
        training=dict(training),
        probes=tuple(dict.fromkeys(probes)),
        updates_per_generation=updates_per_generation,
        match="tokens" if match == "tokens" else "compute" if match == "compute" else "generations",
        implicit_reward=implicit_reward,
        trust_remote_code=trust_remote_code,
    )
    if warm_start_steps and warm_start is None:
        raise InputError("--warm-start-steps needs --warm-start A:B, the lengths of the plans to train on")
    if warm_start is None and typed("warm_start_tasks"):
        raise InputError("--warm-start-tasks needs --warm-start A:B, the lengths of their plans")
    folder = Path(out) if out else Path("runs") / f"iterate-{_digest(config)}"
    from planbench.cli.iterate_run import run, show_forecast

    if dry_run:
        show_forecast(config, keep == "all", as_json)
        return 0
    with processes(wanted) as crew:
        return run(config, folder, keep == "all", shlex.join(["planbench", *sys.argv[1:]]), as_json, crew)


def _listed(text: str) -> list[str]:
    return [part for part in (piece.strip() for piece in text.split(",")) if part]


def _seeds(text: str) -> tuple[int, ...]:
    parts = _listed(text)
    if not parts or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise InputError(f"--seeds {text}: write whole numbers with commas between them, as in 0,1,2")
    return tuple(dict.fromkeys(int(part) for part in parts))


def _digest(config: IterateConfig) -> str:
    """A name for the run: what may grow is left out of it, so that the run is found again with more of it; so are
    settings younger than the name, where they are not made use of."""
    what = config.model_dump(mode="json", exclude={"generations", "seeds", "implicit_reward"})
    for name in ("updates_per_generation", "match"):
        if what[name] == type(config).model_fields[name].default:
            del what[name]
    return blake2b(json.dumps(what, sort_keys=True).encode(), digest_size=4).hexdigest()
