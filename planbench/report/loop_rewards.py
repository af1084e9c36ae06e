"""What an iterate run says about reinforcement: what each arm cost and came to, and what its steps acted as if they
rewarded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from planbench import wording
from planbench.records.iterate import Generation, ImplicitReward, IterateSummary, Rewarded
from planbench.report import svg
from planbench.report.drawing import Drawing, Row, described, margins, marker, panel, panel_title, series
from planbench.report.loop_rows import largest, mean
from planbench.report.loop_tables import Cell, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MATCHED = {
    "generations": "All arms got the same number of generations",
    "tokens": "All arms got as many sampled tokens as the first, as near as generations that cost alike come",
    "compute": "All arms got as much compute as the first, as near as generations that cost alike come",
}
_NUMBERS = {"steps", "extra tokens", "gap"}
_SAID = "nats a unit; steps, extra tokens and gap: nats a standard deviation"


def costs(summary: IterateSummary) -> Table:
    """An arm a row: its last models, over seeds."""
    matched = _MATCHED.get(str(summary.config.get("match")), _MATCHED["generations"])
    return Table(
        "What each arm cost and came to",
        f"{matched}. Means over seeds of each seed's last model. Tokens: sampled on the pool by the generations before "
        "it. Compute: passes of a token through the model, one for each read or sampled, three for each of training. "
        "Diversity: the chance that two valid plans sampled for one task differ.",
        (
            *("arm", "seeds", "generations", "tokens", "compute", "held-out", "horizon", "longest plan", "diversity"),
            *_probes(summary),
        ),
        tuple(_cost(summary, arm, _last(rows)) for arm, rows in summary.arms.items() if rows),
    )


def _probes(summary: IterateSummary) -> list[str]:
    return list(dict.fromkeys(name for rows in summary.arms.values() for row in rows for name in row.probes))


def _last(rows: Sequence[Generation]) -> list[Generation]:
    return list({row.seed: row for row in sorted(rows, key=lambda row: row.generation)}.values())


def _cost(summary: IterateSummary, arm: str, rows: Sequence[Generation]) -> tuple[Cell, ...]:
    numbers = sorted({row.generation for row in rows})
    plans = (part.longest_plan for row in rows for part in (row.held_out, row.longer) if part)
    return (
        wording.shown(arm, 40),
        str(len(rows)),
        wording.DASH.join(map(str, dict.fromkeys((numbers[0], numbers[-1])))),
        wording.amount(mean(row.spent.tokens for row in rows if row.spent)),
        wording.amount(mean(row.spent.compute for row in rows if row.spent)),
        wording.percent(mean(row.held_out.valid_rate for row in rows)),
        wording.number(mean(row.held_out.horizon.value for row in rows)),
        wording.number(largest(plans), 0),
        wording.percent(mean(row.plan_diversity for row in rows)),
        *(
            wording.percent(mean(part.valid_rate for row in rows if (part := row.probes.get(name))))
            for name in _probes(summary)
        ),
    )


def whole_ways(summary: IterateSummary) -> list[ImplicitReward]:
    """Of each arm, from generation 0 to its last."""
    found: dict[str, ImplicitReward] = {}
    for reward in summary.implicit_reward:
        known = found.get(reward.arm)
        if reward.first == 0 and (known is None or reward.last > known.last):
            found[reward.arm] = reward
    return list(found.values())


def rewards(summary: IterateSummary) -> Drawing:
    panels: list[str] = []
    arms = list(summary.arms)
    for place, reward in enumerate(one for one in whole_ways(summary) if one.within):
        title = f"{wording.shown(reward.arm, 24)}, generation {reward.first} to {reward.last}"
        panels.append(_panel(f"reward-{place}", title, arms.index(reward.arm), reward.within))
    return Drawing(
        "What the loop acted as if it rewarded",
        "The log-ratio of two generations on the same replies of generation 0 is the reward that the way from one to "
        "the other acted as if it had, up to a constant for each task. Each feature's coefficient, the others alike, "
        f"within tasks, in {_SAID}. Each seed has a regression of its own: with several, the mean and Student's 95% "
        "interval over seeds; with one, an interval by a jackknife over tasks. Verdicts are compared with the most "
        "frequent failure; gap: steps of a valid plan beyond the reference; extra tokens: those beyond what the steps "
        "take in a valid plan. The table has every generation's step, and the regression over all replies too, in "
        "which features of the task can stand.",
        tuple(panels),
        (
            "arm",
            "from",
            "to",
            "among",
            "feature",
            "nats a unit",
            "95% interval",
            "standard deviation",
            "tasks",
            "replies",
        ),
        tuple(row for reward in summary.implicit_reward for row in _rows(reward)),
    )


def _rows(reward: ImplicitReward) -> Iterator[Row]:
    for among, found in (("replies of a task", reward.within), ("all replies", reward.pooled)):
        for one in found:
            low, high = one.ci
            yield (
                wording.shown(reward.arm, 40),
                *(str(reward.first), str(reward.last), among, wording.shown(one.feature, 60)),
                *(f"{one.coefficient:+.3f}", f"{low:+.3f} to {high:+.3f}", f"{one.deviation:.3g}"),
                *(f"{reward.tasks:,}", f"{reward.traces:,}"),
            )


def _panel(name: str, title: str, number: int, found: Sequence[Rewarded]) -> str:
    with panel(74 + 34 * max(len(found), 1)) as (figure, axes):
        axes.set_ylim(len(found) - 0.5, -0.75)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.axvline(0, color=svg.colour("faint"), linewidth=0.9)
        axes.set_xlabel("nats")
        panel_title(axes, title)
        margins(figure, axes, left=14, bottom=42, top=24, right=14)
        said = [_mark(axes, y, number, one) for y, one in enumerate(found)]
        axes.margins(x=0.06)
        for y, one in enumerate(found):
            unit = " (+1 SD)" if one.feature in _NUMBERS else ""
            label = f"{wording.shown(one.feature, 44)}{unit}"
            axes.text(0, y - 0.38, label, ha="left", va="center", transform=axes.get_yaxis_transform())
        return svg.render(figure, name, f"Implicit reward by feature, {title}", described(said))


def _mark(axes: Axes, y: float, number: int, one: Rewarded) -> str:
    scale = one.deviation if one.feature in _NUMBERS else 1.0
    low, high, value = one.ci[0] * scale, one.ci[1] * scale, one.coefficient * scale
    axes.plot([low, high], [y, y], color=series(number), linewidth=1.6, alpha=0.7)
    axes.plot([value], [y], marker(number), color=series(number), markersize=6)
    return f"{one.feature}: {value:+.2f} nats, interval {low:+.2f} to {high:+.2f}"
