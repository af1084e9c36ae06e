"""Where new names come from: pronounceable nonsense, or ordinary words that mislead.

Either way a stream of words goes on without end and never repeats one; none is a word of PDDL, of the grammar in which
replies are read, or one that tells an old name. All randomness is the generator that is handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

from planbench.core.syntax import OBJECT, TOTAL_COST
from planbench.errors import InputError
from planbench.prompts import ordinary
from planbench.prompts.lexicon import ARTICLES, LEAD_IN, PREPOSITIONS, squash

KEPT = frozenset({OBJECT, TOTAL_COST, "total-time"})
"""Names that belong to PDDL itself."""

_PDDL_WORDS = """
define domain problem requirements types constants predicates functions action parameters precondition effect objects
init goal metric minimize maximize and or not imply forall exists when either number increase decrease assign strips
typing equality derived axiom over start end all plan task step do with holds here needed then longer costs
"""
RESERVED = KEPT.union(_PDDL_WORDS.split(), LEAD_IN, ARTICLES, PREPOSITIONS)

_ONSETS = "bdfgjklmnprstvz"
_VOWELS = "aeiou"
_CODAS = "bdgklmnprstxz"


@dataclass(frozen=True)
class Words:
    """A stream of new words for each kind of name: `kinds` for the domain, its types, functions and constants."""

    kinds: Iterator[str]
    qualities: Iterator[str]
    """For predicates."""
    verbs: Iterator[str]
    """For actions."""


def nonsense_language(seed: str, old: Iterable[str]) -> Words:
    """Words for the names of a domain, that is for `old`."""
    words = _nonsense(Random(seed), old, syllables=2)
    return Words(words, words, words)


def nonsense_objects(seed: str, old: Iterable[str]) -> Iterator[str]:
    """Words for a problem and its objects; they never meet those of a language."""
    return _nonsense(Random(seed), old, syllables=3)


def ordinary_language(seed: str, old: Iterable[str]) -> Words:
    """As `nonsense_language`, of words that mean something else."""
    old = tuple(old)
    # A generator each, so that a change of one list leaves what the others give.
    return Words(
        kinds=_ordinary(ordinary.KINDS, Random(f"{seed}\0kinds"), old),
        qualities=_ordinary(ordinary.QUALITIES, Random(f"{seed}\0qualities"), old),
        verbs=_ordinary(ordinary.VERBS, Random(f"{seed}\0verbs"), old),
    )


def ordinary_objects(seed: str, old: Iterable[str]) -> Iterator[str]:
    """As `nonsense_objects`, of words that mean something else."""
    return _ordinary(ordinary.THINGS, Random(seed), tuple(old))


def _nonsense(random: Random, old: Iterable[str], syllables: int) -> Iterator[str]:
    """Open syllables and a closed one ("tazovek"). Words of different `syllables` never meet: each grows by steps of
    two when its length is used up."""
    used = RESERVED | _parts(old)
    given: set[str] = set()
    misses = 0
    while True:
        length = syllables + 2 * (misses // 1000)
        word = "".join(random.choice(_ONSETS) + random.choice(_VOWELS) for _ in range(length)) + random.choice(_CODAS)
        if word in used or word in given:
            misses += 1
            continue
        given.add(word)
        yield word


def _ordinary(listed: Sequence[str], random: Random, old: Sequence[str]) -> Iterator[str]:
    """The listed words in random order, then the same with numbers (`otter-2`). What tells an old name is left out."""
    spelled = " ".join(map(squash, old))
    # Shorter parts ("at", "x1") are in too many words to tell.
    parts = [part for part in _parts(old) if len(part) > 2]
    # Beginnings, so that "greet" is not what becomes of "greeting", nor of "greeted".
    beginnings = tuple(part[:4] for part in parts if len(part) > 3)
    words = [
        word
        for word in listed
        if word not in spelled and not word.startswith(beginnings) and not any(part in word for part in parts)
    ]
    random.shuffle(words)
    return _numbered(words)


def _numbered(words: Sequence[str]) -> Iterator[str]:
    if not words:
        raise InputError("renaming mystery: the names of this task leave no ordinary word that is new; use random")
    yield from words
    for number in count(2):
        yield from (f"{word}-{number}" for word in words)


def _parts(names: Iterable[str]) -> frozenset[str]:
    """Names and what they are put together from."""
    return frozenset(part for name in names for part in (name, *name.replace("_", "-").split("-")))
