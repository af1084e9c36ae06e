"""`planbench report`: the table again, one page for several runs, and names that would like to be more than names."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

HOSTILE = "<img src=x onerror=alert(1)>&\"'[bold]\x1b[2J{{7*7}}.jsonl"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planbench: Shell) -> str:
    """Two runs, `one` and `two`; what `one` printed."""
    monkeypatch.chdir(tmp_path)
    printed = planbench("eval", "random", "--limit", 6, "--out", "one")
    assert planbench("eval", "random", "--limit", 6, "--samples", 2, "--seed", 1, "--out", "two").code == 0
    return printed.out


class Elements(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def loads_nothing(page: str) -> None:
    for tag, attributes in Elements(page).found:
        assert tag not in {"script", "img", "iframe", "object", "embed", "base", "form", "video", "audio"}
        assert not {name for name in attributes if name.startswith("on")}
        for name in ("src", "href", "xlink:href", "action", "data", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
    assert not re.search(r"url\((?!#|data:)|@import|https?:", page)


def test_it_prints_what_eval_printed(runs: str, planbench: Shell) -> None:
    page = Path("one/report.html").read_bytes()
    shown = planbench("report", "one")
    assert (shown.code, shown.out, shown.err) == (0, runs, "page: one/report.html\n")
    assert Path("one/report.html").read_bytes() == page


@pytest.mark.usefixtures("runs")
def test_two_runs_share_a_page(planbench: Shell) -> None:
    shown = planbench("report", "one", "two", "--out", "both.html")
    assert (shown.code, shown.err) == (0, "page: both.html\n")
    assert planbench("report", "one").out in shown.out
    assert planbench("report", "two").out in shown.out
    page = Path("both.html").read_text()
    assert "one (random)" in page
    assert "two (random)" in page
    loads_nothing(page)


@pytest.mark.usefixtures("runs")
def test_json_is_a_line_a_run(planbench: Shell) -> None:
    shown = planbench("report", "one", "two", "--json")
    assert [json.loads(line) for line in shown.out.splitlines()] == [
        json.loads((Path(name) / "summary.json").read_text()) for name in ("one", "two")
    ]
    assert shown.err == "page: two/report.html\n"


@pytest.mark.usefixtures("runs")
def test_settings_from_file_and_environment(planbench: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("c.toml").write_text("[report]\nout = 'from-file.html'\njson = true\n[eval]\nlimit = 3\n")
    assert len(json.loads(planbench("report", "one", "--config", "c.toml").out)) > 10
    assert Path("from-file.html").is_file()
    monkeypatch.setenv("PLANBENCH_REPORT_OUT", "from-variable.html")
    planbench("report", "one", "--config", "c.toml")
    assert Path("from-variable.html").is_file()


@pytest.mark.usefixtures("runs")
def test_a_hostile_name_stays_a_name(planbench: Shell) -> None:
    Path(HOSTILE).write_bytes(Path("one/samples.jsonl").read_bytes())
    printed = planbench("eval", f"replay:{HOSTILE}", "--limit", 6, "--out", "three")
    assert printed.code == 0, printed.err
    shown = planbench("report", "three", "one")
    for text in (printed.out, shown.out):
        assert "replay:<img src=x" in text
        assert "\x1b" not in text
    for page in (Path("three/report.html").read_text(), Path("one/report.html").read_text()):
        loads_nothing(page)
        assert "&lt;img src=x onerror" in page
        assert "\x1b" not in page
        assert "{{7*7}}" in page


@pytest.mark.usefixtures("runs")
def test_what_is_no_run_is_one_line(planbench: Shell) -> None:
    assert "absent/summary.json: No such file" in planbench.refused("report", "absent")
    assert "absent/summary.json" in planbench.refused("report", "one", "absent")
    assert "RUN" in planbench.refused("report")
    for place in ("/dev/null/x.html", "absent/x.html", "one"):
        line = planbench.refused("report", "one", "--out", place)
        assert place in line
        assert "--out" in line
    Path("one/summary.json").write_text("{")
    assert "one/summary.json: Invalid JSON" in planbench.refused("report", "one")
    with Path("two/samples.jsonl").open("a") as file:
        file.write("{}\n")
    assert "two/samples.jsonl:13: key: Field required" in planbench.refused("report", "two")
