"""Bins of reference length: the same edges for every run, so that any two runs can be laid side by side.

1-4, 5-8, 9-12, 13-16, then each doubling halved: 17-24, 25-32, 33-48, 49-64, 65-96, 97-128, and so on. Length 0 (a
goal that is already true) has a bin of its own.
"""

from __future__ import annotations

from collections.abc import Iterable


def length_bin(length: int) -> tuple[int, int]:
    """The bin of a length, both ends included."""
    if length < 0:
        raise ValueError(f"a plan cannot have {length} steps")
    if length == 0:
        return 0, 0
    if length <= 16:
        low = (length - 1) // 4 * 4 + 1
        return low, low + 3
    octave = 1 << ((length - 1).bit_length() - 1)  # octave < length <= 2 * octave
    half = octave // 2
    low = octave + 1 if length <= octave + half else octave + half + 1
    return low, low + half - 1


def length_bins(lengths: Iterable[int]) -> list[tuple[int, int]]:
    """The bins that at least one of the lengths falls into, shortest first."""
    return sorted({length_bin(length) for length in lengths})
