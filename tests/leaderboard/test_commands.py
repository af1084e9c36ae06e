"""`planbench leaderboard`: its commands end as all others do, and each says how it is configured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planbench.cli.leaderboard import command as group
from planbench.leaderboard.store import EntryFolder
from tests.cli.conftest import Shell
from tests.leaderboard.tampering import edit_document

FOLDER = "board"


@pytest.fixture
def planbench(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def added(run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planbench: Shell) -> str:
    """A board of one entry, in the folder `board` of where the tests stand; the entry's id."""
    monkeypatch.chdir(tmp_path)
    Path("card.toml").write_text('title = "From a file"\nlicence = "MIT"\n', encoding="utf-8")
    done = planbench("leaderboard", "add", run_folder, "--config", "card.toml", "--folder", FOLDER)
    assert done.code == 0, done.err
    assert "added and verified" in done.err
    (path,) = (Path(FOLDER) / "entries").glob("*.json")
    return path.stem


def test_from_a_run_to_a_site(added: str, planbench: Shell) -> None:
    assert json.loads((Path(FOLDER) / f"entries/{added}.json").read_text())["card"]["title"] == "From a file"
    verified = planbench("leaderboard", "verify", "--folder", FOLDER)
    assert (verified.code, verified.out) == (0, f"{added}: verified, 90 plans judged\n")
    assert "1 verified, 0 wrong, 90 plans judged" in verified.err
    built = planbench("leaderboard", "build", "--folder", FOLDER)
    assert (built.code, "entries: 1" in built.err) == (0, True)
    assert "From a file" in (Path(FOLDER) / "site/index.html").read_text(encoding="utf-8")
    exported = planbench("leaderboard", "export", added, "--folder", FOLDER, "--format", "lm-eval")
    assert exported.code == 0
    assert Path(f"results_{added}.json").is_file()
    assert "cannot be made" in planbench.refused(
        "leaderboard", "export", added, "--folder", FOLDER, "--format", "lm-eval", "--out", "card.toml/x"
    )

    # The answer "no" is 1, with the reason on standard output; and nothing that is not verified is exported.
    path = Path(FOLDER) / f"entries/{added}.json"
    path.write_text(path.read_text().replace("From a file", "From a film"))
    found = planbench("leaderboard", "verify", f"{FOLDER}/entries/{added}.json", "--json", "--folder", FOLDER)
    assert found.code == 1
    assert "was changed after it was written" in json.loads(found.out)["faults"][0]
    assert "does not verify" in planbench.refused(
        "leaderboard", "export", added, "--folder", FOLDER, "--format", "lm-eval"
    )
    assert "not shown" in planbench("leaderboard", "build", "--folder", FOLDER).err


def test_the_same_samples_are_one_entry(added: str, planbench: Shell) -> None:
    copy = f"{added[:-8]}00000000"
    edit_document(EntryFolder(Path(FOLDER)), added, lambda document: document.update(id=copy))
    found = planbench("leaderboard", "verify", "--folder", FOLDER)
    assert found.code == 1
    assert f"{added}: samples: those of {copy}" in found.out
    assert f"{copy}: samples: those of {added}" in found.out


def test_the_marks_of_other_entries_are_not_lost(added: str, planbench: Shell) -> None:
    board, marks = EntryFolder(Path(FOLDER)), Path(FOLDER) / "verified.json"
    (board.entries / "other.json").write_text("{}")
    marks.write_text("<<<<<<< HEAD\n" + marks.read_text())
    assert "planbench leaderboard verify" in planbench.refused("leaderboard", "build", "--folder", FOLDER)
    assert "verified.json:1:1: not JSON" in planbench("leaderboard", "verify", added, "--folder", FOLDER).err
    assert marks.read_text().startswith("<<<<<<<")
    assert planbench("leaderboard", "verify", "--folder", FOLDER).code == 1
    assert list(board.marks().entries) == [added]


@pytest.mark.parametrize("name", list(group.commands))
def test_every_command_says_how_it_is_configured(name: str, planbench: Shell) -> None:
    shown = planbench("leaderboard", name, "--help")
    assert shown.code == 0
    assert "--config FILE.toml" in shown.out
    assert f"PLANBENCH_LEADERBOARD_{name.upper()}_" in shown.out


def test_a_file_s_name_writes_no_line_of_its_own(tmp_path: Path, planbench: Shell) -> None:
    folder = tmp_path / "board"
    (folder / "entries").mkdir(parents=True)
    (folder / "growth").mkdir()
    for part in ("entries", "growth"):
        (folder / part / "a\nb: verified, 300 plans judged\x1b[2J.json").write_text("{}", encoding="utf-8")
    found = planbench("leaderboard", "verify", "--folder", folder)
    assert found.code == 1
    assert [line.split(":")[0] for line in found.out.splitlines()] == ["a?b", "growth/a?b"]
    assert "\x1b" not in found.out + found.err


def test_bad_usage_is_one_line(tmp_path: Path, planbench: Shell) -> None:
    nowhere = tmp_path / "nowhere"
    assert "no entries" in planbench.refused("leaderboard", "verify", "--folder", nowhere)
    assert "no run.json" in planbench.refused("leaderboard", "add", nowhere, "--folder", nowhere)
    assert "no site here" in planbench.refused("leaderboard", "serve", "--folder", nowhere)
    assert "did you mean 'verify'" in planbench.refused("leaderboard", "verfy")
    assert "--link" in planbench.refused("leaderboard", "add", nowhere, "--link", "javascript:x")
