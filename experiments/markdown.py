"""Tables as the pages of docs/ have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A line at a time, with an empty one at the end."""
    for cells in (headings, *rows):
        yield f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|"
        if cells is headings:
            yield "|---" * len(headings) + "|"
    yield ""
