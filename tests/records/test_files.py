"""Run folders: what a kill, a hand or another program can leave in them, and what is read back then."""

from __future__ import annotations

import os
import string
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.core.verdict import VerdictKind
from planbench.errors import InputError, RunFolderError
from planbench.records import ReferencePlan, Task, files
from planbench.records.files import RUN, SAMPLES, SUMMARY, TASKS, RunFolder, read_json, write_whole
from planbench.records.run import RunRecord
from planbench.records.sample import Sample, VerdictRecord


def sample(number: int, reply: str = "(go)", kind: VerdictKind = "valid") -> Sample:
    return Sample(
        key=f"k-{number}",
        task="t",
        domain="d",
        task_hash="0" * 16,
        prompt_hash="1" * 16,
        index=number,
        seed=number,
        reply=reply,
        finish="stop",
        plan=("(go)",),
        verdict=VerdictRecord(kind=kind),
        length=1,
    )


def filled(path: Path, count: int = 3) -> RunFolder:
    folder = RunFolder(path)
    folder.create()
    with folder.appending() as writer:
        for number in range(count):
            writer.write([sample(number, reply="(go)\n" * number)])
    return folder


@given(replies=st.lists(st.text(st.characters(exclude_categories=("Cs",))), max_size=4))
@settings(max_examples=60, deadline=None)
def test_any_reply_comes_back_as_it_was(replies: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    written = [sample(number, reply) for number, reply in enumerate(replies)]
    with folder.appending() as writer:
        writer.write(written)
    assert list(folder.samples()) == written
    folder.keep_samples(written[1:])
    assert list(folder.samples()) == written[1:]


def test_wherever_a_file_is_cut_the_whole_lines_stay(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    path = tmp_path / SAMPLES
    whole = path.read_bytes()
    there = list(folder.samples())
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        kept = there[: whole[:cut].count(b"\n")]
        assert list(folder.samples()) == kept
        with folder.appending() as writer:
            writer.write([sample(9)])
        assert list(folder.samples()) == [*kept, sample(9)]


def test_a_torn_line_longer_than_what_is_read_at_once_is_cut(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    whole = (tmp_path / SAMPLES).read_bytes()
    for torn in (b"x" * 65_536, b"x" * 65_537, b"x" * 200_000):
        (tmp_path / SAMPLES).write_bytes(whole + torn)
        with folder.appending():
            pass
        assert (tmp_path / SAMPLES).read_bytes() == whole


def refusal(read: Callable[[], Any], kind: type[Exception] = RunFolderError) -> str:
    with pytest.raises(kind) as caught:
        read()
    message = str(caught.value)
    assert "\n" not in message
    return message


GOOD = sample(0).model_dump_json()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "Invalid JSON"),
        (b"", "Invalid JSON"),
        (b"[]", "object"),
        (b"null", "object"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"\x00" * 50, "Invalid JSON"),
        (b"[" * 100_000, "Invalid JSON"),
        (b'{"key": "k"}', "task: Field required"),
        (GOOD.replace('"valid"', '"splendid"').encode(), "verdict.kind"),
        (GOOD.replace('"index":0', '"index":"first"').encode(), "index"),
        (GOOD.replace('"index":0', '"index":0,"colour":"red"').encode(), "colour"),
        (GOOD.replace('"stop"', '"whim"').encode(), "finish"),
    ],
)
def test_a_broken_line_is_named(line: bytes, says: str, tmp_path: Path) -> None:
    folder = filled(tmp_path)
    with (tmp_path / SAMPLES).open("ab") as file:
        file.write(line + b"\n")
    message = refusal(lambda: list(folder.samples()))
    assert message.startswith(f"{tmp_path / SAMPLES}:4: ")
    assert says in message


