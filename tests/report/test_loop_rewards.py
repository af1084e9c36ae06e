"""The implicit reward and the cost of arms on an iterate run's page."""

from __future__ import annotations

import re

from planbench.records.iterate import Budget, ImplicitReward, IterateSummary, Rewarded
from planbench.report.loop_page import iterate_page
from planbench.report.loop_rewards import costs, rewards
from tests.report.iterates import two_arms
from tests.report.reading import (
    assert_asks_nothing_and_runs_nothing,
    assert_ids_are_unique_and_known,
    assert_text_reads_on_a_phone,
)

HOSTILE = "first action <script>alert(1)</script>"


def rewarded() -> IterateSummary:
    summary = two_arms()
    found = [
        Rewarded(feature="valid", coefficient=1.5, ci=(1.0, 2.0), mean=0.3, deviation=0.46),
        Rewarded(feature="steps", coefficient=-0.25, ci=(-0.5, 0.0), mean=7, deviation=4),
        Rewarded(feature=HOSTILE, coefficient=0.1, ci=(-0.1, 0.3), mean=0.2, deviation=0.4),
    ]
    told = [
        ImplicitReward(
            arm=arm,
            first=first,
            last=last,
            seeds=2,
            traces=120,
            tasks=40,
            mean_valid=1.0,
            mean_invalid=-1.0,
            within=found,
            pooled=found[:2],
            r_squared=0.5,
            constant=[],
        )
        for arm in summary.arms
        for first, last in ((0, 1), (1, 2), (0, 2))
    ]
    arms = {
        arm: [row.model_copy(update={"spent": Budget(tokens=1_000, compute=9_000)}) for row in rows]
        for arm, rows in summary.arms.items()
    }
    config = {**summary.config, "match": "compute"}
    return summary.model_copy(update={"implicit_reward": told, "arms": arms, "config": config})


def test_the_figure_says_the_whole_way_and_the_table_every_step() -> None:
    summary = rewarded()
    drawing = rewards(summary)
    assert len(drawing.panels) == len(summary.arms)
    assert {len(row) for row in drawing.rows} == {len(drawing.headings)}
    assert len(drawing.rows) == len(summary.arms) * 3 * 5
    said = re.findall(r"<desc[^>]*>([^<]*)", drawing.panels[0])[0]
    assert "valid: +1.50 nats, interval +1.00 to +2.00" in said
    # A number is shown a standard deviation of it.
    assert "steps: -1.00 nats, interval -2.00 to +0.00" in said


def test_the_page_with_both_is_whole() -> None:
    page = iterate_page(rewarded(), "tiny")
    assert "What the loop acted as if it rewarded" in page
    assert "as much compute as the first" in page
    assert "<script>" not in page
    assert_ids_are_unique_and_known(page)
    assert_asks_nothing_and_runs_nothing(page)
    assert_text_reads_on_a_phone(page)


def test_a_run_without_either_says_nothing_of_them() -> None:
    page = iterate_page(two_arms(), "tiny")
    assert "acted as if" not in page
    assert "cost and came to" not in page


def test_costs_are_of_each_seed_s_last_model() -> None:
    summary = rewarded()
    table = costs(summary)
    assert {len(row) for row in table.rows} == {len(table.headings)}
    for row, rows in zip(table.rows, summary.arms.values(), strict=True):
        last = max(one.generation for one in rows)
        rates = [one.held_out.valid_rate for one in rows if one.generation == last]
        assert row[5] == f"{100 * sum(rate or 0 for rate in rates) / len(rates):.1f}%"
