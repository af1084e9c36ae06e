"""Iterate runs beside the table: what is kept of them, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from planbench.errors import InputError
from planbench.leaderboard.add import make_card
from planbench.leaderboard.growth import add_growth, check_growth
from planbench.leaderboard.store import EntryFolder

SMALLEST_GROWTH = Path(__file__).parents[2] / "experiments/small/smollm2"


def test_an_iterate_run_is_kept_whole_and_its_changes_are_found(tmp_path: Path) -> None:
    board = EntryFolder(tmp_path / "board")
    path = add_growth(SMALLEST_GROWTH, board, make_card({}))
    assert check_growth(board, path.stem) == []
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"valid_rate":0.21', '"valid_rate":0.91', 1), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    assert "was changed after it was written" in check_growth(board, path.stem)[0]


def test_an_iterate_run_whose_rate_is_not_that_of_its_counts_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(SMALLEST_GROWTH, run)
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    summary["arms"]["shortest"][0]["held_out"]["valid_rate"] = 0.99
    (run / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    with pytest.raises(InputError, match=r"generation 0, held_out: a valid rate of 0\.99"):
        add_growth(run, EntryFolder(tmp_path / "board"), make_card({}))


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("rate", 0.99, r"a rate of 0\.99, where the mean of the seeds is 0\.\d+"),
        ("ci", [-3.0, 7.0], r"an interval of \(-3\.0, 7\.0\)"),
        ("seeds", 5, "of 5 seeds, where 1 are there"),
        ("longest_reference_solved", 90, "90 as the longest solved"),
    ],
)
def test_what_the_page_of_an_iterate_run_shows_follows_from_its_seeds(
    tmp_path: Path, key: str, value: object, named: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(SMALLEST_GROWTH, run)
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    summary["across"][0][key] = value
    (run / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    with pytest.raises(InputError, match=f"generation 0, pool over seeds: {named}"):
        add_growth(run, EntryFolder(tmp_path / "board"), make_card({}))
