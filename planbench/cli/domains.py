"""`planbench domains`: the built-in domains."""

from __future__ import annotations

from typing import Any

import click

from planbench.cli.screen import json_line, table


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a domain.")
def command(as_json: bool) -> None:
    """List the built-in domains: name, actions, sizes, source.

    `planbench generate NAME` makes tasks of one; `planbench eval --domain NAME` measures a model on it.
    """
    from planbench.suite import domain_names

    found = [_describe(name) for name in domain_names()]
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
    from planbench.suite import domain_info
    from planbench.suite.presets import presets_of

    info = domain_info(name)
    return {
        "name": name,
        "title": info.title,
        "about": info.about,
        "actions": list(read_domain(info.pddl, source=str(info.folder / "domain.pddl")).actions),
        "sizes": info.settings.get("sizes", {}),
        "presets": presets_of(info),
        "source": info.source,
        "folder": str(info.folder),
    }


def _sizes(sizes: dict[str, Any]) -> str | None:
    """`{"blocks": [2, 12]}` as `blocks 2-12`."""
    parts = [
        f"{name.replace('-', ' ')} {'-'.join(map(str, bounds)) if isinstance(bounds, list) else bounds}"
        for name, bounds in sizes.items()
    ]
    return ", ".join(parts) or None
