"""A run on the smallest named set, and the entry made of it, once for all tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from planbench.evaluate import Asked, evaluate
from planbench.leaderboard.add import add, make_card
from planbench.leaderboard.store import EntryFolder
from planbench.models import load
from planbench.records import SamplingSettings, Task
from planbench.records.files import RunFolder
from planbench.suite.sets import make_set

SET = "smoke"


@pytest.fixture(scope="session")
def tasks() -> list[Task]:
    return make_set(SET)


@pytest.fixture(scope="session")
def run_folder(tasks: list[Task], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two samples a task."""
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    asked = Asked("random", settings=SamplingSettings(samples=2))
    evaluate(tasks, {"set": SET}, load("random"), asked, folder)
    return folder.path


@pytest.fixture(scope="session")
def made_board(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> EntryFolder:
    """Not to be changed: `board` is a copy."""
    board = EntryFolder(tmp_path_factory.mktemp("board"))
    add(run_folder, board, make_card({"title": "Random steps", "licence": "MIT", "link": "https://example.org/a"}))
    return board


@pytest.fixture
def board(made_board: EntryFolder, tmp_path: Path) -> EntryFolder:
    shutil.copytree(made_board.path, tmp_path / "board")
    return EntryFolder(tmp_path / "board")


@pytest.fixture
def name(made_board: EntryFolder) -> str:
    return made_board.ids()[0]
