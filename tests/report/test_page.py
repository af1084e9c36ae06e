"""The page: self-contained, escaped, accessible, and the same bytes every time."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from subprocess import run as execute

import pytest

from planbench.errors import InputError
from planbench.metrics import summarise
from planbench.records.sample import Sample
from planbench.records.summary import Summary
from planbench.report.page import plan_lengths, report_page, write_report
from tests.metrics.samples import run, sample
from tests.report.reading import (
    Reader,
    assert_asks_nothing_and_runs_nothing,
    assert_colours_follow_the_theme,
    assert_ids_are_unique_and_known,
    assert_text_reads_on_a_phone,
)

HOSTILE = "<script>alert(1)</script> $x_{$ \x00\x1b \udcff & \"'"


def summary(samples: list[Sample], model: str = "tiny", prompt: str = "pddl") -> Summary:
    return summarise(samples, model=model, model_fingerprint="f", prompt=prompt, finished=True)


@pytest.fixture(scope="module")
def lines() -> list[Sample]:
    return run(1, tasks=90, domains=("blocksworld", "grid", "logistics"))


@pytest.fixture(scope="module")
def page(lines: list[Sample]) -> str:
    return report_page([("tiny", summary(lines)), ("other", summary(run(2, samples=2)))], [lines, run(2, samples=2)])


def test_every_figure_has_its_name_its_description_and_its_numbers(page: str) -> None:
    reader = Reader(page)
    drawn = reader.all("svg")
    # Rates: three domains and the total; horizon; verdicts; plan lengths: three domains.
    assert len(drawn) == 4 + 1 + 1 + 3
    assert len(reader.all("figure")) == len(reader.all("details")) == 4
    assert_ids_are_unique_and_known(page)


def test_the_numbers_are_those_of_the_summary(lines: list[Sample]) -> None:
    found = summary(lines)
    text = Reader(report_page([("tiny", found)], [lines])).text
    for part in (found, *found.by_domain.values()):
        assert part.valid_rate is not None
        assert f"{100 * part.valid_rate:.1f}%" in text
        for of in part.by_length:
            assert of.valid_ci is not None
            assert f"[{100 * of.valid_ci[0]:.1f}, {100 * of.valid_ci[1]:.1f}]" in text


def test_it_asks_nothing_of_the_network_and_runs_nothing(page: str) -> None:
    assert_asks_nothing_and_runs_nothing(page)


def test_every_colour_of_a_figure_follows_the_theme(page: str) -> None:
    assert {"f-ink", "f-valid", "k-series-0", "f-series-1"} <= assert_colours_follow_the_theme(page)


def test_text_in_figures_is_at_least_8_points_on_a_phone(page: str) -> None:
    assert_text_reads_on_a_phone(page)


def test_names_from_outside_are_text(lines: list[Sample]) -> None:
    named = [line.model_copy(update={"domain": HOSTILE}) for line in lines]
    page = report_page([(HOSTILE, summary(named, HOSTILE, HOSTILE))], [named], title=HOSTILE.replace("\udcff", ""))
    reader = Reader(page)
    assert reader.open == []
    assert "script" not in {name for name, _ in reader.elements}
    assert "<script>alert(1)</script>" in reader.text
    assert "$x_{$" in reader.text
    page.encode("utf-8")


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [sample("a", "harness_error")],
        [sample("a", "no_plan", reference=None)],
        [sample("a", "valid", reference=0, length=0), sample("b", "no_plan", reference=0)],
        [sample("a", "valid", reference=None, length=3), sample("b", "goal_missed", reference=20_000)],
    ],
)
def test_little_or_nothing_to_show_is_still_a_page(samples: list[Sample]) -> None:
    assert Reader(report_page([("m", summary(samples))], [samples])).open == []


def test_plan_lengths_count_the_valid_plans(lines: list[Sample]) -> None:
    found = plan_lengths(lines)
    valid = [line for line in lines if line.verdict.kind == "valid"]
    assert sum(sum(counts.values()) for counts in found.values()) == len(valid) > 0
    for line in valid:
        assert line.reference_length is not None
        assert line.length is not None
        assert found[line.domain][line.reference_length, line.length]


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from planbench.metrics import summarise\n"
        "from planbench.report.page import write_report; from tests.metrics.samples import run\n"
        "s = summarise(run(3), model='m', model_fingerprint='f', prompt='p', finished=True)\n"
        "write_report(Path(sys.argv[1]), [('m', s)], [run(3)])"
    )
    pages: list[bytes] = []
    for salt in ("1", "2"):
        folder = tmp_path / salt
        folder.mkdir()
        environment = os.environ | {"PYTHONHASHSEED": salt, "PYTHONPATH": str(Path(__file__).parents[2])}
        execute([sys.executable, "-c", code, str(folder)], check=True, env=environment)
        pages.append((folder / "report.html").read_bytes())
    assert pages[0] == pages[1]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"report\.html: cannot be written: .*--out"):
        write_report(tmp_path / "missing", [("m", summary([sample()]))])


def test_samples_must_match_the_runs() -> None:
    with pytest.raises(ValueError, match="2 runs"):
        report_page([("a", summary([])), ("b", summary([]))], [[]])
