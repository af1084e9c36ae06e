"""Figures as a person reads them, the same in the terminal and on the page. Every function takes None for unknown."""

from __future__ import annotations

from planbench.core.verdict import VerdictKind
from planbench.records.summary import Horizon, Interval, LengthBin, Part, Summary

DASH, TIMES = "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"
NOTHING = DASH

VERDICT_WORDS: dict[VerdictKind, str] = {
    "valid": "valid",
    "goal_missed": "goal missed",
    "inapplicable": "inapplicable",
    "malformed": "malformed",
    "no_plan": "no plan",
    "harness_error": "harness error",
}
"""From what came nearest to a plan to what was furthest from one; our own failures last."""

VERDICT_MEANINGS: dict[VerdictKind, str] = {
    "valid": "every step applies and the goal holds at the end",
    "goal_missed": "every step applies, the goal does not hold",
    "inapplicable": "a step's precondition does not hold",
    "malformed": "a step is no action of the task",
    "no_plan": "nothing in the reply reads as a plan",
    "harness_error": "a failure of ours, in no denominator",
}

TOTAL = "all domains"
"""The row of a whole run, where it has more than one domain. With a space, so that no PDDL domain has this name."""


def rows(summary: Summary) -> list[tuple[str, Part]]:
    """The rows of every table: the domains by name, then the whole run where it has several."""
    parts: list[tuple[str, Part]] = list(summary.by_domain.items())
    return [*parts, (TOTAL, summary)] if len(parts) != 1 else parts


def shown(name: str, most: int = 32) -> str:
    """A name from outside (a model's, a domain's) on one line, of bounded length, without control characters."""
    clean = "".join(character if character.isprintable() else "?" for character in name[: most + 1])
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def percent(rate: float | None, digits: int = 1) -> str:
    return NOTHING if rate is None else f"{100 * rate:.{digits}f}%"


def percent_interval(interval: Interval | None, digits: int = 1) -> str:
    return "" if interval is None else f"[{100 * interval[0]:.{digits}f}, {100 * interval[1]:.{digits}f}]"


def bin_name(of: LengthBin) -> str:
    return str(of.low) if of.low == of.high else f"{of.low}{DASH}{of.high}"


def number(value: float | None, digits: int = 1) -> str:
    return NOTHING if value is None else f"{value:,.{digits}f}"


def amount(value: float | None) -> str:
    """About three significant digits, for tokens and seconds: <0.001, 0.004, 0.25, 12.3, 1,234."""
    if value is None:
        return NOTHING
    size = abs(value)
    if 0 < size < 0.0005:
        return "<0.001"
    if size == 0 or size >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.2g}"


def horizon_value(of: Horizon) -> str:
    if of.value is None:
        return NOTHING
    return f"{of.value:.1f}{'*' if of.extrapolated else ''}"


def horizon_interval(of: Horizon) -> str:
    """`[9.5, 15.8]`; an open end is left open: `[9.5, …)`."""
    if of.value is None:
        return ""
    low = "(…" if of.low is None else f"[{of.low:.1f}"
    high = "…)" if of.high is None else f"{of.high:.1f}]"
    return f"{low}, {high}"


def plan_length(of: Part) -> tuple[str, str]:
    """Mean steps of the valid plans, and their ratio to the reference: 8.2 and (1.13x)."""
    mean, ratio = of.plan_length.mean, of.plan_length.ratio_to_reference
    return number(mean), "" if mean is None or ratio is None else f"({ratio:.2f}{TIMES})"


SPLIT_WORDS = {"pool": "pool", "held_out": "held-out", "longer": "longer"}
"""The splits of an iterate run, in the order of its tables."""


def shown_text(text: str, most: int = 20_000) -> str:
    """A text of several lines from outside, of bounded length, without control characters."""
    lines = text[: most + 1].expandtabs(4).splitlines()
    clean = "\n".join("".join(one if one.isprintable() else "?" for one in line) for line in lines)
    return clean if len(text) <= most else f"{clean}…"


def count(number: int | None) -> str:
    """About three significant digits of a large count: 950, 12.3k, 4.57M."""
    if number is None:
        return NOTHING
    size: float = number
    for unit in ("", "k", "M", "G"):
        if size < 999.5 or unit == "G":
            break
        size /= 1000
    return f"{size:,.0f}{unit}" if not unit or size >= 99.95 else f"{size:#.3g}{unit}"


def points(difference: float) -> str:
    """A difference of two rates, in percentage points, with its sign."""
    return f"{100 * difference:+.1f}"


def points_interval(interval: Interval) -> str:
    return f"[{points(interval[0])}, {points(interval[1])}]"


def p_value(p: float | None) -> str:
    return NOTHING if p is None else "<0.0001" if p < 0.0001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def duration(seconds: float) -> str:
    """8.3 s, 4 min 20 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def count_of(number: float | None) -> str:
    """As `count`, of a mean."""
    return NOTHING if number is None else count(round(number))
