"""How many of the things that could be wanted make a plan of the length asked for."""

from __future__ import annotations

from collections.abc import Callable


def fitted(most: int, target: int, length: Callable[[int], int]) -> int:
    """The count, from 1 to `most`, for which `length(count)` comes nearest to `target`; 0 where `most` is 0.

    `length` grows with the count, or nearly so. It is called about twice the logarithm of the answer.
    """
    if most == 0:
        return 0
    known: dict[int, int] = {}

    def at(count: int) -> int:
        if count not in known:
            known[count] = length(count)
        return known[count]

    high = 1
    while high < most and at(high) < target:
        high = min(most, 2 * high)
    low = max(1, high // 2)
    while low < high:
        middle = (low + high) // 2
        if at(middle) < target:
            low = middle + 1
        else:
            high = middle
    at(low)
    if low > 1:
        at(low - 1)
    return min(known, key=lambda count: (abs(known[count] - target), count))
