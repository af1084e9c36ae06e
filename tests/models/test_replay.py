"""Stored replies come back as they were; a file that is not clean is refused with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planbench.core.verdict import Verdict
from planbench.errors import InputError
from planbench.models import load
from planbench.records import Message, Prompt, Reply, Request, SamplingSettings
from planbench.records.sample import Sample, VerdictRecord
from tests.models.checkpoints import walk

TASK = walk(4)
HASH, OTHER = "a" * 16, "b" * 16


def wanted(key: str = "none", task_hash: str = HASH, index: int = 0) -> Request:
    return Request(key, Prompt("s", (Message("user", "?"),)), TASK, task_hash, index, 0)


def stored(path: Path, *records: object) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return f"replay:{path}"


def answers(name: str, *requests: Request) -> list[Reply]:
    return [reply for _, reply in sorted(load(name).replies(requests, (), SamplingSettings()))]


def sample(key: str, index: int, reply: str, task_hash: str = HASH) -> dict[str, object]:
    """A line exactly as a run writes it."""
    record = Sample(
        key=key,
        task="t",
        domain="walk",
        task_hash=task_hash,
        prompt_hash="c" * 16,
        index=index,
        seed=1,
        reply=reply,
        finish="length",
        prompt_tokens=7,
        completion_tokens=3,
        seconds=0.5,
        verdict=VerdictRecord.of(Verdict("no_plan")),
    )
    return json.loads(record.model_dump_json())


def test_a_runs_samples_come_back_whole(tmp_path: Path) -> None:
    name = stored(tmp_path / "samples.jsonl", sample("k0", 0, "zero"), sample("k1", 1, "one \u2028 \x00 \n\U0001f600"))
    first, second = answers(name, wanted("k0"), wanted("k1", index=1))
    assert first == Reply("zero", "length", 7, 3, 0.5)
    assert second.text == "one \u2028 \x00 \n\U0001f600"
    # The folder of the run says the same.
    assert answers(f"replay:{tmp_path}", wanted("k0"))[0] == first


def test_another_prompt_of_the_same_task_is_answered_by_hash_where_that_is_clear(tmp_path: Path) -> None:
    one = stored(tmp_path / "one.jsonl", sample("k0", 0, "zero"))
    assert answers(one, wanted("another"))[0].text == "zero"
    two = stored(tmp_path / "two.jsonl", sample("k0", 0, "zero"), sample("k1", 0, "other prompt"))
    assert answers(two, wanted("k1"))[0].text == "other prompt"
    assert answers(two, wanted("another"))[0].finish == "error"


def test_lines_of_anyones_making(tmp_path: Path) -> None:
    name = stored(
        tmp_path / "r.jsonl",
        {"task_hash": HASH, "index": 1, "reply": "by hash"},
        {"task": "Ring-4", "reply": "by name"},
        {"key": "mine", "reply": "by key"},
    )
    replies = answers(name, wanted(index=1), wanted(), wanted("mine", index=5), wanted(task_hash=OTHER, index=9))
    assert [reply.text for reply in replies] == ["by hash", "by name", "by key", ""]
    assert [reply.finish for reply in replies] == ["stop", "stop", "stop", "error"]
    assert str(tmp_path) in replies[3].error


def test_a_stored_reply_can_always_be_stored_again(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text('{"task": "ring-4", "reply": "half \\ud83d a pair"}')
    (reply,) = answers(f"replay:{tmp_path / 'r.jsonl'}", wanted())
    assert reply.text == "half \ufffd a pair"
    assert sample("k", 0, reply.text)["reply"] == reply.text


def test_done_is_left_out_and_the_fingerprint_is_the_files(tmp_path: Path) -> None:
    name = stored(tmp_path / "r.jsonl", {"task_hash": HASH, "reply": "x"})
    model = load(name)
    assert [position for position, _ in model.replies([wanted()] * 3, {1}, SamplingSettings())] == [0, 2]
    stored(tmp_path / "r.jsonl", {"task_hash": HASH, "reply": "y"})
    assert load(name).fingerprint != model.fingerprint


GOOD = b'{"task_hash": "a", "reply": "x"}\n'
BROKEN = {
    "cut off": (b'{"task_hash": "a", "re', "not JSON"),
    "not an object": (b"[1]\n", "not a JSON object"),
    "not text": (b"\xff\xfe\n", "not JSON"),
    "nested without end": (b"[" * 100_000, "not JSON"),
    "no name": (b'{"reply": "x"}\n', "says not what it replies to"),
    "name is a number": (b'{"task": 3, "reply": "x"}\n', "task is not a string"),
    "no reply": (b'{"task": "a"}\n', "no reply"),
    "reply is no text": (b'{"task": "a", "reply": null}\n', "no reply"),
    "negative index": (b'{"task": "a", "index": -1, "reply": "x"}\n', "index is -1"),
    "index is true": (b'{"task": "a", "index": true, "reply": "x"}\n', "index is True"),
    "unknown finish": (b'{"task": "a", "finish": "done", "reply": "x"}\n', "finish is 'done'"),
    "seconds without end": (b'{"task": "a", "seconds": 1e308, "reply": "x"}\n', "seconds is 1e+308"),
    "tokens without end": (
        b'{"task": "a", "completion_tokens": 100000000000000000000, "reply": "x"}\n',
        "are whole numbers",
    ),
    "seconds are no number": (b'{"task": "a", "seconds": NaN, "reply": "x"}\n', "seconds is nan"),
    "tokens are no number": (b'{"task": "a", "prompt_tokens": "9", "reply": "x"}\n', "whole numbers"),
    "twice the same": (GOOD, "same reply as line 1"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_line_is_named(case: str, tmp_path: Path) -> None:
    line, expected = BROKEN[case]
    path = tmp_path / "r.jsonl"
    path.write_bytes(GOOD + b"\n" + line)
    with pytest.raises(InputError) as error:
        load(f"replay:{path}")
    assert str(error.value).startswith(f"{path}:3: ")
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_of_no_replies(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text("\n\n")
    with pytest.raises(InputError, match="holds no replies"):
        load(f"replay:{tmp_path / 'r.jsonl'}")
