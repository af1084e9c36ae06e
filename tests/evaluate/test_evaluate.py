"""The main path, whole: what a run leaves behind, what it refuses, what it draws again."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.plan import read_plan
from planbench.errors import PlanbenchError, RunFolderError
from planbench.evaluate import verdict_of
from planbench.models import load
from planbench.preparation import prepare
from planbench.records.files import RUN, SUMMARY, RunFolder
from tests.evaluate.runs import Flaky, drawn, planner_checkpoint, run, sample_bytes, samples, some_tasks

PART = {"tasks", "samples", "valid_rate", "valid_ci", "verdicts", "by_length", "horizon", "longest_reference_solved"}
PART |= {"plan_length", "tokens", "seconds"}
SAMPLED = {"temperature": 1.0, "samples": 3, "max_tokens": 12}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(planner_checkpoint(tmp_path_factory.mktemp("checkpoint")))


def test_each_sample_is_a_reply_and_the_verdict_on_it(tmp_path: Path) -> None:
    summary = run(tmp_path, settings={"samples": 2})
    tasks = {task.hash: task for task in some_tasks()}
    found = samples(tmp_path)
    assert Counter((s.task_hash, s.index) for s in found) == Counter((t, i) for t in tasks for i in range(2))
    assert len({s.key for s in found}) == len({s.seed for s in found}) == 40
    for one in found:
        task = tasks[one.task_hash]
        domain = read_domain(task.domain_pddl)
        verdict = judge(compile_task(domain, read_problem(task.problem_pddl, domain)), read_plan(one.reply))
        assert (one.verdict.kind, one.length) == (verdict.kind, verdict.length)
        assert (one.task, one.domain, one.reference_length) == (task.id, task.domain, task.reference_length)
    assert (summary.tasks, summary.samples, summary.finished) == (20, 40, True)
    assert summary.verdicts["valid"] == sum(s.verdict.kind == "valid" for s in found) > 0


def test_summary_json_has_the_keys_that_are_promised(tmp_path: Path) -> None:
    run(tmp_path)
    summary = json.loads((tmp_path / SUMMARY).read_text())
    assert PART | {"schema", "model", "by_domain"} <= summary.keys()
    assert set(summary["by_domain"]) == {"blocksworld", "logistics"}
    for part in (summary, *summary["by_domain"].values()):
        assert part.keys() >= PART
        assert set(part["verdicts"]) == {
            "valid", "no_plan", "malformed", "inapplicable", "goal_missed", "harness_error"
        }  # fmt: skip
        assert part["horizon"].keys() >= {"value", "low", "high", "extrapolated"}
        assert part["plan_length"].keys() >= {"mean", "median", "max", "ratio_to_reference"}
        assert part["by_length"]
        for one in part["by_length"]:
            assert one.keys() >= {"low", "high", "tasks", "valid_rate", "valid_ci"}


def test_run_json_says_what_the_run_depends_on(tmp_path: Path, checkpoint: str) -> None:
    run(tmp_path, load(checkpoint), settings=SAMPLED, command="planbench eval", tasks=some_tasks()[:2])
    record = json.loads((tmp_path / RUN).read_text())
    assert record["schema"] == 1
    assert record["command"] == "planbench eval"
    assert record["versions"].keys() >= {"torch", "transformers", "pddl"}
    assert SAMPLED.items() <= record["config"].items()
    assert record["config"]["model_fingerprint"] == load(checkpoint).fingerprint
    assert record["config"]["tasks"]["tasks"] == 2
    assert len(record["config"]["tasks"]["hash"]) == 32


def test_a_checkpoint_is_measured(tmp_path: Path, checkpoint: str) -> None:
    summary = run(tmp_path, load(checkpoint), settings=SAMPLED)
    found = samples(tmp_path)
    assert len(found) == 60
    # Whole steps come out of it, so that several verdicts do too.
    assert len({s.verdict.kind for s in found}) >= 3
    assert summary.tokens.completion_total == sum(s.completion_tokens or 0 for s in found) > 0
    assert all(0 < (s.completion_tokens or 0) <= 12 and (s.prompt_tokens or 0) > 20 for s in found)


@pytest.mark.parametrize("name", ["random", "checkpoint"])
def test_the_seed_decides_the_samples(name: str, tmp_path: Path, checkpoint: str) -> None:
    model = load(checkpoint if name == "checkpoint" else name)
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        run(tmp_path / folder, model, settings=SAMPLED | {"seed": seed})
    assert drawn(tmp_path / "a") == drawn(tmp_path / "b")
    replies = [[s.reply for _, s in sorted(drawn(tmp_path / folder).items())] for folder in "ac"]
    assert replies[0] != replies[1]


def test_a_finished_run_is_not_drawn_again(tmp_path: Path) -> None:
    first = run(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    flaky = Flaky(range(20))  # would spoil whatever it is asked for
    flaky.fingerprint = load("random").fingerprint
    flaky.name = "random"
    assert run(tmp_path, flaky) == first
    assert flaky.asked == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"settings": {"seed": 1}}, "another seed (0 there, 1 now)"),
        ({"settings": {"samples": 2}}, "another samples (1 there, 2 now)"),
        ({"settings": {"temperature": 0.5}}, "another temperature (0.0 there, 0.5 now)"),
        ({"settings": {"top_p": 0.5}}, "another top p"),
        ({"settings": {"max_tokens": 9}}, "another max tokens"),
        ({"prompt": "english"}, "another prompt (pddl there, english now)"),
        ({"shots": 1}, "another shots"),
        ({"rename": "random"}, "another rename"),
        ({"rename": "mystery"}, "another rename (none there, mystery now)"),
        ({"batch_size": 2}, "another batch size (auto there, 2 now)"),
        ({"model_args": (("steps", "3"),)}, "another model args"),
        ({"model": "replay"}, "another model (random there, "),
        ({"model": "steps"}, "another model fingerprint"),
        ({"tasks": 3}, "another tasks; choose"),
    ],
)
def test_a_folder_holds_one_run(change: dict[str, Any], says: str, tmp_path: Path) -> None:
    run(tmp_path / "run")
    before = sample_bytes(tmp_path / "run")
    changed = dict(change)
    if "tasks" in changed:
        changed["tasks"] = some_tasks()[: changed["tasks"]]
    match changed.get("model"):
        case "replay":
            changed["model"] = load(f"replay:{tmp_path / 'run'}")
        case "steps":
            changed["model"] = load("random", model_args={"steps": "3"})
    with pytest.raises(RunFolderError) as refusal:
        run(tmp_path / "run", **changed)
    assert says in str(refusal.value)
    assert "choose another --out" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert sample_bytes(tmp_path / "run") == before


@pytest.mark.parametrize("name", ["random", "checkpoint"])
def test_stored_replies_get_the_verdicts_they_had(name: str, tmp_path: Path, checkpoint: str) -> None:
    model = load(checkpoint if name == "checkpoint" else name)
    run(tmp_path / "first", model, settings=SAMPLED)
    run(tmp_path / "again", load(f"replay:{tmp_path / 'first'}"), settings=SAMPLED)
    assert drawn(tmp_path / "again") == drawn(tmp_path / "first")


def test_a_few_failures_of_ours_leave_the_denominators(tmp_path: Path) -> None:
    run(tmp_path / "sound")
    summary = run(tmp_path / "flaky", Flaky({7}))
    sound = {s.key: s for s in samples(tmp_path / "sound")}
    judged = [s for s in samples(tmp_path / "flaky") if s.verdict.kind != "harness_error"]
    assert len(judged) == 19
    assert summary.verdicts["harness_error"] == 1
    assert (summary.tasks, summary.samples) == (20, 20)
    assert summary.valid_rate == sum(sound[s.key].verdict.kind == "valid" for s in judged) / 19


def test_many_failures_of_ours_are_no_result(tmp_path: Path) -> None:
    flaky = Flaky({3, 4})
    with pytest.raises(PlanbenchError) as failure:
        run(tmp_path, flaky)
    assert "2 of 20 samples failed through no fault of the model (line down)" in str(failure.value)
    assert "type the same command again" in str(failure.value)
    summary = RunFolder(tmp_path).summary()
    assert summary.verdicts["harness_error"] == 2
    kept = {key: s for key, s in drawn(tmp_path).items() if s.verdict.kind != "harness_error"}

    flaky.asked.clear()
    summary = run(tmp_path, flaky)
    assert sorted(flaky.asked) == [3, 4]
    assert summary.verdicts["harness_error"] == 0
    assert kept.items() <= drawn(tmp_path).items()
    run(tmp_path.with_name("sound"))
    assert drawn(tmp_path) == drawn(tmp_path.with_name("sound"))


def test_a_fault_of_the_reader_counts_as_ours() -> None:
    (one,) = prepare(some_tasks()[:1])
    plan, verdict = verdict_of(one, "no-such-style", "(pick-up b1)", None)
    assert (plan, verdict.kind) == (None, "harness_error")
    assert "no-such-style" in verdict.reason


@pytest.mark.parametrize("name", ["samples.jsonl", "samples-1.jsonl"])
def test_samples_that_no_run_json_belongs_to_are_refused(name: str, tmp_path: Path) -> None:
    run(tmp_path)
    (tmp_path / RUN).unlink()
    (tmp_path / "samples.jsonl").rename(tmp_path / name)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(RunFolderError, match=r"samples, but no run\.json.* choose another --out"):
        run(tmp_path, load("planner:policy"))
    assert (tmp_path / name).read_bytes() == before
    assert not (tmp_path / RUN).exists()


def test_a_path_typed_in_another_way_is_the_same_run(tmp_path: Path, checkpoint: str) -> None:
    settings = {"max_tokens": 4}
    summary = run(tmp_path, load(checkpoint), settings=settings)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert run(tmp_path, load(f"{checkpoint}/."), settings=settings) == summary
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_samples_of_another_run_are_refused(tmp_path: Path) -> None:
    run(tmp_path / "run", tasks=some_tasks()[:3])
    run(tmp_path / "other", tasks=some_tasks()[3:5])
    with (tmp_path / "run" / "samples.jsonl").open("ab") as file:
        file.write(sample_bytes(tmp_path / "other"))
    with pytest.raises(RunFolderError, match="is not of this run"):
        run(tmp_path / "run", tasks=some_tasks()[:3])


def test_a_sample_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    run(tmp_path, tasks=some_tasks()[:3])
    whole = sample_bytes(tmp_path)
    (tmp_path / "samples.jsonl").write_bytes(whole + whole.splitlines(keepends=True)[0])
    with pytest.raises(RunFolderError, match="twice"):
        run(tmp_path, tasks=some_tasks()[:3])


def test_tasks_of_equal_texts_are_one_task(tmp_path: Path) -> None:
    first = some_tasks()[0]
    assert run(tmp_path, tasks=[first, replace(first, id="the same")]).tasks == 1
