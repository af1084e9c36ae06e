"""`planbench score`: judge stored replies again, or those that another tool drew."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from planbench.cli.eval import digest, show
from planbench.cli.screen import note
from planbench.cli.settings import typed
from planbench.errors import InputError, RunFolderError


@click.command()
@click.argument("run", type=click.Path())
@click.option(
    "--from",
    "source",
    type=click.Choice(["lm-eval"]),
    help="RUN is a samples_*.jsonl of that tool.",
)
@click.option("--tasks", "set_name", metavar="SET|FOLDER", help="With --from: the tasks that were asked.")
@click.option("--prompt", help="With --from: the prompt style that was asked in.  [default: pddl]")
@click.option("--out", type=click.Path(), help="With --from: the run folder to write.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    run: str, source: str | None, set_name: str | None, prompt: str | None, out: str | None, as_json: bool
) -> None:
    """Judge the stored replies of RUN again, without the model.

    RUN is a folder that planbench eval wrote. Its samples and summary are brought up to date where the judge, or the
    reading of replies, has changed since.

    With --from lm-eval, RUN is a samples_*.jsonl that lm-eval wrote with --log_samples, and the replies in it become a
    run folder of their own. Each doc says which task it is by task_hash, task or problem_pddl.
    """
    if source is not None:
        _score_lm_eval(Path(run), set_name, prompt, out, as_json)
        return
    if typed("set_name", "prompt", "out"):
        raise InputError("--tasks, --prompt and --out belong to --from: a run folder says all of it itself")
    from planbench.evaluate import score
    from planbench.records.files import RunFolder

    folder = RunFolder(Path(run))
    summary, changed = score(folder)
    show(summary, folder, as_json)
    note(f"{changed} of {summary.samples} verdicts changed")


def _score_lm_eval(path: Path, set_name: str | None, prompt: str | None, out: str | None, as_json: bool) -> None:
    from planbench.cli.taskset import chosen_tasks
    from planbench.evaluate import Asked, Spec, evaluate
    from planbench.models import load
    from planbench.models.lm_eval import read_lm_eval
    from planbench.prompts.styles import STYLES
    from planbench.records.files import RUN, RunFolder, write_whole

    if prompt is not None and prompt not in STYLES:
        raise InputError(f"no prompt style {prompt!r}: there is {', '.join(sorted(STYLES))}")
    tasks, spec = chosen_tasks((), set_name, None, None, 0) if set_name else ([], Spec(source="lm-eval"))
    found = read_lm_eval(path, tasks)
    if len(found.tasks) != len(tasks):
        spec = {**spec, "limit": len(found.tasks)}
    lines = "".join(found.lines())
    own = f"lm-eval-{path.stem[:60]}-{digest(repr((lines, spec, prompt)))}"
    folder = RunFolder(Path(out) if out else Path("runs") / own)
    folder.create(RUN)
    replies = folder.path / "replies.jsonl"
    there = replies.read_bytes() if replies.is_file() else None
    if there != lines.encode() and (there is not None or (folder.path / RUN).exists()):
        raise RunFolderError(f"{folder.path}: holds other replies; choose another --out")
    write_whole(replies, lines)
    model = load(f"replay:{replies}")
    command_line = shlex.join(["planbench", *sys.argv[1:]])
    summary = evaluate(
        found.tasks, spec, model, Asked(model.name, prompt, settings=found.settings, command=command_line), folder
    )
    show(summary, folder, as_json)
