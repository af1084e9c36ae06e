"""Every option of every command is also an environment variable and a key of a TOML file.

The command line wins over the environment, the environment over the file, the file over the default.

    option         --max-tokens 256
    environment    PLANBENCH_MAX_TOKENS=256         for every command that has the option
                   PLANBENCH_EVAL_MAX_TOKENS=256    for `planbench eval` alone; wins over the line above
    file           max-tokens = 256                 for the command that the file is given to
                   [eval]                           for `planbench eval` alone; wins over the line above
                   max-tokens = 256

Where an option is named as a command is (`--prompt` of `planbench eval`), `[prompt]` is the command's table.

A value in the file is read as if it had been typed: 256 or "256", "8:16" or [8, 16] for a range, a list for an option
that may be repeated, a table for `key=value` options. Of these each key is a setting of its own: `--set width=300`
leaves the file's other settings as they are. In a variable, several values are separated by spaces. Arguments that may
be left out (`planbench eval [MODEL]`) follow the same rule; required ones must be typed.

A command within a command has both names: `planbench leaderboard add` has `[leaderboard-add]` and
`PLANBENCH_LEADERBOARD_ADD_TITLE`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from planbench.cli.closest import closest
from planbench.cli.inputs import read_text
from planbench.cli.parameters import KeyValue, Range
from planbench.errors import InputError

CONFIG = "planbench.config"
EPILOG = (
    "Each option is also a variable (--{option} is {shared}, or {own} for this command alone) and a key of the "
    "--config file. The command line wins over variables, and these over the file."
)


def with_settings(command: click.Command, name: str, commands: frozenset[str]) -> click.Command:
    """Give a command the variables and the `--config` option. Doing it again changes nothing."""
    if any(param.name == "config" for param in command.params):
        return command

    def apply(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
        if value is not None:
            ctx.meta[CONFIG] = value
            ctx.default_map = read_config(Path(value), command, name, commands)

    config = click.Option(
        ["--config"],
        metavar="FILE.toml",
        help="Read options from a file.",
        callback=apply,
        expose_value=False,
        is_eager=True,
    )
    command.params.append(config)
    for param in command.params:
        if _settable(param) and param.envvar is None:
            param.envvar = variables(param, name)
        if _takes_table(param):
            param.callback = _key_by_key
    first = next(param for param in command.params if isinstance(param, click.Option))
    own, shared = variables(first, name)
    command.epilog = EPILOG.format(option=_key(first), shared=shared, own=own)
    return command


def variables(param: click.Parameter, command: str) -> list[str]:
    """The environment variables of an option, the strongest first."""
    key = _shout(_key(param))
    return [f"PLANBENCH_{_shout(command)}_{key}", f"PLANBENCH_{key}"]


def origin(ctx: click.Context, param: click.Parameter) -> str | None:
    """Where a value came from, if it was not typed."""
    source = ctx.get_parameter_source(param.name) if param.name else None
    if source is click.core.ParameterSource.ENVIRONMENT and not isinstance(param.envvar, str):
        return next((name for name in param.envvar or () if os.environ.get(name)), None)
    if source is click.core.ParameterSource.DEFAULT_MAP:
        return ctx.meta.get(CONFIG)
    return None


def typed(*names: str) -> bool:
    """Whether any of these parameters of the command that runs stands on the command line. A shared variable or a file
    may be meant for other commands."""
    context = click.get_current_context()
    return any(context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE for name in names)


def read_config(path: Path, command: click.Command, name: str, commands: frozenset[str]) -> dict[str, Any]:
    """The settings that a file holds for one command, by parameter name.

    Raises InputError for what is not TOML, a key that the command has not, a table that is no command, or a value of
    the wrong shape.
    """
    from planbench.records.toml import read_toml

    data = read_toml(read_text(path, "config file"), str(path))
    params = {_key(param): param for param in command.params if _settable(param) and param.name != "config"}
    tables = {key for key, value in data.items() if isinstance(value, dict) and not _takes_table(params.get(key))}
    for key in sorted(tables):
        if key not in commands:
            raise InputError(f"{path}: [{key}] is no command{closest(key, commands)}")
    shared = {key: value for key, value in data.items() if key not in tables}
    settings: dict[str, Any] = {}
    for place, group in ((f"{path}", shared), (f"{path}: [{name}]", data[name] if name in tables else {})):
        for written, value in group.items():
            param = params.get(written.replace("_", "-"))
            if param is None or param.name is None:
                called = name.replace("-", " ")
                raise InputError(f"{place}: planbench {called} has no option {written!r}{closest(written, params)}")
            read = _as_typed(param, value, f"{place}: {written}")
            settings[param.name] = [*settings.get(param.name, ()), *read] if _takes_table(param) else read
    return settings


def _key_by_key(ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, str], ...]) -> Any:
    """The pairs of all sources, each key from the strongest that has it."""
    names = [param.envvar] if isinstance(param.envvar, str) else param.envvar or ()
    told = [os.environ.get(name, "").split() for name in reversed(names)]
    layers = [ctx.lookup_default(param.name or "") or (), *told, value]
    return tuple(dict(param.type.convert(pair, param, ctx) for layer in layers for pair in layer).items())


def _as_typed(param: click.Parameter, value: Any, place: str) -> Any:
    """A TOML value as the command line would have given it."""
    if isinstance(param, click.Option) and param.is_flag:
        if not isinstance(value, bool):
            raise InputError(f"{place}: write true or false")
        return value
    if _takes_table(param) and isinstance(value, Mapping):
        return [f"{key}={_scalar(item, f'{place}.{key}')}" for key, item in value.items()]
    if isinstance(param.type, Range) and isinstance(value, list):
        return ":".join(_scalar(item, place) for item in value)
    if _repeats(param):
        return [_scalar(item, place) for item in (value if isinstance(value, list) else [value])]
    return _scalar(value, place)


def _scalar(value: Any, place: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        shown = "a table" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else str(value).lower()
        raise InputError(f"{place}: write a text or a number, not {shown}")
    try:
        text = str(value)
    except ValueError:  # written in another base, it was read whatever its length
        raise InputError(f"{place}: a number of too many digits") from None
    if "\0" in text:
        raise InputError(f"{place}: holds a NUL character, which nothing is called by")
    return text


def _settable(param: click.Parameter) -> bool:
    return isinstance(param, click.Option) or not param.required


def _repeats(param: click.Parameter) -> bool:
    return param.nargs != 1 or bool(getattr(param, "multiple", False))


def _takes_table(param: click.Parameter | None) -> bool:
    return param is not None and isinstance(param.type, KeyValue) and _repeats(param)


def _key(param: click.Parameter) -> str:
    """`max-tokens` for `--max-tokens`; an argument's own name."""
    if isinstance(param, click.Option):
        return max(param.opts, key=len).lstrip("-")
    return (param.name or "").replace("_", "-")


def _shout(key: str) -> str:
    return key.replace("-", "_").upper()
