"""From cells to what they say: scores, Spearman's correlation with its interval, the logistic curve, evidence needed.

The unit is a pair: seeds are averaged first, as ten seeds of one pair are not ten pairs. Pairs that share features are
not independent either, so p is given twice: as published, over pairs, and over features. Pairs are dropped where a
probe does not reach 0.9 accuracy, as MDL says little of a feature that was not learned; what the statistic is with them
is reported beside. No run is ever dropped for how it did.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, permutations, product
from math import factorial, prod

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from planbench.records.bias import ArmResult, Dropped, ExtractionCell, Interval, Logistic, PairResult, TrainingCell

Floats = NDArray[np.float64]

MIN_ACCURACY = 0.9
ENOUGH = 0.99
_RESAMPLES = 2_000
_PERMUTATIONS = 20_000
_ENUMERATED = 8
_NAMINGS = 5_040
_FEW = 5

Named = tuple[str, str, str]
"""A pair's name, target and spurious feature."""


def f1(sections: dict[str, Floats]) -> Floats:
    """F1 of label 1 on the four sections in equal shares, from the share of right answers in each (arrays of any one
    shape)."""
    hit = sections["both"] + sections["t-only"]
    missed = 2 - hit
    false = 2 - sections["neither"] - sections["s-only"]
    return 2 * hit / (2 * hit + missed + false)


def mean_reward(sections: dict[str, Floats]) -> Floats:
    return np.mean([sections[name] for name in sections], axis=0)


MEASURES: dict[str, Callable[[dict[str, Floats]], Floats]] = {"F1": f1, "reward": mean_reward}


def _rho(x: Floats, y: Floats) -> Floats:
    """Spearman's rho along the last dimension: the correlation of ranks, those of ties averaged. NaN where one side is
    constant."""
    ranks = [stats.rankdata(side, axis=-1) for side in (x, y)]
    a, b = (rank - rank.mean(-1, keepdims=True) for rank in ranks)
    with np.errstate(invalid="ignore"):
        return (a * b).sum(-1) / np.sqrt((a * a).sum(-1) * (b * b).sum(-1))


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Spearman's rho; None of fewer than three pairs, or where one side is constant."""
    if len(x) < 3 or len(set(x)) < 2 or len(set(y)) < 2:
        return None
    return float(_rho(np.asarray(x, dtype=float), np.asarray(y, dtype=float)))


def spearman_p(x: Sequence[float], y: Sequence[float], rng: np.random.Generator) -> float | None:
    """Two-sided, against random pairings: all of them up to eight pairs, for which the t approximation is wrong."""
    found = spearman(x, y)
    if found is None:
        return None
    few = len(x) <= _ENUMERATED
    orders = (
        np.array(list(permutations(range(len(x)))))
        if few
        else rng.permuted(np.tile(np.arange(len(x)), (_PERMUTATIONS, 1)), axis=1)
    )
    others = _rho(np.asarray(x)[orders], np.broadcast_to(np.asarray(y), orders.shape))
    as_far = int((np.abs(others) >= abs(found) - 1e-12).sum())
    # What was found is one of the pairings; among all of them it is there already.
    return as_far / len(orders) if few else (as_far + 1) / (len(orders) + 1)


def features_p(
    features: Sequence[tuple[str, str]], x: Sequence[float], y: Sequence[float], rng: np.random.Generator
) -> float | None:
    """Two-sided, against features that change places: pairs that share features do not vary on their own.

    `features` are the target and the spurious feature of each pair. Features of one role (target, spurious or both) are
    given each other's names, in every way if there are few; a pair's score is then compared with the relative
    extractability of the pair that bears its new name. Namings under which fewer than half of the pairs are pairs say
    nothing. None where no rho is, where no feature is shared (p over pairs then says it), and where two pairs have the
    same features, which are not told apart by their names.
    """
    found = spearman(x, y)
    shared = len({name for pair in features for name in pair}) < 2 * len(features)
    if found is None or not shared or len(set(features)) < len(features):
        return None
    places = {pair: place for place, pair in enumerate(features)}
    targets, spurious = ({pair[side] for pair in features} for side in (0, 1))
    roles = [sorted(role) for role in (targets & spurious, targets - spurious, spurious - targets)]
    as_far = looked = 0
    for named in _namings(roles, rng):
        moved = [(places.get((named[t], named[s])), place) for place, (t, s) in enumerate(features)]
        there = [(new, place) for new, place in moved if new is not None]
        if len(there) >= max(3, len(features) / 2):
            other = spearman([x[new] for new, _ in there], [y[place] for _, place in there])
            looked += 1
            as_far += other is not None and abs(other) >= abs(found) - 1e-12
    return as_far / looked


