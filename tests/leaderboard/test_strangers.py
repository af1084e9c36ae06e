"""What an entry says beside its numbers, numbers that are none, and what it costs to look at it."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import pytest

from planbench.leaderboard import verify as module
from planbench.leaderboard.add import add, make_card
from planbench.leaderboard.charts import span
from planbench.leaderboard.entry import StoredSample, digest
from planbench.leaderboard.site import build
from planbench.leaderboard.store import EntryFolder
from planbench.leaderboard.verify import verify
from tests.leaderboard.tampering import edit_document


def set_to(document: dict[str, Any], path: str, value: Any) -> None:
    *places, last = path.split(".")
    for place in places:
        document = document[place]
    document[last] = value


def believe(board: EntryFolder, name: str) -> None:
    """Mark an entry, verified or not."""
    data = (board.entries / f"{name}.json").read_bytes()
    board.mark([(name, (digest(data), digest(board.samples_path(name).read_bytes())))], [])


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("results.tasks", "45", "results.tasks: Input should be a valid integer"),
        ("results.finished", "yes", "results.finished: Input should be a valid boolean"),
        ("results.tokens.per_solved", "inf", "results.tokens.per_solved: Input should be a valid number"),
        ("results.valid_rate", "nan", "results.valid_rate: Input should be a valid number"),
        ("results.samples", 0, "results.samples: 0 there, 90 counted"),
        ("settings.max_tokens", 0, "settings.max_tokens: Input should be greater than"),
        ("settings.prompt", "no-such-style", "there is no style 'no-such-style'"),
        ("model.name", "", "model.name: is empty"),
        ("date", "9999-12-31", "date: 9999-12-31 is yet to come"),
        ("id", "main", "id: of this model, prompt and set it is random-pddl-smoke-"),
    ],
)
def test_what_no_run_says_is_refused(board: EntryFolder, name: str, path: str, value: Any, named: str) -> None:
    id = edit_document(board, name, lambda document: set_to(document, path, value))
    assert named in "\n".join(verify(board, id).faults)


@pytest.mark.parametrize(("path", "value"), [("results.samples", 0), ("results.tokens.per_solved", "inf")])
def test_a_false_mark_stops_no_build(board: EntryFolder, name: str, path: str, value: Any, tmp_path: Path) -> None:
    edit_document(board, name, lambda document: set_to(document, path, value))
    believe(board, name)
    (other,) = build(board, tmp_path / "site").others
    assert other.startswith(name)


def test_a_board_shows_the_same_samples_once(board: EntryFolder, name: str, tmp_path: Path) -> None:
    copy = edit_document(board, name, lambda document: document.update(id=f"{name[:-8]}00000000"))
    believe(board, copy)
    content = build(board, tmp_path / "site")
    assert [len(rows) for rows in content.boards.values()] == [1]
    assert content.others == [f"{name}: its samples are those of {copy}"]


def test_a_run_added_again_is_the_entry_that_an_earlier_planbench_made_of_it(
    board: EntryFolder, name: str, run_folder: Path
) -> None:
    earlier = edit_document(board, name, lambda document: document.update(id=f"{name[:-8]}00000000"))
    (board.entries / f"{name}.json").unlink()
    board.samples_path(name).unlink()
    entry, _ = add(run_folder, board, make_card({"title": "Again"}))
    assert (entry.id, entry.title, board.ids()) == (earlier, "Again", [earlier])


def test_a_plan_is_let_go_once_it_is_judged(board: EntryFolder, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def count() -> int:
        return sum(isinstance(one, StoredSample) for one in gc.get_objects())

    def judge(*given: Any) -> Any:
        nonlocal judged
        judged += 1
        if judged % 30 == 0:
            alive.append(count())
        return kept(*given)

    alive, judged = [count()], 0
    kept = module.judge_sample
    monkeypatch.setattr(module, "judge_sample", judge)
    assert verify(board, name).verified
    assert judged == 90
    assert max(alive) - alive[0] <= 2


def test_a_board_whose_longest_task_has_one_step_is_drawn() -> None:
    assert "<svg" in span(1.0, None, None, 1)
