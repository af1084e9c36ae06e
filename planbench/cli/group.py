"""The commands by name, each loaded when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import click

from planbench import __version__
from planbench.cli.closest import closest
from planbench.cli.settings import with_settings


class Entry(NamedTuple):
    where: str
    about: str


COMMANDS: dict[str, Entry] = {
    "eval": Entry("planbench.cli.eval:command", "Measure a model."),
    "iterate": Entry("planbench.cli.iterate:command", "Deploy, keep what worked, fine-tune, deploy again."),
    "deploy-iterate": Entry("planbench.cli.iterate:command", "The same command as iterate."),
    "report": Entry("planbench.cli.report:command", "Tables and plots of finished runs."),
    "merge": Entry("planbench.cli.merge:command", "Seeds of an iterate run that were run apart, as one."),
    "compare": Entry("planbench.cli.compare:command", "Runs on the same tasks, in pairs."),
    "score": Entry("planbench.cli.score:command", "Judge stored replies again, without the model."),
    "prompt": Entry("planbench.cli.prompt:command", "Exactly what a model would be given."),
    "generate": Entry("planbench.cli.generate:command", "Tasks as PDDL files, seeded."),
    "validate": Entry("planbench.cli.validate:command", "Verdicts for plan files."),
    "domains": Entry("planbench.cli.domains:command", "The built-in domains."),
    "sets": Entry("planbench.cli.sets:command", "The named task sets."),
    "leaderboard": Entry("planbench.cli.leaderboard:command", "Publish results that any reader can recompute."),
    "pretrain": Entry("planbench.cli.pretrain:command", "Train the small planner from scratch."),
    "bias": Entry("planbench.cli.bias:command", "Which features does fine-tuning pick up?"),
    "doctor": Entry("planbench.cli.doctor:command", "What is installed, what is missing, what to type."),
}

SAME: dict[str, str] = {"deploy-iterate": "iterate"}
"""Second names of commands: the variables and the table of the first name hold for both."""

WITHIN: dict[str, tuple[str, ...]] = {"leaderboard": ("add", "verify", "build", "serve", "export")}
"""Commands that hold commands, and which."""

TABLES = frozenset(COMMANDS.keys() - SAME.keys() - WITHIN.keys()) | {
    f"{name}-{command}" for name, commands in WITHIN.items() for command in commands
}
"""The tables that a settings file may have: one file serves all commands."""


class ReaderGone(BrokenPipeError):
    """Whoever read our output has left. It has no `errno`: click turns EPIPE into exit code 1, which is our "no"."""


class CommandLine(click.Group):
    """`planbench` itself."""

    def __init__(self) -> None:
        super().__init__(
            name="planbench",
            help="Measure how well language models plan.",
            epilog="Start with: planbench eval. Each command has --help.",
            no_args_is_help=True,
        )
        click.version_option(__version__, message="planbench %(version)s")(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].where.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        if isinstance(command, click.Group):
            return command  # it sees to its own commands
        return with_settings(command, SAME.get(cmd_name, cmd_name), TABLES)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"no command {args[0]!r}{closest(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.about) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGone from error
