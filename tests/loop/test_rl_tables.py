"""docs/rl.md says what the committed experiments say."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.rl.tables import HERE, tables
from planbench.records.files import SUMMARY, read_json
from planbench.records.iterate import IterateSummary

PAGE = Path(__file__).parents[2] / "docs" / "rl.md"


@pytest.mark.parametrize("name", sorted(folder.parent.name for folder in HERE.glob(f"*/{SUMMARY}")))
def test_the_page_has_the_tables_of_every_committed_run(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    lines = list(tables(read_json(HERE / name / SUMMARY, IterateSummary)))
    assert len(lines) > 20
    assert [line for line in lines if line not in page] == []


@pytest.mark.parametrize("file", sorted(HERE.glob("*/grpo.json")), ids=lambda file: file.parent.name)
def test_the_page_has_the_row_of_every_reference_from_outside(file: Path) -> None:
    rows = [line for line in tables(read_json(file, IterateSummary)) if line.startswith("| `grpo`")]
    assert len(rows) == 1
    assert rows[0] in PAGE.read_text(encoding="utf-8").splitlines()
