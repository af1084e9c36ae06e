"""docs/bias.md says what the committed experiments say."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.bias.tables import HERE, tables
from planbench.records.bias import RESULTS, BiasResults
from planbench.records.files import read_json

PAGE = Path(__file__).parents[2] / "docs" / "bias.md"


@pytest.mark.parametrize("name", sorted(folder.parent.name for folder in HERE.glob(f"*/{RESULTS}")))
def test_the_page_has_the_tables_of_every_committed_suite(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    results = read_json(HERE / name / RESULTS, BiasResults)
    lines = tables(HERE / name)
    arm = next(iter(results.arms.values()))
    assert len(lines) >= 3 + len(arm.pairs) + len(arm.dropped_pairs)
    assert [line for line in lines if line not in page] == []
