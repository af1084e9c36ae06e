"""From a matplotlib figure to SVG that a page can carry: themed, accessible, the same bytes every time.

Matplotlib writes colours into style attributes. A page whose content policy allows no inline style, and whose colours
follow the reader's light or dark setting, needs presentation attributes and classes instead. So figures are drawn in
stand-in colours, one for each role, which are exchanged for the classes `f-ROLE` (fill) and `k-ROLE` (stroke).

Not covered: raster images and gradients, which no figure here has.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from planbench.wording import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SERIES = 6
SHADES = 5
ROLES = (
    *("ink", "faint", "paper", "on-dark", "on-light"),
    *(f"series-{number}" for number in range(SERIES)),
    *(f"shade-{number}" for number in range(SHADES)),
    *("valid", "goal_missed", "inapplicable", "malformed", "no_plan", "harness_error"),
)
_STAND_IN = {role: f"#01{number:02x}fe" for number, role in enumerate(ROLES)}
_ROLE_OF = {colour: role for role, colour in _STAND_IN.items()}

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "planbench",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 11.0,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), _STAND_IN["faint"]),
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), _STAND_IN["ink"]),
}
"""Matplotlib's settings under which figures are to be drawn. Text stays text, and a `$` in a name stays a `$`."""

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}"
_LONGEST_DESCRIPTION = 5000
_LEFT_OUT = {f"{_SVG}metadata", f"{_SVG}style"}


def colour(role: str) -> str:
    """The stand-in for a role, to draw with."""
    return _STAND_IN[role]


def render(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as an `<svg>` element for an HTML page. `name` makes its ids unique within the page."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A name may have characters that the font for measuring lacks; the reader's browser has its own fonts.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(buffer.getvalue())
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", buffer.getvalue().decode()))
    _clean(root, name, used)
    view_box = root.get("viewBox", "")
    root.attrib.clear()
    root.attrib.update(
        {
            "viewBox": view_box,
            "role": "img",
            "aria-labelledby": f"{name}-title {name}-description",
            "stroke-linejoin": "round",
        }
    )
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        label = ElementTree.Element(tag, {"id": f"{name}-{'title' if tag == 'title' else 'description'}"})
        label.text = shown(text, _LONGEST_DESCRIPTION)
        root.insert(place, label)
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element, name: str, used: set[str]) -> None:
    for child in list(element):
        if child.tag in _LEFT_OUT:
            element.remove(child)
        else:
            _clean(child, name, used)
    attributes = dict(element.attrib)
    element.attrib.clear()
    # Within HTML the element's name alone says that it is SVG.
    element.tag = element.tag.removeprefix(_SVG)
    element.tail = None
    if element.text is not None and not element.text.strip():
        element.text = None
    for key, value in attributes.items():
        if key == "style":
            _set_style(element, value)
        elif key == "id":
            if value in used:
                element.set("id", f"{name}-{value}")
        elif not (key == "transform" and re.match(r"rotate\(-?0 ", value)):
            element.set(key.replace(_XLINK, ""), re.sub(r"^(url\()?#", rf"\g<1>#{name}-", value))


def _set_style(element: ElementTree.Element, style: str) -> None:
    classes: list[str] = []
    for declaration in filter(None, (part.strip() for part in style.split(";"))):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        role = _ROLE_OF.get(value)
        if role is not None:
            classes.append(f"{'f' if key == 'fill' else 'k'}-{role}")
        elif key == "font-size":
            element.set(key, value.removesuffix("px"))
        elif key != "font-family":  # the page chooses that
            element.set(key, value)
    if classes:
        element.set("class", " ".join(classes))
