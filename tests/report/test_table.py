"""The terminal's tables say what the summary says, at the widths that terminals have."""

from __future__ import annotations

import pytest
from rich.console import Console

from planbench.metrics import summarise
from planbench.records.sample import Sample
from planbench.records.summary import Summary
from planbench.report.table import summary_table
from planbench.wording import DASH
from tests.metrics.samples import run, sample


def summary(samples: list[Sample], *, model: str = "tiny", finished: bool = True) -> Summary:
    return summarise(samples, model=model, model_fingerprint="f", prompt="pddl", finished=finished)


def printed(of: Summary, width: int) -> str:
    console = Console(width=width, record=True, force_terminal=False, color_system=None, file=None, quiet=False)
    with console.capture() as capture:
        console.print(summary_table(of))
    return capture.get()


THREE = run(1, tasks=180, domains=("blocksworld", "grid", "logistics"))


@pytest.mark.parametrize("width", [80, 100])
def test_nothing_is_cut_off(width: int) -> None:
    found = summary(THREE)
    text = printed(found, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for name, part in [*found.by_domain.items(), ("all domains", found)]:
        assert name in text
        assert part.valid_rate is not None
        assert part.valid_ci is not None
        assert f"{100 * part.valid_rate:.1f}%" in text
        assert f"[{100 * part.valid_ci[0]:.1f}, {100 * part.valid_ci[1]:.1f}]" in text
        assert f"{part.horizon.value:.1f}" in text
        assert str(part.longest_reference_solved) in text
        for count in part.verdicts.values():
            assert f"{count:,}" in text
    for heading in ("goal", "inapplicable", "malformed", "harness", "tokens", "horizon", f"17{DASH}24", f"33{DASH}48"):
        assert heading in text


def test_at_100_columns_a_value_and_its_interval_share_a_line() -> None:
    found = summary(THREE)
    line = next(line for line in printed(found, 100).splitlines() if line.startswith("grid"))
    part = found.by_domain["grid"]
    assert part.valid_rate is not None
    assert part.valid_ci is not None
    assert f"{100 * part.valid_rate:.1f}% [{100 * part.valid_ci[0]:.1f}, {100 * part.valid_ci[1]:.1f}]" in line


def test_one_domain_needs_no_total() -> None:
    assert "\nall domains" not in printed(summary([sample()]), 100)


def test_no_horizon_has_its_reason() -> None:
    assert "No horizon where: every task solved; no task solved." in " ".join(
        printed(summary([sample("a"), sample("b", "no_plan", domain="grid", reference=9)]), 200).split()
    )


def test_several_samples_a_task_have_their_table() -> None:
    assert "pass@k" in printed(summary(run(2, samples=4)), 100)
    assert "pass@k" not in printed(summary(run(2)), 100)


def test_an_unfinished_and_an_empty_run_say_so() -> None:
    assert "not finished" in printed(summary([sample()], finished=False), 100)
    assert "No samples yet" in printed(summary([]), 100)
    assert printed(summary([sample("a", "harness_error")]), 100)


def test_names_are_text_not_markup_and_move_no_cursor() -> None:
    hostile = "[bold red]x[/]\x1b[2J\r\u202e" + "y" * 500
    text = printed(summary([sample(domain=hostile)], model=hostile), 100)
    assert "[bold red]x[/]" in text
    assert not set(text) & {"\x1b", "\r", "\u202e"}
    assert len(text) < 5000
