"""The command line: which commands there are, and how each of them ends.

A command is loaded when it is called, so that `planbench --help` imports click and nothing else. Commands return None
or an exit code; everything that a person has to know about their input is raised as a `PlanbenchError`, and becomes one
line here. Exit codes: 0 done, 1 the answer is "no", 2 bad usage or bad input, 130 interrupted, 141 nobody reads the
output. Any other exception is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

import click

from planbench.cli.group import CommandLine
from planbench.cli.settings import origin
from planbench.crew import leads
from planbench.errors import PlanbenchError, ProcessLost

INTERRUPTED = 130
READER_GONE = 141
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. `argv` is without the program's name (default: `sys.argv[1:]`)."""
    _open_what_is_closed()
    _tolerate_any_text()
    try:
        code = CommandLine().main(argv, prog_name="planbench", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return 2
    except click.ClickException as error:
        return _fail(_usage_line(error), 2)
    except ProcessLost as error:
        # Every process that is left notices; one of them says so.
        return _fail(str(error), error.exit_code) if leads() else error.exit_code
    except PlanbenchError as error:
        return _fail(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        # Each of several processes is told; one of them says so.
        return _fail("interrupted", INTERRUPTED) if leads() else INTERRUPTED
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return _leave_quietly()
        if error.errno in NO_SPACE:
            place = f" at {error.filename}" if error.filename else ""
            return _fail(f"the disk is full{place}: make room, then run the same command again", 2)
        if error.filename is not None:
            return _fail(f"{os.fsdecode(error.filename)}: {error.strerror}; check the path", 2)
        raise
    return code if isinstance(code, int) else 0


def _usage_line(error: click.ClickException) -> str:
    message = error.format_message().rstrip(".")
    if isinstance(error, click.BadParameter) and error.ctx and error.param:
        source = origin(error.ctx, error.param)
        message += f", from {source}" if source else ""
    context = getattr(error, "ctx", None)
    return f"{message} (see {context.command_path} --help)" if context else message


def _fail(message: str, code: int) -> int:
    line = " ".join(message.split())
    # What a file says may be in it. Half characters, which stand for bytes of a file's name, are written as `\udcff`.
    clean = "".join(one if one.isprintable() or "\ud800" <= one <= "\udfff" else "?" for one in line)
    print(f"error: {clean}", file=sys.stderr)
    return code


def _leave_quietly() -> int:
    # The interpreter flushes standard output once more when it ends, and would complain then.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return READER_GONE


def _open_what_is_closed() -> None:
    """Where a standard stream is closed (`>&-`), Python has None in its place, which has no methods."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _tolerate_any_text() -> None:
    """File names and model replies may hold what the terminal's encoding cannot show: escape it, never stop at it."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
