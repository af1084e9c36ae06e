from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from planbench.pretrain.config import DOMAINS
from planbench.suite.generator import short_drafts
from tests.cli.conftest import Shell

TOY = ("--steps", 30, "--width", 16, "--layers", 2, "--tasks", 20, "--batch", 8, "--longest", 3)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_ends_in_a_checkpoint_with_a_card_that_eval_measures(planbench: Shell) -> None:
    trained = planbench("pretrain", *TOY, "--card-tasks", 6, "--out", "planner", "--json")
    assert trained.code == 0, trained.err
    told = json.loads(trained.out)
    assert told == json.loads(Path("planner/training.json").read_text())
    # Of twenty draws some are of one task.
    drawn = {name: sum(1 for _ in short_drafts(name, 20, seed=0, longest=3)) for name in DOMAINS}
    assert told["tasks"] == drawn
    assert told["longest_training_plan"] == {"blocksworld": 2, "logistics": 3, "grid": 3}
    assert trained.err.splitlines() == [
        "longest training plan: blocksworld 2, logistics 3, grid 3 steps",
        "checkpoint: planner; measure it with: planbench eval planner",
    ]

    card = Path("planner/README.md").read_text()
    for said in (
        f"Distinct tasks: {', '.join(f'{drawn[name]} of {name}' for name in DOMAINS)}; all of split `base`",
        "Longest training plan, in steps: blocksworld 2, logistics 3, grid 3.",
        "30 batches of 8",
        f"A decoder of {told['parameters']:,} parameters",
        "| domain | 1 to 3 steps | 4 to 6 steps | longest reference solved |",
    ):
        assert said in card

    measured = planbench("eval", "planner", "--limit", 6, "--plan-length", "2:4", "--max-tokens", 40, "--json")
    assert measured.code == 0, measured.err
    summary = json.loads(measured.out)
    assert summary["samples"] == sum(summary["verdicts"].values()) == 6
    assert summary["verdicts"].get("harness_error", 0) == 0
    record = json.loads(next(Path("runs").glob("planner-*/run.json")).read_text())
    assert "compact" in json.dumps(record)


def test_a_split_with_few_short_tasks_still_gets_its_card(planbench: Shell) -> None:
    """There is no end to how many are asked for, but there is one to how many there are."""
    trained = planbench(
        "pretrain", *TOY[:-1], 2, "--domain", "blocksworld", "--steps", 2, "--card-tasks", 200, "--out", "p", "--json"
    )
    assert trained.code == 0, trained.err
    lengths = json.loads(trained.out)["held_out"]["by_length"]["blocksworld"]
    assert 0 < sum(total for length, (_, total) in lengths.items() if int(length) <= 2) < 100


def test_it_learns_from_tasks_without_spare_objects_if_asked(planbench: Shell) -> None:
    told: dict[bool, dict[str, Any]] = {}
    for wide in (True, False):
        more = ("--steps", 1, "--tasks", 40, "--longest", 4, "--no-wide" if not wide else "--wide", "--out", f"{wide}")
        trained = planbench("pretrain", *TOY, *more, "--domain", "rovers", "--card-tasks", 2, "--json")
        assert trained.code == 0, trained.err
        told[wide] = json.loads(trained.out)
        assert told[wide]["tasks"]["rovers"] == sum(1 for _ in short_drafts("rovers", 40, seed=0, longest=4, wide=wide))
        assert told[wide]["config"]["wide"] is wide
    assert told[False]["words"] < 0.7 * told[True]["words"]


def test_the_same_command_goes_on_and_another_one_is_refused(planbench: Shell) -> None:
    command = ("pretrain", *TOY, "--domain", "blocksworld", "--card-tasks", 2, "--out", "planner")
    assert planbench(*command).code == 0
    before = Path("planner/model.safetensors").read_bytes()
    assert planbench(*command).code == 0
    assert Path("planner/model.safetensors").read_bytes() == before
    assert "another training" in planbench.refused(*command, "--seed", 1)
    assert Path("planner/model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--width", 20, "multiple of 8"),
        ("--tasks", 2_000_000, "--tasks"),
        ("--longest", 61, "--longest"),
        ("--domain", "river", "river"),
        ("--out", "/dev/null/planner", "/dev/null/planner"),
    ],
)
def test_what_cannot_be_trained_is_refused_first(planbench: Shell, option: str, value: object, says: str) -> None:
    assert says in planbench.refused("pretrain", *TOY, option, value)
