"""Bad input ends in exit code 2 and one line that says what, where and what to type; never in a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from planbench.cli.group import COMMANDS, CommandLine, Entry
from planbench.cli.inputs import MAX_BYTES
from planbench.paths import domains_dir
from tests.cli.conftest import Shell

DOMAIN = domains_dir() / "blocksworld" / "domain.pddl"
PROBLEM = """(define (problem two) (:domain blocksworld) (:objects a b - block)
  (:init (ontable a) (ontable b) (clear a) (clear b) (handempty)) (:goal (on a b)))"""
LONG = "x" * 5000
"""A name that no file has: longer than one may be."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("problem.pddl").write_text(PROBLEM)
    Path("plan").write_text("(pick-up a)\n(stack a b)\n")
    Path("broken.pddl").write_text("(define (problem two)\n (:domain blocksworld)\n (:init (on a")
    Path("bytes").write_bytes(bytes(range(256)) * 64)
    Path("empty").write_text("")
    Path("hollow").mkdir()
    Path("full").mkdir()
    Path("full/something").touch()
    with Path("huge").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("argv", "says"),
    [
        # usage
        ("evla", ("evla", "did you mean 'eval'?", "--help")),
        ("frobnicate", ("frobnicate", "doctor")),
        ("--frobnicate", ("--frobnicate", "planbench --help")),
        ("validate", ("DOMAIN", "planbench validate --help")),
        ("validate blocksworld problem.pddl", ("PLAN", "planbench validate --help")),
        ("domains --jsn", ("--jsn", "--json")),
        ("domains surplus", ("surplus", "planbench domains --help")),
        ("generate blocksworld --count none", ("--count", "none")),
        ("generate blocksworld --count 0", ("--count", "0")),
        ("generate blocksworld --plan-length 9:3", ("--plan-length", "9:3")),
        ("generate blocksworld --plan-length 3-9", ("--plan-length", "8:16")),
        # files
        ("validate blocksworld problem.pddl absent", ("absent", "no such plan file")),
        ("validate blocksworld absent.pddl plan", ("absent.pddl", "no such problem file")),
        ("validate absent.pddl problem.pddl plan", ("absent.pddl", "no such domain file")),
        ("validate blocksworld hollow plan", ("hollow", "a folder")),
        ("validate blocksworld problem.pddl hollow", ("hollow", "a folder")),
        ("validate hollow problem.pddl plan", ("hollow", "no domain.pddl")),
        ("validate blocksworld huge plan", ("huge", "MiB")),
        ("validate blocksworld /dev/zero plan", ("/dev/zero", "MiB")),
        ("validate blocksworld problem.pddl huge", ("huge", "MiB")),
        ("validate blocksworld problem.pddl - -", ("standard input", "once")),
        ("validate blocksworld problem.pddl plan/under", ("plan/under", "no such plan file")),
        (f"validate {LONG} problem.pddl plan", ("no domain",)),
        (f"eval random --domain {LONG}", ("no domain or folder",)),
        (f"eval random --tasks {LONG}", ("no task set of that name",)),
        (f"eval random --dry-run --tasks {LONG}", ("no task set of that name",)),
        *(
            (f"{command} {LONG}", (LONG, "File name too long", "check the path"))
            for command in (
                "eval",
                "report",
                "compare plan",
                "score",
                "merge plan",
                "leaderboard add",
            )
        ),
        # PDDL
        ("validate blocksworld broken.pddl plan", ("broken.pddl:3",)),
        ("validate broken.pddl problem.pddl plan", ("broken.pddl",)),
        ("validate blocksworld bytes plan", ("bytes",)),
        ("validate blocksworld empty plan", ("empty",)),
        ("validate grid problem.pddl plan", ("problem.pddl",)),
        ("validate blockworld problem.pddl plan", ("blockworld", "did you mean 'blocksworld'?")),
        # generate
        ("generate blockworld --out new", ("blockworld", "blocksworld")),
        (f"generate {'x' * 5000}", ("no generator for a domain",)),
        ("generate blocksworld --out full", ("full", "--out")),
        ("generate blocksworld --out plan", ("plan", "--out")),
        ("generate blocksworld --out plan/under", ("plan/under", "--out")),
        ("generate blocksworld --out /dev/null/x", ("/dev/null/x", "--out")),
    ],
)
def test_one_line(argv: str, says: tuple[str, ...], planbench: Shell) -> None:
    line = planbench.refused(*argv.split())
    for words in says:
        assert words in line


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("count = ,", ("config.toml", "line 1")),
        ("cout = 3", ("'cout'", "did you mean 'count'?", "config.toml")),
        ("[generate]\ncout = 3", ("[generate]", "'cout'", "did you mean 'count'?")),
        ("[genrate]\ncount = 3", ("[genrate]", "did you mean 'generate'?")),
        ("count = true", ("count", "true")),
        ("count = [1, 2]", ("count", "a list")),
        ("count = {a = 1}", ("[count]", "no command")),
        ("count = 'three'", ("--count", "three", "config.toml")),
        ("count = 1979-05-27", ("count", "1979-05-27")),
        ("json = 'yes'", ("json", "true or false")),
        ("plan-length = [9, 3]", ("--plan-length", "9:3", "config.toml")),
        ("config = 'other.toml'", ("'config'",)),
        ("domain = 'grid'", ("'domain'",)),
        ("seed = " + "1" * 5000, ("config.toml", "digits")),
        ("seed = 0x" + "f" * 5000, ("config.toml", "seed", "digits")),
        ("json = 0x" + "f" * 5000, ("config.toml", "json", "true or false")),
        ('out = "a\\u0000b"', ("config.toml", "out", "NUL")),
        ("a = " + "[" * 5000 + "]" * 5000, ("config.toml",)),
        ("count = " + "9" * 5000, ("config.toml", "not valid TOML")),
    ],
)
def test_a_bad_config_file_is_one_line(config: str, says: tuple[str, ...], planbench: Shell) -> None:
    Path("config.toml").write_text(config)
    line = planbench.refused("generate", "blocksworld", "--config", "config.toml")
    for words in says:
        assert words in line


