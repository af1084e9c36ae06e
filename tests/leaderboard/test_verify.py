"""Verification finds whatever was changed, and says what."""

from __future__ import annotations

import gzip
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planbench.evaluate import Asked, evaluate
from planbench.leaderboard import verify as module
from planbench.leaderboard.add import add, make_card
from planbench.leaderboard.entry import Entry, checksum, entry_text
from planbench.leaderboard.reading import EntryFault
from planbench.leaderboard.store import EntryFolder
from planbench.leaderboard.verify import verify
from planbench.models import load
from planbench.records import Task
from planbench.records.files import RunFolder
from tests.leaderboard.tampering import Lines, compact, edit_entry, edit_samples, write_samples


def faults_of(board: EntryFolder, name: str) -> str:
    return "\n".join(verify(board, name).faults)


def test_an_honest_entry_verifies_and_says_what_the_run_says(board: EntryFolder, name: str, run_folder: Path) -> None:
    found = verify(board, name)
    assert found.faults == []
    assert found.plans == 90
    entry, summary = board.read(name).entry, RunFolder(run_folder).summary()
    # The run's own summary, counted when the samples were drawn, is the independent count.
    assert entry.results.model_dump_json() == summary.model_dump_json()
    assert 0 < summary.verdicts["valid"] < 90
    assert board.marks().entries == {name: found.digests}


def test_adding_a_run_twice_gives_the_same_bytes(board: EntryFolder, run_folder: Path, tmp_path: Path) -> None:
    other = EntryFolder(tmp_path / "other")
    add(run_folder, other, make_card({"title": "Random steps", "licence": "MIT", "link": "https://example.org/a"}))
    for path in board.entries.iterdir():
        assert (other.entries / path.name).read_bytes() == path.read_bytes()


def test_what_a_later_summary_has_to_say_does_not_spoil_an_older_entry(board: EntryFolder, name: str) -> None:
    path = board.entries / f"{name}.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    # An entry from before the summary counted near ties.
    del document["results"]["near_ties"]
    document["checksum"] = checksum(document)
    path.write_text(entry_text(document), encoding="utf-8")
    assert faults_of(board, name) == ""


def test_any_flipped_bit_of_the_entry_is_found(board: EntryFolder, name: str) -> None:
    path = board.entries / f"{name}.json"
    data = path.read_bytes()
    places = random.Random(0)
    for _ in range(150):
        at, bit = places.randrange(len(data)), 1 << places.randrange(8)
        path.write_bytes(data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])
        with pytest.raises(EntryFault, match=re.escape(name)):
            board.read(name)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_any_flipped_bit_of_the_samples_is_found(board: EntryFolder, name: str, share: float) -> None:
    path = board.samples_path(name)
    data = path.read_bytes()
    at = int(share * (len(data) - 1))
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert "samples" in faults_of(board, name)


def lift_valid(document: dict[str, Any]) -> None:
    document["results"]["verdicts"]["valid"] += 1


def lift_rate(document: dict[str, Any]) -> None:
    document["results"]["by_domain"]["grid"]["valid_rate"] += 0.01


def lift_horizon(document: dict[str, Any]) -> None:
    document["results"]["horizon"] = {"value": 77.0, "low": 70.0, "high": 80.0, "extrapolated": False, "reason": ""}


def drop_domain(document: dict[str, Any]) -> None:
    del document["results"]["by_domain"]["grid"]


def lower_tokens(document: dict[str, Any]) -> None:
    document["results"]["seconds"]["total"] = 0.0


def other_set(document: dict[str, Any]) -> None:
    document["tasks"]["hash"] = "0" * 32


def unknown_set(document: dict[str, Any]) -> None:
    document["tasks"]["set"] = "no-such-set"


def more_samples(document: dict[str, Any]) -> None:
    document["settings"]["samples"] = 3


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lift_valid, r"results\.verdicts\.valid: \d+ there, \d+ counted"),
        (lift_rate, r"results\.by_domain\.grid\.valid_rate"),
        (lift_horizon, r"results\.horizon\.value: 77\.0 there"),
        (drop_domain, r"results\.by_domain\.grid: missing"),
        (lower_tokens, r"results\.seconds\.total: 0\.0 there"),
        (other_set, r"tasks\.hash: 0{32} there"),
        (unknown_set, r"there is no task set 'no-such-set'"),
        (more_samples, r"sample 2 of \S+ is missing"),
    ],
)
def test_an_edited_number_is_named(
    board: EntryFolder, name: str, change: Callable[[dict[str, Any]], None], named: str
) -> None:
    edit_entry(board, name, change)
    assert re.search(named, faults_of(board, name))


def drop_sample(lines: Lines) -> None:
    del lines[7]


