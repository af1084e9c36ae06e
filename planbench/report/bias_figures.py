"""The figures of a bias study: errors against evidence, score against relative extractability, correlation by arm.

Relative extractability has five shades, from dark (the spurious feature is far easier) to light; each has a mark and a
dash of its own as well, so that a print in grey still reads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from planbench.records.bias import ArmResult, BiasResults, Logistic, PairResult
from planbench.report import svg
from planbench.report.bias_rows import (
    ARM_HEADINGS,
    BAND_NAMES,
    PAIR_HEADINGS,
    PUBLISHED,
    arm_rows,
    band,
    chance,
    interval,
    log2,
    pair_rows,
    rate_name,
    rho,
    sections_rows,
)
from planbench.report.drawing import MARKER_SIGNS, MARKERS, Drawing, Key, described, margins, panel, panel_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DASHES = ((0, (1, 1.5)), (0, (3, 1.5)), "solid", (0, (6, 2)), (0, (8, 2, 1, 2)))
_KEY = tuple(Key(f"shade-{n}", MARKER_SIGNS[n], f"MDL(s)/MDL(t) {name}") for n, name in enumerate(BAND_NAMES))
_SECTIONS = ("s-only", "t-only")


def bias_drawings(results: BiasResults) -> list[Drawing]:
    """In the order of the page."""
    found = [_scatter(results), _errors(results), _correlations(results)]
    return [drawing for drawing in found if drawing.panels]


def _errors(results: BiasResults) -> Drawing:
    what, unit = ("error", ", share of prompts") if results.measure == "F1" else ("1 - reward", "")
    panels: list[str] = []
    for place, (name, arm) in enumerate(results.arms.items()):
        for section in _SECTIONS:
            with panel(240) as (figure, axes):
                panel_title(axes, f"{name}: {section}")
                axes.set_xlim(-0.3, len(results.rates) - 0.7)
                axes.set_ylim(-0.03, 1.03)
                axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
                axes.set_xticks(
                    range(len(results.rates)), [rate_name(rate).lstrip("0") or "0" for rate in results.rates]
                )
                axes.grid(axis="y", color=svg.colour("faint"), linewidth=0.5, alpha=0.5)
                axes.set_xlabel("evidence against s: share of s-only in training")
                axes.set_ylabel(f"{what}{unit}")
                margins(figure, axes, left=50, bottom=40, top=24)
                for shade in range(len(BAND_NAMES)):
                    _lines(axes, [pair for pair in arm.pairs if band(pair.relative) == shade], section, shade)
                description = described(
                    f"{pair.pair}: {', '.join(f'{error:.2f}' for error in pair.sections[section])}"
                    for pair in arm.pairs
                )
                panels.append(
                    svg.render(figure, f"errors-{place}-{section}", f"Error on {section}, {name}", description)
                )
    return Drawing(
        "Errors against evidence",
        f"The {what} on prompts that have only the spurious feature, and on those that have only the target, against "
        "the rate of evidence (not to scale). Thin lines are pairs, means over seeds; marks are the mean of the pairs "
        "of a shade, with the lowest and highest of them where there are several, else with the pair's interval.",
        tuple(panels),
        ("arm / model", "pair", "section", *(f"rate {rate_name(rate)}" for rate in results.rates)),
        tuple(sections_rows(results)),
        key=_KEY,
    )


def _lines(axes: Axes, pairs: list[PairResult], section: str, shade: int) -> None:
    if not pairs:
        return
    colour = svg.colour(f"shade-{shade}")
    errors = [pair.sections[section] for pair in pairs]
    places = [x + 0.05 * (shade - 2) for x in range(len(errors[0]))]
    if len(pairs) > 1:
        for of in errors:
            axes.plot(places, of, color=colour, linewidth=0.8, alpha=0.55, linestyle=_DASHES[shade])
    means = [sum(at) / len(at) for at in zip(*errors, strict=True)]
    lows, highs = ([end(at) for at in zip(*errors, strict=True)] for end in (min, max))
    if len(pairs) == 1:
        lows, highs = ([ends[n] for ends in pairs[0].spread[section]] for n in (0, 1))
    axes.vlines(places, lows, highs, color=colour, linewidth=1.4, alpha=0.8)
    axes.plot(
        places,
        means,
        MARKERS[shade],
        color=colour,
        markersize=6,
        linewidth=1.8,
        linestyle=_DASHES[shade],
        clip_on=False,
    )


def _scatter(results: BiasResults) -> Drawing:
    what = "mean F1 over rates" if results.measure == "F1" else "mean reward"
    panels: list[str] = []
    ends = [log2(pair.relative) for arm in results.arms.values() for pair in (*arm.pairs, *arm.dropped_pairs)]
    low, high = (min(ends, default=-1) - 0.5, max(ends, default=1) + 0.5)
    for place, (name, arm) in enumerate(results.arms.items()):
        with panel(284) as (figure, axes):
            panel_title(axes, name, above=38)
            axes.set_xlim(low, high)
            ticks = [n for n in range(math.ceil(low), math.floor(high) + 1) if n % (2 if high - low < 13 else 4) == 0]
            axes.set_xticks(ticks, [f"1/{2**-n}" if n < 0 else str(2**n) for n in ticks])
            axes.set_xlabel("MDL(s) / MDL(t): right, the target is easier")
            axes.set_ylabel(what)
            axes.axvline(0, color=svg.colour("faint"), linewidth=0.8)
            axes.grid(axis="y", color=svg.colour("faint"), linewidth=0.5, alpha=0.5)
            margins(figure, axes, left=50, bottom=40, top=66)
            if arm.fit is not None:
                xs = [low + (high - low) * n / 120 for n in range(121)]
                axes.plot(xs, [_curve(arm.fit, x) for x in xs], color=svg.colour("ink"), linewidth=1.2)
            for pair in arm.pairs:
                _point(axes, pair, filled=True)
            for pair in arm.dropped_pairs:
                _point(axes, pair, filled=False)
            axes.text(0, 1.02, _statistic(arm), transform=axes.transAxes, va="bottom")
            description = described(
                f"{pair.pair}: {pair.relative:.3g}, {pair.score:.3f}" for pair in (*arm.pairs, *arm.dropped_pairs)
            )
            panels.append(svg.render(figure, f"scatter-{place}", f"Score and extractability, {name}", description))
    return Drawing(
        "Score against relative extractability",
        f"A mark is a pair: {what}, with its 95% interval over seeds (their range where there are fewer than five), "
        "against how much easier the target is to extract than the spurious feature, in bits of code. Hollow marks are "
        "pairs that are dropped, as a probe did not learn a feature. The curve is a logistic fit.",
        tuple(panels),
        PAIR_HEADINGS,
        tuple(row for name, arm in results.arms.items() for row in pair_rows(name, arm)),
        key=_KEY,
    )


def _point(axes: Axes, pair: PairResult, filled: bool) -> None:
    shade = band(pair.relative)
    colour = svg.colour(f"shade-{shade}")
    x = log2(pair.relative)
    axes.plot([x, x], pair.score_ci, color=colour, linewidth=1.4)
    axes.plot(
        [x],
        [pair.score],
        MARKERS[shade],
        markersize=7,
        markeredgecolor=colour,
        markerfacecolor=colour if filled else svg.colour("paper"),
        clip_on=False,
    )


def _curve(fit: Logistic, x: float) -> float:
    rise = max(-60.0, min(60.0, fit.intercept + fit.slope * x))
    return fit.lowest + (fit.highest - fit.lowest) / (1 + math.exp(-rise))


def _statistic(arm: ArmResult) -> str:
    if arm.spearman is None:
        return f"{len(arm.pairs)} pairs"
    found = f"rho {rho(arm.spearman)} {interval(arm.ci)}, {len(arm.pairs)} pairs"
    return f"{found}\np {chance(arm.p)} over pairs, {chance(arm.p_features)} over features"


def _correlations(results: BiasResults) -> Drawing:
    arms = [(name, arm) for name, arm in results.arms.items() if arm.spearman is not None]
    panels: tuple[str, ...] = ()
    if arms:
        with panel(74 + 34 * len(arms)) as (figure, axes):
            axes.set_xlim(-1.02, 1.02)
            axes.set_xticks([-1, -0.5, 0, 0.5, 1], ["-1", "-.5", "0", ".5", "1"])
            axes.set_ylim(len(arms) - 0.5, -0.75)
            axes.set_yticks([])
            axes.spines["left"].set_visible(False)
            published = ", ".join(f"{name} {rho(value)}" for name, value in PUBLISHED)
            axes.set_xlabel(f"Spearman's rho; dots: Lovering et al., supervised:\n{published}")
            axes.axvline(0, color=svg.colour("faint"), linewidth=0.8)
            margins(figure, axes, left=8, bottom=54, top=4)
            for y, (name, arm) in enumerate(arms):
                axes.text(-1, y - 0.38, name, va="center")
                if arm.ci is not None:
                    axes.plot(arm.ci, [y, y], color=svg.colour("series-0"), linewidth=1.8)
                axes.plot([arm.spearman or 0], [y], "o", color=svg.colour("series-0"), markersize=7, clip_on=False)
            axes.plot(
                [value for _, value in PUBLISHED], [len(arms) - 0.55] * len(PUBLISHED), ".", color=svg.colour("ink")
            )
            description = described(f"{name}: {rho(arm.spearman)} {interval(arm.ci)}" for name, arm in arms)
            panels = (svg.render(figure, "correlations", "Spearman's rho by arm", description),)
    return Drawing(
        "How far extractability decides",
        "Spearman's rho between relative extractability and score, over pairs, with 95% intervals. For comparison, "
        "what Lovering et al. (2021) found for supervised fine-tuning on natural language: "
        + ", ".join(f"{name} {rho(value)}" for name, value in PUBLISHED)
        + " (GloVe's was not significant).",
        panels,
        ARM_HEADINGS,
        tuple(arm_rows(results)),
    )
