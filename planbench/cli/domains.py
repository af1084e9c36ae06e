"""`planbench domains`: the built-in domains."""

from __future__ import annotations

import tomllib
from typing import Any

import click

from planbench.cli.inputs import builtin_domains, read_text
from planbench.cli.screen import json_line, table
from planbench.paths import domains_dir


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a domain.")
def command(as_json: bool) -> None:
    """List the built-in domains: name, actions, sizes, source.

    `planbench generate NAME` makes tasks of one; `planbench eval --domain NAME` measures a model on it.
    """
    found = [_describe(name) for name in builtin_domains()]
    if as_json:
        for domain in found:
            json_line(domain)
        return
    table(
        ("name", "title", "actions", "sizes", "source"),
        [(d["name"], d["title"], ", ".join(d["actions"]), _sizes(d["sizes"]), d["source"]) for d in found],
    )


def _describe(name: str) -> dict[str, Any]:
    from planbench.core.parse import read_domain

    folder = domains_dir() / name
    about = tomllib.loads(read_text(folder / "domain.toml", "domain description"))
    domain = read_domain(read_text(folder / "domain.pddl", "domain file"), source=str(folder / "domain.pddl"))
    return {
        "name": name,
        "title": about.get("title", name),
        "about": about.get("about", ""),
        "actions": list(domain.actions),
        "sizes": about.get("sizes", {}),
        "source": about.get("source", ""),
        "folder": str(folder),
    }


def _sizes(sizes: dict[str, Any]) -> str | None:
    """`{"blocks": [2, 12]}` as `blocks 2-12`."""
    parts = [
        f"{name.replace('-', ' ')} {'-'.join(map(str, bounds)) if isinstance(bounds, list) else bounds}"
        for name, bounds in sizes.items()
    ]
    return ", ".join(parts) or None
