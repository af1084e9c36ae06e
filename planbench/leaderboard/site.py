"""A static site of a leaderboard: one folder that opens from disk and from any path of a static host.

    index.html                      the first board, the runs that grew, what papers report
    board/<board>.html              every other board
    domain/<board>-<domain>.html    a board on one domain
    data/                           the numbers of the boards' figures
    entry/<id>.html, -*.csv         an entry, and the numbers of its figures
    growth/<id>.html, .json, .csv   an iterate run, all of it, and the numbers of its figures
    entries/                        the entries themselves, with their samples
    table.md, table.csv, table.json

Only entries that carry a mark of verification are shown; of others nothing but the file's name. An id is its sender's
choice, so what is called by one is in a folder that holds nothing else. The same entries give the same bytes.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from planbench import wording
from planbench.errors import InputError
from planbench.leaderboard.board_page import Files, anchors, board_page, horizon_rows, length_rows
from planbench.leaderboard.entry import Entry, digest
from planbench.leaderboard.entry_page import domain_rows, entry_page
from planbench.leaderboard.growth import Growth, check_growth, read_growth
from planbench.leaderboard.growth_page import growth_page, growth_rows, says
from planbench.leaderboard.ranking import Ranked, boards, ranked
from planbench.leaderboard.reading import MAX_JSON, MAX_PACKED, EntryFault, read_bytes, read_record
from planbench.leaderboard.reported import reported
from planbench.leaderboard.rows import numbers
from planbench.leaderboard.store import EntryFolder
from planbench.leaderboard.tables import as_csv, as_json, markdown
from planbench.suite.catalog import domain_info, domain_names
from planbench.suite.sets import task_sets

MARK = ".planbench-site"
"""In a folder that `build` made, so that it may make it anew."""

_ODD = re.compile(rb"[:,\[\s](?:-[\dI]|NaN|Infinity|\d[\d.]*[eE]\+?\d\d|\d{16})")
"""Numbers that no entry has. Where a text looks like one, nothing but time is lost."""

Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Content:
    """What a site is made of. `others` are the names of files that are not shown, with why."""

    boards: dict[str, list[Ranked]]
    growth: list[Growth]
    others: list[str]


def read_content(folder: EntryFolder) -> Content:
    """The entries that are marked as verified and unchanged since, ranked."""
    marks = folder.marks().entries
    entries: list[Entry] = []
    others: list[str] = []
    seen: dict[str, str] = {}
    for name in folder.ids():
        try:
            entry = _marked(folder, name, marks.get(name))
            first = seen.setdefault(entry.samples.sha256, name)
            if first != name:
                raise EntryFault(f"{name}: its samples are those of {first}")
            entries.append(entry)
        except EntryFault as error:
            others.append(wording.shown(str(error), 200))
    growth: list[Growth] = []
    for name in folder.growth_ids():
        faults = check_growth(folder, name)
        if faults:
            others.append(wording.shown(faults[0], 200))
        else:
            growth.append(read_growth(folder, name))
    return Content({board: ranked(found) for board, found in boards(entries).items()}, growth, others)


def _marked(folder: EntryFolder, name: str, mark: tuple[str, str] | None) -> Entry:
    if mark is None:
        raise EntryFault(f"{name}: not verified yet")
    data = read_bytes(folder.entries / f"{name}.json", MAX_JSON)
    packed = read_bytes(folder.samples_path(name), MAX_PACKED)
    if (digest(data), digest(packed)) != mark:
        raise EntryFault(f"{name}: was changed since it was verified")
    entry = _read(data, name)
    if entry.id != name:
        raise EntryFault(f"{name}: holds entry {entry.id}")
    if entry.results.samples != entry.samples.count:
        raise EntryFault(f"{name}: results of {entry.results.samples:,} samples, and {entry.samples.count:,} samples")
    return entry


def _read(data: bytes, name: str) -> Entry:
    """Fast, as these bytes were read with care when they were verified; with care again where something in them looks
    as if they had not been."""
    if not _ODD.search(data):
        try:
            return Entry.model_validate_json(data, strict=True)
        except ValidationError:
            pass
    return read_record(data, Entry, f"{name}.json")


def build(folder: EntryFolder, out: Path, watch: Watch = lambda done, total: None) -> Content:
    """Write the site, whole or not at all. Raises InputError where `out` holds something else, or cannot be written."""
    content = read_content(folder)
    if out.exists() and not (out / MARK).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: holds something that is no such site; choose another --out, or empty it")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".planbench-site-", dir=out.parent) as beside:
            place = Path(beside) / "site"
            _write(content, folder, place, watch)
            if out.exists():
                out.rename(Path(beside) / "old")
            place.rename(out)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror}; choose another --out") from None
    return content


def _write(content: Content, folder: EntryFolder, out: Path, watch: Watch) -> None:
    for part in ("board", "domain", "entry", "growth", "entries", "data"):
        (out / part).mkdir(parents=True)
    total = sum(len(rows) for rows in content.boards.values())
    done = 0
    for path, text in _top(content).items():
        _put(out, path, text)
    for board, rows in content.boards.items():
        for path, text in _board_files(content, board, rows).items():
            _put(out, path, text)
        places = anchors(rows)
        for row in rows:
            name = row.entry.id
            page = entry_page(row.entry, board_page=_page_of(content, board), anchor=places[name])
            _put(out, f"entry/{name}.html", page)
            _put(out, f"entry/{name}-length.csv", as_csv(length_rows([row])))
            _put(out, f"entry/{name}-domains.csv", as_csv(domain_rows(row.entry)))
            for path in (folder.entries / f"{name}.json", folder.samples_path(name)):
                shutil.copyfile(path, out / "entries" / path.name)
            done += 1
            watch(done, total)
    for one in content.growth:
        _put(out, f"growth/{one.id}.html", growth_page(one))
        _put(out, f"growth/{one.id}.json", one.text())
        _put(out, f"growth/{one.id}.csv", as_csv(growth_rows(one)))


def _put(out: Path, path: str, text: str) -> None:
    (out / path).write_bytes(text.encode())


def _page_of(content: Content, board: str) -> str:
    return "index.html" if board == next(iter(content.boards)) else f"board/{board}.html"


def _top(content: Content) -> Files:
    rows = [numbers(row) for ranks in content.boards.values() for row in ranks]
    files = {
        MARK: "A site of planbench leaderboard build, which makes this folder anew.\n",
        "table.md": markdown(content.boards, reported()),
        "table.csv": as_csv(rows),
        "table.json": as_json(content.boards),
    }
    if not content.boards:
        files["index.html"] = board_page(
            [],
            heading="planbench leaderboard",
            about="How well models plan.",
            name="none",
            root="",
            links=_links(content, "", ""),
            growth=_growth(content),
            others=content.others,
            reported=reported(),
        )
    return files


def _board_files(content: Content, board: str, rows: Sequence[Ranked]) -> Files:
    page = _page_of(content, board)
    first = page == "index.html"
    root = "" if first else "../"
    files = {
        page: board_page(
            rows,
            heading=f"How well models plan: {board}",
            about=_about(rows),
            name=board,
            root=root,
            links=_links(content, board, root),
            downloads=[(f"table.{kind}", f"{root}table.{kind}") for kind in ("csv", "json", "md")],
            growth=_growth(content) if first else [],
            others=content.others if first else [],
            reported=reported() if first else [],
        ),
        f"data/{board}-length.csv": as_csv(length_rows(rows)),
        f"data/{board}-horizon.csv": as_csv(horizon_rows(rows)),
    }
    for domain in _domains(rows):
        part = ranked([row.entry for row in rows], lambda entry, domain=domain: entry.results.by_domain.get(domain))
        name = f"{board}-{domain}"
        files[f"domain/{name}.html"] = board_page(
            part,
            heading=f"{_title(domain)} ({board})",
            about=f"{domain_info(domain).about} {part[0].part.tasks} tasks.",
            name=name,
            root="../",
            links=_links(content, board, "../"),
            downloads=[(f"{name}.csv", f"../data/{name}.csv")],
            domain=_title(domain),
        )
        files[f"data/{name}.csv"] = as_csv(numbers(row) for row in part)
        files[f"data/{name}-length.csv"] = as_csv(length_rows(part))
        files[f"data/{name}-horizon.csv"] = as_csv(horizon_rows(part))
    return files


def _about(rows: Sequence[Ranked]) -> str:
    entry = rows[0].entry
    known = task_sets().get(entry.tasks.set)
    about = f"{known.about}. " if known else ""
    return f"{about}{entry.results.tasks} tasks, hash {entry.tasks.hash}; {len(rows):,} entries."


def _domains(rows: Sequence[Ranked]) -> list[str]:
    """Those that a set of ours has: a name from outside is no file name."""
    found = {name for row in rows for name in row.entry.results.by_domain}
    return [name for name in domain_names() if name in found]


@cache
def _title(domain: str) -> str:
    return domain_info(domain).title


def _links(content: Content, board: str, root: str) -> list[tuple[str, str]]:
    """To the other boards, and to each domain of this one."""
    links = [(f"all of {one}", root + _page_of(content, one)) for one in content.boards]
    if board:
        links += [(_title(name), f"{root}domain/{board}-{name}.html") for name in _domains(content.boards[board])]
    return links


def _growth(content: Content) -> list[dict[str, str]]:
    return [{"id": one.id, "title": wording.shown(one.title, 80), "says": says(one)} for one in content.growth]
