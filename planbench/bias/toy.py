"""Toy features, on sequences of symbols: Lovering's contains-1, first-last, prefix-dup, adjacent-dup and contains-2,
and two of ours, begins-3 and suffix-dup, as five features are few to tell chance by.

Symbols 0, 1 and 2 are set apart: 1 and 2 occur where a feature asks for them, or by chance where it may. A prompt is
drawn at random, made to have the features that it should, and drawn again where it has one that it should not. (In the
published data labels may be permuted against features; here a label is what was drawn.)
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from planbench.bias.pairs import Pair, Prompts
from planbench.errors import InputError

Holds = NDArray[np.bool_]


def _contains(symbol: int) -> Callable[[Prompts], Holds]:
    return lambda prompts: (prompts == symbol).any(1)


FEATURES: dict[str, Callable[[Prompts], Holds]] = {
    "contains-1": _contains(1),
    "contains-2": _contains(2),
    "first-last": lambda prompts: prompts[:, 0] == prompts[:, -1],
    "prefix-dup": lambda prompts: prompts[:, 0] == prompts[:, 1],
    "adjacent-dup": lambda prompts: (prompts[:, 1:] == prompts[:, :-1]).any(1),
    "begins-3": lambda prompts: prompts[:, 0] == 3,
    "suffix-dup": lambda prompts: prompts[:, -1] == prompts[:, -2],
}
"""Which of the prompts `[n, positions]` have a feature: `[n]`."""

LOVERING = ("contains-1", "first-last", "prefix-dup", "adjacent-dup")
TARGETS = (*LOVERING, "begins-3", "suffix-dup")

IMPLIED = frozenset(map(frozenset, (("prefix-dup", "adjacent-dup"), ("suffix-dup", "adjacent-dup"))))
"""Features of which one implies the other: one section of the pair would be empty."""

ENTANGLED = frozenset(
    map(
        frozenset,
        (
            ("first-last", "prefix-dup"),
            ("first-last", "suffix-dup"),
            ("first-last", "begins-3"),
            ("prefix-dup", "begins-3"),
        ),
    )
)
"""Where one of the two holds, a third feature is there just where the other is, and may stand for the target: with
first-last, prefix-dup is that the second equals the last. They make a pair only for who asks for them."""

_PATIENCE = 1_000


class ToyPair(Pair):
    """`target` and `spurious` are names of FEATURES."""

    def __init__(
        self,
        target: str,
        spurious: str = "contains-2",
        vocabulary: int = 50,
        positions: int = 10,
        entangled: bool = False,
    ) -> None:
        both = frozenset((target, spurious))
        refused = {
            "they are the same": target == spurious,
            "one implies the other": both in IMPLIED,
            "where one holds, a third feature is there just where the other is": both in ENTANGLED and not entangled,
        }
        if why := next((why for why, holds in refused.items() if holds), None):
            raise InputError(f"toy pair {target} against {spurious}: {why}; choose another pair")
        if vocabulary < 6 or positions < 4:
            raise InputError("a toy pair needs a vocabulary of 6 symbols and 4 positions at least")
        self.target, self.spurious = target, spurious
        self.vocabulary, self.positions = vocabulary, positions
        self.name = f"{target}|{spurious}"

    def texts(self, prompts: Prompts) -> list[str]:
        """Digits where ten symbols are enough, else letters: a number of two digits would be made of other symbols."""
        say = str if self.vocabulary <= 10 else _letters
        return [" ".join(say(symbol) for symbol in prompt) for prompt in prompts.tolist()]

    def draw(self, rng: np.random.Generator, count: int, t: bool, s: bool) -> Prompts:
        kept: list[Prompts] = []
        left = count
        for _ in range(_PATIENCE):
            # 1 and 2 come by chance only where no feature of the pair says whether they do.
            free = [n for n in (1, 2) if f"contains-{n}" not in (self.target, self.spurious)]
            symbols = np.array([0, *free, *range(3, self.vocabulary)])
            prompts = symbols[rng.integers(0, len(symbols), (2 * left, self.positions))]
            wanted = [name for name, there in ((self.target, t), (self.spurious, s)) if there]
            # What is given last may undo or double the first: so each prompt has an order of its own.
            turned = rng.integers(0, 2, len(prompts)).astype(bool)
            for rows, names in ((turned, wanted), (~turned, wanted[::-1])):
                some = prompts[rows]
                for name in names:
                    _give(rng, some, name)
                prompts[rows] = some
            right = (FEATURES[self.target](prompts) == t) & (FEATURES[self.spurious](prompts) == s)
            kept.append(prompts[right][:left])
            left -= len(kept[-1])
            if not left:
                return np.concatenate(kept)
        raise InputError(f"toy pair {self.name}: hardly any prompt has t {t} and s {s}; take a larger vocabulary")


def _letters(number: int) -> str:
    """a, b, ... z, ba, bb, ..."""
    return (_letters(number // 26) if number >= 26 else "") + chr(ord("a") + number % 26)


def _give(rng: np.random.Generator, prompts: Prompts, feature: str) -> None:
    """Make every prompt have a feature, in place."""
    rows = np.arange(len(prompts))
    positions = prompts.shape[1]
    if feature == "first-last":
        prompts[:, -1] = prompts[:, 0]
    elif feature == "prefix-dup":
        prompts[:, 1] = prompts[:, 0]
    elif feature == "suffix-dup":
        prompts[:, -2] = prompts[:, -1]
    elif feature == "begins-3":
        prompts[:, 0] = 3
    elif feature == "adjacent-dup":
        place = rng.integers(0, positions - 1, len(prompts))
        prompts[rows, place + 1] = prompts[rows, place]
    else:
        prompts[rows, rng.integers(0, positions, len(prompts))] = int(feature[-1])


def toy_pairs(vocabulary: int = 50, positions: int = 10, entangled: bool = False) -> list[Pair]:
    """Lovering's four, against contains-2; ours too; and all of them against each other, so that a spurious feature is
    hard to extract as well as easy. (Four pairs could not show a correlation.) ENTANGLED ones only where asked for."""
    found = [(target, "contains-2") for target in TARGETS]
    without = IMPLIED if entangled else IMPLIED | ENTANGLED
    found += [pair for pair in permutations(TARGETS, 2) if frozenset(pair) not in without]
    return [ToyPair(target, spurious, vocabulary, positions, entangled) for target, spurious in found]
