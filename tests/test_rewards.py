"""The judge as a reward function of TRL's signature."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from planbench.errors import InputError
from planbench.rewards import dataset_rows, valid_plan
from planbench.suite import generate
from tests.models.checkpoints import save


@pytest.fixture(scope="module")
def answered() -> tuple[list[dict[str, Any]], list[str]]:
    """Rows, and the reference plan of each as a reply."""
    tasks = generate("blocksworld", 4, seed=0, plan_length=(2, 4), split="pool")
    rows = dataset_rows(tasks)
    replies = []
    for task in tasks:
        assert task.reference is not None
        replies.append("\n".join(f"({' '.join(step)})" for step in task.reference.steps))
    return rows, replies


def columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: [row[name] for row in rows] for name in rows[0] if name != "prompt"}


def test_valid_plans_earn_one_and_nothing_else_does(answered: tuple[list[dict[str, Any]], list[str]]) -> None:
    rows, replies = answered
    told: dict[str, list[Any]] = {}
    asked: dict[str, Any] = {"log_extra": told.__setitem__, "prompts": None, "completion_ids": [], **columns(rows)}
    assert valid_plan(replies, **asked) == [1.0] * 4
    assert told == {"verdict": ["valid"] * 4}
    cut = ["", "no plan at all", replies[2].rsplit("\n", 1)[0], replies[0]]
    assert valid_plan(cut, **asked) == [0.0] * 4
    assert told["verdict"][:3] == ["no_plan", "no_plan", "goal_missed"]
    conversations = [[{"role": "assistant", "content": reply}] for reply in replies]
    assert valid_plan(conversations, **columns(rows)) == [1.0] * 4
    assert [message["role"] for message in rows[0]["prompt"]][-1] == "user"


def test_the_compact_style_is_asked_as_bare_text() -> None:
    rows = dataset_rows(generate("blocksworld", 1, seed=0, plan_length=(2, 4), split="pool"), "compact")
    assert isinstance(rows[0]["prompt"], str)
    assert rows[0]["style"] == "compact"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"problem_pddl": None}, "no columns domain_pddl and problem_pddl"),
        ({"style": ["pddl"]}, "column style has 1 rows for 4 completions"),
        ({"problem_pddl": ["(define"] * 4}, "a row of the data set holds no task"),
    ],
    ids=["missing", "short", "no task"],
)
def test_a_fault_of_the_data_set_is_told(
    answered: tuple[list[dict[str, Any]], list[str]], changes: dict[str, Any], says: str
) -> None:
    rows, replies = answered
    with pytest.raises(InputError, match=says):
        valid_plan(replies, **{**columns(rows), **changes})


def test_what_is_no_completion_is_refused(answered: tuple[list[dict[str, Any]], list[str]]) -> None:
    with pytest.raises(InputError, match="a completion is int"):
        valid_plan([3], **columns(answered[0][:1]))


@pytest.mark.skipif(importlib.util.find_spec("trl") is None, reason="trl is not installed: pip install trl")
def test_trl_trains_with_it(answered: tuple[list[dict[str, Any]], list[str]], tmp_path: Path) -> None:
    from datasets import Dataset  # pyright: ignore[reportMissingImports]
    from trl import GRPOConfig, GRPOTrainer  # pyright: ignore[reportMissingImports]

    settings = GRPOConfig(
        output_dir=str(tmp_path / "out"),
        per_device_train_batch_size=2,
        num_generations=2,
        max_completion_length=4,
        max_steps=1,
        use_cpu=True,
        bf16=False,
        report_to=[],
        save_strategy="no",
        logging_steps=1,
    )
    trainer = GRPOTrainer(
        model=str(save(tmp_path / "model")),
        reward_funcs=valid_plan,
        args=settings,
        train_dataset=Dataset.from_list([{**row, "prompt": "b1 on b2"} for row in answered[0]]),
    )
    trainer.train()
    logged = [row for row in trainer.state.log_history if "reward" in row]
    assert logged[0]["reward"] == 0
    assert logged[0]["rewards/valid_plan/mean"] == 0
