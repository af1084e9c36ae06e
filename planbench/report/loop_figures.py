"""The figures of an iterate run, in the order of the page."""

from __future__ import annotations

from planbench.records.iterate import IterateSummary
from planbench.report.drawing import Drawing
from planbench.report.loop_growth import horizons, longest, rates, tokens, unanimous
from planbench.report.loop_lengths import difficulty, heat_maps, plan_lengths
from planbench.report.loop_rewards import rewards
from planbench.report.loop_traces import origins, probes, verdicts


def loop_drawings(summary: IterateSummary) -> list[Drawing]:
    """The figures for which the run has something to show. Horizon and pool have one panel each, and lie side by side
    where there is room."""
    found = [
        rates(summary),
        horizons(summary),
        difficulty(summary),
        longest(summary),
        heat_maps(summary),
        origins(summary),
        plan_lengths(summary),
        verdicts(summary),
        tokens(summary),
        unanimous(summary),
        probes(summary),
        rewards(summary),
    ]
    return [drawing for drawing in found if drawing.panels]
