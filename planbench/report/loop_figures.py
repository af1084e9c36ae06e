"""The figures of an iterate run, in the order of the page."""

from __future__ import annotations

from planbench.records.iterate import IterateSummary
from planbench.report.drawing import Drawing
from planbench.report.loop_growth import growth_drawings
from planbench.report.loop_lengths import length_drawings
from planbench.report.loop_traces import trace_drawings


def loop_drawings(summary: IterateSummary) -> list[Drawing]:
    """The figures for which the run has something to show: growth over the generations, lengths, traces."""
    found = [*growth_drawings(summary), *length_drawings(summary), *trace_drawings(summary)]
    return [drawing for drawing in found if drawing.panels]
