"""The page of an iterate run: self-contained, escaped, the same bytes every time, and its figures show its numbers."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import run as execute

import numpy as np
import pytest

from planbench.records.files import write_json
from planbench.records.iterate import FirstSolved, Generation, IterateSummary, TaskSetSpec
from planbench.report.drawing import Drawing, series_key
from planbench.report.loop_figures import loop_drawings
from planbench.report.loop_lengths import shade
from planbench.report.loop_page import iterate_page
from planbench.wording import NOTHING, percent, percent_interval
from tests.report.iterates import (
    all_solved,
    curated,
    grown,
    nothing_solved,
    nothing_yet,
    one_arm,
    one_generation,
    two_arms,
)
from tests.report.reading import (
    Reader,
    assert_asks_nothing_and_runs_nothing,
    assert_colours_follow_the_theme,
    assert_ids_are_unique_and_known,
    assert_text_reads_on_a_phone,
)

HOSTILE = "<script>alert(1)</script> $x_{$ \x00\x1b \udcff & \"'"


@pytest.fixture(scope="module")
def drawn() -> dict[str, Drawing]:
    return {drawing.title: drawing for drawing in loop_drawings(two_arms())}


@pytest.fixture(scope="module")
def page() -> str:
    return iterate_page(two_arms(), "tiny")


def test_a_page_is_whole_and_asks_nothing(page: str) -> None:
    assert_ids_are_unique_and_known(page)
    assert_asks_nothing_and_runs_nothing(page)
    assert_text_reads_on_a_phone(page)
    used = assert_colours_follow_the_theme(page)
    assert {"f-ink", "f-valid", "t-valid", "k-series-0", "f-series-1", "t-series-1", "f-paper"} <= used


def test_every_figure_is_there_with_its_panels(drawn: dict[str, Drawing]) -> None:
    assert {title: len(drawing.panels) for title, drawing in drawn.items()} == {
        "Valid plans by generation": 3,
        "Horizon by generation": 1,
        "How hard the pool is": 1,
        "How far it reaches": 3,
        "Valid plans by reference length and generation": 2,
        "Length of valid plans": 4,
        "Which generation found the curated traces": 2,
        "What came back, by generation": 4,
        "Tokens a trace": 2,
        "Solved with every seed": 2,
        "Beyond the pool's kind": 2,
    }
    for drawing in drawn.values():
        assert {len(row) for row in drawing.rows} == {len(drawing.headings)}


def test_every_share_that_a_figure_says_is_in_its_table(drawn: dict[str, Drawing]) -> None:
    for title in ("Valid plans by generation", "Solved with every seed", "Beyond the pool's kind"):
        listed = {cell for row in drawn[title].rows for cell in row}
        described = "".join(re.findall(r"<desc[^>]*>([^<]*)", "".join(drawn[title].panels)))
        said = set(re.findall(r"\d+\.\d%", described))
        assert said
        assert said <= listed


def test_the_tables_of_rates_are_the_summary_s(drawn: dict[str, Drawing]) -> None:
    summary = two_arms()
    rows = set(drawn["Valid plans by generation"].rows)
    words = {"pool": "pool", "held_out": "held-out", "longer": "longer"}
    expected = {
        (row.arm, word, str(row.generation), str(row.seed), percent(part.valid_rate), percent_interval(part.valid_ci))
        for of in summary.arms.values()
        for row in of
        for split, word in words.items()
        if (part := getattr(row, split))
    }
    expected |= {
        (row.arm, words[row.split], str(row.generation), "mean of 2", percent(row.rate), percent_interval(row.ci))
        for row in summary.across
    }
    assert rows == expected


def line_of(panel: str, number: int) -> list[float]:
    """The heights of an arm's line, downwards, in the panel's units."""
    paths = re.findall(rf'<path d="([^"]+)" clip-path="[^"]+" fill="none"[^>]*class="k-series-{number}"', panel)
    paths += re.findall(rf'<path d="([^"]+)"(?=[^>]*class="k-series-{number}")[^>]*>', panel)
    points = max((re.findall(r"[ML] ([\d.]+) ([\d.]+)", path) for path in paths), key=len)
    return [float(y) for _, y in points]


@pytest.mark.parametrize(
    ("title", "split", "of"),
    [
        ("Valid plans by generation", "pool", lambda row: row.rate),
        ("Valid plans by generation", "held_out", lambda row: row.rate),
        ("Horizon by generation", "held_out", lambda row: np.log2(row.horizon.value)),
        ("Solved with every seed", "held_out", lambda row: row.unanimous_rate),
    ],
)
def test_a_line_is_where_its_numbers_are(
    drawn: dict[str, Drawing], title: str, split: str, of: Callable[..., float]
) -> None:
    splits = ["pool", "held_out", "longer"] if title == "Valid plans by generation" else ["held_out", "longer"]
    panel = drawn[title].panels[splits.index(split)]
    heights, values = [], []
    for number, arm in enumerate(two_arms().arms):
        heights += line_of(panel, number)
        values += [of(row) for row in two_arms().across if (row.arm, row.split) == (arm, split)]
    assert len(heights) == len(values) == 8
    # One scale for both arms: heights are a linear function of the values, falling, as SVG counts downwards.
    slope, offset = np.polyfit(values, heights, 1)
    assert slope < 0
    assert np.abs(np.polyval([slope, offset], values) - heights).max() < 0.01


def test_the_heat_map_says_its_table(drawn: dict[str, Drawing]) -> None:
    drawing = drawn["Valid plans by reference length and generation"]
    for panel, arm in zip(drawing.panels, two_arms().arms, strict=True):
        rates = [float(cell[:-1]) for row in drawing.rows if row[0] == arm for cell in row[3:]]
        cells = re.findall(r"<text[^>]*>(\d+)</text>", panel)
        # Besides the cells, the four generations stand below.
        written = Counter(map(int, cells)) - Counter(range(4))
        # A rate was rounded for the table before this rounds it again, so a half may go either way.
        low, high = sorted(written.elements()), sorted(rates)
        assert len(low) == len(high)
        assert all(abs(cell - rate) <= 0.551 for cell, rate in zip(low, high, strict=True))


def test_the_heat_map_weighs_tasks(drawn: dict[str, Drawing]) -> None:
    summary = two_arms()
    row = next(row for row in drawn["Valid plans by reference length and generation"].rows if row[1].startswith("13"))
    bins = [
        of
        for generation in summary.arms["shortest"]
        if generation.generation == 3 and generation.longer is not None
        for of in (*generation.held_out.by_length, *generation.longer.by_length)
        if of.low == 13
    ]
    assert len(bins) == 4
    solved = sum((of.valid_rate or 0) * of.tasks for of in bins)
    assert row[-1] == percent(solved / sum(of.tasks for of in bins))
    assert row[2] == str(sum(of.tasks for of in bins) // 2)


def test_counts_are_those_of_all_seeds(drawn: dict[str, Drawing]) -> None:
    summary = two_arms()
    for arm, of in summary.arms.items():
        last = [row for row in of if row.generation == 3]
        found = [row for row in drawn["Length of valid plans"].rows if row[:2] == (arm, "pool")]
        plans = Counter[int]()
        for row in last:
            plans.update(row.plan_lengths["pool"])
        assert {int(row[2]): int(row[4]) for row in found if row[4] != "0"} == dict(plans)
        mix = next(row for row in drawn["What came back, by generation"].rows if row[:3] == (arm, "held-out", "3"))
        assert int(mix[3]) == sum(row.held_out.verdicts["valid"] for row in last)
        assert sum(map(int, mix[3:])) == sum(row.held_out.samples for row in last)
        kept = next(row for row in drawn["Which generation found the curated traces"].rows if row[:2] == (arm, "3"))
        assert kept == (arm, "3", "80", "110", "140", "330")


def test_the_bars_of_a_generation_fill_the_axis(drawn: dict[str, Drawing]) -> None:
    panel = drawn["What came back, by generation"].panels[0]
    tops: dict[str, list[float]] = {}
    for path, _ in re.findall(
        r'<path d="([^"]+)"[^>]*class="f-(valid|goal_missed|inapplicable|malformed|no_plan)"', panel
    ):
        corners = [(x, float(y)) for x, y in re.findall(r"[ML] ([\d.]+) ([\d.]+)", path)]
        heights = [y for _, y in corners]
        tops.setdefault(corners[0][0], []).append(max(heights) - min(heights))
    # Four generations; the axis is the panel's 210 units less the margins above and below.
    assert [pytest.approx(210 - 40 - 24, abs=0.01)] * 4 == [sum(found) for found in tops.values()]


def test_the_control_has_no_finders() -> None:
    kept = {"curated": curated("base-only", 1)}
    summary = one_arm()
    rows = [row.model_copy(update=kept) if row.curated else row for row in summary.arms["shortest"]]
    titles = {d.title for d in loop_drawings(summary.model_copy(update={"arms": {"base-only": rows}}))}
    assert "Which generation found the curated traces" not in titles
    assert "What came back, by generation" in titles


@pytest.mark.parametrize("made", [one_arm, one_generation, nothing_solved, all_solved, nothing_yet])
def test_little_to_show_is_still_a_page(made: Callable[[], IterateSummary]) -> None:
    page = iterate_page(made(), "m")
    assert_ids_are_unique_and_known(page)
    assert_asks_nothing_and_runs_nothing(page)


def test_what_is_missing_is_said() -> None:
    assert "No generation is measured yet" in iterate_page(nothing_yet(), "m")
    text = Reader(iterate_page(nothing_solved(), "m")).text
    assert "ended early: no valid trace among 60" in text
    assert "Only one generation is measured yet" in text
    assert "no task solved" in text
    assert "not finished" in iterate_page(one_generation(), "m")
    assert "not finished" not in text


def with_ends(first: tuple[float, float], last: tuple[float, float]) -> IterateSummary:
    summary = one_arm()
    ends = {0: first, 2: last}
    across = [row.model_copy(update={"ci": ends.get(row.generation, row.ci)}) for row in summary.across]
    return summary.model_copy(update={"across": across})


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        ((0.1, 0.2), (0.21, 0.4), "the interval of generation 2 lies above that of generation 0"),
        ((0.3, 0.4), (0.1, 0.2), "the interval of generation 2 lies below that of generation 0"),
        ((0.1, 0.3), (0.3, 0.4), "the intervals of generations 0 and 2 overlap"),
    ],
)
def test_the_headline_says_what_the_intervals_allow(
    first: tuple[float, float], last: tuple[float, float], says: str
) -> None:
    text = Reader(iterate_page(with_ends(first, last), "m")).text
    assert f"On held-out tasks {says}." in text
    assert f"[{100 * first[0]:.1f}, {100 * first[1]:.1f}] → [{100 * last[0]:.1f}, {100 * last[1]:.1f}]" in text


def test_names_and_texts_from_outside_are_text() -> None:
    example = FirstSolved(
        arm=HOSTILE, seed=0, split=HOSTILE, task=HOSTILE, reference_length=None, problem=HOSTILE, plan=(HOSTILE,)
    )
    made = grown((HOSTILE, "none"), (0,), 2, 12, probes=(), model=HOSTILE)
    rows = {
        arm: [row.model_copy(update={"probes": {HOSTILE: row.pool}, "seconds": {HOSTILE: 1.0}}) for row in of]
        for arm, of in made.arms.items()
    }
    summary = made.model_copy(
        update={
            "arms": rows,
            "config": {HOSTILE: {HOSTILE: [HOSTILE]}},
            "task_sets": (TaskSetSpec(name=HOSTILE, split=HOSTILE, tasks=1, lengths=None, hash=HOSTILE),),
            "first_solved": [example],
            "ended": {HOSTILE: HOSTILE},
        }
    )
    page = iterate_page(summary, HOSTILE)
    reader = Reader(page)
    assert_ids_are_unique_and_known(page)
    assert_asks_nothing_and_runs_nothing(page)
    assert reader.text.count("<script>alert(1)</script>") > 20
    assert not {character for character in page if not character.isprintable()} - {"\n"}
    page.encode("utf-8")


def test_problems_keep_their_lines(page: str) -> None:
    problem, plan = re.findall(r"<pre[^>]*>([^<]*)</pre>", page)[:2]
    assert problem.splitlines()[:2] == ["(define (problem p)", "  (:domain blocksworld)"]
    assert plan.splitlines() == ["(pick-up a)", "(stack a b)"]


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, page: str) -> None:
    write_json(tmp_path / "summary.json", two_arms())
    code = (
        "import sys; from pathlib import Path; from planbench.records.files import read_json\n"
        "from planbench.records.iterate import IterateSummary; from planbench.report.loop_page import iterate_page\n"
        "summary = read_json(Path(sys.argv[1]) / 'summary.json', IterateSummary)\n"
        "(Path(sys.argv[1]) / 'page').write_text(iterate_page(summary, 'tiny'), encoding='utf-8')"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parents[2])}
    execute([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)
    assert (tmp_path / "page").read_text(encoding="utf-8") == page


def test_no_two_series_look_alike() -> None:
    keys = series_key(f"arm {number}" for number in range(12))
    assert len({(key.role, key.sign) for key in keys}) == 12
    assert series_key(["one"]) == ()


def luminance(colour: str) -> float:
    """Of a colour as #rrggbb, by WCAG 2.1."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("paper", "ink", "series"), [("#ffffff", "#1b1f24", "#0072b2"), ("#14181d", "#e6e9ed", "#56b4e9")]
)
def test_numbers_can_be_read_on_every_shade(paper: str, ink: str, series: str, page: str) -> None:
    assert all(f": {colour};" in page for colour in (paper, ink, series))
    for percentage in range(101):
        strength, role = shade(percentage / 100)
        mixed = [
            round(strength * int(series[at : at + 2], 16) + (1 - strength) * int(paper[at : at + 2], 16))
            for at in (1, 3, 5)
        ]
        text = luminance({"ink": ink, "on-light": "#111111", "paper": paper}[role])
        field = luminance("#{:02x}{:02x}{:02x}".format(*mixed))
        light, dark = max(text, field), min(text, field)
        # 3 to 1 is what WCAG asks of graphics; the numbers stand in the table as well.
        assert (light + 0.05) / (dark + 0.05) >= 3.5, percentage


def test_a_generation_without_judged_replies_has_no_point() -> None:
    summary = one_arm()

    def emptied(row: Generation) -> Generation:
        empty = row.held_out.model_copy(update={"valid_rate": None, "valid_ci": None, "by_length": []})
        return row.model_copy(update={"held_out": empty}) if row.generation == 1 else row

    rows = {"shortest": [emptied(row) for row in summary.arms["shortest"]]}
    across = [row for row in summary.across if (row.generation, row.split) != (1, "held_out")]
    drawing = loop_drawings(summary.model_copy(update={"arms": rows, "across": across}))[0]
    assert ("shortest", "held-out", "1", "0", NOTHING, "") in drawing.rows
    assert len(line_of(drawing.panels[1], 0)) == 2
