"""The domains there are: a folder each, with domain.pddl and, if it has wording or settings, domain.toml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planbench.errors import InputError
from planbench.paths import domains_dir
from planbench.records.toml import read_toml


@dataclass(frozen=True)
class DomainInfo:
    """A domain's folder. `pddl` and `toml` are the texts of domain.pddl and domain.toml (empty where there is none),
    `settings` is domain.toml as read."""

    name: str
    folder: Path
    pddl: str
    toml: str
    settings: dict[str, Any]

    @property
    def title(self) -> str:
        return str(self.settings.get("title", self.name))

    @property
    def about(self) -> str:
        return str(self.settings.get("about", ""))

    @property
    def source(self) -> str:
        return str(self.settings.get("source", ""))


def domain_names() -> list[str]:
    """The built-in domains, in alphabetical order."""
    return sorted(folder.name for folder in domains_dir().iterdir() if (folder / "domain.pddl").is_file())


def domain_info(name: str) -> DomainInfo:
    """A built-in domain by name, or any folder with a domain.pddl by path.

    Raises InputError where neither exists or domain.toml does not parse.
    """
    folder = domains_dir() / name if name in domain_names() else Path(name)
    file = folder / "domain.pddl"
    if not file.is_file():
        known = ", ".join(domain_names())
        raise InputError(f"no domain {name!r}: it is neither built in ({known}) nor a folder with a domain.pddl")
    settings = folder / "domain.toml"
    try:
        toml = settings.read_text(encoding="utf-8") if settings.is_file() else ""
        pddl = file.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise InputError(f"{file}: {error}") from None
    read = read_toml(toml, str(settings))
    return DomainInfo(str(read.get("name", folder.resolve().name)), folder, pddl, toml, read)
