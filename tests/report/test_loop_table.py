"""The terminal's tables of an iterate run: what the summary says, in the widths that terminals have."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from planbench.records.iterate import Curated, Generation, IterateSummary
from planbench.records.summary import Horizon, Part, PlanLength, Seconds, Tokens
from planbench.report.loop_table import LiveTable, generation_row, iterate_table
from planbench.wording import DASH
from tests.report.iterates import all_solved, grown, nothing_solved, nothing_yet, one_arm, one_generation, two_arms

HOSTILE = "[bold red]x[/]\x1b[2J\r\u202e" + "y" * 500


def printed(of: RenderableType, width: int, height: int | None = None) -> str:
    console = Console(width=width, height=height, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(of)
    return capture.get()


def interval(found: tuple[float, float] | None) -> str:
    assert found is not None
    return f"[{100 * found[0]:.1f}, {100 * found[1]:.1f}]"


def percent(rate: float | None) -> str:
    assert rate is not None
    return f"{100 * rate:.1f}"


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("made", [two_arms, one_arm, one_generation, nothing_solved, all_solved, nothing_yet])
def test_nothing_is_cut_off(made: Callable[[], IterateSummary], width: int) -> None:
    text = printed(iterate_table(made()), width)
    assert max(map(len, text.splitlines())) <= width
    # An ellipsis stands for an open end of an interval, and for nothing that was cut off.
    assert not re.search(rf"…(?![{DASH})])(?<![{DASH}(]…)", text)


def test_a_row_says_what_a_generation_came_to() -> None:
    summary = two_arms()
    lines = printed(iterate_table(summary), 120).splitlines()
    for arm, rows in summary.arms.items():
        for row in rows:
            start = lines.index(next(line for line in lines if line.startswith(f"{arm}, seed {row.seed}")))
            line = next(line for line in lines[start:] if line.split()[:1] == [str(row.generation)])
            assert row.longer is not None
            for part in (row.pool, row.held_out, row.longer):
                assert f"{percent(part.valid_rate)} {interval(part.valid_ci)}" in line
            assert f"{row.held_out.horizon.value:.1f} [{row.held_out.horizon.low:.1f}, " in line
            reached = (row.held_out.longest_reference_solved or 0, row.longer.longest_reference_solved or 0)
            assert f" {max(reached)} " in line
            if row.curated is not None:
                assert f" {row.curated.new}/{row.curated.total} " in line
            assert f"{sum(row.seconds.values()):.1f}" in line


def test_one_layout_for_all_arms() -> None:
    lines = printed(iterate_table(two_arms()), 100).splitlines()
    rows = [line for line in lines if line[:3].strip().isdigit()]
    # Four generations, two arms, two seeds and their mean; a line each, with the intervals of three rates.
    assert len(rows) == 4 * 2 * 3
    assert {line.count("[") for line in rows} == {3}


def test_means_comparisons_and_endings_are_there() -> None:
    summary = grown(
        arms=("shortest",), seeds=(0, 1), generations=2, tasks=20, probes=(), ended={"none, seed 1": "no valid trace"}
    )
    text = printed(iterate_table(summary), 120)
    for row in summary.across:
        assert f"{percent(row.rate)} {interval(row.ci)}" in text
    for found in summary.comparisons:
        assert f"{100 * found.difference:+.1f} [{100 * found.ci[0]:+.1f}, {100 * found.ci[1]:+.1f}]" in text
        assert f" {found.gained} " in text
    assert "none, seed 1, ended early: no valid trace" in text


def test_one_seed_has_p_values_and_no_means() -> None:
    summary = one_arm()
    text = printed(iterate_table(summary), 100)
    assert "mean over seeds" not in text
    assert "longer %" not in text
    p = summary.comparisons[0].p_value
    assert p is not None
    assert text.rstrip().splitlines()[-3].split()[-1] == ("<0.0001" if p < 0.0001 else f"{p:.2g}")


def test_little_to_show_is_said() -> None:
    assert "No generation is measured yet" in printed(iterate_table(nothing_yet()), 80)
    assert "not finished" in printed(iterate_table(one_generation()), 80)
    text = " ".join(printed(iterate_table(nothing_solved()), 80).split())
    assert "nothing to learn from" in text
    assert "No horizon where: no task solved" in text


def test_names_are_text_not_markup_and_move_no_cursor() -> None:
    text = printed(
        iterate_table(grown((HOSTILE,), (0,), 2, 10, probes=(), model=HOSTILE, ended={HOSTILE: HOSTILE})), 80
    )
    assert "[bold red]x[/]" in text
    assert not set(text) & {"\x1b", "\r", "\u202e"}


def test_the_growing_table_shows_the_arm_that_goes_on_and_the_phase() -> None:
    table = LiveTable()
    table.phase = "generation 0, pool"
    assert printed(table, 100).strip() == "generation 0, pool"
    summary = two_arms()
    for row in summary.arms["shortest"]:
        table.add(row)
    table.phase = HOSTILE
    text = printed(table, 100)
    assert "\x1b" not in text
    assert "shortest, seed 1" in (line.strip() for line in text.splitlines())
    first, last = (row for row in summary.arms["shortest"] if row.seed == 0 and row.generation in (0, 3))
    short = f"seed 0: held-out {percent(first.held_out.valid_rate)}% to {percent(last.held_out.valid_rate)}%"
    assert short in text
    for row in (row for row in summary.arms["shortest"] if row.seed == 1):
        assert f"{percent(row.pool.valid_rate)} {interval(row.pool.valid_ci)}" in text


def test_the_growing_table_keeps_within_the_terminal() -> None:
    table = LiveTable()
    rows = two_arms().arms["shortest"]
    first = next(row for row in rows if row.seed == 0)
    for generation in range(60):
        table.add(first.model_copy(update={"generation": generation}))
        table.phase = "pool"
        lines = printed(table, 80, height=24).rstrip().splitlines()
        assert len(lines) <= 24
        assert lines[-1] == "pool"
        assert any(line.split()[:1] == [str(generation)] for line in lines)


rates = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))
counts = st.integers(0, 99_999)


@st.composite
def parts(draw: st.DrawFn) -> Part:
    low, rate, high = sorted(draw(st.tuples(rates, rates, rates)))
    ends = sorted(draw(st.tuples(*[st.floats(0.5, 500)] * 3)))
    horizon = draw(
        st.one_of(
            st.just(Horizon(value=None, reason="no task solved")),
            st.builds(
                Horizon,
                value=st.just(ends[1]),
                low=st.sampled_from([None, ends[0]]),
                high=st.sampled_from([None, ends[2]]),
                extrapolated=st.booleans(),
            ),
        )
    )
    nothing = draw(st.booleans())
    return Part(
        tasks=draw(counts),
        samples=draw(counts),
        valid_rate=None if nothing else rate,
        valid_ci=None if nothing else (low, high),
        solved_tasks=0,
        verdicts={"valid": 1},
        at_k=[],
        by_length=[],
        horizon=horizon,
        longest_reference_solved=draw(st.none() | st.integers(0, 9_999)),
        longest_plan=None,
        plan_length=PlanLength(mean=None, median=None, max=None, ratio_to_reference=None, quality=None),
        first_failure=None,
        tokens=Tokens(prompt_mean=None, completion_mean=None, completion_total=None, per_task=None, per_solved=None),
        seconds=Seconds(total=0.0, per_task=None, per_solved=None),
    )


@st.composite
def generation_rows(draw: st.DrawFn) -> Generation:
    new, total = sorted(draw(st.tuples(counts, st.integers(0, 999_999))))
    kept = Curated(
        rule="shortest",
        examined=total,
        new=new,
        total=total,
        tasks=0,
        weight=1.0,
        by_generation={},
        length_mean=None,
        length_max=None,
        tokens_mean=None,
    )
    return Generation(
        arm="shortest",
        generation=draw(st.integers(0, 999)),
        seed=0,
        model_fingerprint="f",
        pool=draw(parts()),
        held_out=draw(parts()),
        longer=draw(st.none() | parts()),
        curated=draw(st.none() | st.just(kept)),
        tokens=draw(st.integers(0, 10**11)),
        seconds={"pool": draw(st.floats(0, 1e6))},
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(generation_rows(), min_size=1, max_size=4), st.sampled_from([80, 100, 120]))
def test_any_generation_fits(rows: list[Generation], width: int) -> None:
    table = LiveTable()
    for row in rows:
        table.add(row)
    text = printed(table, width)
    assert max(map(len, text.splitlines())) <= width
    for row in rows:
        for part in (row.pool, row.held_out, row.longer):
            if part is not None and part.valid_rate is not None:
                assert percent(part.valid_rate) in text
        cells = [cell.plain for cell in generation_row(row, ["pool", "held_out"])]
        assert cells[0] == str(row.generation)
        assert cells[-3] == (f"{row.curated.new:,}/{row.curated.total:,}" if row.curated else DASH)
