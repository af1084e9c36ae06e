"""How fast the stored plans of an entry are read, checked and judged.

Run with `pytest tests/bench/test_leaderboard.py --benchmark-only`. No test here fails on time.
"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from planbench.core.verdict import step_text
from planbench.leaderboard.entry import StoredSample
from planbench.leaderboard.reading import unpacked_lines
from planbench.leaderboard.store import pack
from planbench.leaderboard.verify import judge_sample, task_book

SAMPLES_A_TASK = 400


@pytest.mark.benchmark(group="verify 18,000 stored plans of ten steps")
def test_reading_checking_and_judging(benchmark: BenchmarkFixture) -> None:
    book = task_book("smoke", "none", 0)
    packed, size = pack(
        [
            StoredSample(
                task=one.task.id,
                hash=key,
                index=index,
                verdict="valid",
                step=None,
                finish="stop",
                prompt_tokens=100,
                completion_tokens=50,
                seconds=0.125,
                plan=[step_text(step) for step in one.task.reference.steps] if one.task.reference else None,
            )
            for key, one in book.tasks.items()
            for index in range(SAMPLES_A_TASK)
        ]
    )

    def verified() -> int:
        valid = 0
        for line in unpacked_lines(packed, size, "samples"):
            sample = StoredSample.model_validate_json(line)
            assert sample.line() == line
            verdict, _ = judge_sample(sample, book.tasks[sample.hash])
            valid += verdict.valid
        return valid

    assert benchmark(verified) == SAMPLES_A_TASK * len(book.tasks)
