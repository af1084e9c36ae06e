"""Tables and pages of verified entries: ranks, escaping, the same bytes, nothing of what does not verify."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from planbench.errors import InputError
from planbench.leaderboard.add import make_card
from planbench.leaderboard.board_page import anchors
from planbench.leaderboard.entry import Entry, digest
from planbench.leaderboard.growth import add_growth
from planbench.leaderboard.ranking import ranked
from planbench.leaderboard.reported import reported
from planbench.leaderboard.site import build, read_content
from planbench.leaderboard.store import EntryFolder
from planbench.leaderboard.tables import BEGIN, END, as_csv, escaped, into_readme, markdown
from tests.leaderboard.tampering import write_growth

ROOT = Path(__file__).parents[2]
SMALLEST_GROWTH = ROOT / "experiments/small/smollm2"


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def put(board: EntryFolder, entry: Entry, packed: bytes) -> None:
    """Write an entry and mark it, true or not: what an attacker can do who owns the whole folder."""
    entry = entry.sealed()
    board.write(entry, packed)
    board.mark([(entry.id, (digest(entry.text().encode()), digest(packed)))], [])


def variant(entry: Entry, number: int, rate: float, low: float, high: float) -> Entry:
    results = entry.results.model_copy(update={"valid_rate": rate, "valid_ci": (low, high)})
    return entry.model_copy(update={"id": f"variant-{number:08x}", "results": results})


@pytest.fixture
def entry(board: EntryFolder, name: str) -> Entry:
    return board.read(name).entry


def test_overlapping_intervals_share_a_rank(entry: Entry) -> None:
    rows = ranked(
        [
            variant(entry, 1, 0.9, 0.85, 0.95),
            variant(entry, 2, 0.8, 0.70, 0.86),
            variant(entry, 3, 0.6, 0.50, 0.69),
            variant(entry, 4, 0.1, 0.05, 0.15),
        ]
    )
    # The second overlaps the first; the third lies below both for certain; the fourth below all.
    assert [row.place for row in rows] == ["=1", "=1", "3", "4"]
    assert [row.entry.id[-1] for row in rows] == ["1", "2", "3", "4"]


def test_a_row_is_never_ranked_above_one_that_is_certainly_better(entry: Entry) -> None:
    rates = [(number * 37 % 100) / 100 for number in range(60)]
    rows = ranked(
        [variant(entry, number, rate, max(0, rate - 0.07), min(1, rate + 0.07)) for number, rate in enumerate(rates)]
    )
    for row in rows:
        assert row.part.valid_ci is not None
        above = sum(other.part.valid_ci[0] > row.part.valid_ci[1] for other in rows if other.part.valid_ci)
        assert row.rank == 1 + above


def test_building_twice_gives_the_same_bytes(board: EntryFolder, tmp_path: Path) -> None:
    add_growth(SMALLEST_GROWTH, board, make_card({"title": "Small"}))
    build(board, tmp_path / "one")
    build(board, tmp_path / "two")
    build(board, tmp_path / "two")
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    names = set(files_of(tmp_path / "one"))
    assert {"index.html", "table.md", "table.csv", "table.json", "domain/smoke-grid.html"} <= names
    assert any(name.startswith("growth/small-") for name in names)


def test_an_id_takes_no_place_of_another_file(board: EntryFolder, entry: Entry, name: str, tmp_path: Path) -> None:
    build(board, tmp_path / "before")
    path = add_growth(SMALLEST_GROWTH, board, make_card({}))
    document = json.loads(path.read_text(encoding="utf-8"))
    for id in ("smoke-length", "smoke-grid", f"{name}-length", f"{name}-domains", name, "table"):
        write_growth(board, {**document, "id": id})
    build(board, tmp_path / "after")
    before, after = files_of(tmp_path / "before"), files_of(tmp_path / "after")
    assert {path for path in before if after[path] != before[path]} == {"index.html"}
    put(board, entry.model_copy(update={"id": "smoke"}), board.read(name).packed)
    build(board, tmp_path / "after")
    assert name in (tmp_path / "after/data/smoke-length.csv").read_text(encoding="utf-8")


def hrefs(page: str) -> Iterator[str]:
    yield from re.findall(r'href="?([^"\s>]+)', page)


def test_every_link_leads_somewhere_within_the_folder(board: EntryFolder, tmp_path: Path) -> None:
    add_growth(SMALLEST_GROWTH, board, make_card({}))
    site = tmp_path / "site"
    build(board, site)
    outside: set[str] = set()
    for path in site.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        for href in hrefs(page):
            target, _, place = href.partition("#")
            if target.startswith(("http", "data:")):
                outside.add(target)
                continue
            goal = (path.parent / target).resolve() if target else path
            assert goal.is_file(), (path, href)
            assert goal.is_relative_to(site.resolve())
            if place:
                assert re.search(rf'id="{re.escape(place)}"', goal.read_text(encoding="utf-8")), (path, href)
    assert outside - {"data:,", "https://example.org/a"} == {one.link for one in reported()}


def test_pages_run_nothing_but_their_own_script(board: EntryFolder, tmp_path: Path) -> None:
    build(board, tmp_path / "site")
    for path in (tmp_path / "site").rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
        assert policy
        assert "default-src 'none'" in policy[1]
        assert "unsafe" not in policy[1]
        assert not re.search(r"\son\w+\s*=|\sstyle\s*=|<link[^>]+stylesheet|<script[^>]+src", page)


def test_markup_in_any_text_is_shown_and_not_obeyed(
    board: EntryFolder, entry: Entry, name: str, tmp_path: Path
) -> None:
    evil = "<img src=x onerror=alert(1)>\"'`{{7*7}}"
    packed = board.read(name).packed
    described = {"kind": evil, evil: evil}
    bad = entry.model_copy(
        update={
            "id": "evil-00000001",
            "planbench": evil,
            "card": entry.card.model_copy(update=dict.fromkeys(("title", "licence", "contact", "note"), evil)),
            "model": entry.model.model_copy(update={"name": evil, "described": described}),
            "settings": entry.settings.model_copy(update={"prompt": evil, "model_args": {evil: evil}}),
            "results": entry.results.model_copy(
                update={"by_domain": {evil: entry.results.by_domain["grid"], **entry.results.by_domain}}
            ),
        }
    )
    put(board, bad, packed)
    # Marked as verified, it is still refused, as its texts cannot be those of an entry.
    content = read_content(board)
    assert [row.entry.id for row in content.boards["smoke"]] == [name]
    assert "has markup" in content.others[0]
    build(board, tmp_path / "site")
    for path in (tmp_path / "site").rglob("*.html"):
        assert "<img" not in path.read_text(encoding="utf-8")
    # And where the check of texts were not there, the templates and tables escape them.
    from planbench.leaderboard.board_page import board_page
    from planbench.leaderboard.entry_page import entry_page

    pages = [
        entry_page(bad, board_page="index.html", anchor="x"),
        board_page(ranked([bad]), heading=evil, about=evil, name="x", root="", links=[(evil, "x")], others=[evil]),
    ]
    for page in pages:
        assert "<img" not in page
        assert "&lt;img" in page
        assert "49" not in page[page.index("&lt;img") : page.index("&lt;img") + 60]


@pytest.mark.parametrize("rate", [float("nan"), 1e308, -5.0])
def test_impossible_numbers_do_no_harm_in_a_page(entry: Entry, rate: float) -> None:
    from planbench.leaderboard.board_page import board_page
    from planbench.leaderboard.entry_page import entry_page

    bad = variant(entry, 1, rate, rate, rate)
    assert "<h1>" in entry_page(bad, board_page="index.html", anchor="x")
    assert "<table" in board_page(ranked([bad]), heading="x", about="", name="x", root="", links=[])


def test_what_is_not_verified_is_named_and_not_shown(board: EntryFolder, name: str, tmp_path: Path) -> None:
    path = board.samples_path(name)
    path.write_bytes(path.read_bytes() + b"\0")
    (board.entries / "bomb.json").write_bytes(b"[" * 1_000_000)
    content = build(board, tmp_path / "site")
    assert content.boards == {}
    assert len(content.others) == 2
    page = (tmp_path / "site/index.html").read_text(encoding="utf-8")
    assert "was changed since it was verified" in page
    assert "bomb: not verified yet" in page
    assert "Random steps" not in page


def test_a_folder_that_is_no_site_is_left_alone(board: EntryFolder, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").write_text("x")
    with pytest.raises(InputError, match="no such site"):
        build(board, tmp_path / "mine")
    assert (tmp_path / "mine/thesis.tex").is_file()


def test_a_thousand_rows_fit_in_half_a_megabyte(entry: Entry) -> None:
    from planbench.leaderboard.board_page import board_page

    many = [
        variant(entry, number, number / 1000, number / 1001, (number + 1) / 1001).model_copy(
            update={"id": f"a-model-of-some-name-pddl-2-shot-standard-{number:08x}"}
        )
        for number in range(1000)
    ]
    page = board_page(ranked(many), heading="x", about="", name="x", root="", links=[])
    assert page.count("<tr id=") == 1000
    assert len(page.encode()) < 500_000


def test_tables_say_the_same_numbers(board: EntryFolder, tmp_path: Path) -> None:
    content = build(board, tmp_path / "site")
    row = content.boards["smoke"][0]
    read = json.loads((tmp_path / "site/table.json").read_text(encoding="utf-8"))["smoke"][0]
    (line,) = csv.DictReader((tmp_path / "site/table.csv").read_text(encoding="utf-8").splitlines())
    assert read["valid_rate"] == row.part.valid_rate == float(line["valid_rate"])
    assert read["valid"] == row.part.verdicts["valid"] == int(line["valid"])
    assert f"{100 * read['valid_rate']:.1f}%" in (tmp_path / "site/table.md").read_text(encoding="utf-8")


def test_markdown_and_spreadsheets_obey_nothing() -> None:
    assert escaped("a|b [x](y) <i>") == r"a\|b \[x\](y) \<i\>"
    assert as_csv([{"a": "=1+1", "b": None, "c": True}]) == "a,b,c\n'=1+1,,true\n"


def test_the_table_goes_between_its_marks(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    assert into_readme(readme, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    readme.write_text("nothing", encoding="utf-8")
    with pytest.raises(InputError, match="no place for the table"):
        into_readme(readme, "new")


def test_rows_that_end_alike_have_places_of_their_own(entry: Entry) -> None:
    one, other = (entry.model_copy(update={"id": name}) for name in ("a-00000001", "b-00000001"))
    assert anchors(ranked([one, other])) == {"a-00000001": "a-00000001", "b-00000001": "b-00000001"}


def test_the_committed_table_is_what_the_committed_entries_give() -> None:
    board = EntryFolder(ROOT / "leaderboard")
    content = read_content(board)
    assert content.others == []
    assert "standard" in content.boards
    readme = ROOT / "leaderboard/README.md"
    assert into_readme(readme, markdown(content.boards, reported())) == readme.read_text(encoding="utf-8")


def test_a_sample_of_the_committed_entries_verifies() -> None:
    """In two of the fifteen domains; `make verify` does all."""
    from planbench.leaderboard.verify import verify

    board = EntryFolder(ROOT / "leaderboard")
    assert board.strays() == []
    plans = 0
    for name in board.ids():
        found = verify(board, name, ["ferry", "spanner"])
        assert found.faults == []
        plans += found.plans
    assert plans > 0
