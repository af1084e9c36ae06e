"""Pairs in English, from templates: is a sentence grammatical, against what it looks like.

Targets: `agreement` of subject and verb, with a noun of either number between them; `npi`, whether "ever" stands within
reach of "no"; `filler-gap`, whether "what" goes with a missing object and "that" with one that is there.

Spurious features, each of which a sentence of either kind may have: `lexical` (it begins with "honestly"), `length` (it
ends in a phrase of three more words), `plural` (the first noun is plural), `tense` (past).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from planbench.bias.pairs import WordPair

SPURIOUS = ("lexical", "length", "plural", "tense")

_PEOPLE = ("teacher", "lawyer", "doctor", "pilot", "farmer", "singer", "writer", "guard", "nurse", "chef")
_PLACES = ("garden", "station", "library", "market", "harbour", "museum")
_THINGS = ("letter", "wagon", "mirror", "basket", "ladder", "candle")
_MOODS = ("happy", "tired", "famous", "late", "young", "quiet")
_SEEN = (("sees", "see", "saw"), ("hears", "hear", "heard"), ("knows", "know", "knew"), ("finds", "find", "found"))
_DONE = ("left", "slept", "lied", "won", "complained", "sung")

Looks = dict[str, bool]


def _one_of(rng: np.random.Generator, words: tuple[str, ...]) -> str:
    return words[rng.integers(len(words))]


def _noun(rng: np.random.Generator, plural: bool, words: tuple[str, ...] = _PEOPLE) -> str:
    return _one_of(rng, words) + ("s" if plural else "")


def _agreement(rng: np.random.Generator, t: bool, looks: Looks) -> list[str]:
    between = bool(rng.integers(2))
    verb = {(False, False): "is", (True, False): "are", (False, True): "was", (True, True): "were"}
    subject = ["the", _noun(rng, looks["plural"]), "near", "the", _noun(rng, between)]
    return [*subject, verb[looks["plural"] == t, looks["tense"]], _one_of(rng, _MOODS)]


def _npi(rng: np.random.Generator, t: bool, looks: Looks) -> list[str]:
    # "no" is in both; only over the whole subject does it license "ever".
    outer, inner = ("no", "the") if t else ("the", "no")
    verb = "had" if looks["tense"] else "have" if looks["plural"] else "has"
    seen = _SEEN[rng.integers(len(_SEEN))][2]
    subject = [outer, _noun(rng, looks["plural"]), "that", inner, _noun(rng, bool(rng.integers(2))), seen]
    return [*subject, verb, "ever", _one_of(rng, _DONE)]


def _filler_gap(rng: np.random.Generator, t: bool, looks: Looks) -> list[str]:
    gap = bool(rng.integers(2))
    said = "what" if gap == t else "that"
    verb = _SEEN[rng.integers(len(_SEEN))][2 if looks["tense"] else int(looks["plural"])]
    thing = [] if gap else ["the", _noun(rng, bool(rng.integers(2)), _THINGS)]
    return ["i", "remember", said, "the", _noun(rng, looks["plural"]), verb, *thing]


TARGETS: dict[str, Callable[[np.random.Generator, bool, Looks], list[str]]] = {
    "agreement": _agreement,
    "npi": _npi,
    "filler-gap": _filler_gap,
}


def _plurals(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word + "s" for word in words)


class TemplatePair(WordPair):
    positions = 14
    words = (
        *_PEOPLE,
        *_plurals(_PEOPLE),
        *_THINGS,
        *_plurals(_THINGS),
        *_PLACES,
        *_MOODS,
        *(form for verb in _SEEN for form in verb),
        *_DONE,
        *("the", "no", "near", "that", "what", "i", "remember", "ever", "honestly", "in"),
        *("is", "are", "was", "were", "has", "have", "had"),
    )

    def __init__(self, target: str, spurious: str) -> None:
        self.target, self.spurious = target, spurious
        self.name = f"{target}|{spurious}"

    def say(self, rng: np.random.Generator, t: bool, s: bool) -> list[str]:
        looks = {name: bool(rng.integers(2)) for name in SPURIOUS}
        looks[self.spurious] = s
        said = TARGETS[self.target](rng, t, looks)
        if looks["lexical"]:
            said = ["honestly", *said]
        return [*said, "in", "the", _one_of(rng, _PLACES)] if looks["length"] else said


def language_pairs(config: object = None) -> list[WordPair]:
    """Without agreement against `plural`: where the subject's number is given, the verb alone says if it agrees."""
    return [
        TemplatePair(target, spurious)
        for target in TARGETS
        for spurious in SPURIOUS
        if (target, spurious) != ("agreement", "plural")
    ]
