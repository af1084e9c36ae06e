"""`spread`: some of many tasks, evenly over domains and lengths."""

from __future__ import annotations

from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from planbench.records import ReferencePlan, Task
from planbench.suite import spread


def task(number: int, domain: str, length: int | None) -> Task:
    reference = None if length is None else ReferencePlan((("wait",),) * length)
    return Task(f"{domain}-{number}", domain, "", str(number), reference)


tasks_of_domains = st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(1, 60)), max_size=60).map(
    lambda drawn: [task(number, *pair) for number, pair in enumerate(drawn)]
)


@settings(deadline=None)
@given(tasks_of_domains, st.integers(1, 70))
@example([task(number, domain, None) for number, domain in enumerate("aaabb")], 4)
def test_as_many_as_asked_for_in_their_order_and_shared_fairly(tasks: list[Task], limit: int) -> None:
    kept = spread(tasks, limit)
    assert len(kept) == min(limit, len(tasks))
    assert kept == [task for task in tasks if task in kept]
    assert len({task.id for task in kept}) == len(kept)
    have, got = Counter(task.domain for task in tasks), Counter(task.domain for task in kept)
    most = max(got.values(), default=0)
    # A domain gets less than another only where it has no more, or by the one that does not divide.
    assert all(got[domain] >= min(have[domain], most - 1) for domain in have)


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=60), st.integers(1, 60))
def test_lengths_stand_for_those_that_there_are(lengths: list[int], limit: int) -> None:
    """The k-th of the kept lengths, in order, lies in the k-th of equal stretches of all lengths, in order."""
    tasks = [task(number, "a", length) for number, length in enumerate(lengths)]
    kept = sorted(one.reference_length or 0 for one in spread(tasks, limit))
    ordered = sorted(lengths)
    for place, length in enumerate(kept):
        stretch = ordered[place * len(ordered) // len(kept) : -(-(place + 1) * len(ordered) // len(kept))]
        assert stretch[0] <= length <= stretch[-1]
