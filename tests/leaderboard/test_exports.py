"""Entries in the formats of other tools, read by these tools where they are at hand."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from planbench.errors import InputError
from planbench.leaderboard.entry import Entry, StoredSample
from planbench.leaderboard.exports import FORMATS, huggingface, lm_eval
from planbench.leaderboard.inspect_log import Export
from planbench.leaderboard.store import EntryFolder
from planbench.leaderboard.verify import read_samples


@pytest.fixture
def entry(made_board: EntryFolder, name: str) -> Entry:
    return made_board.read(name).entry


@pytest.fixture
def samples(made_board: EntryFolder, name: str) -> list[StoredSample]:
    return read_samples(made_board.read(name))


def made(kind: str, entry: Entry, samples: list[StoredSample]) -> Export:
    return FORMATS[kind](entry, samples, "someone/planbench")


@pytest.mark.parametrize("kind", FORMATS)
def test_an_export_says_the_entry_s_rate_and_is_the_same_twice(
    entry: Entry, samples: list[StoredSample], kind: str
) -> None:
    export = made(kind, entry, samples)
    assert export == made(kind, entry, samples)
    assert entry.results.valid_rate is not None
    digits = f"{100 * entry.results.valid_rate:.4f}".rstrip("0") if kind == "huggingface" else entry.results.valid_rate
    assert str(digits) in export.text


def test_the_hub_reads_its_own_format(entry: Entry) -> None:
    from huggingface_hub import parse_eval_result_entries

    export = huggingface(entry, "someone/planbench")
    (read,) = parse_eval_result_entries(yaml.safe_load(export.text))
    assert (read.dataset_id, read.task_id, read.date) == ("someone/planbench", "smoke", entry.date)
    assert read.value == round(100 * (entry.results.valid_rate or 0), 4)
    assert read.source_url == "https://example.org/a"
    assert read.notes
    assert entry.tasks.hash in read.notes


@pytest.mark.parametrize("dataset", ["", "name", "a/b/c", "a/b c", "/b"])
def test_a_dataset_that_is_none_is_refused(entry: Entry, dataset: str) -> None:
    with pytest.raises(InputError, match="--dataset"):
        huggingface(entry, dataset)


def test_lm_eval_s_keys(entry: Entry) -> None:
    read = json.loads(lm_eval(entry).text)
    group = "planbench_smoke"
    assert read["group_subtasks"][group] == [f"{group}_{name}" for name in entry.results.by_domain]
    assert read["results"][group]["valid_plan,none"] == entry.results.valid_rate
    for name, part in entry.results.by_domain.items():
        task = f"{group}_{name}"
        assert read["results"][task]["valid_plan,none"] == part.valid_rate
        assert {task in read[key] for key in ("configs", "versions", "n-shot", "higher_is_better", "n-samples")} == {
            True
        }


def test_inspect_reads_its_log(entry: Entry, samples: list[StoredSample], tmp_path: Path) -> None:
    if importlib.util.find_spec("inspect_ai") is None:
        pytest.skip("Inspect is not installed; make exports tests with it")
    from inspect_ai.log import read_eval_log  # pyright: ignore

    path = tmp_path / "log.json"
    path.write_text(made("inspect", entry, samples).text, encoding="utf-8")
    log = read_eval_log(str(path))  # pyright: ignore
    assert log.status == "success"  # pyright: ignore
    assert log.results.scores[0].metrics["accuracy"].value == entry.results.valid_rate  # pyright: ignore
    values = [sample.scores["valid_plan"].value for sample in log.samples]  # pyright: ignore
    assert sum(values) == entry.results.verdicts["valid"]  # pyright: ignore
    assert len(values) == entry.results.samples  # pyright: ignore


def test_every_eval_ever_accepts_its_record(entry: Entry, samples: list[StoredSample], tmp_path: Path) -> None:
    export = made("every-eval-ever", entry, samples)
    assert re.fullmatch(r"data/planbench/planbench/random/[0-9a-f-]{36}\.json", export.name)
    (tmp_path / export.name).parent.mkdir(parents=True)
    (tmp_path / export.name).write_text(export.text, encoding="utf-8")
    assert "0 errors" in every_eval_ever_says(tmp_path, "validate", export.name)


def test_every_eval_ever_reads_what_lm_eval_would_have_written(entry: Entry, tmp_path: Path) -> None:
    named = entry.model_copy(update={"model": entry.model.model_copy(update={"name": "owner/name"})})
    (tmp_path / "results.json").write_text(lm_eval(named).text, encoding="utf-8")
    options = ["--output_dir", "out", "--source_organization_name", "x"]
    every_eval_ever_says(tmp_path, "convert", "lm_eval", "--log_path", "results.json", *options)
    (path,) = (tmp_path / "out/planbench_smoke/owner/name").glob("*.json")
    (result,) = json.loads(path.read_text(encoding="utf-8"))["evaluation_results"]
    assert result["score_details"]["score"] == entry.results.valid_rate
    assert len(list((tmp_path / "out").rglob("*.json"))) == 1 + len(entry.results.by_domain)


def every_eval_ever_says(folder: Path, *words: str) -> str:
    """What it prints, where it has nothing to complain of."""
    if importlib.util.find_spec("every_eval_ever") is None:
        pytest.skip("Every Eval Ever is not installed; make exports tests with it (Python 3.12 or newer)")
    done = subprocess.run(
        [sys.executable, "-m", "every_eval_ever", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
