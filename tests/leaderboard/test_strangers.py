"""What an entry says beside its numbers, numbers that are none, and what it costs to look at it."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from planbench.leaderboard import verify as module
from planbench.leaderboard.entry import StoredSample
from planbench.leaderboard.store import EntryFolder
from planbench.leaderboard.verify import verify


def test_a_plan_is_let_go_once_it_is_judged(board: EntryFolder, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def count() -> int:
        return sum(isinstance(one, StoredSample) for one in gc.get_objects())

    def judge(*given: Any) -> Any:
        alive.append(count())
        return kept(*given)

    alive = [count()]

    kept = module.judge_sample
    monkeypatch.setattr(module, "judge_sample", judge)
    assert verify(board, name).verified
    assert len(alive) == 91
    assert max(alive) - alive[0] <= 2
