"""What is measured: rates, horizon, lengths, cost; from samples to a summary."""

from planbench.metrics.horizon import horizon
from planbench.metrics.lengths import length_bin, length_bins
from planbench.metrics.rates import Cell, pass_at_k, rate_with_interval, unanimous_at_k, wilson
from planbench.metrics.summarise import summarise

__all__ = [
    "Cell",
    "horizon",
    "length_bin",
    "length_bins",
    "pass_at_k",
    "rate_with_interval",
    "summarise",
    "unanimous_at_k",
    "wilson",
]
