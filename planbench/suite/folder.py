"""Tasks that lie in a folder as PDDL files, ours or anybody's.

A folder holds problems (`*.pddl` other than the domain), or has them in a folder `instances` as the built-in domains
do, and a domain.pddl, unless the domain is given apart. A plan beside a problem (`p01.plan` beside `p01.pddl`) is its
reference plan; it is taken at its word here and judged by whoever uses it.
"""

from __future__ import annotations

import re
from os.path import isdir, isfile  # unlike Path's, they say no to any path that cannot be
from pathlib import Path
from stat import S_ISREG

from planbench.core.plan import read_plan
from planbench.errors import InputError
from planbench.paths import as_text
from planbench.records import ReferencePlan, Task
from planbench.suite.catalog import domain_info, domain_names

_DOMAIN_HEAD = re.compile(r"\(\s*define\s*\(\s*domain\s+([^\s()]*)", re.IGNORECASE)
_COMMENT = re.compile(r";[^\n]*")

MAX_BYTES = 50_000_000
"""A larger PDDL file is refused."""


def read_folder(folder: Path, domain_file: Path | None = None) -> list[Task]:
    """The tasks of a folder, in the natural order of their file names (`p2` before `p10`).

    Raises InputError where the folder, the domain or every problem is missing.
    """
    if isfile(folder):
        raise InputError(f"{folder}: a file, not a folder of tasks; name the folder that it lies in")
    if not isdir(folder):
        raise InputError(f"{folder}: no such folder of tasks")
    domain_path = domain_file or folder / "domain.pddl"
    if not isfile(domain_path):
        raise InputError(f"{folder}: no domain.pddl in it; name the file with --domain FILE.pddl")
    domain_pddl = read_text(domain_path)
    name = _domain_name(domain_path, domain_pddl)
    domain_toml = _wording(domain_path, domain_pddl)
    tasks: list[Task] = []
    for path, text in _problems(folder, domain_path) or _problems(folder / "instances", domain_path):
        plan_file = path.with_suffix(".plan")
        reference = ReferencePlan(read_plan(read_text(plan_file))) if isfile(plan_file) else None
        stem = as_text(path.stem)
        tasks.append(Task(stem, name, domain_pddl, text, reference, domain_toml, str(domain_path), str(path)))
    if not tasks:
        raise InputError(f"{folder}: no problem files (*.pddl) in it")
    return tasks


def _problems(folder: Path, domain_path: Path) -> list[tuple[Path, str]]:
    """The problem files of a folder with their texts; whatever defines a domain is none."""
    found = [(path, read_text(path)) for path in sorted(folder.glob("*.pddl"), key=_natural)]
    return [
        (path, text) for path, text in found if path.resolve() != domain_path.resolve() and not _defines_domain(text)
    ]


def read_problem_file(path: Path, domain_file: Path | None = None) -> Task:
    """The task of one problem file; its domain is the domain.pddl beside it unless given."""
    if isdir(path):
        raise InputError(f"{path}: a folder; name a problem file in it")
    text = read_text(path)
    domain_path = domain_file or path.with_name("domain.pddl")
    if not isfile(domain_path):
        raise InputError(f"{path}: no domain.pddl beside it; name the file with --domain FILE.pddl")
    domain_pddl = read_text(domain_path)
    name = _domain_name(domain_path, domain_pddl)
    wording = _wording(domain_path, domain_pddl)
    return Task(as_text(path.stem), name, domain_pddl, text, None, wording, str(domain_path), str(path))


def _domain_name(path: Path, pddl: str) -> str:
    """The name of a domain's folder, or the name that it has in PDDL where the file is not called as they all are."""
    if path.stem == "domain":
        return as_text(path.parent.resolve().name)
    head = _defines_domain(pddl)
    return head[1].lower() if head and head[1] else as_text(path.stem)


def _defines_domain(pddl: str) -> re.Match[str] | None:
    return _DOMAIN_HEAD.search(_COMMENT.sub("", pddl[:20_000]))


def _wording(domain_path: Path, domain_pddl: str) -> str:
    """The domain.toml beside a domain, or that of the built-in domain of the same text."""
    beside = domain_path.with_name("domain.toml")
    if isfile(beside):
        return read_text(beside)
    infos = map(domain_info, domain_names())
    return next((info.toml for info in infos if info.pddl == domain_pddl), "")


def read_text(path: Path) -> str:
    """A PDDL file's text. Raises InputError where it cannot be read, is too large or is no UTF-8."""
    try:
        if not S_ISREG(path.stat().st_mode):  # a device gives without end, a pipe perhaps nothing, ever
            raise InputError(f"{path}: no regular file; check the path")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; check the path") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: larger than {MAX_BYTES // 1_000_000} MB")
    try:
        return data.decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from None


def _natural(path: Path) -> list[tuple[int, int | str]]:
    parts = re.split(r"(\d+)", path.stem)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]
