"""The bins of reference length cover every length once."""

from __future__ import annotations

import pytest

from planbench.metrics.lengths import length_bin, length_bins


def test_the_edges() -> None:
    assert length_bins(range(1, 130)) == [
        (1, 4), (5, 8), (9, 12), (13, 16), (17, 24), (25, 32), (33, 48), (49, 64), (65, 96), (97, 128), (129, 192),
    ]  # fmt: skip


def test_every_length_lies_in_its_bin_and_bins_touch() -> None:
    before = (0, 0)
    for length in range(5000):
        low, high = length_bin(length)
        assert low <= length <= high
        assert (low, high) == before or low == before[1] + 1
        before = (low, high)


def test_only_bins_with_tasks() -> None:
    assert length_bins([]) == []
    assert length_bins([0, 3, 3, 200]) == [(0, 0), (1, 4), (193, 256)]


def test_no_negative_lengths() -> None:
    with pytest.raises(ValueError, match="-1"):
        length_bin(-1)
