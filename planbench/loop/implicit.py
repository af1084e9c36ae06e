"""The implicit reward: what a step of the loop acted as if it rewarded.

A policy that maximises a reward r, held near pi by a Kullback-Leibler term of strength t, is pi'(y|x) proportional to
pi(y|x) exp(r(x, y) / t) (Rafailov et al., arXiv 2305.18290, section 4). Read backwards, log pi' - log pi is the reward
of a step in units of t, up to a constant for each task. It is taken on one set of generation 0's replies, valid and
not, under successive generations, and regressed on features of the replies: within tasks, so that constants fall out,
and over all, where features of the task itself can stand. Intervals are clustered by task.

What it is not: the reward of replies that generation 0 never gives.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from planbench.loop.config import IterateConfig
from planbench.loop.layout import Place
from planbench.loop.scoring import fixed_traces, pool_traces
from planbench.metrics.regression import Floats, clustered
from planbench.records.files import read_lines
from planbench.records.iterate import Generation, ImplicitReward, Rewarded
from planbench.records.likelihood import Likelihood
from planbench.records.trace import Trace

_VALUES = 6
"""So many of a feature's values have a column each: the most frequent but the first, with which they are compared."""

Style = Literal["json", "fenced", "PDDL", "numbered", "plain", "nothing"]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A trace of a seed, with its log-ratio."""

    seed: int
    trace: Trace
    ratio: float


def implicit_rewards(config: IterateConfig, found: dict[str, list[Generation]], run: Path) -> list[ImplicitReward]:
    """Every step of every arm and, where there are several, its whole way, from the files alone."""
    traces = {seed: _traces(run, seed) for seed in config.seeds}
    known: dict[Path, dict[str, float]] = {}
    rewards: list[ImplicitReward] = []
    for arm, rows in found.items():
        seeds = sorted({row.seed for row in rows})
        if not seeds:
            continue
        last = min(max(row.generation for row in rows if row.seed == seed) for seed in seeds)
        steps = [(number - 1, number) for number in range(1, last + 1)]
        for first, second in [*steps, *([(0, last)] if last > 1 else [])]:
            seen = [
                one
                for seed in seeds
                for one in _ratios(Place(run, arm, seed, first), Place(run, arm, seed, second), traces[seed], known)
            ]
            reward = _reward(arm, first, second, seen)
            if reward is not None:
                rewards.append(reward)
    return rewards


def _traces(run: Path, seed: int) -> list[Trace]:
    place = Place(run, "", seed, 0)
    return fixed_traces(pool_traces(place), seed) if place.fixed.is_file() else []


def _ratios(first: Place, second: Place, traces: Sequence[Trace], known: dict[Path, dict[str, float]]) -> list[_Seen]:
    for place in (first, second):
        if place.fixed not in known:
            there = place.fixed.is_file()
            known[place.fixed] = {one.trace: one.nats for one in read_lines(place.fixed, Likelihood)} if there else {}
    before, after = known[first.fixed], known[second.fixed]
    return [
        _Seen(first.seed, trace, after[trace.id] - before[trace.id])
        for trace in traces
        if trace.id in before and trace.id in after
    ]


def _reward(arm: str, first: int, last: int, seen: Sequence[_Seen]) -> ImplicitReward | None:
    if not seen:
        return None
    names, x = features([one.trace for one in seen])
    y = np.array([one.ratio for one in seen])
    tasks = _numbered(one.trace.task_hash for one in seen)
    within = clustered(x, y, tasks, _numbered((one.seed, one.trace.task_hash) for one in seen))
    pooled = clustered(x, y, tasks)
    valid = [one.ratio for one in seen if one.trace.valid]
    invalid = [one.ratio for one in seen if not one.trace.valid]
    parts = [
        [
            Rewarded(
                feature=names[column],
                coefficient=coefficient,
                ci=interval,
                mean=float(x[:, column].mean()),
                deviation=float(x[:, column].std()),
            )
            for column, coefficient, interval in zip(of.columns, of.coefficients, of.intervals, strict=True)
        ]
        if of is not None
        else []
        for of in (within, pooled)
    ]
    return ImplicitReward(
        arm=arm,
        first=first,
        last=last,
        seeds=len({one.seed for one in seen}),
        traces=len(seen),
        tasks=len(set(tasks)),
        mean_valid=sum(valid) / len(valid) if valid else None,
        mean_invalid=sum(invalid) / len(invalid) if invalid else None,
        within=parts[0],
        pooled=parts[1],
        r_squared=within.r_squared if within else 0.0,
        constant=[name for column, name in enumerate(names) if within is None or column not in within.columns],
    )


def _numbered(keys: Iterable[object]) -> list[int]:
    numbers: dict[object, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def features(traces: Sequence[Trace]) -> tuple[list[str], Floats]:
    """Names and values `[traces, features]`. Kinds of failure are compared with a missed goal; first actions, styles
    and domains with the most frequent. `gap` counts the steps beyond the reference plan, of valid plans alone."""
    columns: dict[str, list[float]] = {"valid": [float(trace.valid) for trace in traces]}
    for kind in ("inapplicable", "malformed", "no_plan"):
        columns[f"verdict {kind}"] = [float(trace.verdict == kind) for trace in traces]
    columns["steps"] = [float(trace.length or 0) for trace in traces]
    columns["tokens"] = [float(trace.tokens or 0) for trace in traces]
    columns["gap"] = [_gap(trace) for trace in traces]
    columns |= _indicators("first action", [_first_action(trace) for trace in traces])
    columns |= _indicators("style", [style(trace.reply) for trace in traces])
    columns |= _indicators("domain", [trace.domain for trace in traces])
    return list(columns), np.array(list(columns.values()), dtype=np.float64).T


def _gap(trace: Trace) -> float:
    if not trace.valid or trace.length is None or trace.reference_length is None:
        return 0.0
    return float(trace.length - trace.reference_length)


def _first_action(trace: Trace) -> str:
    return trace.plan[0].strip("()").split(" ")[0] if trace.plan else "none"


def style(reply: str) -> Style:
    """How a plan is written down, by the surface of the reply alone."""
    lines = [line.strip() for line in reply.splitlines() if line.strip()]
    if not lines:
        return "nothing"
    if "```" in reply:
        return "fenced"
    if lines[0][0] in "[{":
        return "json"
    if any(line[0] == "(" for line in lines):
        return "PDDL"
    if any(line[0].isdigit() and line.lstrip("0123456789")[:1] in (".", ")", ":") for line in lines):
        return "numbered"
    return "plain"


def _indicators(name: str, values: Sequence[str]) -> dict[str, list[float]]:
    order = [value for value, _ in sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))]
    compared = order[0] if order else ""
    return {
        f"{name} {value} (not {compared})": [float(one == value) for one in values] for value in order[1 : 1 + _VALUES]
    }
