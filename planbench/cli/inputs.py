"""What a command is given to read: files, standard input, the name of a domain.

Reading is bounded whatever the path leads to (a huge file, a device). Bytes that are not UTF-8 are replaced: in a
comment they do no harm, in a name the parser reports them with their place.
"""

from __future__ import annotations

import sys
from os.path import isdir, isfile  # unlike Path's, they say no to any path that cannot be
from pathlib import Path

from planbench.cli.closest import closest
from planbench.errors import InputError
from planbench.paths import domains_dir

MAX_BYTES = 16 * 2**20
"""Well above any file that the commands read whole; the PDDL reader has limits of its own."""


def read_text(path: Path, what: str) -> str:
    """The text of a file of the user's. `what` names it in errors: `plan file`. Raises InputError."""
    if isdir(path):
        raise InputError(f"{path}: a folder, not a {what}")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such {what}; check the path") from None
    except OSError as error:
        raise InputError(f"{path}: this {what} cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL in the path
        raise InputError(f"{path}: no such {what}: {error}") from error
    return _decoded(data, str(path))


def read_stdin() -> str:
    """All of standard input, as bounded as a file."""
    return _decoded(sys.stdin.buffer.read(MAX_BYTES + 1), "standard input")


def domain_file(name: str) -> Path:
    """The file of a domain given by a built-in name, as a file, or as a folder with a domain.pddl.

    Raises InputError.
    """
    from planbench.suite import domain_names

    builtin = domain_names()
    if name in builtin:
        return domains_dir() / name / "domain.pddl"
    if isfile(name):
        return Path(name)
    if isfile(Path(name) / "domain.pddl"):
        return Path(name) / "domain.pddl"
    if isdir(name):
        raise InputError(f"{name}: this folder has no domain.pddl")
    if Path(name).suffix or Path(name).name != name:
        raise InputError(f"{name}: no such domain file; check the path")
    raise InputError(f"no domain or domain file {name!r}{closest(name, builtin)}")


def _decoded(data: bytes, source: str) -> str:
    if len(data) > MAX_BYTES:
        raise InputError(f"{source}: larger than {MAX_BYTES // 2**20} MiB; planbench does not read it")
    return data.decode("utf-8-sig", errors="replace")
