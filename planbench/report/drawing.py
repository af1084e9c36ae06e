"""What every figure of a page is made with: panels, series, axes, and the drawing that carries its numbers.

A drawing is a set of small panels, 340 units wide, which lie side by side on a wide screen and below each other on a
phone without their text shrinking. Series differ in shape as well as in colour, so that a print in grey still reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planbench.report import svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = ("o", "s", "^", "D", "v", "P")
MARKER_SIGNS = ("●", "■", "▲", "◆", "▼", "✚")
WIDTH = 340
UNITS_AN_INCH = 72

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the key above the panels: a sign, in the colour of a role, and what it stands for."""

    role: str
    sign: str
    label: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure of the page: its panels as SVG, and the numbers that they show."""

    title: str
    caption: str
    panels: tuple[str, ...]
    headings: Row
    rows: tuple[Row, ...]
    key: tuple[Key, ...] = ()


@contextmanager
def panel(height: float) -> Iterator[tuple[Figure, Axes]]:
    """An empty panel, `height` units high."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(svg.SETTINGS):
        figure = Figure(figsize=(WIDTH / UNITS_AN_INCH, height / UNITS_AN_INCH), dpi=UNITS_AN_INCH)
        yield figure, figure.add_subplot()


def margins(figure: Figure, axes: Axes, left: float, bottom: float, top: float, right: float = 8) -> None:
    """Margins in units; matplotlib wants shares."""
    width, height = (side * UNITS_AN_INCH for side in figure.get_size_inches())
    axes.set_position((left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height))


def panel_title(axes: Axes, text: str, above: float = 6) -> None:
    """`above` the axes by so many units, where something else comes between."""
    axes.set_title(text, loc="left", fontsize=12, fontweight="bold", pad=above)


def series(number: int) -> str:
    return svg.colour(f"series-{number % svg.SERIES}")


def marker(number: int) -> str:
    return MARKERS[_shape(number)]


def series_key(labels: Iterable[str]) -> tuple[Key, ...]:
    """The key of several series; one alone needs none."""
    found = tuple(
        Key(f"series-{number % svg.SERIES}", MARKER_SIGNS[_shape(number)], label) for number, label in enumerate(labels)
    )
    return found if len(found) > 1 else ()


def _shape(number: int) -> int:
    # Where the colours begin again, the shapes are moved on by one, so that no two series look alike.
    return (number + number // svg.SERIES) % len(MARKERS)


def length_axis(axes: Axes, low: float, high: float) -> None:
    """Steps on a logarithmic axis, with powers of two written out."""
    axes.set_xscale("log", base=2)
    axes.set_xlim(low, high)
    ticks = powers_of_two(low, high)
    axes.set_xticks(ticks, [str(tick) for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)


def powers_of_two(low: float, high: float) -> list[int]:
    return [1 << power for power in range(16) if low <= 1 << power <= high]


def described(items: Iterable[str], most: int = 60) -> str:
    """A description that stays short enough to be listened to."""
    listed = list(items)
    return "; ".join(listed[:most]) + (f"; and {len(listed) - most} more" if len(listed) > most else "")
