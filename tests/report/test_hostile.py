"""Summaries from strangers: what no run can have is refused when it is read, with its place; the rest is drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from planbench.errors import RunFolderError
from planbench.metrics import summarise
from planbench.records.files import read_json
from planbench.records.iterate import IterateSummary
from planbench.records.summary import MOST, Summary
from planbench.report.loop_page import iterate_page
from planbench.report.page import report_page
from tests.metrics.samples import run
from tests.report.iterates import one_arm
from tests.report.reading import Reader

HUGE = 10**400
REWARD: dict[str, Any] = {
    **{"arm": "shortest", "first": 0, "last": 2, "seeds": 1, "traces": 1, "tasks": 1, "r_squared": 0.0},
    **{"mean_valid": None, "mean_invalid": None, "pooled": [], "constant": []},
    "within": [{"feature": "steps", "coefficient": MOST, "ci": [-MOST, MOST], "mean": 0.0, "deviation": MOST}],
}


def changed(summary: BaseModel, path: str, value: Any) -> str:
    """The summary as JSON with another value at `a.0.b`; `a.+` puts it at the end of a list."""
    document: Any = summary.model_dump(mode="json")
    *places, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    at = document
    for place in places:
        at = at[place]
    if last == "+":
        at.append(value)
    else:
        at[last] = value
    return json.dumps(document)


@pytest.fixture(scope="module")
def measured() -> Summary:
    return summarise(run(1), model="m", model_fingerprint="f", prompt="p", finished=True)


def read(folder: Path, text: str, kind: type[BaseModel]) -> Any:
    (folder / "summary.json").write_text(text, encoding="utf-8")
    return read_json(folder / "summary.json", kind)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("by_length.0.low", -3),
        ("by_length.0.high", HUGE),
        ("by_domain.grid.verdicts.valid", HUGE),
        ("by_length.0.valid_rate", 1e300),
        ("valid_ci", [0.1, float("nan")]),
        ("horizon.value", -1.0),
        ("horizon.reason", "a\x01b"),
        ("horizon.reason", "longer than a figure shows \x1b]0;title\x07"),
        ("tokens.per_task", float("inf")),
    ],
)
def test_what_no_run_has_is_refused(measured: Summary, path: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=path):
        read(tmp_path, changed(measured, path, value), Summary)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("across.+", one_arm().across[0].model_dump(mode="json"), "generation 0 of 'shortest', pool, twice"),
        ("across.0.arm", "\x1b[2J", r"an arm '\\x1b\[2J', which it does not have"),
        ("implicit_reward.+", {**REWARD, "arm": "nope"}, "an arm 'nope'"),
        ("seconds", float("inf"), "seconds"),
        ("arms.shortest.2.generation", HUGE, "generation"),
        ("arms.shortest.0.plan_lengths", {"pool": {"-3": 1}}, "plan_lengths"),
        ("arms", {f"arm-{number}": [] for number in range(101)}, "at most 100 items"),
    ],
)
def test_what_no_iterate_run_has_is_refused(path: str, value: Any, named: str, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=named):
        read(tmp_path, changed(one_arm(), path, value), IterateSummary)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("verdicts.valid", MOST),
        ("by_length.0.high", MOST),
        ("horizon", {"value": MOST, "low": 1e-300, "high": None, "extrapolated": True, "reason": ""}),
    ],
)
def test_what_is_merely_absurd_is_drawn(measured: Summary, path: str, value: Any, tmp_path: Path) -> None:
    found = read(tmp_path, changed(measured, path, value), Summary)
    assert Reader(report_page([("m", found)])).open == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("arms.shortest.0.held_out.by_length.0.tasks", 0),
        ("arms.shortest.1.curated.by_generation", {"0": 0}),
        ("arms.shortest.1.curated.by_generation", {"77": 3}),
        ("arms.shortest.0.plan_lengths", {"pool": {str(MOST): MOST}, "held_out": {"3": 0}}),
        ("implicit_reward.+", REWARD),
        ("taught", MOST),
    ],
)
def test_what_is_merely_absurd_in_an_iterate_run_is_drawn(path: str, value: Any, tmp_path: Path) -> None:
    found = read(tmp_path, changed(one_arm(), path, value), IterateSummary)
    assert Reader(iterate_page(found, "m")).open == []


def test_of_very_many_domains_the_first_are_drawn(measured: Summary) -> None:
    part = measured.by_domain["grid"]
    many = measured.model_copy(update={"by_domain": {f"domain-{number}": part for number in range(60)}})
    page = report_page([("m", many)])
    assert "The first 50 of 60 domains." in page
    assert page.count("Valid plans by reference length, ") == 51
    assert "domain-59" in page
