"""The command line over the environment over the file over the default: for every option of every command."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from planbench.cli.group import COMMANDS, SAME, WITHIN, CommandLine
from planbench.cli.parameters import KeyValue, Range
from planbench.cli.settings import variables
from planbench.errors import InputError


def load(name: str) -> click.Command:
    command = CommandLine().get_command(click.Context(CommandLine()), name)
    assert command is not None
    return command


def settable() -> list[tuple[str, click.Option]]:
    """Every option of every command; `--help` and `--config` are about the command, not of it."""
    return [
        (name, param)
        for name in sorted(COMMANDS.keys() - SAME.keys())
        for param in load(name).params
        if isinstance(param, click.Option) and param.name != "config"
    ]


def key(option: click.Option) -> str:
    return max(option.opts, key=len).removeprefix("--")


def three_values(option: click.Option, folder: Path) -> list[str]:
    """Three texts that the option takes, different where it has as many."""
    kind = option.type
    if option.is_flag:
        return ["true", "false", "true"]
    if isinstance(kind, Range):
        return ["2:3", "4:5", "6:7"]
    if isinstance(kind, KeyValue):
        return ["a=1", "a=2", "a=3"]
    if isinstance(kind, click.Choice):
        choices = [str(choice) for choice in kind.choices]
        return [choices[i % len(choices)] for i in range(3)]
    if isinstance(kind, click.FloatRange | click.types.FloatParamType):
        low = float(getattr(kind, "min", None) or 0)
        return [str(low + step) for step in (0.25, 0.5, 0.75)]
    if isinstance(kind, click.IntRange | click.types.IntParamType):
        low = int(getattr(kind, "min", None) or 0)
        return [str(low + step) for step in (1, 2, 3)]
    if isinstance(kind, click.Path) and kind.exists:
        paths = [folder / name for name in ("one", "two", "three")]
        for path in paths:
            path.mkdir() if not kind.file_okay else path.touch()
        return [str(path) for path in paths]
    return ["4", "5", "6"]  # a text; as digits, so that it fits wherever a number is read from a text too


def typed(option: click.Option, text: str) -> list[str]:
    if not option.is_flag:
        return [option.opts[0], text]
    if text == "true":
        return [max(option.opts, key=len)]
    return option.secondary_opts[:1]


def toml(option: click.Option, text: str) -> str:
    return f"{key(option)} = {text if option.is_flag else json.dumps(text)}\n"


def value(command: click.Command, option: click.Option, name: str, argv: list[str], folder: Path) -> Any:
    """What the option comes to, with required arguments filled in."""
    anything = folder / "anything"
    anything.touch()
    required = [str(anything) for param in command.params if isinstance(param, click.Argument) and param.required]
    context = command.make_context(name, [*argv, "--", *required])
    return context.params[option.name or ""]


@pytest.mark.parametrize(("name", "option"), settable(), ids=lambda part: part if isinstance(part, str) else key(part))
def test_the_stronger_source_wins(
    name: str, option: click.Option, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = load(name)
    in_file, in_environment, in_command = three_values(option, tmp_path)
    config = tmp_path / "config.toml"
    config.write_text(toml(option, in_file))
    from_file = ["--config", str(config)]
    own, shared = variables(option, name)

    def read(*argv: str) -> Any:
        return value(command, option, name, list(argv), tmp_path)

    expected = {text: read(*typed(option, text)) for text in (in_file, in_environment, in_command)}
    assert read(*from_file) == expected[in_file]
    config.write_text(f"[{name}]\n{toml(option, in_file)}")
    assert read(*from_file) == expected[in_file]
    config.write_text(f"{toml(option, in_environment)}[{name}]\n{toml(option, in_file)}")
    assert read(*from_file) == expected[in_file]

    monkeypatch.setenv(shared, in_environment)
    assert read() == expected[in_environment]
    assert read(*from_file) == expected[in_environment]
    monkeypatch.setenv(own, in_environment)
    monkeypatch.setenv(shared, in_command)
    assert read(*from_file) == expected[in_environment]

    assert read(*from_file, *typed(option, in_command)) == expected[in_command]


@pytest.mark.parametrize(("second", "first"), SAME.items())
def test_a_second_name_reads_the_settings_of_the_first(second: str, first: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f"[{first}]\ngenerations = 3")
    context = load(second).make_context(second, ["--config", str(config)])
    assert context.params["generations"] == 3
    config.write_text(f"[{second}]\ngenerations = 3")
    with pytest.raises(InputError, match="is no command"):
        load(second).make_context(second, ["--config", str(config)])


def test_commands_within_commands_are_those_there_are() -> None:
    groups = {name: command for name in COMMANDS if isinstance(command := load(name), click.Group)}
    assert {name: set(group.commands) for name, group in groups.items()} == {
        name: set(commands) for name, commands in WITHIN.items()
    }


def test_one_file_serves_all_commands(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[eval]\nlimit = 3\n[leaderboard-add]\ntitle = 'mine'\n")
    assert load("eval").make_context("eval", ["--config", str(config)]).params["limit"] == 3
    group = load("leaderboard")
    assert isinstance(group, click.Group)
    add = group.get_command(click.Context(group), "add")
    assert add is not None
    assert add.make_context("add", ["run", "--config", str(config)]).params["title"] == "mine"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_file_may_be_named_by_a_variable(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.toml"
    config.write_text("json = true")
    monkeypatch.setenv("PLANBENCH_CONFIG", str(config))
    option = next((option for command, option in settable() if command == name and key(option) == "json"), None)
    if option is not None:
        assert value(load(name), option, name, [], tmp_path) is True


@pytest.mark.parametrize(("name", "option"), settable(), ids=lambda part: part if isinstance(part, str) else key(part))
def test_variables_follow_the_option(name: str, option: click.Option) -> None:
    assert re.fullmatch(r"PLANBENCH_[A-Z_]+", variables(option, name)[1])
    assert variables(option, name)[1] == "PLANBENCH_" + key(option).replace("-", "_").upper()


@click.command()
@click.argument("model", default="tiny")
@click.option("--domain", "domains", multiple=True)
@click.option("--model-arg", "model_args", multiple=True, type=KeyValue())
@click.option("--plan-length", type=Range())
@click.option("--limit", type=int)
@click.option("--prompt")
@click.option("--fast/--slow", default=False)
def sketch(**_: Any) -> None:
    """Options of every shape."""


def configured(text: str, folder: Path, *argv: str) -> dict[str, Any]:
    from planbench.cli.settings import with_settings

    (folder / "config.toml").write_text(text)
    command = with_settings(sketch, "sketch", frozenset({"sketch", "prompt"}))
    return command.make_context("sketch", ["--config", str(folder / "config.toml"), *argv]).params


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ('model = "replay:x"', "model", "replay:x"),
        ('domain = "grid"', "domains", ("grid",)),
        ('domain = ["grid", "logistics"]', "domains", ("grid", "logistics")),
        ("model-arg = { dtype = 'bfloat16', threads = 2 }", "model_args", (("dtype", "bfloat16"), ("threads", "2"))),
        ("[model-arg]\ndtype = 'bfloat16'", "model_args", (("dtype", "bfloat16"),)),
        ("model_arg = ['a=1']", "model_args", (("a", "1"),)),
        ("plan-length = [8, 16]", "plan_length", (8, 16)),
        ("plan-length = '8:16'", "plan_length", (8, 16)),
        ("plan-length = 8", "plan_length", (8, 8)),
        ("limit = 3", "limit", 3),
        ("fast = true", "fast", True),
        ("[sketch]\nprompt = 'pddl'\n[prompt]\nwhatever = 1", "prompt", "pddl"),
        ("limit = 3\n[sketch]\nlimit = 4", "limit", 4),
    ],
)
def test_a_file_is_read_as_if_typed(text: str, name: str, expected: Any, tmp_path: Path) -> None:
    assert configured(text, tmp_path)[name] == expected


def test_several_values_of_a_variable_stand_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLANBENCH_DOMAIN", "grid logistics")
    monkeypatch.setenv("PLANBENCH_MODEL", "random")
    params = configured("domain = 'blocksworld'", tmp_path)
    assert params["domains"] == ("grid", "logistics")
    assert params["model"] == "random"
    assert configured("", tmp_path, "--domain", "blocksworld", "tiny")["domains"] == ("blocksworld",)


def test_each_key_of_a_table_is_a_setting_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLANBENCH_MODEL_ARG", "b=shared c=shared d=shared")
    monkeypatch.setenv("PLANBENCH_SKETCH_MODEL_ARG", "c=own d=own")
    text = "[model-arg]\na = 'file'\nb = 'file'\n[sketch]\nmodel-arg = { z = 'sketch', a = 'sketch' }"
    pairs = configured(text, tmp_path, "--model-arg", "d=typed", "--model-arg", "e=typed", "--model-arg", "e=last")
    assert dict(pairs["model_args"]) == {
        "z": "sketch",
        "a": "sketch",
        "b": "shared",
        "c": "own",
        "d": "typed",
        "e": "last",
    }
    assert len(pairs["model_args"]) == 6
