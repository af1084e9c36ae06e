"""The tables as Markdown, for a README; as CSV and JSON, for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from planbench.errors import InputError
from planbench.leaderboard.ranking import Ranked
from planbench.leaderboard.reported import Reported, groups
from planbench.leaderboard.rows import COLUMNS, asked, numbers
from planbench.wording import NOTHING

BEGIN, END = "<!-- leaderboard -->", "<!-- /leaderboard -->"
"""What `build --readme` writes between."""

_SPECIAL = str.maketrans({one: f"\\{one}" for one in "\\`*_{}[]<>#|~"})


def markdown(boards: Mapping[str, Sequence[Ranked]], reported: Sequence[Reported]) -> str:
    """All boards, and what papers report apart from them."""
    parts: list[str] = []
    for board, rows in boards.items():
        heading = ["rank", "model", "asked", *(name for name, _ in COLUMNS)]
        lines = [
            [row.place, row.entry.title, asked(row.entry), *(_beside(of(row)) for _, of in COLUMNS)] for row in rows
        ]
        parts += [f"### {escaped(board)}", "", *_table(heading, lines), ""]
    if reported:
        parts += ["### As papers report: other tasks, not verified here, not ranked", ""]
    for group in groups(reported):
        lines = [[model, *(figure or NOTHING for figure in figures)] for model, figures in group.rows]
        parts += [f"[{escaped(group.source)}]({group.link}), {group.date}. {escaped(group.caveat)}", ""]
        parts += [*_table(["model", *group.tasks], lines), ""]
    return "\n".join(parts)


def escaped(text: str) -> str:
    """A text that Markdown shows as it is."""
    return text.translate(_SPECIAL)


def into_readme(path: Path, text: str) -> str:
    """The file with the table between its two marks. Raises InputError where it has none."""
    try:
        whole = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    before, begin, rest = whole.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"{path}: has no place for the table; write {BEGIN} and {END} where it belongs")
    return f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{after}"


def as_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Records of the same keys; the values None, True and False as JSON has them, but for None, which is empty."""
    found = list(rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if found:
        writer.writerow(found[0])
        writer.writerows([_cell(value) for value in row.values()] for row in found)
    return out.getvalue()


def as_json(boards: Mapping[str, Sequence[Ranked]]) -> str:
    return json.dumps({board: [numbers(row) for row in rows] for board, rows in boards.items()}, indent=1) + "\n"


def _table(heading: Sequence[str], lines: Iterable[Sequence[str]]) -> list[str]:
    return [_line(heading), _line(["---"] * len(heading)), *(_line([escaped(cell) for cell in line]) for line in lines)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _beside(cell: tuple[str, str]) -> str:
    return " ".join(filter(None, cell))


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value[:1] in ("=", "+", "@", "\t", "-"):
        return f"'{value}"  # a spreadsheet would take it for a formula
    return value
