"""The tables of docs/rl.md, from the summary of an experiment at one budget.

    python -m experiments.rl.tables blocksworld-compute grid-tokens blocksworld-tokens/grpo.json

Each name is a folder or summary beside this file, or the path of any finished `planbench iterate` run whose arms were
matched. Markdown, on standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from experiments.markdown import table
from planbench.metrics.paired import student
from planbench.records.files import SUMMARY, read_json
from planbench.records.iterate import Comparison, Generation, ImplicitReward, IterateSummary
from planbench.report.loop_rewards import whole_ways

HERE = Path(__file__).parent

PLAIN = ("steps", "extra tokens")
FIRST = "first action "

Last = dict[int, Generation]
"""A seed's last generation."""


def tables(summary: IterateSummary) -> Iterator[str]:
    """What each arm came to, and what it acted as if it rewarded, a line at a time."""
    yield from arms(summary)
    if summary.implicit_reward:
        yield from rewards(summary)


def arms(summary: IterateSummary) -> Iterator[str]:
    """Best first. An interval of two is over seeds and tasks; the one in brackets of its own, with several seeds, is
    Student's over the seeds alone, on these very tasks."""
    first, *_ = summary.arms
    ends = {arm: _last(rows) for arm, rows in summary.arms.items()}
    zero = {row.seed: row for row in summary.arms[first] if row.generation == 0}
    order = sorted(ends, key=lambda arm: -_mean(ends[arm]))
    yield from table(
        ("arm", "generations", f"cost, of `{first}`'s", "held-out, percent", "less generation 0", f"less `{first}`"),
        [
            ("generation 0", "", "", _each(zero.values()), "", ""),
            *(
                (
                    f"`{arm}`",
                    "-".join(map(str, sorted({row.generation for row in ends[arm].values()}))),
                    _costs(summary, ends[arm], ends[first]),
                    _each(ends[arm].values()),
                    _less(summary, f"{arm}, ", "generation 0", ends[arm], zero),
                    _less(summary, f"{arm}, ", f"{first}, ", ends[arm], ends[first]) if arm != first else "",
                )
                for arm in order
            ),
        ],
    )


def rewards(summary: IterateSummary) -> Iterator[str]:
    """The whole way of each arm, within tasks: nats a unit, with each seed's own where there are several. First actions
    stand in a table of their own, where replies of one task differ in them."""
    found = whole_ways(summary)
    names = sorted({one.feature for reward in found for one in reward.within})
    kinds = [name for name in names if name.startswith("verdict ")]
    yield from table(
        ("arm", "to generation", "valid", *(name.removeprefix("verdict ") for name in kinds), *PLAIN, "R²"),
        [
            (*_way(one), *(_nats(one, name) for name in ("valid", *kinds, *PLAIN)), f"{one.r_squared:.2f}")
            for one in found
        ],
    )
    if first := [name for name in names if name.startswith(FIRST)]:
        yield from table(
            ("arm", "to generation", *(name.removeprefix(FIRST) for name in first)),
            [(*_way(one), *(_nats(one, name) for name in first)) for one in found],
        )


def _way(reward: ImplicitReward) -> tuple[str, str]:
    return f"`{reward.arm}`", str(reward.last)


def _last(rows: Iterable[Generation]) -> Last:
    return {row.seed: row for row in sorted(rows, key=lambda row: row.generation)}


def _mean(rows: Last) -> float:
    return sum(row.held_out.valid_rate or 0 for row in rows.values()) / len(rows)


def _each(rows: Iterable[Generation]) -> str:
    rates = [100 * (row.held_out.valid_rate or 0) for row in rows]
    each = f" ({', '.join(f'{rate:.1f}' for rate in rates)})" if len(rates) > 1 else ""
    return f"{sum(rates) / len(rates):.1f}{each}"


def _costs(summary: IterateSummary, rows: Last, first: Last) -> str:
    of = "tokens" if summary.config.get("match") == "tokens" else "compute"
    pairs = [(row.spent, first[seed].spent) for seed, row in rows.items()]
    return ", ".join(f"{getattr(mine, of) / getattr(whole, of):.2f}" for mine, whole in pairs if mine and whole)


def _less(summary: IterateSummary, arm: str, other: str, rows: Last, others: Last) -> str:
    for one in summary.comparisons:
        if one.split == "held_out" and _between(one, arm, other):
            sign = 1 if one.second.startswith(arm) else -1
            low, high = sorted((sign * one.ci[0], sign * one.ci[1]))
            seeds = [
                100 * ((row.held_out.valid_rate or 0) - (others[s].held_out.valid_rate or 0)) for s, row in rows.items()
            ]
            over = "" if len(seeds) < 2 else ", [{:+.1f}, {:+.1f}]".format(*student(seeds)[1])
            return f"{100 * sign * one.difference:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]{over}"
    return ""


def _between(one: Comparison, arm: str, other: str) -> bool:
    ends = (one.first, one.second)
    return any(mine.startswith(arm) and theirs.startswith(other) for mine, theirs in (ends, ends[::-1]))


def _nats(reward: ImplicitReward, name: str) -> str:
    for one in reward.within:
        if one.feature == name:
            each = ", ".join("-" if value is None else f"{value:+.1f}" for value in one.by_seed)
            return "{:+.1f} [{:+.1f}, {:+.1f}]".format(one.coefficient, *one.ci) + (f" ({each})" if each else "")
    return ""


if __name__ == "__main__":
    for name in sys.argv[1:]:
        there = HERE / name if (HERE / name).exists() else Path(name)
        print("\n".join(tables(read_json(there / SUMMARY if there.is_dir() else there, IterateSummary))))
