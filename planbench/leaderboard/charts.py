"""Figures as SVG, small enough that a page of a thousand rows carries them.

Drawn by hand, in units: matplotlib takes a twentieth of a second a figure, and there is one an entry. Colours are
classes of the page's style; series differ in shape as well as in colour. No text from outside is in them but what
`escape` has been over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from planbench.records.summary import Interval

WIDTH, HEIGHT = 360, 220
LEFT, RIGHT, TOP, BOTTOM = 40, 10, 10, 36
SERIES = 6
SHAPES = (
    "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
    "M-3-3h6v6h-6z",
    "M0-4l4 7h-8z",
    "M0-4.5l4.5 4.5-4.5 4.5-4.5-4.5z",
    "M0 4l4-7h-8z",
    "M-1.5-4h3v2.5H4v3H1.5V4h-3V1.5H-4v-3h2.5z",
)


@dataclass(frozen=True, slots=True)
class Point:
    """`y` in [0, 1] at `x`, with its interval."""

    x: float
    y: float
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    points: tuple[Point, ...]


def by_length(lines: Sequence[Line], name: str, title: str) -> str:
    """Share of valid plans against steps of the reference, on a logarithmic axis."""
    xs = [point.x for line in lines for point in line.points]
    high = max([*xs, 8.0])
    ticks = [float(1 << power) for power in range(20) if 1 << power <= high * 1.2]
    axis = _Axis(0.0, math.log2(high * 1.2), lambda x: math.log2(max(x, 1.0)))
    return _lines(lines, axis, ticks, "steps of the reference plan", name, title, spread=0.05)


def by_generation(lines: Sequence[Line], name: str, title: str) -> str:
    """Share of valid plans against the generation."""
    last = max([point.x for line in lines for point in line.points], default=1.0)
    ticks = [float(tick) for tick in range(0, int(last) + 1, 1 + int(last) // 12)]
    axis = _Axis(-0.3, max(last, 1.0) + 0.3, float, top_of(lines))
    return _lines(lines, axis, ticks, "generation", name, title, spread=0.06)


def top_of(lines: Sequence[Line]) -> float:
    """Where the axis of shares ends: on a whole one, what lies within a tenth would be one flat line."""
    ends = [_within(point.interval[1] if point.interval else point.y) for line in lines for point in line.points]
    return next(top for top in (0.2, 0.4, 1.0) if max(ends, default=1.0) <= top)


def shape(number: int) -> str:
    """The mark of a series. Where the colours begin again the shapes are moved on by one."""
    return SHAPES[(number + number // SERIES) % len(SHAPES)]


def key(number: int) -> str:
    """The mark alone, for a legend in text."""
    path = f'<path class="s{number % SERIES}" d="{shape(number)}"/>'
    return f'<svg class="mark" viewBox="-6 -6 12 12" aria-hidden="true">{path}</svg>'


def whisker(rate: float | None, interval: Interval | None) -> str:
    """A rate and its interval on a line from 0 to 1, for a cell of a table."""
    if rate is None or interval is None:
        return ""
    low, middle, high = (round(100 * _within(value)) for value in (interval[0], rate, interval[1]))
    drawn = f'<path class=r d="M0 4H100"/><path d="M{low} 4H{high}"/><circle cx={middle} cy=4 r=3 />'
    return f'<svg class=w viewBox="0 0 100 8" aria-hidden=true>{drawn}</svg>'


def span(value: float | None, low: float | None, high: float | None, longest: float) -> str:
    """A horizon and its interval between 1 and `longest` steps, on a logarithmic line; open ends reach its edge."""
    if value is None:
        return ""
    wide = math.log2(max(longest, 2))

    def place(steps: float) -> str:
        return f"{200 * min(max(math.log2(max(steps, 1.0)) / wide, 0.0), 1.0):.1f}"

    left = "0" if low is None else place(low)
    right = "200" if high is None else place(high)
    return (
        '<svg class="span" viewBox="-4 0 208 12" aria-hidden="true">'
        f'<path class="rail" d="M0 6H200"/><path class="k0" d="M{left} 6H{right}"/>'
        f'<circle class="s0" cx="{place(value)}" cy="6" r="4"/></svg>'
    )


def mix(shares: Iterable[tuple[str, float]]) -> str:
    """Shares of a whole, as one bar; each with the class of its verdict."""
    parts: list[str] = []
    at = 0.0
    for name, part in shares:
        if part > 0:
            parts.append(f'<rect class="v-{name}" x="{at:.2f}" y="0" width="{100 * part:.2f}" height="10"/>')
            at += 100 * part
    bar = "".join(parts)
    return f'<svg class="mix" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{bar}</svg>'


@dataclass(frozen=True, slots=True)
class _Axis:
    """Across from `low` to `high` on a scale, upwards from 0 to `top`."""

    low: float
    high: float
    scale: Callable[[float], float]
    top: float = 1.0

    def place(self, x: float) -> float:
        share = (self.scale(x) - self.low) / (self.high - self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def height(self, share: float) -> float:
        return HEIGHT - BOTTOM - _within(share / self.top) * (HEIGHT - TOP - BOTTOM)


def _lines(
    lines: Sequence[Line], axis: _Axis, ticks: Sequence[float], label: str, name: str, title: str, spread: float
) -> str:
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{name}-t {name}-d">',
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(described(lines))}</desc>',
        *_grid(axis, ticks, label),
    ]
    for number, line in enumerate(lines):
        shift = 60 * spread * (number - (len(lines) - 1) / 2)
        parts += _series(line, number, axis, shift)
    return "".join(parts) + "</svg>"


def described(lines: Sequence[Line]) -> str:
    """What the figure shows, short enough to be listened to; the numbers are in its table."""
    said = [
        f"{line.label}: from {line.points[0].y:.0%} at {line.points[0].x:.0f} to {line.points[-1].y:.0%} at "
        f"{line.points[-1].x:.0f}"
        for line in lines[:12]
        if line.points
    ]
    return "; ".join(said)


def _grid(axis: _Axis, ticks: Sequence[float], label: str) -> Iterator[str]:
    bottom = axis.height(0.0)
    for quarters in range(5):
        share = axis.top * quarters / 4
        yield f'<path class="grid" d="M{LEFT} {axis.height(share):.1f}H{WIDTH - RIGHT}"/>'
        yield f'<text x="{LEFT - 6}" y="{axis.height(share) + 3.5:.1f}" text-anchor="end">{share:.0%}</text>'
    for tick in ticks:
        x = axis.place(tick)
        yield f'<path class="tick" d="M{x:.1f} {bottom:.1f}v4"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 15:.1f}" text-anchor="middle">{tick:.0f}</text>'
    yield f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.1f}" y="{HEIGHT - 4}" text-anchor="middle">{escape(label)}</text>'


def _series(line: Line, number: int, axis: _Axis, shift: float) -> Iterator[str]:
    series = number % SERIES
    places = [(axis.place(point.x) + shift, axis.height(point.y), point) for point in line.points]
    if len(places) > 1:
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in places)
        yield f'<path class="k{series} thin" d="M{path}"/>'
    for x, y, point in places:
        if point.interval is not None:
            low, high = (axis.height(end) for end in point.interval)
            yield f'<path class="k{series}" d="M{x:.1f} {low:.1f}V{high:.1f}"/>'
        yield f'<path class="s{series}" transform="translate({x:.1f} {y:.1f})" d="{shape(number)}"/>'


def _within(share: float) -> float:
    """A share that is one, whatever a file said."""
    return min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
