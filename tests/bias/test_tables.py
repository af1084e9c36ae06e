"""docs/bias.md says what the committed experiments say."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from statistics import mean

import pytest

from experiments.bias.tables import HERE, beside, summary, tables
from planbench.records.bias import CELLS, RESULTS, BiasResults
from planbench.records.files import read_json

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "bias.md"

COMMITTED = sorted(folder.parent.name for folder in HERE.glob(f"*/{RESULTS}"))


@pytest.mark.parametrize("name", COMMITTED)
def test_the_page_has_the_tables_of_every_committed_suite(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    results = read_json(HERE / name / RESULTS, BiasResults)
    lines = tables(HERE / name)
    arm = next(iter(results.arms.values()))
    assert len(lines) >= 3 + len(arm.pairs) + len(arm.dropped_pairs)
    assert [line for line in lines if line not in page] == []


@pytest.mark.parametrize("page", [PAGE, ROOT / "README.md"], ids=lambda page: page.name)
def test_page_and_readme_have_the_correlations_of_all_committed_suites(page: Path) -> None:
    said = page.read_text(encoding="utf-8").splitlines()
    lines = summary([HERE / name for name in COMMITTED])
    assert len(lines) >= 2 + 3
    assert [line for line in lines if line not in said] == []


def test_how_far_arms_are_apart_is_counted_over_pairs_of_seeds() -> None:
    scores: dict[tuple[str, str, int], float] = {}
    for line in (HERE / "planning" / CELLS).read_text().splitlines():
        cell = json.loads(line)["cell"]
        if cell["kind"] == "training":
            f1s: list[float] = []
            for both, neither, s_only, t_only in zip(
                *(cell["scores"][name] for name in ("both", "neither", "s-only", "t-only")), strict=True
            ):
                said = both + t_only + (1 - neither) + (1 - s_only)
                precision, recall = (both + t_only) / said if said else 0, (both + t_only) / 2
                f1s.append(2 * precision * recall / (precision + recall) if precision + recall else 0)
            scores[cell["arm"], cell["pair"], cell["seed"]] = mean(f1s)
    pairs = {pair for _, pair, _ in scores}

    def apart(one: str, other: str) -> float:
        return mean(
            abs(scores[one, pair, first] - scores[other, pair, second])
            for pair in pairs
            for first, second in permutations(range(3), 2)
        )

    lines = {line.split("|")[1].strip(" `"): line for line in tables(HERE / "planning") if line.count("|") == 7}
    for arm in ("supervised", "deployment", "reinforce", "ppo"):
        said = [cell.strip() for cell in lines[arm].split("|")[3:7]]
        expected = [apart(arm, other) for other in ("supervised", "deployment", "reinforce", "ppo")]
        assert [float(cell) for cell in said] == pytest.approx(expected, abs=6e-4)


def test_whom_deployment_sits_with_is_told_rates_apart() -> None:
    scores: dict[tuple[str, str, int], float] = {}
    for line in (HERE / "cruz" / CELLS).read_text().splitlines():
        cell = json.loads(line)["cell"]
        if cell["kind"] == "training":
            high = [mean(found[-2:]) for found in cell["scores"].values()]  # at .2 and .5
            scores[cell["arm"], cell["pair"], cell["seed"]] = mean(high)
    pairs = {pair for _, pair, _ in scores}

    def apart(pair: str, arm: str) -> float:
        return mean(abs(scores["deployment", pair, seed] - scores[arm, pair, 1 - seed]) for seed in (0, 1))

    further = [apart(pair, "supervised") - apart(pair, "reinforce") for pair in pairs]
    line = next(line for line in tables(HERE / "cruz") if line.startswith("| from .2 |"))
    said = [cell.strip() for cell in line.split("|")[2:6]]
    assert float(said[0]) == pytest.approx(mean(apart(pair, "supervised") for pair in pairs), abs=6e-4)
    assert float(said[1]) == pytest.approx(mean(apart(pair, "reinforce") for pair in pairs), abs=6e-4)
    low, high = (float(bound) for bound in said[2].split("[")[1].rstrip("]").split(","))
    assert low < mean(further) < high
    assert said[3] == f"{sum(one > 0 for one in further)} of {len(pairs)}"


def test_the_page_has_the_paper_size_beside_the_small_one() -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    lines = beside(HERE / "toy-paper", HERE / "toy")
    assert len([line for line in lines if "contains-2" in line]) == 8
    assert [line for line in lines if line not in page] == []
    seeds = [
        cell["scores"]["t-only"][cell["rates"].index(0.5)]
        for line in (HERE / "toy" / CELLS).read_text().splitlines()
        if (cell := json.loads(line)["cell"])["kind"] == "training"
        if (cell["arm"], cell["pair"]) == ("supervised", "prefix-dup|contains-2")
    ]
    said = next(line for line in lines if line.startswith("| prefix-dup, contains-2 | t-only | toy |"))
    numbers = [
        float(number) for number in said.split("|")[-2].replace("[", "").replace("]", "").replace(",", "").split()
    ]
    assert numbers == pytest.approx([mean(seeds), min(seeds), max(seeds)], abs=6e-3)
