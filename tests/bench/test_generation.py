"""How fast tasks are made. Run with `-s`: tasks a second are printed. No test here fails on time."""

from __future__ import annotations

from random import Random
from time import perf_counter

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from planbench.suite.blocksworld import sized
from planbench.suite.generator import sized_drafts, tasks_of
from planbench.suite.sets import make_set

TASKS = 500


@pytest.mark.parametrize("split", ["test", "base"])
def test_tasks_of_ten_blocks(split: str, benchmark: BenchmarkFixture) -> None:
    """Drawn, told apart up to renaming, with reference plans, written as PDDL. One draw in five is of split `test`, one
    in two of `base`; the others are thrown away."""
    made = benchmark(lambda: tasks_of("blocksworld", sized_drafts(sized, [{"blocks": 10}] * TASKS, Random(0), split)))
    assert len({task.problem_pddl for task in made}) == TASKS
    if benchmark.stats is not None:
        print(f"\n  split {split}: {TASKS / benchmark.stats['min']:,.0f} Blocksworld tasks of 10 blocks a second")


def test_the_standard_set(benchmark: BenchmarkFixture) -> None:
    if not benchmark.enabled:
        pytest.skip("it takes half a minute, and the tests make it elsewhere")

    def measure() -> None:
        start = perf_counter()
        tasks = make_set("standard")
        print(f"\n  standard: {len(tasks)} tasks in {perf_counter() - start:.1f} s")

    benchmark.pedantic(measure, rounds=1, iterations=1)  # type: ignore[no-untyped-call]
