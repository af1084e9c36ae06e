"""From a template to a page that asks nothing of the network: style and script inside, and a content policy that allows
these two, by their hashes, and nothing else. Whatever a template is given is escaped."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).resolve().parent / "templates"


def render(template: str, *, root: str = "", sortable: bool = False, **values: Any) -> str:
    """A template that extends `base.html.jinja`, which wants `title`. `root` leads from the page to the site's top;
    `sortable` puts the script in."""
    style, script = _text("page.css"), _text("table.js")
    return (
        _environment()
        .get_template(template)
        .render(
            root=root,
            style=style,
            style_hash=_hash(style),
            script=script if sortable else "",
            script_hash=_hash(script),
            **values,
        )
    )


@cache
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from planbench.leaderboard.charts import key
    from planbench.leaderboard.rows import COLUMNS

    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # Globals, as a macro sees the template's globals and not what it was rendered with.
    environment.globals.update(columns=[name for name, _ in COLUMNS], key=key)
    return environment
