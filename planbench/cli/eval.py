"""`planbench eval`: measure a model."""

from __future__ import annotations

import json
import re
import shlex
import sys
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planbench.cli.eval_forecast import show_forecast
from planbench.cli.parameters import KeyValue, Number
from planbench.cli.processes import PROCESSES, processes
from planbench.cli.progress import bar
from planbench.cli.screen import note
from planbench.cli.taskset import RENAME, STYLE_NAMES, chosen_tasks, task_options
from planbench.errors import InputError
from planbench.records.sampling import DEFAULT_TOKENS

if TYPE_CHECKING:
    from planbench.records.files import RunFolder
    from planbench.records.summary import Summary


@click.command()
@click.argument("model", default="tiny", required=False)
@task_options
@click.option("--prompt", help=f"Prompt style: {STYLE_NAMES}.  [default: the model's own, else pddl]")
@click.option(
    "--shots", type=click.IntRange(0, 64), default=0, show_default=True, help="Solved examples in the prompt."
)
@RENAME
@click.option("--samples", type=click.IntRange(1, 10_000), default=1, show_default=True, help="Replies a task.")
@click.option("--temperature", type=Number(0, 100), default=0.0, show_default=True, help="0 is greedy.")
@click.option("--top-p", type=Number(0, 1, min_open=True), default=1.0, show_default=True)
@click.option(
    "--max-tokens", type=click.IntRange(1), help=f"Longest reply.  [default: the model's own, else {DEFAULT_TOKENS}]"
)
@click.option(
    "--max-thinking-tokens",
    type=click.IntRange(0),
    help="Reasoning before the answer, for models that open with <think>; --max-tokens are for the rest.",
)
@click.option("--batch-size", default="auto", show_default=True, metavar="auto|N", help="Replies drawn together.")
@click.option("--concurrency", type=click.IntRange(1, 4096), help="Requests that servers have at once.  [default: 16]")
@PROCESSES
@click.option("--dry-run", is_flag=True, help="Say what it would take, and stop.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same tasks and replies.")
@click.option("--model-arg", "model_args", type=KeyValue(), multiple=True, help="A setting of the model's engine.")
@click.option("--trust-remote-code", is_flag=True, help="Run code that comes with the checkpoint.")
@click.option("--out", type=click.Path(), help="The run folder.  [default: runs/MODEL-HASH, by model and settings]")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    model: str,
    domains: tuple[str, ...],
    folder: str | None,
    limit: int | None,
    plan_length: tuple[int, int] | None,
    prompt: str | None,
    shots: int,
    rename: str,
    samples: int,
    temperature: float,
    top_p: float,
    max_tokens: int | None,
    max_thinking_tokens: int | None,
    batch_size: str,
    concurrency: int | None,
    wanted: int | None,
    dry_run: bool,
    seed: int,
    model_args: tuple[tuple[str, str], ...],
    trust_remote_code: bool,
    out: str | None,
    as_json: bool,
) -> None:
    """Measure MODEL: valid-plan rate, plan length, and how far the skill reaches.

    MODEL is a checkpoint folder or hub name, a .gguf file, server:URL#model (any OpenAI-compatible server; several
    URLs, with commas, are a fleet; PLANBENCH_API_KEY holds the key), random, replay:FILE, smollm2-135m, or one of the
    small planners that ship with planbench: tiny, the default, and grown (Blocksworld alone), what iterative deployment
    made of another.

    Classical planners, to compare with: planner:policy (the reference plans), planner:gbfs and planner:astar, built in
    for small tasks, and with their packages planner:kairos, planner:lama and planner:lmcut; each within --model-arg
    seconds=10 and memory=1024 (MB) a task.

    The same command goes on where it was stopped; on a finished run it only prints the result again.
    """
    from planbench.evaluate import Asked, evaluate
    from planbench.models import load
    from planbench.models.catalog import LoadOptions
    from planbench.prompts.styles import STYLES
    from planbench.records import SamplingSettings
    from planbench.records.files import RunFolder

    if prompt is not None and prompt not in STYLES:
        raise InputError(f"no prompt style {prompt!r}: there is {', '.join(sorted(STYLES))}")
    size = _batch_size(batch_size)
    if dry_run:
        tasks, _ = chosen_tasks(domains, folder, limit, plan_length, seed)
        settings = SamplingSettings(
            temperature, top_p, samples=samples, seed=seed, max_thinking_tokens=max_thinking_tokens
        )
        options = LoadOptions(dict(model_args), size, trust_remote_code, concurrency)
        show_forecast(model, tasks, Asked(model, prompt, shots, rename, settings), max_tokens, options, as_json)
        return
    with processes(wanted) as crew:
        tasks, spec = chosen_tasks(domains, folder, limit, plan_length, seed)
        loaded = load(
            model,
            model_args=dict(model_args),
            batch_size=size,
            trust_remote_code=trust_remote_code,
            concurrency=concurrency,
        )
        # A run goes on with another patience.
        model_args = tuple(pair for pair in model_args if pair[0] not in getattr(loaded, "incidental", ()))
        tokens = max_tokens or loaded.default_max_tokens or DEFAULT_TOKENS
        settings = SamplingSettings(temperature, top_p, tokens, samples, seed, max_thinking_tokens)
        typed = shlex.join(["planbench", *sys.argv[1:]])
        asked = Asked(model, prompt, shots, rename, settings, tuple(sorted(model_args)), size, typed)
        identity = repr((loaded.fingerprint, spec, prompt, shots, rename, settings, sorted(model_args), size))
        run = RunFolder(Path(out) if out else Path("runs") / f"{_slug(model)}-{digest(identity)}")
        try:
            with bar(f"{loaded.name} on {len(tasks)} tasks") as advance:
                summary = evaluate(
                    tasks,
                    spec,
                    loaded,
                    asked,
                    run,
                    lambda done, total, valid: advance(done, total, f"{valid} valid" if done else ""),
                    crew,
                )
        finally:
            for line in getattr(loaded, "notes", list[str])():
                note(line)
        if crew.leads:
            show(summary, run, as_json)


def show(summary: Summary, run: RunFolder, as_json: bool) -> None:
    """Print what a run came to, and leave its page in the folder."""
    from planbench.records.files import REPORT, write_whole
    from planbench.report.page import report_page

    page = report_page([(summary.model, summary)], [run.samples()], title=f"planbench: {summary.model}")
    write_whole(run.path / REPORT, page)
    if as_json:
        print(json.dumps(summary.model_dump(mode="json")))
    else:
        from rich.console import Console

        from planbench.report.table import summary_table

        Console(width=None if sys.stdout.isatty() else 100, highlight=False).print(summary_table(summary))
    if summary.near_ties:
        note(f"{summary.near_ties:,} greedy choices between two tokens that rounding could have turned")
    note(f"run folder: {run.path} (samples.jsonl, summary.json, report.html)")


def _batch_size(text: str) -> int | None:
    if text == "auto":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) > 0):
        raise InputError(f"--batch-size {text}: write auto, or a whole number of 1 or more")
    return int(text)


def _slug(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", model.rstrip("/").rsplit("/", 1)[-1]).strip("-.")[:40] or "model"


def digest(text: str) -> str:
    """What tells the default folder of one run from that of another."""
    return blake2b(text.encode(), digest_size=4).hexdigest()
