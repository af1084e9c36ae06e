"""From a template to a page that asks nothing of the network: its style inside, and a content policy that allows that
style and nothing else. Whatever a template is given is escaped."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planbench import wording

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).resolve().parent


def render(template: str, **values: Any) -> str:
    """A template that extends `base.html.jinja`, which wants `title` and `drawings`."""
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _environment().get_template(template).render(style=style, style_hash=digest, **values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    # A global, as a macro sees the template's globals and not what it was rendered with.
    environment.globals["w"] = wording
    return environment
