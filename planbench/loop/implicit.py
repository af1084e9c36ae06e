"""The implicit reward: what a step of the loop acted as if it rewarded.

A policy that maximises a reward r, held near pi by a Kullback-Leibler term of strength t, is pi'(y|x) proportional to
pi(y|x) exp(r(x, y) / t) (Rafailov et al., arXiv 2305.18290, section 4). Read backwards, log pi' - log pi is the reward
of a step in units of t, up to a constant for each task. It is taken on one set of generation 0's replies, valid and
not, under successive generations, and regressed on features of the replies: within tasks, so that constants fall out,
and over all, where features of the task itself can stand. Each seed has a regression of its own, as policies that were
made apart need not move alike. The interval of one seed is clustered by task; that of several is Student's over their
coefficients.

What it is not: the reward of replies that generation 0 never gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from planbench.loop.answers import Found
from planbench.loop.features import features
from planbench.loop.layout import Place
from planbench.metrics.paired import student
from planbench.metrics.regression import Floats, Regression, clustered
from planbench.records.iterate import Generation, ImplicitReward, Rewarded
from planbench.records.outcomes import Look
from planbench.records.summary import Interval


@dataclass(frozen=True, slots=True)
class _Seen:
    """A reply of a seed, with its log-ratio."""

    seed: int
    look: Look
    ratio: float


def implicit_rewards(arms: dict[str, list[Generation]], run: Path, found: Found) -> list[ImplicitReward]:
    """Every step of every arm and, where there are several, its whole way."""
    rewards: list[ImplicitReward] = []
    for arm, rows in arms.items():
        seeds = sorted({row.seed for row in rows})
        if not seeds:
            continue
        last = min(max(row.generation for row in rows if row.seed == seed) for seed in seeds)
        steps = [(number - 1, number) for number in range(1, last + 1)]
        for first, second in [*steps, *([(0, last)] if last > 1 else [])]:
            seen = [
                one
                for seed in seeds
                for one in _ratios(Place(run, arm, seed, first), Place(run, arm, seed, second), found)
            ]
            reward = _reward(arm, first, second, seen)
            if reward is not None:
                rewards.append(reward)
    return rewards


def _ratios(first: Place, second: Place, found: Found) -> list[_Seen]:
    looks = found.looks(first)
    before, after = found.nats(first), found.nats(second)
    return [
        _Seen(first.seed, look, now - then)
        for look, then, now in zip(looks, before, after, strict=True)
        if then is not None and now is not None
    ]


def _reward(arm: str, first: int, last: int, seen: Sequence[_Seen]) -> ImplicitReward | None:
    if not seen:
        return None
    names, x = features([one.look for one in seen])
    y = np.array([one.ratio for one in seen])
    tasks, seeds = np.array(_numbered(one.look.task for one in seen)), np.array([one.seed for one in seen])
    rows = [seeds == seed for seed in dict.fromkeys(seeds.tolist())]
    within = [clustered(x[of], y[of], tasks[of].tolist(), tasks[of].tolist()) for of in rows]
    pooled = [clustered(x[of], y[of], tasks[of].tolist()) for of in rows]
    explained = [one.r_squared for one in within if one is not None]
    valid = [one.ratio for one in seen if one.look.valid]
    invalid = [one.ratio for one in seen if not one.look.valid]
    parts = [
        [found for column, name in enumerate(names) if (found := _rewarded(name, x[:, column], column, of)) is not None]
        for of in (within, pooled)
    ]
    return ImplicitReward(
        arm=arm,
        first=first,
        last=last,
        seeds=len(rows),
        traces=len(seen),
        tasks=len(set(tasks.tolist())),
        mean_valid=sum(valid) / len(valid) if valid else None,
        mean_invalid=sum(invalid) / len(invalid) if invalid else None,
        within=parts[0],
        pooled=parts[1],
        r_squared=sum(explained) / len(explained) if explained else 0.0,
        constant=[name for name in names if all(one.feature != name for one in parts[0])],
    )


def _rewarded(name: str, values: Floats, column: int, found: Sequence[Regression | None]) -> Rewarded | None:
    """A feature over the regressions of all seeds; None where fewer than two of several have it."""
    by_seed = [_coefficient(one, column) for one in found]
    known = [one for one in by_seed if one is not None]
    if len(known) < min(2, len(found)):
        return None
    if len(found) == 1:
        ((mean, ci),) = known
    else:
        mean, ci = student([coefficient for coefficient, _ in known])
    return Rewarded(
        feature=name,
        coefficient=mean,
        ci=ci,
        mean=float(values.mean()),
        deviation=float(values.std()),
        by_seed=tuple(one and one[0] for one in by_seed) if len(found) > 1 else (),
    )


def _coefficient(found: Regression | None, column: int) -> tuple[float, Interval] | None:
    if found is None or column not in found.columns:
        return None
    place = found.columns.index(column)
    return found.coefficients[place], found.intervals[place]


def _numbered(keys: Iterable[object]) -> list[int]:
    numbers: dict[object, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]