@pytest.mark.parametrize(
    ("launcher", "says"),
    [
        ({"WORLD_SIZE": "2", "RANK": "0"}, ("WORLD_SIZE=2", "MASTER_ADDR", "--processes")),
        ({"WORLD_SIZE": "two"}, ("WORLD_SIZE=two", "unset WORLD_SIZE")),
        ({"WORLD_SIZE": "", "RANK": ""}, ("absent: no such folder of tasks",)),
    ],
)
def test_half_of_a_launcher_is_one_line(
    launcher: dict[str, str], says: tuple[str, ...], planbench: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in launcher.items():
        monkeypatch.setenv(name, value)
    line = planbench.refused("eval", "random", "--tasks", "absent")
    for words in says:
        assert words in line


def test_a_bad_variable_is_named(planbench: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANBENCH_COUNT", "three")
    assert "PLANBENCH_COUNT" in planbench.refused("generate", "blocksworld")
    monkeypatch.setenv("PLANBENCH_GENERATE_COUNT", "four")
    assert "PLANBENCH_GENERATE_COUNT" in planbench.refused("generate", "blocksworld")


def leaves() -> list[tuple[str, ...]]:
    """Every command, those of groups too."""
    top = CommandLine()
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = top.get_command(click.Context(top), name)
        below = command.commands if isinstance(command, click.Group) else None
        found += [(name,)] if below is None else [(name, sub) for sub in below]
    return found


@pytest.mark.parametrize("command", leaves(), ids=" ".join)
@pytest.mark.parametrize("config", ["absent.toml", "."])
def test_every_command_checks_its_config_file(command: tuple[str, ...], config: str, planbench: Shell) -> None:
    assert config in planbench.refused(*command, "--config", config)


def test_no_command_shows_what_there_is(planbench: Shell) -> None:
    outcome = planbench()
    assert outcome.code == 2
    assert outcome.out == ""
    assert all(name in outcome.err for name in COMMANDS)


def test_a_bug_keeps_its_traceback(planbench: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "a_faulty_command.py").write_text("import click\n@click.command()\ndef command():\n    1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(COMMANDS, "faulty", Entry("a_faulty_command:command", ""))
    with pytest.raises(ZeroDivisionError):
        planbench("faulty")


@pytest.mark.parametrize(("rank", "said"), [("0", "error: interrupted"), ("1", "")])
def test_one_of_several_processes_says_that_it_was_interrupted(
    rank: str, said: str, planbench: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "an_interrupted_command.py").write_text(
        "import click\n@click.command()\n@click.option('--a')\ndef command(a):\n    raise KeyboardInterrupt\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(COMMANDS, "interrupted", Entry("an_interrupted_command:command", ""))
    monkeypatch.setenv("RANK", rank)
    outcome = planbench("interrupted")
    assert (outcome.code, outcome.err.strip()) == (130, said)


def start(folder: Path, *argv: str, stdin: int | None = None, stdout: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "planbench", *argv]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        # Where the tests run in the background of a shell, interrupts are ignored, and a child inherits that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_an_interrupt_is_one_line(folder: Path) -> None:
    with start(folder, "validate", "blocksworld", "problem.pddl", "-", stdin=subprocess.PIPE) as process:
        assert process.stdin
        # More than a pipe holds: once it is written, the command is at work, reading, and waits for the rest.
        process.stdin.write(b"\n" * 2**20)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.split()) == (130, b"", [b"error:", b"interrupted"])


def test_a_reader_that_leaves_is_no_error(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = start(folder, "domains", "--json", stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, b"")


@pytest.mark.parametrize(
    ("argv", "code"),
    [("domains >&-", 0), ("domains surplus 2>&-", 2), ("validate blocksworld problem.pddl - <&-", 1)],
)
def test_a_closed_stream_is_no_error(argv: str, code: int, folder: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = ["sh", "-c", f"exec {sys.executable} -m planbench {argv}"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (code, "")
    assert "error" not in done.stdout


def test_a_full_disk_is_one_line(folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        process = start(folder, "domains", "--json", stdout=full.fileno())
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.startswith(b"error: the disk is full")
    assert err.count(b"\n") == 1


@pytest.mark.parametrize("name", [os.fsdecode(b"\xff\xfe"), "[bold]", "\x1b[31mred", "a\nb"])
def test_any_file_name_can_be_shown(name: str, folder: Path) -> None:
    (folder / name).write_text("(pick-up a)\n(stack a b)\n")
    with start(folder, "validate", "blocksworld", "problem.pddl", name) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out.count(b"\n") == 3
    assert b"\x1b" not in out
