"""docs/bias.md says what the committed experiments say."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.bias.tables import HERE, summary, tables
from planbench.records.bias import RESULTS, BiasResults
from planbench.records.files import read_json

PAGE = Path(__file__).parents[2] / "docs" / "bias.md"


COMMITTED = sorted(folder.parent.name for folder in HERE.glob(f"*/{RESULTS}"))


@pytest.mark.parametrize("name", COMMITTED)
def test_the_page_has_the_tables_of_every_committed_suite(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    results = read_json(HERE / name / RESULTS, BiasResults)
    lines = tables(HERE / name)
    arm = next(iter(results.arms.values()))
    assert len(lines) >= 3 + len(arm.pairs) + len(arm.dropped_pairs)
    assert [line for line in lines if line not in page] == []


def test_the_page_has_the_correlations_of_all_committed_suites_in_one_table() -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    lines = summary([HERE / name for name in COMMITTED])
    assert len(lines) >= 2 + 3
    assert [line for line in lines if line not in page] == []