def _namings(roles: Sequence[list[str]], rng: np.random.Generator) -> Iterator[dict[str, str]]:
    """New names by old ones, the one that changes nothing first."""
    names = [name for role in roles for name in role]
    if prod(factorial(len(role)) for role in roles) <= _NAMINGS:
        for orders in product(*(permutations(role) for role in roles)):
            yield dict(zip(names, chain(*orders), strict=True))
        return
    yield dict(zip(names, names, strict=True))
    for _ in range(_NAMINGS - 1):
        yield dict(zip(names, (str(name) for role in roles for name in rng.permutation(role)), strict=True))


def bootstrap(x: Floats, y: Floats, rng: np.random.Generator) -> Interval | None:
    """An interval of Spearman's rho of the means of `x` and `y` [pairs, seeds]: pairs are drawn again, and seeds within
    each. Draws in which one side is constant say nothing and are left out."""
    pairs, seeds = y.shape
    rows = rng.integers(0, pairs, (_RESAMPLES, pairs))[..., None]
    columns = rng.integers(0, seeds, (_RESAMPLES, pairs, seeds))
    found = _rho(x[rows, columns].mean(-1), y[rows, columns].mean(-1))
    found = found[~np.isnan(found)]
    if len(found) < _RESAMPLES / 2:
        return None
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def logistic(x: Sequence[float], y: Sequence[float]) -> Logistic | None:
    """The curve of score against log2 of relative extractability; None of fewer than five pairs or where it does not
    settle."""
    if len(x) < 5 or len(set(y)) < 3:
        return None
    at = np.log2(np.asarray(x))

    def curve(at: Floats, lowest: float, highest: float, middle: float, slope: float) -> Floats:
        return lowest + (highest - lowest) / (1 + np.exp(-np.clip(slope * (at - middle), -60, 60)))

    start = (min(y), max(y), float(np.median(at)), 1.0)
    bounds = ([0, 0, float(at.min()) - 1, -20], [1, 1, float(at.max()) + 1, 20])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optimize.OptimizeWarning)
            (lowest, highest, middle, slope), _ = optimize.curve_fit(curve, at, y, p0=start, bounds=bounds)
    except (RuntimeError, ValueError):
        return None
    return Logistic(
        lowest=float(lowest),
        highest=float(highest),
        intercept=float(-slope * middle),
        slope=float(slope),
    )


