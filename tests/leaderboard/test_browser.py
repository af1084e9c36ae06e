"""The site in a real browser: Debian's Chromium, driven by Playwright; axe-core looks for faults of accessibility.

apt install chromium; pip install playwright axe-playwright-python
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from planbench.leaderboard.add import make_card
from planbench.leaderboard.entry import Entry, digest
from planbench.leaderboard.growth import add_growth
from planbench.leaderboard.site import build
from planbench.leaderboard.store import EntryFolder

pytest.importorskip("playwright.sync_api", reason="pip install playwright axe-playwright-python")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here; on Debian: apt install chromium"),
    # One browser serves them all.
    pytest.mark.xdist_group("browser"),
]

GROWTH = Path(__file__).parents[2] / "experiments/small/smollm2"
PHONE = {"width": 390, "height": 800}
RATES = (0.9, 0.72, 0.31, 0.05)
SECONDS = (1.02, 2.5e-6, 1234.0, 0.06)
"""A task: as they are shown, 1.02, <0.001, 1,234 and 0.06."""


@pytest.fixture(scope="module")
def site(made_board: EntryFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five entries, marked as verified whatever they say, and an iterate run."""
    folder = tmp_path_factory.mktemp("browser")
    shutil.copytree(made_board.path, folder / "board")
    board = EntryFolder(folder / "board")
    (name,) = board.ids()
    stored = board.read(name)
    for number, rate in enumerate(RATES):
        # The same samples are one entry.
        packed = gzip.compress(gzip.decompress(stored.packed), compresslevel=number + 1, mtime=number)
        entry = made_up(stored.entry, number, rate, digest(packed))
        board.write(entry, packed)
        board.mark([(entry.id, (digest(entry.text().encode()), digest(packed)))], [])
    add_growth(GROWTH, board, make_card({"title": "A model that grew"}))
    build(board, folder / "site")
    return folder / "site"


def made_up(entry: Entry, number: int, rate: float, sha256: str) -> Entry:
    seconds = entry.results.seconds.model_copy(update={"per_task": SECONDS[number]})
    update = {"valid_rate": rate, "valid_ci": (rate - 0.04, rate + 0.04), "seconds": seconds}
    results = entry.results.model_copy(update=update)
    card = entry.card.model_copy(update={"title": f"Made up {chr(ord('D') - number)}"})
    samples = entry.samples.model_copy(update={"sha256": sha256})
    changed = {"id": f"made-up-{number:08x}", "card": card, "results": results, "samples": samples}
    return entry.model_copy(update=changed).sealed()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # A container has no user namespaces, and CI runs as root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


class Watched:
    """A page, with what it complained of and what it asked for."""

    def __init__(self, page: Any, site: Path) -> None:
        self.page, self.site = page, site
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, path: str) -> Any:
        self.page.goto((self.site / path).resolve().as_uri())
        return self.page

    def names(self) -> list[str]:
        return self.page.locator("table.board tbody tr:visible th a").all_inner_texts()


@pytest.fixture
def shown(browser: Any, site: Path, request: pytest.FixtureRequest) -> Iterator[Watched]:
    context = browser.new_context(**getattr(request, "param", {"viewport": {"width": 1280, "height": 900}}))
    watched = Watched(context.new_page(), site)
    yield watched
    context.close()
    assert watched.complaints == []
    inside = site.resolve().as_uri()
    assert [url for url in watched.requests if not url.startswith((inside, "data:"))] == []


ORDER = ["Made up D", "Made up C", "Random steps", "Made up B", "Made up A"]


def by_rate(shown: Watched) -> list[str]:
    """The names from the best rate to the worst, as the cells say."""
    rows = shown.page.locator("table.board tbody tr").all()
    found = [(row.locator("td").nth(1).inner_text(), row.locator("th a").inner_text()) for row in rows]
    return [name for _, name in sorted(found, key=lambda one: -float(one[0].split("%")[0]))]


