"""`report.html`: one file that holds everything, text, figures and their numbers, and asks nothing of the network.

Names of models, domains and prompts come from outside and are escaped; the page's content policy forbids scripts and
every style but the page's own. The same runs give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from planbench.records.files import REPORT, write_whole
from planbench.records.sample import Sample
from planbench.records.summary import Summary
from planbench.report import wording
from planbench.report.figures import MARKER_SIGNS, Run, drawings
from planbench.report.svg import SERIES

if TYPE_CHECKING:
    from jinja2 import Template

_HERE = Path(__file__).resolve().parent
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
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    return _template().render(
        title=wording.shown(title, _LONGEST_TITLE),
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        runs=runs,
        drawings=drawings(runs),
        signs=[(MARKER_SIGNS[number % len(MARKER_SIGNS)], number % SERIES) for number in range(len(runs))],
        w=wording,
    )


def plan_lengths(samples: Iterable[Sample]) -> Mapping[str, Mapping[tuple[int, int], int]]:
    """Per domain, how many valid plans have this reference length and this length. The samples are read once."""
    found: dict[str, Counter[tuple[int, int]]] = {}
    for sample in samples:
        if sample.verdict.kind == "valid" and sample.reference_length is not None and sample.length is not None:
            found.setdefault(sample.domain, Counter())[sample.reference_length, sample.length] += 1
    return found


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html.jinja")