def arm_result(
    arm: str,
    model: str,
    named: Sequence[Named],
    extractions: Sequence[ExtractionCell],
    trainings: Sequence[TrainingCell],
    measure: str,
    seed: int = 0,
) -> ArmResult:
    """What the cells of one arm and model come to. Pairs without a cell of both kinds are left out."""
    rng = np.random.default_rng(seed)
    kept: list[PairResult] = []
    out: list[PairResult] = []
    dropped: list[Dropped] = []
    relatives: dict[str, Floats] = {}
    scores: dict[str, Floats] = {}
    for name, target, spurious in named:
        # By seed: several processes end them in any order.
        probes = sorted((cell for cell in extractions if cell.pair == name), key=lambda cell: cell.seed)
        cells = sorted((cell for cell in trainings if cell.pair == name), key=lambda cell: cell.seed)
        if not probes or not cells:
            continue
        sections = {s: np.array([cell.scores[s] for cell in cells]) for s in cells[0].scores}
        by_seed = MEASURES[measure](sections)
        both = {probe.seed for probe in probes} & {cell.seed for cell in cells}
        relatives[name] = np.array([probe.relative for probe in probes if probe.seed in both])
        scores[name] = by_seed.mean(1)[[cell.seed in both for cell in cells]]
        result = _pair(name, target, spurious, probes, cells[0].rates, sections, by_seed, rng)
        accuracy = {
            "t": float(np.mean([probe.target_accuracy for probe in probes])),
            "s": float(np.mean([probe.spurious_accuracy for probe in probes])),
        }
        low = [
            f"the probe for {which} is right on {share:.1%}"
            for which, share in accuracy.items()
            if share <= MIN_ACCURACY
        ]
        if low:
            dropped.append(Dropped(pair=name, why=f"{' and '.join(low)}, not above {MIN_ACCURACY:.0%}"))
        (out if low else kept).append(result)
    x, y = [pair.relative for pair in kept], [pair.score for pair in kept]
    at_zero = [pair.by_rate[0] for pair in kept] if all(cell.rates[0] == 0 for cell in trainings) else []
    everything = [*kept, *out]
    every_x, every_y = [pair.relative for pair in everything], [pair.score for pair in everything]
    return ArmResult(
        arm=arm,
        model=model,
        spearman=spearman(x, y),
        p=spearman_p(x, y, rng),
        p_features=features_p([(pair.target, pair.spurious) for pair in kept], x, y, rng),
        ci=_interval([pair.pair for pair in kept], relatives, scores, rng) if len(kept) > 2 else None,
        seeds=min((pair.seeds for pair in everything), default=0),
        pairs=tuple(kept),
        dropped=tuple(dropped),
        dropped_pairs=tuple(out),
        fit=logistic(x, y),
        at_no_evidence=spearman(x, at_zero) if at_zero else None,
        p_at_no_evidence=spearman_p(x, at_zero, rng) if at_zero else None,
        with_dropped=spearman(every_x, every_y),
        p_with_dropped=spearman_p(every_x, every_y, rng),
    )


def _interval(
    names: Sequence[str], relatives: dict[str, Floats], scores: dict[str, Floats], rng: np.random.Generator
) -> Interval | None:
    seeds = min(len(scores[name]) for name in names)
    if not seeds:
        return None
    return bootstrap(
        np.array([relatives[name][:seeds] for name in names]), np.array([scores[name][:seeds] for name in names]), rng
    )


def _pair(
    name: str,
    target: str,
    spurious: str,
    probes: Sequence[ExtractionCell],
    rates: Sequence[float],
    sections: dict[str, Floats],
    by_seed: Floats,
    rng: np.random.Generator,
) -> PairResult:
    """`sections` and `by_seed` are `[seeds, rates]`."""
    enough = [rate for rate, score in zip(rates, np.median(by_seed, 0), strict=True) if score > ENOUGH]
    errors = {section: 1 - found for section, found in sections.items()}
    return PairResult(
        pair=name,
        target=target,
        spurious=spurious,
        relative=float(np.mean([probe.relative for probe in probes])),
        target_mdl=float(np.mean([sum(probe.target_bits) for probe in probes])),
        spurious_mdl=float(np.mean([sum(probe.spurious_bits) for probe in probes])),
        score=float(by_seed.mean()),
        score_ci=_over_seeds(by_seed.mean(1), rng),
        by_rate=tuple(by_seed.mean(0).tolist()),
        sections={section: tuple(found.mean(0).tolist()) for section, found in errors.items()},
        spread={
            section: tuple(_over_seeds(found[:, rate], rng) for rate in range(len(rates)))
            for section, found in errors.items()
        },
        evidence=min(enough, default=None),
        seeds=len(by_seed),
    )


def _over_seeds(values: Floats, rng: np.random.Generator) -> Interval:
    """A bootstrap interval of the mean, or the range where there are too few seeds for one."""
    if len(values) < _FEW:
        return float(values.min()), float(values.max())
    means = values[rng.integers(0, len(values), (_RESAMPLES, len(values)))].mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
