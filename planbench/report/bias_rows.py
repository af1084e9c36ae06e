"""The numbers of a bias study as rows of text, the same in the terminal and on the page."""

from __future__ import annotations

import math

from planbench import wording
from planbench.records.bias import ArmResult, BiasResults, Interval, PairResult

PUBLISHED = (
    ("BERT", 0.79),
    ("RoBERTa", 0.83),
    ("T5", 0.57),
    ("GPT-2", 0.73),
    ("GloVe", 0.14),
)
"""Spearman's rho of supervised fine-tuning on natural-language pairs, as published (Lovering et al. 2021); GloVe's was
not significant."""

BANDS = (0.125, 0.5, 2.0, 8.0)
"""Bounds of relative extractability between the five shades of the figures."""

BAND_NAMES = ("below 1/8", "1/8 to 1/2", "1/2 to 2", "2 to 8", "above 8")

ARM_HEADINGS = (
    *("arm / model", "Spearman", "95%", "p", "p, features", "pairs", "seeds"),
    *("at rate 0", "p at rate 0", "with dropped", "p with dropped"),
)
PAIR_HEADINGS = (
    *("arm / model", "pair (t | s)", "MDL(s)/MDL(t)", "MDL(t), bits", "MDL(s), bits"),
    *("score", "over seeds", "evidence needed", "seeds"),
)


def band(relative: float) -> int:
    return sum(relative >= bound for bound in BANDS)


def rho(value: float | None) -> str:
    return wording.NOTHING if value is None else f"{value:.2f}"


def chance(p: float | None) -> str:
    if p is None:
        return wording.NOTHING
    return "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0") if p < 1 else "1"


def interval(ends: Interval | None) -> str:
    return "" if ends is None else f"[{ends[0]:.2f}, {ends[1]:.2f}]"


def rate_name(rate: float) -> str:
    return f"{rate:g}"


def evidence(pair: PairResult) -> str:
    return "more than tried" if pair.evidence is None else rate_name(pair.evidence)


def arm_rows(results: BiasResults) -> list[tuple[str, ...]]:
    return [
        (
            name,
            rho(arm.spearman),
            interval(arm.ci),
            chance(arm.p),
            chance(arm.p_features),
            str(len(arm.pairs)),
            str(arm.seeds),
            rho(arm.at_no_evidence),
            chance(arm.p_at_no_evidence),
            rho(arm.with_dropped),
            chance(arm.p_with_dropped),
        )
        for name, arm in results.arms.items()
    ]


def pair_rows(name: str, arm: ArmResult) -> list[tuple[str, ...]]:
    gone = {dropped.pair for dropped in arm.dropped}
    return [
        (
            name,
            wording.shown(pair.pair, 48) + (" (dropped)" if pair.pair in gone else ""),
            f"{pair.relative:.3g}",
            f"{pair.target_mdl:,.0f}",
            f"{pair.spurious_mdl:,.0f}",
            f"{pair.score:.3f}",
            f"[{pair.score_ci[0]:.3f}, {pair.score_ci[1]:.3f}]",
            evidence(pair),
            str(pair.seeds),
        )
        for pair in sorted((*arm.pairs, *arm.dropped_pairs), key=lambda pair: pair.relative)
    ]


def dropped_lines(results: BiasResults) -> list[str]:
    """What was dropped, a line a model and pair."""
    found = {
        (arm.model, dropped.pair): f"{arm.model}: {wording.shown(dropped.pair, 48)} is dropped: {dropped.why}"
        for arm in results.arms.values()
        for dropped in arm.dropped
    }
    return list(found.values())


def sections_rows(results: BiasResults) -> list[tuple[str, ...]]:
    return [
        (
            name,
            wording.shown(pair.pair, 48),
            section,
            *(
                f"{error:.3f} [{low:.3f}, {high:.3f}]"
                for error, (low, high) in zip(errors, pair.spread[section], strict=True)
            ),
        )
        for name, arm in results.arms.items()
        for pair in (*arm.pairs, *arm.dropped_pairs)
        for section, errors in pair.sections.items()
    ]


def log2(value: float) -> float:
    return math.log2(max(value, 1e-12))
