"""The tables of an iterate run's page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planbench import wording
from planbench.records.iterate import Across, Comparison, Generation, IterateSummary
from planbench.records.summary import Horizon, Part
from planbench.report.loop_rows import across_of, block_name, largest, longest_solved, part_of, set_word, splits_of

Cell = str | tuple[str, str]
"""A value, or a value and what stands small beside it."""


@dataclass(frozen=True, slots=True)
class Table:
    """The first cell of a row is its heading. `folded` tables are shown when they are asked for."""

    title: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    folded: bool = False


_HORIZON_SAID = "Horizon: of held-out tasks. Longest: of held-out and longer tasks."


def generations(title: str, rows: Sequence[Generation], folded: bool) -> Table:
    """A row a generation of one arm and seed."""
    splits = splits_of(rows)
    return Table(
        title,
        "Valid plans with 95% intervals: of the pool's samples, of a greedy reply to each other task. Pool solved: "
        f"tasks with at least one valid sample. {_HORIZON_SAID} Curated: traces that the generation was trained on, "
        "new ones (from the generation just before) / all.",
        (
            "gen",
            *map(set_word, splits),
            "pool solved",
            "horizon",
            "longest solved",
            "longest plan",
            "curated",
            "tokens",
            "s",
        ),
        tuple(_generation(row, splits) for row in rows),
        folded,
    )


def _generation(row: Generation, splits: Sequence[str]) -> tuple[Cell, ...]:
    measured = (row.held_out, row.longer)
    return (
        str(row.generation),
        *(_rate(part_of(row, split)) for split in splits),
        f"{row.pool.solved_tasks:,} of {row.pool.tasks:,}",
        _horizon(row.held_out.horizon),
        wording.number(longest_solved(row), 0),
        wording.number(largest(part.longest_plan for part in measured if part), 0),
        f"{row.curated.new:,} / {row.curated.total:,}" if row.curated else wording.NOTHING,
        f"{row.tokens:,}",
        wording.amount(sum(row.seconds.values())),
    )


def means(summary: IterateSummary, arm: str, name: str) -> Table:
    """A row a generation of one arm, over its seeds."""
    splits = splits_of(summary.arms[arm])
    by_split = {split: {row.generation: row for row in across_of(summary, arm, split)} for split in splits}
    numbers = sorted({number for rows in by_split.values() for number in rows})
    return Table(
        f"{name}, mean over seeds",
        "Valid plans with 95% intervals over seeds and tasks. All seeds: held-out tasks solved with every seed. "
        f"{_HORIZON_SAID}",
        (
            "gen",
            "seeds",
            *map(set_word, splits),
            "all seeds",
            "horizon",
            "longest solved",
            "longest plan",
        ),
        tuple(_mean({split: rows.get(number) for split, rows in by_split.items()}, number) for number in numbers),
    )


def _mean(found: dict[str, Across | None], number: int) -> tuple[Cell, ...]:
    held_out = found.get("held_out")
    measured = [row for split, row in found.items() if row is not None and split != "pool"]
    return (
        str(number),
        str(max(row.seeds for row in found.values() if row is not None)),
        *(
            wording.NOTHING if row is None else (wording.percent(row.rate), wording.percent_interval(row.ci))
            for row in found.values()
        ),
        wording.NOTHING if held_out is None else wording.percent(held_out.unanimous_rate),
        wording.NOTHING if held_out is None else _horizon(held_out.horizon),
        wording.number(largest(row.longest_reference_solved for row in measured), 0),
        wording.number(largest(row.longest_plan for row in measured), 0),
    )


def comparisons(rows: Sequence[Comparison]) -> Table:
    return Table(
        "Compared on the same tasks",
        "Difference: the second's rate less the first's, in points, with a 95% interval by a bootstrap over seeds and "
        "tasks. Gained and lost: tasks that only the second, or only the first, solved; a task counts once a seed. "
        "p: McNemar's exact test, where there is one seed.",
        ("first", "second", "on", "tasks", "seeds", "difference", "gained", "lost", "p"),
        tuple(
            (
                wording.shown(row.first, 60),
                wording.shown(row.second, 60),
                wording.SPLIT_WORDS[row.split],
                f"{row.tasks:,}",
                str(row.seeds),
                (wording.points(row.difference), wording.points_interval(row.ci)),
                f"{row.gained:,}",
                f"{row.lost:,}",
                wording.p_value(row.p_value),
            )
            for row in rows
        ),
    )


def trainings(rows: Sequence[Generation]) -> Table:
    """What each generation was trained on, and how that went."""
    return Table(
        "What each generation was trained on",
        "Traces that the rule had before it and those it kept, from how many tasks; steps a plan and tokens a reply of "
        "these; losses in nats a token of the replies, validation before and after on traces held out.",
        (
            *("arm and seed", "generation", "rule", "traces", "kept", "weight", "tasks", "steps, mean", "steps, max"),
            *("tokens, mean", "training steps", "tokens", "loss", "validation", "stopped early", "s"),
        ),
        tuple(
            (block_name(row.arm, row.seed), str(row.generation), *_kept(row), *_trained(row))
            for row in rows
            if row.curated or row.training
        ),
        folded=True,
    )


def _kept(row: Generation) -> tuple[Cell, ...]:
    kept = row.curated
    if kept is None:
        return (wording.NOTHING,) * 8
    return (
        wording.shown(kept.rule, 40),
        f"{kept.examined:,}",
        f"{kept.total:,}",
        wording.amount(kept.weight),
        f"{kept.tasks:,}",
        wording.number(kept.length_mean),
        wording.number(kept.length_max, 0),
        wording.number(kept.tokens_mean),
    )


def _trained(row: Generation) -> tuple[Cell, ...]:
    done = row.training
    if done is None:
        return (wording.NOTHING,) * 6
    validation = [wording.number(loss, 3) for loss in (done.validation_before, done.validation_after)]
    return (
        f"{done.steps:,}",
        f"{done.tokens:,}",
        wording.number(done.loss, 3),
        " → ".join(validation),
        "yes" if done.stopped_early else "no",
        wording.amount(done.seconds),
    )


def phases(rows: Sequence[Generation]) -> Table:
    """Where the time went."""
    names = list(dict.fromkeys(name for row in rows for name in row.seconds))
    return Table(
        "Seconds by phase",
        "Wall time; judging apart from the phases in which tasks are answered. Generation 0 is shared by the arms.",
        ("arm and seed", "generation", *map(set_word, names), "in all"),
        tuple(
            (
                block_name(row.arm, row.seed),
                str(row.generation),
                *(wording.amount(row.seconds.get(name)) for name in names),
                wording.amount(sum(row.seconds.values())),
            )
            for row in rows
        ),
        folded=True,
    )


def task_sets(summary: IterateSummary) -> Table:
    return Table(
        "Task sets",
        "By canonical form, no held-out or longer task is one that any model was trained or deployed on.",
        ("set", "from split", "tasks", "reference steps", "hash"),
        tuple(
            (
                set_word(of.name),
                wording.shown(of.split),
                f"{of.tasks:,}",
                wording.NOTHING if of.lengths is None else f"{of.lengths[0]}{wording.DASH}{of.lengths[1]}",
                wording.shown(of.hash, 80),
            )
            for of in summary.task_sets
        ),
    )


def _rate(part: Part | None) -> Cell:
    if part is None:
        return wording.NOTHING
    return wording.percent(part.valid_rate), wording.percent_interval(part.valid_ci)


def _horizon(of: Horizon) -> Cell:
    return wording.horizon_value(of), wording.horizon_interval(of)