def double_sample(lines: Lines) -> None:
    lines[8] = dict(lines[7])


def foreign_task(lines: Lines) -> None:
    lines[3]["hash"] = "0" * 16


def renamed_task(lines: Lines) -> None:
    lines[3]["task"] = "blocksworld-99"


def call_valid(lines: Lines) -> None:
    line = next(line for line in lines if line["verdict"] != "valid")
    line["verdict"], line["step"] = "valid", None


def another_plan(lines: Lines) -> None:
    line = next(line for line in lines if line["verdict"] == "valid")
    line["plan"] = next(one["plan"] for one in lines if one["task"].split("-")[0] != line["task"].split("-")[0])


def another_step(lines: Lines) -> None:
    line = next(line for line in lines if line["verdict"] == "valid")
    line["plan"] = [*line["plan"], "(fly-to moon)"]


def hide_a_failure(lines: Lines) -> None:
    line = next(line for line in lines if line["verdict"] != "valid")
    line.update(verdict="harness_error", step=None, plan=None, finish="error")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (drop_sample, r"sample \d of \S+ is missing"),
        (double_sample, r"samples:9: sample \d of \S+ stands there twice"),
        (foreign_task, r"samples:4: \S+ is no task of smoke"),
        (renamed_task, r"samples:4: blocksworld-99 is called \S+ in smoke"),
        (call_valid, r"samples:\d+: \S+: valid there, judged goal_missed"),
        (another_plan, r"samples:\d+: \S+: valid there, judged malformed at step 1"),
        (another_step, r"samples:\d+: \S+: valid there, judged malformed at step \d+"),
        (hide_a_failure, r"1 of 90 samples are harness errors"),
    ],
)
def test_a_changed_sample_is_named(board: EntryFolder, name: str, change: Callable[[Lines], None], named: str) -> None:
    edit_samples(board, name, change)
    assert re.search(named, faults_of(board, name))


def test_what_does_not_verify_loses_its_mark(board: EntryFolder, name: str) -> None:
    edit_samples(board, name, call_valid)
    found = verify(board, name)
    board.mark([], [name])
    assert not found.verified
    assert board.marks().entries == {}


def test_faults_are_counted_where_they_are_many(board: EntryFolder, name: str) -> None:
    def all_foreign(lines: Lines) -> None:
        for number, line in enumerate(lines):
            line["hash"] = f"{number:016x}"

    edit_samples(board, name, all_foreign)
    found = verify(board, name)
    assert (len(found.faults), found.others > 50) == (20, True)


def test_a_look_at_one_domain_judges_its_plans_and_no_others(board: EntryFolder, name: str) -> None:
    assert verify(board, name, ["grid"]).plans == 30
    assert verify(board, name, ["grid"]).faults == []

    def spoil_grid(lines: Lines) -> None:
        line = next(line for line in lines if line["task"].startswith("grid") and line["verdict"] != "valid")
        line["verdict"], line["step"] = "valid", None

    edit_samples(board, name, spoil_grid)
    assert "grid" in "\n".join(verify(board, name, ["grid"]).faults)
    assert verify(board, name, ["logistics"]).faults == []


