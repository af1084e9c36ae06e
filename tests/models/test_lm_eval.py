"""What the LM Evaluation Harness drew, judged: the samples file in its own format becomes a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from planbench.cli import main
from planbench.core.verdict import plan_text
from planbench.errors import InputError
from planbench.models.lm_eval import read_lm_eval
from planbench.records import Task
from planbench.records.files import RunFolder
from planbench.suite.sets import make_set

Line = dict[str, Any]


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return make_set("smoke", ["blocksworld"])


def sample(task: Task, number: int, replies: list[str], doc: Line | None = None) -> Line:
    """A line as lm-eval 0.4 writes it for a task of output_type generate_until."""
    kwargs = {"until": ["\n\n"], "temperature": 0.7, "max_gen_toks": 99}
    return {
        "doc_id": number,
        "doc": doc or {"task_hash": task.hash},
        "target": "",
        "arguments": {"gen_args_0": {"arg_0": "the prompt", "arg_1": kwargs}},
        "resps": [replies],
        "filtered_resps": replies[:1],
        "filter": "none",
        "doc_hash": "0" * 64,
        "prompt_hash": "0" * 64,
        "target_hash": "0" * 64,
        "exact_match": 0.0,
    }


def plan_of(task: Task) -> str:
    assert task.reference
    return plan_text(task.reference.steps)


def write(path: Path, lines: list[Line]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_replies_are_judged_as_if_drawn_here(
    tasks: list[Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        sample(
            task,
            number,
            ["I cannot." if number % 3 else f"Plan:\n{plan_of(task)}"],
            {"domain_pddl": task.domain_pddl, "problem_pddl": task.problem_pddl},
        )
        for number, task in enumerate(tasks)
    ]
    # A second filter writes every doc a second time.
    lines += [{**line, "filter": "strict", "filtered_resps": ["[invalid]"]} for line in lines]
    write(tmp_path / "samples.jsonl", lines)
    assert main(["score", "samples.jsonl", "--from", "lm-eval", "--out", "run", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["tasks"], summary["verdicts"]["valid"], summary["verdicts"]["no_plan"]) == (15, 5, 10)
    record = RunFolder(tmp_path / "run").record()
    assert record
    assert (record.config.temperature, record.config.max_tokens) == (0.7, 99)
    assert record.config.tasks.spec == {"source": "lm-eval", "limit": 15}
    assert main(["score", "run"]) == 0


def test_replies_of_another_file_are_not_written_over(
    tasks: list[Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for reply in ("a", "b"):
        doc = {"domain_pddl": tasks[0].domain_pddl, "problem_pddl": tasks[0].problem_pddl}
        (tmp_path / reply).mkdir()
        write(tmp_path / reply / "samples.jsonl", [sample(tasks[0], 0, [reply], doc)])
    argv = ["--from", "lm-eval", "--out", "run"]
    assert main(["score", "a/samples.jsonl", *argv]) == 0
    before = (tmp_path / "run" / "replies.jsonl").read_bytes()
    assert main(["score", "b/samples.jsonl", *argv]) == 2
    assert (tmp_path / "run" / "replies.jsonl").read_bytes() == before
    assert main(["score", "a/samples.jsonl", *argv]) == 0
    for reply in ("a", "b", "b"):
        assert main(["score", f"{reply}/samples.jsonl", *argv[:2]]) == 0
    assert len(list((tmp_path / "runs").iterdir())) == 2


@pytest.mark.parametrize(
    "doc",
    [
        lambda task: {"task": task.id},
        lambda task: {"problem_pddl": task.problem_pddl},
        lambda task: {"task_hash": task.hash, "task": "else"},
    ],
)
def test_a_doc_says_which_task_it_is(tasks: list[Task], tmp_path: Path, doc: Callable[[Task], Line]) -> None:
    lines = [sample(task, number, ["a", "b"], doc(task)) for number, task in reversed(list(enumerate(tasks)))]
    found = read_lm_eval(write(tmp_path / "s.jsonl", lines), tasks)
    assert [task.hash for task in found.tasks] == [task.hash for task in tasks]
    assert found.replies == [["a", "b"]] * len(tasks)
    assert found.settings.samples == 2


def test_a_doc_that_holds_its_pddl_needs_no_set(tasks: list[Task], tmp_path: Path) -> None:
    task = tasks[0]
    doc = {"domain_pddl": task.domain_pddl, "problem_pddl": task.problem_pddl, "domain": "blocksworld"}
    line = sample(task, 0, ["x"], doc)
    (found,) = read_lm_eval(write(tmp_path / "s.jsonl", [line]), []).tasks
    assert (found.hash, found.domain) == (task.hash, "blocksworld")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda line: line.pop("doc"), "no doc and doc_id"),
        (lambda line: line.update(doc={"x": 1}), "no task_hash, task or problem_pddl"),
        (lambda line: line.update(resps=[[-1.5, False]]), "no texts"),
        (lambda line: line.update(resps=[]), "no texts"),
        (lambda line: line.update(resps=[["a", "b"]]), "some docs have 1 replies and others 2"),
        (lambda line: line.update(doc_id=99), "stands there twice"),
    ],
)
def test_a_line_that_is_no_sample_is_refused(
    tasks: list[Task], tmp_path: Path, change: Callable[[Line], object], named: str
) -> None:
    first, second = sample(tasks[0], 0, ["a"]), sample(tasks[0 if "twice" in named else 1], 1, ["b"])
    change(second)
    with pytest.raises(InputError, match=named):
        read_lm_eval(write(tmp_path / "s.jsonl", [first, second]), tasks)
