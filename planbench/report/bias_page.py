"""The page of a bias study, and its figures as files of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from planbench import wording
from planbench.records.bias import BiasResults
from planbench.report.bias_figures import bias_drawings
from planbench.report.bias_rows import ARM_HEADINGS, arm_rows, dropped_lines
from planbench.report.drawing import Drawing
from planbench.report.html import render

_CSS = Path(__file__).with_name("page.css")
_LINE, _SIZE = 16, 10
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
                key, tall = _key(drawing, results.suite, float(height))
                size = f'width="{width}pt" height="{tall:g}pt" font-family="DejaVu Sans, sans-serif" '
                style = f"<style>{_light_style()}</style>{_BACKGROUND}"
                text = panel.replace(box[0], f'viewBox="0 0 {width} {tall:g}"').replace("<svg ", head + size, 1)
                opening, _, rest = text.partition(">")
                yield f"{name[1]}.svg", f"{opening}>{style}{rest.removesuffix('</svg>')}{key}</svg>\n"


def _key(drawing: Drawing, suite: str, height: float) -> tuple[str, float]:
    """Below a panel of its own: which suite, and the key that the page has once for all panels; and how tall it then
    is."""
    parts = [f'<text x="8" y="{height + _LINE:g}" font-size="{_SIZE}" class="f-ink">suite {escape(suite)}</text>']
    for number, one in enumerate(drawing.key):
        x, y = 8 + (number % 2) * 166, height + _LINE * (2 + number // 2)
        sign = f'<tspan class="f-{one.role}">{one.sign}</tspan>'
        parts.append(f'<text x="{x}" y="{y:g}" font-size="{_SIZE}" class="f-ink">{sign} {escape(one.label)}</text>')
    return "".join(parts), height + _LINE * (1 + -(-len(drawing.key) // 2)) + 6


def _light_style() -> str:
    """The page's classes of colours, with the colours written in."""
    css = _CSS.read_text(encoding="utf-8")
    light = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", css.partition("@media")[0]))
    rules = re.findall(r"\.[fk]-[\w-]+ \{[^}]*\}", css)
    return re.sub(r"var\(--([\w-]+)\)", lambda m: light.get(m[1], "#000000"), "".join(rules))
