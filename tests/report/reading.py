"""What the tests ask of any page of ours."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br"}


class Reader(HTMLParser):
    """A page's elements, its ids, its text, and whether every tag is closed."""

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


def assert_ids_are_unique_and_known(page: str) -> None:
    reader = Reader(page)
    assert reader.open == []
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in reader.all("svg"):
        assert attributes["role"] == "img"
        assert set((attributes["aria-labelledby"] or "").split()) <= set(ids)
    for reference in re.findall(r'(?:href="#|url\(#)([^")]+)', page):
        assert reference in ids


def assert_asks_nothing_and_runs_nothing(page: str) -> None:
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


def assert_colours_follow_the_theme(page: str) -> set[str]:
    """The classes of colour that the page uses."""
    used = {name for names in re.findall(r'<[^>]+ class="([fkt]-[^"]+)"', page) for name in names.split()}
    for name in used:
        assert f".{name} {{" in page or (name.startswith("k-") and f".f-{name[2:]} {{" in page), name
    # The stand-in colours that figures are drawn in must not reach the page.
    assert not re.search(r"#01[0-9a-f]{2}fe", page)
    return used


def assert_text_reads_on_a_phone(page: str) -> None:
    # A phone is at least 358 CSS pixels wide within the page's margins; a panel is drawn 340 units wide.
    sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', page)]
    assert sizes
    assert min(sizes) * 358 / 340 * 72 / 96 >= 8
    assert {box.split()[2] for box in re.findall(r'viewBox="([^"]+)"', page)} == {"340"}