def write(board: EntryFolder, name: str, text: str) -> None:
    (board.entries / f"{name}.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda text: text.replace('"seed": 0', '"seed": NaN', 1), "NaN is no number of JSON"),
        (lambda text: text.replace('"seed": 0', '"seed": -Infinity', 1), "-Infinity is no number"),
        (lambda text: text.replace('"seed": 0', '"seed": 1e999', 1), "1e999 is beyond every number"),
        (lambda text: text.replace('"seed": 0', '"seed": -1', 1), "a negative number"),
        (lambda text: text.replace('"seed": 0', '"seed": 1' + "0" * 5000, 1), "larger than anything"),
        (lambda text: text.replace('"seed": 0', '"seed": ' + "[" * 100_000, 1), "nested deeper than"),
        (lambda text: text.replace('"seed": 0', '"seed": 0,\n  "seed": 1', 1), "'seed' stands there twice"),
        (lambda text: text.replace("Random steps", "<script>alert(1)</script>"), "card.title: has markup"),
        (lambda text: text.replace("Random steps", "a\\u202eb"), "cannot be printed"),
        (lambda text: text.replace("https://example.org/a", "javascript:alert(1)"), "no http or https address"),
        (lambda text: text.replace('"seed": 0', '"seed": "0"', 1), "settings.seed: Input should be a valid integer"),
        (lambda text: text.replace('"seed": 0', '"seed": 0, "more": 1', 1), "settings.more: Extra inputs"),
        (lambda text: text[: len(text) // 2], "not JSON"),
        (lambda text: text + " " * 5_000_000, "larger than"),
        (lambda text: text.replace("\n", "\n "), "not as planbench writes it"),
    ],
)
def test_a_hostile_entry_is_refused_with_the_reason(
    board: EntryFolder, name: str, change: Callable[[str], str], named: str
) -> None:
    text = (board.entries / f"{name}.json").read_text(encoding="utf-8")
    assert change(text) != text
    write(board, name, change(text))
    assert named in faults_of(board, name)


@pytest.mark.parametrize("path", ["../../etc/passwd", "..", "a/b", "a\0b", "A", "a..b", "x" * 200])
def test_a_name_that_is_a_path_is_refused(board: EntryFolder, path: str) -> None:
    assert "is no id" in faults_of(board, path)


def test_an_entry_under_another_name_or_behind_a_link_is_refused(board: EntryFolder, name: str) -> None:
    (board.entries / "other.json").symlink_to(board.entries / f"{name}.json")
    assert "is a link" in faults_of(board, "other")
    (board.entries / "other.json").unlink()
    (board.entries / "other.json").write_bytes((board.entries / f"{name}.json").read_bytes())
    assert f"holds entry {name}" in faults_of(board, "other")


def test_a_file_of_many_gigabytes_is_not_unpacked(board: EntryFolder, name: str) -> None:
    bomb = gzip.compress(b"0" * 20_000_000, mtime=0)
    board.samples_path(name).write_bytes(bomb)
    assert "unpacks to more than the" in faults_of(board, name)

    def claim(document: dict[str, Any]) -> None:
        document["samples"]["bytes"] = 2**32

    edit_entry(board, name, claim)
    assert "are allowed" in faults_of(board, name)

    def claim_less(document: dict[str, Any]) -> None:
        document["samples"]["bytes"] = 20_000_000

    edit_entry(board, name, claim_less)
    assert "a line longer than" in faults_of(board, name)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (b'{"task":"a","task":"b"}\n', "'task' stands there twice"),
        (b'{"seconds":NaN}\n', "NaN is no number"),
        (b"[" * 5000 + b"\n", "nested deeper"),
        (b"\xff\n", "not UTF-8"),
        (b'{"task":"a"}\n', "samples:91: hash: Field required"),
        (b'{"task":"a"}', "its last line has no end"),
    ],
)
def test_a_hostile_line_is_named(board: EntryFolder, name: str, line: bytes, named: str) -> None:
    lines = gzip.decompress(board.samples_path(name).read_bytes())
    write_samples(board, name, lines + line)

    def count(document: dict[str, Any]) -> None:
        document["samples"]["count"] = 91

    edit_entry(board, name, count)
    assert named in faults_of(board, name)


def test_half_a_million_lines_that_are_none_are_not_read(board: EntryFolder, name: str) -> None:
    write_samples(board, name, b"\n" * 500_000)
    found = verify(board, name)
    # The last of the faults is counted with the others.
    assert (len(found.faults), found.others) == (20, 2)


def test_a_line_written_otherwise_is_named(board: EntryFolder, name: str) -> None:
    first, rest = gzip.decompress(board.samples_path(name).read_bytes()).split(b"\n", 1)
    write_samples(board, name, json.dumps(json.loads(first)).encode() + b"\n" + rest)
    assert "samples:1: not as planbench writes it" in faults_of(board, name)
    write_samples(board, name, compact(json.loads(first)) + rest)
    assert faults_of(board, name) == ""


def test_a_set_made_otherwise_is_no_set(
    board: EntryFolder, name: str, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "task_book", module.task_book.__wrapped__)
    monkeypatch.setattr(module, "make_set", lambda name, domains: tasks[:-1])
    assert "tasks.hash" in faults_of(board, name)


def test_verification_needs_no_neural_library(board: EntryFolder, name: str) -> None:
    code = f"""
import sys
for blocked in ("torch", "transformers", "tokenizers", "accelerate", "peft", "safetensors", "matplotlib"):
    sys.modules[blocked] = None
from planbench.cli import main
sys.exit(main(["leaderboard", "verify", {name!r}, "--domain", "grid", "--folder", {str(board.path)!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "verified, 30 plans judged in grid" in done.stdout


def test_the_entry_of_a_renamed_run_is_judged_in_its_own_words(
    tasks: list[Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "make_set", lambda name, domains: tasks)
    run = RunFolder(tmp_path / "run")
    evaluate(tasks, {"set": "smoke"}, load("planner:policy"), Asked("policy", rename="mystery"), run)
    board = EntryFolder(tmp_path / "board")
    entry, _ = add(run.path, board, make_card({}))
    assert isinstance(entry, Entry)
    assert entry.board == "smoke-mystery"
    assert entry.results.valid_rate == 1.0
    assert verify(board, entry.id).verified
