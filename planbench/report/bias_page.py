"""The page of a bias study, and its figures as files of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from planbench import wording
from planbench.records.bias import BiasResults
from planbench.report.bias_figures import bias_drawings
from planbench.report.bias_rows import ARM_HEADINGS, arm_rows, dropped_lines
from planbench.report.html import render

_CSS = Path(__file__).with_name("page.css")
_BACKGROUND = '<rect width="100%" height="100%" fill="#ffffff"/>'


def bias_page(results: BiasResults, title: str) -> str:
    """The page as text."""
    return render(
        "bias.html.jinja",
        title=wording.shown(title, 120),
        results=results,
        headings=ARM_HEADINGS,
        rows=arm_rows(results),
        dropped=dropped_lines(results),
        drawings=bias_drawings(results),
    )


def figure_files(results: BiasResults) -> Iterator[tuple[str, str]]:
    """Each panel as an SVG file for a paper: its name and its text, in the colours of a light page."""
    for drawing in bias_drawings(results):
        for panel in drawing.panels:
            name = re.search(r'aria-labelledby="(.+?)-title', panel)
            box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', panel)
            if name and box:
                width, height = box.groups()
                head = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                size = f'width="{width}pt" height="{height}pt" font-family="DejaVu Sans, sans-serif" '
                style = f"<style>{_light_style()}</style>{_BACKGROUND}"
                opening, _, rest = panel.replace("<svg ", head + size, 1).partition(">")
                yield f"{name[1]}.svg", f"{opening}>{style}{rest}\n"


def _light_style() -> str:
    """The page's classes of colours, with the colours written in."""
    css = _CSS.read_text(encoding="utf-8")
    light = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", css.partition("@media")[0]))
    rules = re.findall(r"\.[fk]-[\w-]+ \{[^}]*\}", css)
    return re.sub(r"var\(--([\w-]+)\)", lambda m: light.get(m[1], "#000000"), "".join(rules))
