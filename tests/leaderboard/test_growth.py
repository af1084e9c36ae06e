"""Iterate runs beside the table: what is kept of them, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planbench.errors import InputError
from planbench.leaderboard.add import make_card
from planbench.leaderboard.growth import add_growth, check_growth
from planbench.leaderboard.store import EntryFolder
from tests.leaderboard.tampering import write_growth

SMALLEST_GROWTH = Path(__file__).parents[2] / "experiments/small/smollm2"


def test_an_iterate_run_is_kept_whole_and_its_changes_are_found(tmp_path: Path) -> None:
    board = EntryFolder(tmp_path / "board")
    path = add_growth(SMALLEST_GROWTH, board, make_card({}))
    assert check_growth(board, path.stem) == []
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"valid_rate":0.21', '"valid_rate":0.91', 1), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    assert "was changed after it was written" in check_growth(board, path.stem)[0]


def changed(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The run with another summary."""
    run = tmp_path / "run"
    shutil.copytree(SMALLEST_GROWTH, run)
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    change(summary)
    (run / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    return run


def test_an_iterate_run_whose_rate_is_not_that_of_its_counts_is_refused(tmp_path: Path) -> None:
    run = changed(tmp_path, lambda summary: summary["arms"]["shortest"][0]["held_out"].update(valid_rate=0.99))
    with pytest.raises(InputError, match=r"generation 0, held_out: a valid rate of 0\.99"):
        add_growth(run, EntryFolder(tmp_path / "board"), make_card({}))


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("rate", 0.99, r"a rate of 0\.99, where the mean of the seeds is 0\.\d+"),
        ("ci", [0.5, 0.1], r"an interval of \(0\.5, 0\.1\) about a rate of"),
        ("ci", [0.98, 0.99], r"an interval of \(0\.98, 0\.99\) about a rate of"),
        ("seeds", 5, "of 5 seeds, where 1 are there"),
        ("longest_reference_solved", 90, "90 as the longest solved"),
    ],
)
def test_what_the_page_of_an_iterate_run_shows_follows_from_its_seeds(
    tmp_path: Path, key: str, value: object, named: str
) -> None:
    run = changed(tmp_path, lambda summary: summary["across"][0].update({key: value}))
    with pytest.raises(InputError, match=f"generation 0, pool over seeds: {named}"):
        add_growth(run, EntryFolder(tmp_path / "board"), make_card({}))


def lose(summary: dict[str, Any], errors: int, rate: float) -> None:
    """On held-out tasks, generation 0 lost so many samples that it had not solved, and comes to this rate."""
    part = summary["arms"]["shortest"][0]["held_out"]
    judged = part["samples"] - errors
    valid = part["verdicts"]["valid"] if judged else 0
    part["verdicts"] = {"valid": valid, "no_plan": judged - valid, "harness_error": errors}
    part["valid_rate"] = valid / judged if judged else None
    row = next(row for row in summary["across"] if (row["generation"], row["split"]) == (0, "held_out"))
    row.update(rate=rate, ci=[0.0, 1.0])


def test_harness_errors_leave_a_rate_open_as_far_as_they_go(tmp_path: Path) -> None:
    part = json.loads((SMALLEST_GROWTH / "summary.json").read_text())["arms"]["shortest"][0]["held_out"]
    valid, samples = part["verdicts"]["valid"], part["samples"]
    board = EntryFolder(tmp_path / "board")
    add_growth(changed(tmp_path / "1", lambda of: lose(of, 2, valid / (samples - 2))), board, make_card({}))
    for number, (errors, rate) in enumerate([(2, valid / samples + 0.1), (samples, 1.0)], start=2):
        run = changed(tmp_path / str(number), lambda of, errors=errors, rate=rate: lose(of, errors, rate))
        with pytest.raises(InputError, match=r"held_out over seeds: (a rate of|\d+ harness errors leave nothing)"):
            add_growth(run, board, make_card({}))


def before_the_first(summary: dict[str, Any]) -> None:
    for row in (*summary["arms"]["shortest"], *summary["across"]):
        row["generation"] -= 13


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (before_the_first, "generation: Input should be greater than or equal to 0"),
        (lambda summary: summary["across"].append(summary["across"][0]), "generation 0 of 'shortest', pool, twice"),
        (lambda summary: summary["arms"].update(none=[]), "none: an arm without generations"),
        (lambda summary: summary.update(finished="yes"), "summary.finished: Input should be a valid boolean"),
    ],
)
def test_a_file_that_would_stop_the_build_does_not_pass(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], named: str
) -> None:
    board = EntryFolder(tmp_path)
    path = add_growth(SMALLEST_GROWTH, board, make_card({}))
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document["summary"])
    write_growth(board, document)
    assert named in "\n".join(check_growth(board, path.stem))


def test_it_says_nothing_of_somebody_s_folders(tmp_path: Path) -> None:
    def from_home(summary: dict[str, Any]) -> None:
        summary["model"] = summary["config"]["model"] = "hf:/home/somebody/mine"
        summary["ended"] = {"shortest, seed 0": "/home/somebody/runs/x: stopped"}

    path = add_growth(changed(tmp_path, from_home), EntryFolder(tmp_path / "board"), make_card({}))
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["summary"]["model"] == "hf:mine"
    assert document["summary"]["ended"] == {"shortest, seed 0": "x: stopped"}
    assert "somebody" not in path.name + path.read_text(encoding="utf-8")
