"""The tables of docs/bias.md, from the results of a suite.

    python -m experiments.bias.tables toy language planning
    python -m experiments.bias.tables toy-paper:toy     # the first's pairs, there and in the second

Each name is a folder beside this file, or the path of any run folder of `planbench bias`. Markdown, on standard output:
one table of all, then those of each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from experiments.markdown import table
from planbench.bias.config import ARMS
from planbench.bias.statistics import MEASURES, spearman
from planbench.bias.study import stored
from planbench.records.bias import RESULTS, ArmResult, BiasResults, Cell, PairResult, TrainingCell
from planbench.records.files import read_json

HERE = Path(__file__).parent

PLAIN = ("supervised", "deployment")
"""Arms of which the name is a plain word. They stand first; the others are names of rules, and set as such."""

HARD = 1 / 3
"""Pairs of which the target takes three times the bits that the spurious feature takes, and more."""

NEARLY = {"F1": 0.02, "reward": 0.1}
"""How far the share of one answer may be from all or none, in every section, for a run that gives one answer. Where
digits or a text are written, these are seldom without a fault."""

_Of = Callable[[PairResult], float]


def summary(folders: Sequence[Path]) -> list[str]:
    """Spearman's rho with its interval, of every suite in every arm that some suite has; none where there is none."""
    named = [(folder.name, read_json(folder / RESULTS, BiasResults)) for folder in folders]
    found = [(name, results) for name, results in named if _correlates(results)]
    order: list[str] = sorted(ARMS, key=lambda arm: arm not in PLAIN)
    every = [(results, arm) for _, results in found for arm in results.arms.values()]
    each = list(dict.fromkeys(_name(*one) for one in sorted(every, key=lambda one: order.index(one[1].arm))))
    rows: list[tuple[str, ...]] = []
    for name, results in found:
        first, *_ = results.arms.values()
        rhos = {_name(results, arm): _rho(arm) for arm in results.arms.values()}
        rows.append((name, str(len(first.pairs)), str(first.seeds), *(rhos.get(arm, "") for arm in each)))
    return list(table(("suite", "pairs", "seeds", *each), rows)) if rows else []


def _rho(arm: ArmResult) -> str:
    return f"{_number(arm.spearman)} [{_number(arm.ci[0])}, {_number(arm.ci[1])}]" if arm.ci else _number(arm.spearman)


def _correlates(results: BiasResults) -> bool:
    return any(arm.spearman is not None for arm in results.arms.values())


def arms(results: BiasResults) -> Iterator[str]:
    """The correlation in each arm. `without RATE` leaves the highest rate out of the mean score; `target alone` is
    between the target's own bits, negated, and the score."""
    if not _correlates(results):
        return
    yield from table(
        (
            "arm",
            "Spearman",
            "95%",
            "p over pairs",
            "p over features",
            "at rate 0",
            f"without {_short(results.rates[-1])}",
            "target alone",
            "pairs",
            "seeds",
        ),
        [
            (
                _name(results, arm),
                _number(arm.spearman),
                f"[{_number(arm.ci[0])}, {_number(arm.ci[1])}]" if arm.ci else "",
                _chance(arm.p),
                _chance(arm.p_features),
                _number(arm.at_no_evidence),
                _number(_spearman(arm.pairs, lambda pair: pair.relative, lambda pair: _lower(pair.by_rate))),
                _number(_spearman(arm.pairs, lambda pair: -pair.target_mdl, lambda pair: pair.score)),
                str(len(arm.pairs)),
                str(arm.seeds),
            )
            for arm in results.arms.values()
        ],
    )


def pairs(results: BiasResults) -> Iterator[str]:
    """The score of each pair in each arm, with that at rate 0 in brackets and the evidence needed; hardest first."""
    first, *_ = results.arms.values()
    out = {pair.pair for pair in first.dropped_pairs}
    by_name = [{pair.pair: pair for pair in (*arm.pairs, *arm.dropped_pairs)} for arm in results.arms.values()]
    yield from table(
        (
            "target",
            "spurious",
            "bits of t",
            "bits of s",
            "s/t",
            *(_name(results, arm) for arm in results.arms.values()),
        ),
        [
            (
                f"{one.target}{' (dropped)' if one.pair in out else ''}",
                one.spurious,
                f"{one.target_mdl:,.0f}",
                f"{one.spurious_mdl:,.0f}",
                f"{one.relative:.3g}",
                *(_score(results, pair) if (pair := found.get(one.pair)) else "" for found in by_name),
            )
            for one in sorted(by_name[0].values(), key=lambda pair: pair.relative)
        ],
    )


