"""The page: self-contained, escaped, accessible, and the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from subprocess import run as execute

import pytest

from planbench.errors import InputError
from planbench.metrics import summarise
from planbench.records.sample import Sample
from planbench.records.summary import Summary
from planbench.report.page import plan_lengths, report_page, write_report
from tests.metrics.samples import run, sample

HOSTILE = "<script>alert(1)</script> $x_{$ \x00\x1b \udcff & \"'"
VOID = {"meta", "link", "br"}


def summary(samples: list[Sample], model: str = "tiny", prompt: str = "pddl") -> Summary:
    return summarise(samples, model=model, model_fingerprint="f", prompt=prompt, finished=True)


class Reader(HTMLParser):
    """What the tests ask of a page: its elements, its ids, its text, and whether every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def lines() -> list[Sample]:
    return run(1, tasks=90, domains=("blocksworld", "grid", "logistics"))


@pytest.fixture(scope="module")
def page(lines: list[Sample]) -> str:
    return report_page([("tiny", summary(lines)), ("other", summary(run(2, samples=2)))], [lines, run(2, samples=2)])


def test_every_figure_has_its_name_its_description_and_its_numbers(page: str) -> None:
    reader = Reader(page)
    assert reader.open == []
    drawn = reader.all("svg")
    # Rates: three domains and the total; horizon; verdicts; plan lengths: three domains.
    assert len(drawn) == 4 + 1 + 1 + 3
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in drawn:
        assert attributes["role"] == "img"
        assert set((attributes["aria-labelledby"] or "").split()) <= set(ids)
    assert len(reader.all("figure")) == len(reader.all("details")) == 4
    for reference in re.findall(r'(?:href="#|url\(#)([^")]+)', page):
        assert reference in ids


def test_the_numbers_are_those_of_the_summary(lines: list[Sample]) -> None:
    found = summary(lines)
    text = Reader(report_page([("tiny", found)], [lines])).text
    for part in (found, *found.by_domain.values()):
        assert part.valid_rate is not None
        assert f"{100 * part.valid_rate:.1f}%" in text
        for of in part.by_length:
            assert of.valid_ci is not None
            assert f"[{100 * of.valid_ci[0]:.1f}, {100 * of.valid_ci[1]:.1f}]" in text


def test_it_asks_nothing_of_the_network_and_runs_nothing(page: str) -> None:
    reader = Reader(page)
    assert "http:" not in page
    assert "https:" not in page
    assert not {"script", "img", "iframe", "object", "base", "form"} & {name for name, _ in reader.elements}
    for name, attributes in reader.elements:
        # The policy would drop style attributes, so that a figure that needs one would lose its colours.
        assert "style" not in attributes, name
        assert not [key for key in attributes if key.startswith("on")]
    policy = next(m["content"] for m in reader.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert page.count("<style>") == 1


def test_every_colour_of_a_figure_follows_the_theme(page: str) -> None:
    used = {name for names in re.findall(r'<[^>]+ class="([fk]-[^"]+)"', page) for name in names.split()}
    assert {"f-ink", "f-valid", "k-series-0", "f-series-1"} <= used
    for name in used:
        assert f".{name} {{" in page or (name.startswith("k-") and f".f-{name[2:]} {{" in page)
    # The stand-in colours that figures are drawn in must not reach the page.
    assert not re.search(r"#01[0-9a-f]{2}fe", page)


def test_text_in_figures_is_at_least_8_points_on_a_phone(page: str) -> None:
    # A phone is at least 358 CSS pixels wide within the page's margins; a panel is drawn 340 units wide.
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', page)]
    assert sizes
    assert min(sizes) * 358 / 340 * 72 / 96 >= 8
    assert {box.split()[2] for box in re.findall(r'viewBox="([^"]+)"', page)} == {"340"}


def test_names_from_outside_are_text(lines: list[Sample]) -> None:
    named = [line.model_copy(update={"domain": HOSTILE}) for line in lines]
    page = report_page([(HOSTILE, summary(named, HOSTILE, HOSTILE))], [named], title=HOSTILE.replace("\udcff", ""))
    reader = Reader(page)
    assert reader.open == []
    assert "script" not in {name for name, _ in reader.elements}
    assert "<script>alert(1)</script>" in reader.text
    assert "$x_{$" in reader.text
    page.encode("utf-8")


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [sample("a", "harness_error")],
        [sample("a", "no_plan", reference=None)],
        [sample("a", "valid", reference=0, length=0), sample("b", "no_plan", reference=0)],
        [sample("a", "valid", reference=None, length=3), sample("b", "goal_missed", reference=20_000)],
    ],
)
def test_little_or_nothing_to_show_is_still_a_page(samples: list[Sample]) -> None:
    assert Reader(report_page([("m", summary(samples))], [samples])).open == []


def test_plan_lengths_count_the_valid_plans(lines: list[Sample]) -> None:
    found = plan_lengths(lines)
    valid = [line for line in lines if line.verdict.kind == "valid"]
    assert sum(sum(counts.values()) for counts in found.values()) == len(valid) > 0
    for line in valid:
        assert line.reference_length is not None
        assert line.length is not None
        assert found[line.domain][line.reference_length, line.length]


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from planbench.metrics import summarise\n"
        "from planbench.report.page import write_report; from tests.metrics.samples import run\n"
        "s = summarise(run(3), model='m', model_fingerprint='f', prompt='p', finished=True)\n"
        "write_report(Path(sys.argv[1]), [('m', s)], [run(3)])"
    )
    pages: list[bytes] = []
    for salt in ("1", "2"):
        folder = tmp_path / salt
        folder.mkdir()
        environment = os.environ | {"PYTHONHASHSEED": salt, "PYTHONPATH": str(Path(__file__).parents[2])}
        execute([sys.executable, "-c", code, str(folder)], check=True, env=environment)
        pages.append((folder / "report.html").read_bytes())
    assert pages[0] == pages[1]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"report\.html: cannot be written: .*--out"):
        write_report(tmp_path / "missing", [("m", summary([sample()]))])


def test_samples_must_match_the_runs() -> None:
    with pytest.raises(ValueError, match="2 runs"):
        report_page([("a", summary([])), ("b", summary([]))], [[]])