def test_a_line_that_is_too_long_is_refused(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    (tmp_path / SAMPLES).write_bytes(GOOD.encode() + b" " * 5000 + b"\n")
    assert len(list(folder.samples())) == 1
    with patch.object(files, "MAX_LINE", 4000):
        assert "longer than" in refusal(lambda: list(folder.samples()))


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", '{"schema": 1}', '{"schema": "one"}'])
def test_a_broken_record_is_named(text: str, tmp_path: Path) -> None:
    for name, read in ((RUN, RunFolder(tmp_path).record), (SUMMARY, RunFolder(tmp_path).summary)):
        (tmp_path / name).write_text(text)
        assert refusal(read).startswith(f"{tmp_path / name}: ")


@pytest.mark.parametrize("name", [RUN, SUMMARY, TASKS])
def test_what_never_ends_is_not_read(name: str, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    read = {RUN: lambda: read_json(tmp_path / RUN, RunRecord), SUMMARY: folder.summary, TASKS: folder.tasks}[name]
    os.mkfifo(tmp_path / name)
    assert "is no file" in refusal(read)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    assert "is no file" in refusal(read)


def test_a_record_that_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / SUMMARY).write_text(" " * 5000)
    with patch.object(files, "MAX_WHOLE", 4000):
        assert "larger than" in refusal(RunFolder(tmp_path).summary)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "absent")
    assert folder.record() is None
    assert list(folder.samples()) == []
    assert f"{tmp_path / 'absent' / SUMMARY}: No such file" in refusal(folder.summary)
    assert f"{tmp_path / 'absent' / TASKS}: No such file" in refusal(folder.tasks)


NAMES = st.text(string.ascii_lowercase + "-éあ\n\"'\\ \u2028", min_size=1, max_size=8)
PLANS = st.lists(st.lists(NAMES, min_size=1, max_size=3).map(tuple), max_size=3).map(tuple)
TASK = st.builds(
    Task,
    id=NAMES,
    domain=NAMES,
    domain_pddl=st.sampled_from(["(one)", "(two)\n"]),
    problem_pddl=NAMES,
    reference=st.none() | st.builds(ReferencePlan, PLANS, st.booleans()),
    domain_toml=st.sampled_from(["", "a = 1"]),
)


@given(tasks=st.lists(TASK, max_size=6))
@settings(max_examples=60, deadline=None)
def test_tasks_come_back_as_they_were(tasks: list[Task], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    folder.write_tasks(tasks)
    assert folder.tasks() == tasks


def test_the_texts_of_a_domain_are_written_once(tmp_path: Path) -> None:
    text = "(define (domain x) (:predicates (only-here)))"
    task = Task("a", "x", text, "(define (problem a))")
    RunFolder(tmp_path).write_tasks([task, replace(task, id="b"), replace(task, id="c", domain_pddl="(other)")])
    assert (tmp_path / TASKS).read_text().count("only-here") == 1


TASK_LINE = (
    '{"id":"a","domain":"d","domain_number":0,"domain_pddl":null,"domain_toml":null,"problem_pddl":"(p)",'
    '"reference":[["go"]],"optimal":false}'
)


@pytest.mark.parametrize(
    "line",
    [
        *("{", "[]", "{}", '{"id": "a", "domain": "d", "domain_number": "x"}', "7", "[" * 100_000),
        TASK_LINE.replace(":0", ":1e999"),
        TASK_LINE.replace(":0", ":1"),
        TASK_LINE.replace("(p)", "\\ud800"),
        TASK_LINE.replace('"go"', "1"),
    ],
)
def test_a_broken_task_is_named(line: str, tmp_path: Path) -> None:
    RunFolder(tmp_path).write_tasks([Task("a", "d", "(d)", "(p)")])
    with (tmp_path / TASKS).open("a") as file:
        file.write(line + "\n")
    assert refusal(RunFolder(tmp_path).tasks).startswith(f"{tmp_path / TASKS}:2: not a task of a run")


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    with RunFolder(tmp_path).lock():
        other = RunFolder(tmp_path)
        assert "another planbench is writing here" in refusal(lambda: other.lock().__enter__())
    with other.lock():
        pass


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "under", Path("/dev/null/x"), tmp_path / ("x" * 300)):
        message = refusal(RunFolder(path).create, InputError)
        assert str(path) in message
        assert "--out" in message


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "kept").touch()
    assert "cannot be written" in refusal(lambda: write_whole(tmp_path / "page", "new"), InputError)
    assert (tmp_path / "page" / "kept").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["page"]
    assert "cannot be written" in refusal(lambda: write_whole(tmp_path / "absent" / "page", "new"), InputError)
    assert "a folder; name a file in it" in refusal(lambda: write_whole(Path("."), "new"), InputError)


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    (tmp_path / SAMPLES).symlink_to("/dev/full")

    def fill() -> None:
        with RunFolder(tmp_path).appending() as writer:
            writer.write([sample(0)])

    message = refusal(fill, InputError)
    assert str(tmp_path / SAMPLES) in message
    assert "No space left" in message
