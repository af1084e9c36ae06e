"""Seeds that were run apart come to what they come to in one run."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest

from planbench.cli import main
from planbench.records.files import SUMMARY
from planbench.records.outcomes import OUTCOMES
from tests.loop.timeless import timeless

SMALL = ["iterate", "tiny", "--tasks", "30", "--samples", "4", "--pool-length", "2:8", "--held-out", "12"]
SMALL += ["--longer", "6", "--longer-length", "10:12", "--arms", "shortest,group", "--generations", "2"]
SMALL += ["--updates-per-generation", "2", "--implicit-reward"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`whole` with seeds 0 to 2; `some` with 0 and 2; `rest` with 1."""
    folder = tmp_path_factory.mktemp("merge")
    for name, seeds in {"whole": "0,1,2", "some": "0,2", "rest": "1"}.items():
        assert main([*SMALL, "--seeds", seeds, "--out", str(folder / name)]) == 0
    return folder


@pytest.fixture
def copies(runs: Path, tmp_path: Path) -> Path:
    for name in ("some", "rest"):
        for file in [*(runs / name).glob("*.json"), *(runs / name).glob("seed-?/*.*")]:
            place = tmp_path / file.relative_to(runs)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
    return tmp_path


def test_merged_is_as_run_in_one_go(runs: Path, copies: Path) -> None:
    """From summaries and outcomes alone: means, intervals, horizons, comparisons, implicit rewards, first solved."""
    out = copies / "merged"
    assert main(["merge", str(copies / "some"), str(copies / "rest"), "--out", str(out)]) == 0
    whole = timeless(runs / "whole" / SUMMARY)
    assert timeless(out / SUMMARY) == whole
    assert whole["across"][0]["seeds"] == 3
    assert whole["comparisons"]
    assert whole["implicit_reward"]
    assert (out / "report.html").is_file()
    assert main(["merge", str(copies / "rest"), str(copies / "some")]) == 0
    assert timeless(copies / "some-merged" / SUMMARY) == whole
    # Merged again, with a seed that is there already, in the folder of the merged run: nothing changes.
    before = {path: path.read_bytes() for path in out.rglob("*.json*")}
    assert main(["merge", str(out), str(copies / "rest"), "--out", str(out)]) == 0
    assert {path: path.read_bytes() for path in out.rglob("*.json*")} == before


def test_outcomes_are_the_same_bytes_again(runs: Path) -> None:
    ones = [(runs / "whole/seed-1" / OUTCOMES).read_bytes(), (runs / "rest/seed-1" / OUTCOMES).read_bytes()]
    assert ones[0] == ones[1]


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["merge", *arguments]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    return error


def test_what_is_no_run_of_these(copies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    some, rest, out = str(copies / "some"), str(copies / "rest"), str(copies / "out")
    assert "is this a finished planbench run?" in refused([some, str(copies / "nothing"), "--out", out], capsys)
    assert "name it among the runs too" in refused([some, "--out", rest], capsys)
    other = str(Path(__file__).parents[2] / "experiments/small/ferry")
    assert "ferry: differ in model" in refused([some, rest, other, "--out", out], capsys)
    assert "differ in model" in refused([other, some, rest, str(copies / "some"), "--out", out], capsys)

    summary = copies / "rest/seed-1" / SUMMARY
    held = summary.read_text()
    document = json.loads(held)
    document["config"]["generations"] = 3
    summary.write_text(json.dumps(document))
    assert "differ in generations" in refused([some, rest, "--out", out], capsys)
    document = json.loads(held)
    document["task_sets"][0]["hash"] = "0" * 32
    summary.write_text(json.dumps(document))
    assert "made from other tasks" in refused([some, rest, "--out", out], capsys)
    summary.write_text(held)

    (copies / "rest/seed-1").rename(copies / "rest/seed-0")
    assert "are not of one run" in refused([some, rest, "--out", out], capsys)
    (copies / "rest/seed-0").rename(copies / "rest/seed-1")

    outcomes = copies / "rest/seed-1" / OUTCOMES
    whole = outcomes.read_bytes()
    for data, word in [
        (b"{}", "not a gzip file"),
        (whole[:-20], "not a whole gzip file"),
        (gzip.compress(b'{"schema": 1}'), "Field required"),
        (gzip.compress(gzip.decompress(whole).replace(b'"split":"longer"', b'"split":"held"')), "are not of one run"),
        (gzip.compress(gzip.decompress(whole).replace(b'"solved":[', b'"solved":[1.0,', 1)), "are not of one run"),
        (gzip.compress(gzip.decompress(whole).replace(b"1.0", b"1.5", 1)), "less than or equal to 1"),
        (gzip.compress(gzip.decompress(whole).replace(b"[1.0", b"[0.0", 1)), "are not of one run"),
    ]:
        outcomes.write_bytes(data)
        assert word in refused([some, rest, "--out", out], capsys)
    outcomes.unlink()
    assert f"has no {OUTCOMES}" in refused([some, rest, "--out", out], capsys)
    summary.unlink()
    assert "no seed is finished" in refused([some, rest, "--out", out], capsys)
    assert not Path(out).exists()