def sections(results: BiasResults) -> Iterator[str]:
    """The share of right answers at each rate, over the pairs whose target is the harder one by far, and of how many of
    them most t-only prompts are right. `neither` has no row: it is hardly ever wrong."""
    rows: list[tuple[str, ...]] = []
    for arm in results.arms.values():
        hard = [pair for pair in arm.pairs if pair.relative < HARD]
        for section in ("both", "s-only", "t-only") if hard else ():
            errors = zip(*(pair.sections[section] for pair in hard), strict=True)
            means = [_number(1 - sum(found) / len(found)) for found in errors]
            rows.append((_name(results, arm), str(len(hard)), section, *means))
        if hard:
            t_only = [pair.sections["t-only"] for pair in hard]
            found = [sum(error < 0.5 for error in errors) for errors in zip(*t_only, strict=True)]
            rows.append((_name(results, arm), str(len(hard)), "pairs with t-only above .5", *map(str, found)))
    if rows:
        yield from table(("arm", "pairs", "section", *map(_short, results.rates)), rows)


def constant(results: BiasResults, cells: Sequence[Cell]) -> Iterator[str]:
    """How many runs end by giving (nearly) every test prompt one answer, 0 and 1, at each rate; arms that have some."""
    rows: list[tuple[str, ...]] = []
    for arm in results.arms.values():
        mine = _trained(results, arm, cells)
        counts = [
            [sum(_says(cell, place, answer, NEARLY[results.measure]) for cell in mine) for answer in (0, 1)]
            for place in range(len(results.rates))
        ]
        if any(map(any, counts)):
            rows.append((_name(results, arm), str(len(mine)), *(f"{zeros} + {ones}" for zeros, ones in counts)))
    if rows:
        yield from table(("all 0 + all 1", "runs a rate", *map(_short, results.rates)), rows)


def distances(results: BiasResults, cells: Sequence[Cell]) -> Iterator[str]:
    """Which arms sit together: the mean score of each over pairs and seeds, and how far scores of a pair with different
    seeds lie apart in the mean, within an arm and between two. Arms that are alike have the same number everywhere.
    Pairs that were dropped are among them."""
    scores = _scores(results, cells, results.rates)
    if not _comparable(scores):
        return
    yield from table(
        ("apart", "mean score", *scores),
        [
            (
                one,
                _number(float(np.mean([mean for pair in pairs.values() for mean in pair.values()]))),
                *(_number(float(_apart(pairs, others).mean()), 3) for others in scores.values()),
            )
            for one, pairs in scores.items()
        ],
    )


def sides(results: BiasResults, cells: Sequence[Cell]) -> Iterator[str]:
    """Whom deployment sits with: how far it is from supervision and from `reinforce`, in the sense of `distances`, over
    all rates and some; how much further from supervision, with a 95% bootstrap interval over pairs."""
    ways = {
        "all": results.rates,
        "0": [rate for rate in results.rates if not rate],
        "up to .1": [rate for rate in results.rates if rate <= 0.1],
        "from .2": [rate for rate in results.rates if rate >= 0.2],
    }
    rows: list[tuple[str, ...]] = []
    for way, rates in ways.items():
        scores = _scores(results, cells, rates) if rates else {}
        if not _comparable(scores) or not {"supervised", "deployment", "`reinforce`"} <= scores.keys():
            return
        shown, rule = (_apart(scores["deployment"], scores[arm]) for arm in ("supervised", "`reinforce`"))
        further = shown - rule
        draws = np.random.default_rng(0).integers(len(further), size=(10_000, len(further)))
        low, high = np.quantile(further[draws].mean(axis=1), (0.025, 0.975))
        rows.append(
            (
                way,
                *(_number(float(each.mean()), 3) for each in (shown, rule)),
                f"{further.mean():+.3f} [{low:+.3f}, {high:+.3f}]",
                f"{(further > 0).sum()} of {len(further)}",
            )
        )
    yield from table(
        (
            "rates",
            "deployment to supervised",
            "to `reinforce`",
            "further from supervised",
            "pairs nearer to `reinforce`",
        ),
        rows,
    )


_Scores = dict[str, dict[str, dict[int, float]]]
"""Of arm, pair and seed."""


def _scores(results: BiasResults, cells: Sequence[Cell], rates: Sequence[float]) -> _Scores:
    """Means over some of the rates."""
    places = [place for place, rate in enumerate(results.rates) if rate in rates]
    scores: _Scores = {}
    for arm in results.arms.values():
        pairs = scores.setdefault(_name(results, arm), {})
        for cell in _trained(results, arm, cells):
            shares = {name: np.array(found) for name, found in cell.scores.items()}
            pairs.setdefault(cell.pair, {})[cell.seed] = float(MEASURES[results.measure](shares)[places].mean())
    return scores


