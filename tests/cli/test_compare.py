"""`planbench compare` on runs of its own making."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.evaluate.runs import run, some_tasks
from tests.report.reading import Reader


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from planbench.cli import main

    folder = tmp_path_factory.mktemp("runs")
    for name, argv in {
        "luck": ["random"],
        "more": ["random", "--samples", "3"],
        "plans": ["planner:policy"],
        "others": ["random", "--seed", "1"],
        "renamed": ["random", "--rename", "mystery"],
    }.items():
        argv = ["eval", *argv, "--domain", "blocksworld", "--limit", "8", "--out", str(folder / name)]
        assert main([*argv, "--plan-length", "2:12"]) == 0
    run(folder / "first", tasks=some_tasks()[:12])
    run(folder / "second", tasks=some_tasks()[8:])
    return folder


def test_two_runs(runs: Path, planbench: Shell) -> None:
    shown = planbench("compare", runs / "luck", runs / "plans", "--changed", "2")
    assert shown.code == 0
    assert shown.err == f"page: {runs / 'plans' / 'compare.html'}\n"
    assert "8 tasks that all runs have" in shown.out
    assert "Solved more often, the first 2 of" in shown.out
    comparison = json.loads(planbench("compare", runs / "luck", runs / "plans", "--json").out)
    (pair,) = comparison["pairs"]
    rates = [json.loads((runs / name / "summary.json").read_text())["valid_rate"] for name in ("luck", "plans")]
    assert [pair["overall"]["first"], pair["overall"]["second"]] == pytest.approx(rates)
    assert len(pair["gained"]) == pair["overall"]["gained"] == round(8 * (1 - rates[0]))
    page = Reader((runs / "plans" / "compare.html").read_text())
    assert not page.open
    assert all(change["task"] in page.text for change in pair["gained"])


def test_more_than_two_are_a_matrix(runs: Path, planbench: Shell) -> None:
    shown = planbench("compare", runs / "luck", runs / "more", runs / "plans", "--out", runs / "page.html")
    assert "Each against each" in shown.out
    assert not Reader((runs / "page.html").read_text()).open


def test_runs_of_other_tasks_are_refused_and_common_ones_compared_if_asked(runs: Path, planbench: Shell) -> None:
    one = planbench.refused("compare", runs / "luck", runs / "renamed")
    assert one.startswith(f"{runs / 'luck'} and {runs / 'renamed'}: of different task sets (no task in common)")
    line = planbench.refused("compare", runs / "first", runs / "second")
    assert line.endswith("of different task sets (4 tasks in common); type --common to compare on these")
    shown = planbench("compare", runs / "first", runs / "second", "--common").out
    assert shown.startswith("4 tasks that all runs have; 16 that only some have are left out\n")
    assert "no task in common" in planbench.refused("compare", runs / "luck", runs / "renamed", "--common")
    assert "two or more" in planbench.refused("compare", runs / "luck")
    assert "no run.json in it" in planbench.refused("compare", runs / "luck", runs / "nowhere")