def test_sorting_by_a_column_and_back(shown: Watched) -> None:
    page = shown.open("index.html")
    best_first = by_rate(shown)
    assert shown.names() == best_first
    head = page.locator("table.board").get_by_role("columnheader", name="model")
    head.get_by_role("button").click()
    assert shown.names() == sorted(ORDER)
    assert head.get_attribute("aria-sort") == "ascending"
    head.get_by_role("button").click()
    assert shown.names() == sorted(ORDER, reverse=True)
    rate = page.locator("table.board").get_by_role("columnheader", name="valid plans")
    rate.get_by_role("button").click()
    assert shown.names() == best_first
    rate.get_by_role("button").click()
    assert shown.names() == best_first[::-1]


def test_numbers_sort_as_numbers_however_they_are_written(shown: Watched) -> None:
    page = shown.open("index.html")
    page.locator("table.board").get_by_role("columnheader", name="s / task").get_by_role("button").click()
    assert [name for name in shown.names() if name != "Random steps"] == [
        f"Made up {letter}" for _, letter in sorted(zip(SECONDS, "DCBA", strict=True), reverse=True)
    ]


def test_filtering_by_text_and_by_number(shown: Watched) -> None:
    page = shown.open("index.html")
    best_first = by_rate(shown)
    box = page.get_by_role("searchbox")
    box.fill("random")
    assert shown.names() == ["Random steps"]
    assert page.locator("output").inner_text() == "1 of 5 rows"
    page.get_by_label("Column").select_option(label="valid plans")
    box.fill("> 50")
    assert shown.names() == best_first[:2]
    box.fill("<=31")
    assert shown.names() == best_first[2:]
    box.fill("")
    assert shown.names() == best_first


def test_everything_is_reached_by_keyboard(shown: Watched) -> None:
    page = shown.open("index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "model":
            break
    page.keyboard.press("Enter")
    assert shown.names() == sorted(ORDER)
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"


def test_a_link_to_a_row_marks_it(shown: Watched) -> None:
    page = shown.open("index.html")
    plain = page.evaluate("getComputedStyle(document.getElementById('00000001')).backgroundColor")
    page.locator("[id='00000001'] td a").first.click()
    assert page.url.endswith("#00000001")
    assert page.evaluate("getComputedStyle(document.getElementById('00000001')).backgroundColor") != plain


@pytest.mark.parametrize("shown", [{"color_scheme": "dark"}], indirect=True)
def test_dark_is_dark(shown: Watched) -> None:
    page = shown.open("index.html")
    paper, ink = (page.evaluate(f"getComputedStyle(document.body).{name}") for name in ("backgroundColor", "color"))
    assert brightness(paper) < 60 < 200 < brightness(ink)


def one_of_each(site: Path) -> list[str]:
    """The pages by kind."""
    return [
        "index.html",
        *(f"{kind}/{min((site / kind).glob('*.html')).name}" for kind in ("entry", "growth", "domain")),
    ]


def brightness(colour: str) -> float:
    numbers = [float(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    return sum(numbers) / 3


@pytest.mark.parametrize("shown", [{"viewport": PHONE}], indirect=True)
def test_no_page_is_wider_than_a_phone(shown: Watched) -> None:
    for path in one_of_each(shown.site):
        page = shown.open(path)
        wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= room, path
    shown.open("index.html")
    assert shown.page.locator("table.board tbody tr").first.locator("th a").is_visible()


@pytest.mark.parametrize(
    "shown",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"viewport": PHONE}],
    indirect=True,
)
def test_axe_finds_no_serious_fault(shown: Watched) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python").Axe()
    for path in one_of_each(shown.site):
        page = shown.open(path)
        found = axe.run(page).response["violations"]
        serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
        assert serious == [], path


def test_the_server_shows_the_same_and_nothing_above(shown: Watched, tmp_path: Path) -> None:
    import threading
    from http.client import HTTPConnection

    from planbench.leaderboard.serve import server

    with server(shown.site, 0) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            connection = HTTPConnection("127.0.0.1", running.server_port)
            connection.request("GET", "/")
            assert connection.getresponse().read() == (shown.site / "index.html").read_bytes()
            for path in ("/../board/verified.json", "/%2e%2e/board/verified.json", "/..%2fboard/verified.json"):
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 404
        finally:
            running.shutdown()
            thread.join()
