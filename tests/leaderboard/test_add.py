"""Which runs become entries, and what is kept of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planbench.errors import InputError, RunFolderError
from planbench.leaderboard.add import add, make_card
from planbench.leaderboard.store import EntryFolder


def change_run(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    change(record)
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")


def change_samples(folder: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    path = folder / "samples.jsonl"
    samples = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    change(samples)
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples), encoding="utf-8")


def fail_one(samples: list[dict[str, Any]]) -> None:
    for sample in samples[:1]:
        sample["verdict"] = {"kind": "harness_error", "step": None, "reason": "x", "facts": []}


def other_verdict(samples: list[dict[str, Any]]) -> None:
    sample = next(one for one in samples if one["verdict"]["kind"] != "valid")
    sample["verdict"] = {"kind": "valid", "step": None, "reason": "", "facts": []}


def impossible_count(samples: list[dict[str, Any]]) -> None:
    samples[0]["completion_tokens"] = -5


def no_number(samples: list[dict[str, Any]]) -> None:
    samples[0]["seconds"] = float("nan")


def other_task(folder: Path) -> None:
    """The run says that it is on the set; the tasks beside it are others."""
    path = folder / "tasks.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace("(:goal", "(:goal ", 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda folder: change_samples(folder, lambda samples: samples.pop()), "unfinished, with 89 of 90 samples"),
        (lambda folder: change_run(folder, lambda run: run["config"]["tasks"]["spec"].pop("set")), "no named set"),
        (
            lambda folder: change_run(folder, lambda run: run["config"]["tasks"]["spec"].update(limit=10)),
            "only a part of set smoke (--limit)",
        ),
        (
            lambda folder: change_run(folder, lambda run: run["config"]["tasks"].update(hash="0" * 32)),
            "are not those of set smoke",
        ),
        (lambda folder: change_samples(folder, fail_one), "1 of 90 samples failed through no fault of the model"),
        (lambda folder: change_samples(folder, other_verdict), "does not verify"),
        (lambda folder: (folder / "run.json").unlink(), "no run.json in it"),
        (other_task, "are not those of set smoke"),
        (lambda folder: change_samples(folder, impossible_count), "completion_tokens: Input should be greater"),
        (lambda folder: change_samples(folder, no_number), "seconds: Input should be a finite number"),
        (lambda folder: change_run(folder, lambda run: run.update(started="yesterday")), "date: "),
        (lambda folder: change_run(folder, lambda run: run["model"].update(limit=-1)), "-1: a negative number"),
        (lambda folder: change_run(folder, lambda run: run["model"].update(limit=10**16)), "larger than anything"),
        (
            lambda folder: change_run(folder, lambda run: run["machine"].update(system="<b>")),
            "machine.system: has markup in it",
        ),
    ],
)
def test_a_run_that_is_no_entry_is_refused_in_one_line(
    run_folder: Path, tmp_path: Path, change: Callable[[Path], object], named: str
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    change(folder)
    board = EntryFolder(tmp_path / "board")
    with pytest.raises(RunFolderError) as caught:
        add(folder, board, make_card({}))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
    assert board.ids() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("title", "<b>x</b>"), ("note", "a\nb"), ("title", "x" * 201), ("link", "ftp://x"), ("link", "javascript:x")),
        *(("title", name) for name in (" ", " x", "\u3164", "x\u2800y", "\u0338x", "LAMA\u0338\u0338\u0338")),
    ],
)
def test_what_is_typed_about_a_model_is_checked(field: str, value: str) -> None:
    with pytest.raises(InputError, match=f"--{field}"):
        make_card({field: value})


@pytest.mark.parametrize("title", ["", "Größe 7B", "e\u0301", "हिन्दी", "ที่หนึ่ง", "模型"])
def test_a_title_may_be_in_any_script(title: str) -> None:
    assert make_card({"title": title}).title == title


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("/home/somebody/checkpoints/mine", "mine"),
        ("hf:/home/somebody/checkpoints/mine", "hf:mine"),
        ("replay:/home/somebody/mine.jsonl", "replay:mine.jsonl"),
        ("server:http://127.0.0.1:8000/v1#mine", "server:http://127.0.0.1:8000/v1#mine"),
    ],
)
def test_an_entry_says_nothing_of_somebody_s_folders(run_folder: Path, tmp_path: Path, model: str, name: str) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)

    def from_home(run: dict[str, Any]) -> None:
        run["config"]["model"] = model
        run["model"]["source"] = "/home/somebody/checkpoints/mine"
        run["model"]["template"] = "<|start|>{% for message in messages %}\n"
        run["config"]["model_args"] = {"adapter": "/home/somebody/adapter"}

    change_run(folder, from_home)
    board = EntryFolder(tmp_path / "board")
    entry, path = add(folder, board, make_card({}))
    assert entry.model.name == name
    assert "somebody" not in path.read_text(encoding="utf-8")
    assert str(tmp_path) not in path.read_text(encoding="utf-8")
