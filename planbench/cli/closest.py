"""What to type instead of a word that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str:
    """A clause for the end of an error line: the nearest known word, or all of them where none is near."""
    from difflib import get_close_matches  # only ever needed on the way to an error

    names = sorted(known)
    if near := get_close_matches(word.lower(), names, n=1):
        return f"; did you mean {near[0]!r}?"
    return f"; there is {', '.join(names)}" if names else "; there is none"
