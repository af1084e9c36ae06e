"""The tables of docs/replication.md, from the summary of an experiment.

    python -m experiments.small.tables ferry grid

Each name is a folder beside this file, or the path of any finished `planbench iterate` run. Markdown, on
standard output.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from experiments.markdown import table
from planbench.records.files import SUMMARY, read_json
from planbench.records.iterate import Across, Comparison, IterateSummary

HERE = Path(__file__).parent
CONTROLS = ("none", "base-only")


def tables(summary: IterateSummary) -> Iterator[str]:
    """Rates by generation, each seed of the first arm, how far each arm reaches, and what was compared, a line at a
    time."""
    arms = sorted(summary.arms, key=lambda arm: CONTROLS.index(arm) + 1 if arm in CONTROLS else 0)
    across = {(row.arm, row.generation, row.split): row for row in summary.across}
    last = max(row.generation for row in summary.across)
    numbers = range(last + 1)
    yield from table(
        ("generation", *(f"`{arm}`" for arm in arms)),
        [(str(n), *(_rate(across.get((arm, n, "held_out"))) for arm in arms)) for n in numbers],
    )
    rates = {(row.seed, row.generation): row.held_out.valid_rate for row in summary.arms[arms[0]]}
    yield from table(
        ("seed", *map(str, numbers)),
        [(str(seed), *(_percent(rates.get((seed, n))) for n in numbers)) for seed in sorted({s for s, _ in rates})],
    )
    reached = [(arms[0], n) for n in dict.fromkeys((0, min(5, last), last))] + [(arm, last) for arm in arms[1:]]
    yield from table(
        ("", "horizon, steps", "longest reference solved", "longer tasks", "the pool, as sampled", "all seeds"),
        [
            (
                f"`{arm}`, generation {n}",
                _horizon(across.get((arm, n, "held_out"))),
                str(_longest(across.get((arm, n, "held_out")), across.get((arm, n, "longer")))),
                _rate(across.get((arm, n, "longer"))),
                _rate(across.get((arm, n, "pool"))),
                _percent(held.unanimous_rate if (held := across.get((arm, n, "held_out"))) else None),
            )
            for arm, n in reached
        ],
    )
    yield from table(
        ("second", "less first", "difference", "gained, lost"),
        [_compared(one) for one in summary.comparisons if one.split == "held_out"],
    )


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.1f}"


def _rate(row: Across | None) -> str:
    if row is None:
        return "-"
    low, high = row.ci
    return f"{_percent(row.rate)} [{100 * low:.1f}, {100 * high:.1f}]"


def _horizon(row: Across | None) -> str:
    found = row.horizon if row else None
    if found is None or found.value is None:
        return "-"
    interval = "" if found.low is None or found.high is None else f" [{found.low:.1f}, {found.high:.1f}]"
    return f"{found.value:.1f}{'*' * found.extrapolated}{interval}"


def _longest(*rows: Across | None) -> int | str:
    return max((row.longest_reference_solved for row in rows if row and row.longest_reference_solved), default="-")


def _compared(one: Comparison) -> tuple[str, ...]:
    low, high = one.ci
    return (
        one.second,
        one.first,
        f"{100 * one.difference:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]",
        f"{one.gained}, {one.lost}",
    )


if __name__ == "__main__":
    for name in sys.argv[1:]:
        folder = HERE / name if (HERE / name / SUMMARY).is_file() else Path(name)
        print("\n".join(tables(read_json(folder / SUMMARY, IterateSummary))))
