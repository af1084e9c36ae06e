"""The page of an entry: everything that its run supports, and how to check it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from planbench import wording
from planbench.core.verdict import VERDICT_KINDS
from planbench.leaderboard import charts
from planbench.leaderboard.board_page import points_of
from planbench.leaderboard.entry import Entry
from planbench.leaderboard.html import render
from planbench.leaderboard.rows import Cell, asked, parameters
from planbench.records.summary import Part


@dataclass(frozen=True, slots=True)
class PlainTable:
    """A table without further ado."""

    caption: str
    headings: list[str]
    rows: list[list[Cell]]
    last_is_total: bool = False


def entry_page(entry: Entry, *, board_page: str, anchor: str) -> str:
    results = entry.results
    line = charts.Line(wording.shown(entry.title, 40), points_of(results))
    return render(
        "entry.html.jinja",
        root="../",
        title=f"{wording.shown(entry.title, 80)} on {entry.board} · planbench leaderboard",
        entry=entry,
        asked=asked(entry),
        board_page=board_page,
        anchor=anchor,
        facts=list(_facts(results)),
        chart=charts.by_length([line], "length", f"Valid plans by length, {entry.title}"),
        length_data=f"{entry.id}-length.csv",
        domain_data=f"{entry.id}-domains.csv",
        mix=charts.mix((kind, results.verdicts.get(kind, 0) / results.samples) for kind in _order()),
        verdicts=[
            (
                kind,
                wording.VERDICT_WORDS[kind],
                wording.VERDICT_MEANINGS[kind],
                f"{results.verdicts.get(kind, 0):,}",
                wording.percent(results.verdicts.get(kind, 0) / results.samples, 0),
            )
            for kind in _order()
            if results.verdicts.get(kind, 0)
        ],
        domains=_domains(entry),
        lengths=_lengths(results),
        settings=list(_settings(entry)),
        command=run_command(entry),
    )


def run_command(entry: Entry) -> list[str]:
    """The words of the command that draws the samples again, where the model is at hand."""
    asked = entry.settings
    words = ["planbench", "eval", entry.model.name, "--tasks", entry.tasks.set, "--prompt", asked.prompt]
    if asked.shots:
        words += ["--shots", str(asked.shots)]
    if asked.rename != "none":
        words += ["--rename", asked.rename]
    if asked.samples > 1:
        words += ["--samples", str(asked.samples)]
    if asked.temperature:
        words += ["--temperature", f"{asked.temperature:g}"]
    if asked.top_p != 1:
        words += ["--top-p", f"{asked.top_p:g}"]
    words += ["--max-tokens", str(asked.max_tokens)]
    if asked.max_thinking_tokens is not None:
        words += ["--max-thinking-tokens", str(asked.max_thinking_tokens)]
    if asked.seed:
        words += ["--seed", str(asked.seed)]
    for name, value in asked.model_args.items():
        words += ["--model-arg", f"{name}={value}"]
    return [shlex.quote(word) for word in words]


def domain_rows(entry: Entry) -> list[dict[str, Any]]:
    """The numbers of the table by domain, and of the bar of verdicts."""
    return [
        {
            "domain": name,
            "tasks": part.tasks,
            "samples": part.samples,
            "valid_rate": part.valid_rate,
            "valid_low": part.valid_ci[0] if part.valid_ci else None,
            "valid_high": part.valid_ci[1] if part.valid_ci else None,
            "quality": part.plan_length.quality,
            "horizon": part.horizon.value,
            "longest_reference_solved": part.longest_reference_solved,
            **{kind: part.verdicts.get(kind, 0) for kind in VERDICT_KINDS},
        }
        for name, part in wording.rows(entry.results)
    ]


def _order() -> list[Any]:
    return list(wording.VERDICT_WORDS)


def _facts(results: Part) -> Iterator[tuple[str, str, str]]:
    yield "Valid plans", wording.percent(results.valid_rate), wording.percent_interval(results.valid_ci)
    yield "Tasks solved", f"{results.solved_tasks:,}", f"of {results.tasks:,}"
    horizon = results.horizon
    yield "Horizon, steps", wording.horizon_value(horizon), wording.horizon_interval(horizon) or horizon.reason
    yield "Longest solved", wording.number(results.longest_reference_solved, 0), "steps of the reference plan"
    mean, ratio = wording.plan_length(results)
    yield "Plan length", mean, f"steps, {ratio.strip('()')} the reference" if ratio else ""
    yield "Quality", wording.number(results.plan_length.quality, 2), "reference cost / plan cost"
    yield (
        "Tokens a task",
        wording.count_of(results.tokens.per_task),
        f"{wording.count_of(results.tokens.per_solved)} / solved",
    )
    yield (
        "Seconds a task",
        wording.amount(results.seconds.per_task),
        f"{wording.amount(results.seconds.per_solved)} / solved",
    )


def _domains(entry: Entry) -> PlainTable:
    rows: list[list[Cell]] = [
        [
            (name, ""),
            (str(part.tasks), ""),
            (wording.percent(part.valid_rate), wording.percent_interval(part.valid_ci)),
            (wording.number(part.plan_length.quality, 2), ""),
            (wording.horizon_value(part.horizon), wording.horizon_interval(part.horizon)),
            (wording.number(part.longest_reference_solved, 0), ""),
            *((str(part.verdicts.get(kind, 0)), "") for kind in _order()),
        ]
        for name, part in wording.rows(entry.results)
    ]
    headings = ["domain", "tasks", "valid plans", "quality", "horizon, steps", "longest solved, steps"]
    words = [wording.VERDICT_WORDS[kind] for kind in _order()]
    return PlainTable("Results and verdicts by domain", [*headings, *words], rows, last_is_total=len(rows) > 1)


def _lengths(results: Part) -> PlainTable:
    rows: list[list[Cell]] = [
        [
            (wording.bin_name(of), ""),
            (str(of.tasks), ""),
            (wording.percent(of.valid_rate), wording.percent_interval(of.valid_ci)),
        ]
        for of in results.by_length
    ]
    return PlainTable("Valid plans by steps of the reference, 95% intervals", ["steps", "tasks", "valid plans"], rows)


def _settings(entry: Entry) -> Iterator[tuple[str, str]]:
    model, asked = entry.model, entry.settings
    yield "model", f"{model.name} ({model.kind})"
    yield "fingerprint", model.fingerprint
    found = parameters(entry)
    if found is not None:
        yield "parameters", f"{found:,}"
    for name, value in (("licence", entry.card.licence), ("contact", entry.card.contact)):
        if value:
            yield name, value
    yield "tasks", f"{entry.tasks.set}, {entry.tasks.tasks} tasks, hash {entry.tasks.hash}"
    yield "prompt", f"{asked.prompt}, {asked.shots} examples, names: {asked.rename}"
    yield (
        "sampling",
        f"temperature {asked.temperature:g}, top-p {asked.top_p:g}, {asked.samples} a task, seed {asked.seed}",
    )
    yield "longest reply", f"{asked.max_tokens:,} tokens"
    for name, value in (*asked.model_args.items(), *model.described.items()):
        if value is not None and name != "parameters":
            yield name.replace("_", " "), str(value)
    yield "machine", ", ".join(f"{name} {value}" for name, value in entry.machine.items())
    yield "versions", ", ".join(f"{name} {value}" for name, value in entry.versions.items())
