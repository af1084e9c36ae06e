"""How fast tasks are made. Run with `-s`: tasks a second are printed. No test here fails on time."""

from __future__ import annotations

from random import Random
from time import process_time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from planbench.suite.blocksworld import sized
from planbench.suite.generator import sized_drafts, tasks_of
from planbench.suite.sets import make_set

TASKS = 500


@pytest.mark.parametrize("split", ["test", "base"])
def test_tasks_of_ten_blocks(split: str, benchmark: BenchmarkFixture) -> None:
    """Drawn, told apart up to renaming, with reference plans, written as PDDL. One draw in five is of split `test`, one
    in two of `base`; the others are thrown away. In processor time, as all of it happens in this process."""
    count = TASKS if benchmark.enabled else 5
    rounds: list[float] = []

    def measure() -> None:
        for seed in range(9):
            start = process_time()
            made = tasks_of("blocksworld", sized_drafts(sized, [{"blocks": 10}] * count, Random(seed), split))
            rounds.append((process_time() - start) / count)
            assert len({task.problem_pddl for task in made}) == count

    benchmark.pedantic(measure, rounds=1, iterations=1)  # type: ignore[no-untyped-call]
    print(f"\n  split {split}: {1 / min(rounds):,.0f} Blocksworld tasks of 10 blocks a second")


def test_the_standard_set(benchmark: BenchmarkFixture) -> None:
    if not benchmark.enabled:
        pytest.skip("it takes half a minute, and the tests make it elsewhere")

    def measure() -> None:
        start = process_time()
        tasks = make_set("standard")
        print(f"\n  standard: {len(tasks)} tasks in {process_time() - start:.1f} s")

    benchmark.pedantic(measure, rounds=1, iterations=1)  # type: ignore[no-untyped-call]