def _comparable(scores: _Scores) -> bool:
    return len(scores) > 1 and all(len(seeds) > 1 for pairs in scores.values() for seeds in pairs.values())


def _apart(one: dict[str, dict[int, float]], other: dict[str, dict[int, float]]) -> np.ndarray:
    """Of each pair: the mean distance of a score from another with another seed."""
    return np.array(
        [
            np.mean([abs(one[pair][a] - other[pair][b]) for a in one[pair] for b in other[pair] if a != b])
            for pair in sorted(one.keys() & other.keys())
        ]
    )


def _trained(results: BiasResults, arm: ArmResult, cells: Sequence[Cell]) -> list[TrainingCell]:
    """The cells that an arm's results are of."""
    mine = [cell for cell in cells if isinstance(cell, TrainingCell) and (cell.arm, cell.model) == (arm.arm, arm.model)]
    return [whole for cell in mine if (whole := cell.at(results.rates))]


def _says(cell: TrainingCell, place: int, answer: int, nearly: float) -> bool:
    right = {name: found[place] for name, found in cell.scores.items()}
    ones = [right["both"], right["t-only"], 1 - right["neither"], 1 - right["s-only"]]
    return all(abs(share - answer) < nearly for share in ones)


def _name(results: BiasResults, arm: ArmResult) -> str:
    several = len({arm.model for arm in results.arms.values()}) > 1
    name = arm.arm if arm.arm in PLAIN else f"`{arm.arm}`"
    return f"{name}, {arm.model}" if several else name


def _score(results: BiasResults, pair: PairResult) -> str:
    needs = "never" if pair.evidence is None else _short(pair.evidence)
    first = f" ({_number(pair.by_rate[0])})" if results.rates[0] == 0 else ""
    return f"{_number(pair.score)}{first}, {needs}"


def _lower(by_rate: tuple[float, ...]) -> float:
    few = by_rate[:-1] or by_rate
    return sum(few) / len(few)


def _spearman(found: tuple[PairResult, ...], x: _Of, y: _Of) -> float | None:
    return spearman([x(pair) for pair in found], [y(pair) for pair in found])


def _number(value: float | None, digits: int = 2) -> str:
    """So many digits behind the point, none before it where it is 0."""
    return "" if value is None else f"{value:.{digits}f}".replace("0.", ".", 1)


def _chance(p: float | None) -> str:
    return "" if p is None else "< .001" if p < 0.001 else _number(p, 3)


def _short(rate: float) -> str:
    return f"{rate:g}".replace("0.", ".", 1)


def tables(folder: Path) -> list[str]:
    """All of them, of a run folder, a line each."""
    found = read_json(folder / RESULTS, BiasResults)
    cells = list(stored(folder).values())
    return [
        *arms(found),
        *distances(found, cells),
        *sides(found, cells),
        *pairs(found),
        *sections(found),
        *constant(found, cells),
    ]


def beside(one: Path, other: Path) -> list[str]:
    """The share of right s-only and t-only prompts with supervision, in the pairs and at the rates of `one`, there and
    in `other`: the mean of the seeds and, where they differ, the least and the greatest of them."""
    results = read_json(one / RESULTS, BiasResults)
    arm = next(arm for arm in results.arms.values() if arm.arm == "supervised")
    folders = {folder.name: _trained(results, arm, list(stored(folder).values())) for folder in (one, other)}
    rows = [
        (
            pair.pair.replace("|", ", "),
            section,
            name,
            *(_spread(cells, pair.pair, section, rate) for rate in results.rates),
        )
        for pair in arm.pairs
        for section in ("s-only", "t-only")
        for name, cells in folders.items()
    ]
    return list(table(("pair", "section", "suite", *map(_short, results.rates)), rows))


def _spread(cells: Sequence[TrainingCell], pair: str, section: str, rate: float) -> str:
    found = [cell.scores[section][cell.rates.index(rate)] for cell in cells if cell.pair == pair]
    mean, *ends = (_number(value) for value in (sum(found) / len(found), min(found), max(found)))
    return mean if ends == [mean, mean] else f"{mean} [{', '.join(ends)}]"


def _folder(name: str) -> Path:
    return HERE / name if (HERE / name).exists() else Path(name)


if __name__ == "__main__":
    asked = [_folder(name) for name in sys.argv[1:] if ":" not in name]
    together = [beside(*map(_folder, name.split(":", 1))) for name in sys.argv[1:] if ":" in name]
    for part in (summary(asked), *map(tables, asked), *together):
        print("\n".join(part))
