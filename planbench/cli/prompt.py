"""`planbench prompt`: exactly what a model would be given."""

from __future__ import annotations

import json
import sys
from os.path import exists  # unlike Path's, it says no to any path that cannot be
from pathlib import Path
from typing import TYPE_CHECKING

import click

from planbench.cli.closest import closest
from planbench.cli.parameters import KeyValue, Range
from planbench.cli.settings import typed
from planbench.cli.taskset import RENAME, STYLE_NAMES
from planbench.errors import InputError

if TYPE_CHECKING:
    from planbench.records.task import Task


@click.command()
@click.argument("task")
@click.option("--domain", metavar="FILE.pddl", help="The domain of a problem file.  [default: domain.pddl beside it]")
@click.option("--plan-length", type=Range(), default="2:16", show_default=True, help="Of the task made of a domain.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--style", default="pddl", show_default=True, help=f"Prompt style: {STYLE_NAMES}.")
@click.option("--shots", type=click.IntRange(0, 64), default=0, show_default=True, help="Solved examples before it.")
@RENAME
@click.option("--model", help="Show it as this model gets it, through its chat template.")
@click.option("--model-arg", "model_args", type=KeyValue(), multiple=True, help="A setting of the model's engine.")
@click.option("--trust-remote-code", is_flag=True, help="Run code that comes with the checkpoint.")
@click.option("--json", "as_json", is_flag=True, help="Print style, messages and hash as JSON.")
def command(
    task: str,
    domain: str | None,
    plan_length: tuple[int, int],
    seed: int,
    style: str,
    shots: int,
    rename: str,
    model: str | None,
    model_args: tuple[tuple[str, str], ...],
    trust_remote_code: bool,
    as_json: bool,
) -> None:
    """Print the prompt of TASK: a problem file, or a built-in domain of which one task is made."""
    from planbench.preparation import examples, prepare
    from planbench.prompts.styles import build_prompt

    found = _task(task, domain, plan_length, seed)
    one = prepare([found], rename, seed)[0]
    solved = examples([found], shots, rename, seed).get(found.domain, ())
    prompt = build_prompt(style, one.compiled, one.task.domain_pddl, one.task.problem_pddl, one.wording, solved)
    if model is not None and model.startswith("server:"):
        from planbench.models.catalog import load

        # Its template is the server's, so this is the request.
        request = getattr(load(model, model_args=dict(model_args)), "rendered")(prompt)  # noqa: B009
        print(json.dumps({"style": prompt.style, "hash": prompt.hash, "text": request}) if as_json else request)
    elif model is not None:
        from planbench.models.catalog import prompt_encoder

        encoder = prompt_encoder(model, model_args=dict(model_args), trust_remote_code=trust_remote_code)
        if encoder is None:
            raise InputError(f"{model}: no checkpoint, so nothing is made of the prompt; drop --model")
        text = encoder.rendered(prompt)
        if as_json:
            more = {"template_hash": encoder.template_hash, "tokens": encoder.encode(prompt)}
            print(json.dumps({"style": prompt.style, "hash": prompt.hash, "text": text, **more}))
        else:
            # To the byte: a line end of ours goes to a terminal alone.
            click.echo(text.encode(), nl=sys.stdout.isatty())
    elif as_json:
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        print(json.dumps({"style": prompt.style, "hash": prompt.hash, "raw": prompt.raw, "messages": messages}))
    elif len(prompt.messages) == 1:
        print(prompt.text)
    else:
        for message in prompt.messages:
            print(f"--- {message.role}\n{message.content}\n")


def _task(name: str, domain: str | None, plan_length: tuple[int, int], seed: int) -> Task:
    from planbench.cli.inputs import domain_file
    from planbench.suite import GENERATORS, generate, read_problem_file

    if name in GENERATORS and domain is None:
        return generate(name, 1, seed=seed, plan_length=plan_length)[0]
    if not exists(name) and Path(name).name == Path(name).stem == name:
        raise InputError(f"no domain or problem file {name!r}{closest(name, GENERATORS)}")
    if typed("plan_length"):
        raise InputError(f"--plan-length is of a task that is made, and {name} is one already; leave it out")
    return read_problem_file(Path(name), None if domain is None else domain_file(domain))
