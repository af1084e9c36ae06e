"""`report.html`: one file that holds everything, text, figures and their numbers, and asks nothing of the network.

Names of models, domains and prompts come from outside and are escaped; the page's content policy forbids scripts and
every style but the page's own. The same runs give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from planbench import wording
from planbench.records.files import REPORT, write_whole
from planbench.records.sample import Sample
from planbench.records.summary import Summary
from planbench.report.figures import Run, drawings
from planbench.report.html import render

_LONGEST_TITLE = 120


def write_report(
    folder: Path,
    summaries: Sequence[tuple[str, Summary]],
    samples: Sequence[Iterable[Sample]] = (),
    title: str = "planbench report",
) -> Path:
    """Write `report.html` into the folder and return its path.

    `summaries` are the runs with the label of each; `samples`, where given, are theirs in the same order, and add the
    figure of plan length against reference length. Raises InputError where the folder cannot be written.
    """
    path = folder / REPORT
    write_whole(path, report_page(summaries, samples, title))
    return path


def report_page(
    summaries: Sequence[tuple[str, Summary]],
    samples: Sequence[Iterable[Sample]] = (),
    title: str = "planbench report",
) -> str:
    """The page as text; arguments as in `write_report`."""
    if samples and len(samples) != len(summaries):
        raise ValueError(f"{len(summaries)} runs and the samples of {len(samples)}")
    lengths = [plan_lengths(of) for of in samples] or [{} for _ in summaries]
    runs = [
        Run(wording.shown(label), summary, found) for (label, summary), found in zip(summaries, lengths, strict=True)
    ]
    return render("page.html.jinja", title=wording.shown(title, _LONGEST_TITLE), runs=runs, drawings=drawings(runs))


def plan_lengths(samples: Iterable[Sample]) -> Mapping[str, Mapping[tuple[int, int], int]]:
    """Per domain, how many valid plans have this reference length and this length. The samples are read once."""
    found: dict[str, Counter[tuple[int, int]]] = {}
    for sample in samples:
        if sample.verdict.kind == "valid" and sample.reference_length is not None and sample.length is not None:
            found.setdefault(sample.domain, Counter())[sample.reference_length, sample.length] += 1
    return found
