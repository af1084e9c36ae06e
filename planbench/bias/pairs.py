"""The design: a target feature t, which is the label, and a spurious feature s, which goes along with it.

Four sections: *both* (t and s; label 1), *neither* (0), *s-only* (0) and *t-only* (1, never trained on). A training set
has `both` and `neither` in equal parts, and a share of *s-only*: the rate of evidence against s. Each section is tested
apart, and a feature's extractability is measured on two of them: *s-only* against *neither* for s, *both* against
*s-only* for t. Labels come from what draws the prompts, never from a file.

A pair of one's own is a class with a name, a vocabulary and a way to draw a prompt that has, or has not, t and s: see
`WordPair`, and `docs/bias.md`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from planbench.errors import InputError
from planbench.records.bias import SECTIONS

Prompts = NDArray[np.int64]
"""Token ids, `[prompts, positions]`; shorter prompts are filled up with 0 on the left."""

RATES = (0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.5)
"""The rates of evidence of both papers."""

TEST, TRAIN, PROBE = 0, 1, 2
"""Streams of random numbers: what is tested on, trained on and probed with are drawn apart."""

_PROBED = {"t": ("both", "s-only"), "s": ("s-only", "neither")}
"""The sections on which a feature is probed: where it holds, and where it does not."""

_PATIENCE = 50
_OF_CASES = 5
"""One case of so many is tested on."""


class Pair(ABC):
    """`vocabulary` counts the token ids, `positions` those of a prompt."""

    name: str
    target: str
    spurious: str
    vocabulary: int
    positions: int

    @abstractmethod
    def draw(self, rng: np.random.Generator, count: int, t: bool, s: bool) -> Prompts:
        """`count` independent prompts that have the target feature as `t` says and the spurious one as `s` says."""

    def case(self, prompt: NDArray[np.int64]) -> str | None:
        """What a prompt is about, if many prompts say the same in other words: then whole cases are held out."""
        return None

    def texts(self, prompts: Prompts) -> list[str]:
        """What a model that reads text is given."""
        return [" ".join(str(token) for token in prompt) for prompt in prompts.tolist()]


class WordPair(Pair):
    """A pair whose prompts are words. `words` lists all there are; 0 fills up on the left."""

    words: tuple[str, ...]

    @abstractmethod
    def say(self, rng: np.random.Generator, t: bool, s: bool) -> Sequence[str]:
        """One prompt."""

    @property
    def vocabulary(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]  # computed here
        return len(self.words) + 1

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.words, 1)}

    def draw(self, rng: np.random.Generator, count: int, t: bool, s: bool) -> Prompts:
        prompts = np.zeros((count, self.positions), dtype=np.int64)
        for row in prompts:
            words = self.say(rng, t, s)
            if len(words) > self.positions or not self._ids.keys() >= set(words):
                raise InputError(
                    f"pair {self.name}: {' '.join(words)!r} has words that are not among `words`, or more than"
                    f" {self.positions}"
                )
            row[self.positions - len(words) :] = [self._ids[word] for word in words]
        return prompts

    def texts(self, prompts: Prompts) -> list[str]:
        return [" ".join(self.words[token - 1] for token in prompt if token) for prompt in prompts.tolist()]


@dataclass(frozen=True)
class Labelled:
    """Prompts `[n, positions]` and labels `[n]`."""

    prompts: Prompts
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


class Material:
    """What a pair is trained, tested and probed on, for one seed. Nothing that is tested on is trained on: no prompt,
    nor any other prompt of its case."""

    def __init__(self, pair: Pair, seed: int, tested: int) -> None:
        self._pair, self._seed = pair, seed
        self.test = {name: self._distinct(tested, name) for name in SECTIONS}
        self._held = {prompt.tobytes() for prompts in self.test.values() for prompt in prompts}
        self._drawn: dict[tuple[int, str], Prompts] = {}

    def training(self, examples: int, rate: float) -> Labelled:
        """`examples` prompts, of which `rate` are s-only and the rest both and neither in equal parts. Sets of
        different rates share all that they can."""
        against = round(rate * examples)
        both = (examples - against) // 2
        most = (examples + 1) // 2
        return self._labelled(
            (self._section(TRAIN, "both", most)[:both], 1),
            (self._section(TRAIN, "neither", most)[: examples - against - both], 0),
            (self._section(TRAIN, "s-only", round(max(RATES) * examples))[:against], 0),
        )

    def probe(self, feature: str, examples: int) -> Labelled:
        """What the extractability of "t" or "s" is measured on, in random order; 1 where the feature holds."""
        names = _PROBED[feature]
        half = (examples + 1) // 2
        found = self._labelled(*((self._section(PROBE, name, half), 1 - place) for place, name in enumerate(names)))
        order = self._rng(PROBE, feature).permutation(len(found))[:examples]
        return Labelled(found.prompts[order], found.labels[order])

    def probe_test(self, feature: str) -> Labelled:
        """What the accuracy of a feature's probe is measured on: test prompts, as many of each of the two sections."""
        names = _PROBED[feature]
        count = min(len(self.test[name]) for names in _PROBED.values() for name in names)
        return self._labelled(*((self.test[name][:count], 1 - place) for place, name in enumerate(names)))

    def _labelled(self, *parts: tuple[Prompts, int]) -> Labelled:
        prompts = np.concatenate([prompts for prompts, _ in parts])
        return Labelled(prompts, np.concatenate([np.full(len(prompts), label) for prompts, label in parts]))

    def _section(self, stream: int, name: str, count: int) -> Prompts:
        """The first `count` training or probe prompts of a section."""
        key = stream, name
        if len(self._drawn.get(key, ())) < count:
            rng = self._rng(stream, name)
            kept: list[Prompts] = []
            for _ in range(_PATIENCE):
                drawn = self._pair.draw(rng, count, *SECTIONS[name])
                free = np.array([not self._is_held(prompt) for prompt in drawn], dtype=bool)
                kept.append(drawn[free])
                if sum(map(len, kept)) >= count:
                    break
            else:
                raise InputError(f"pair {self._pair.name}: too few prompts of section {name} beside those tested on")
            self._drawn[key] = np.concatenate(kept)[:count]
        return self._drawn[key][:count]

    def _distinct(self, count: int, name: str) -> Prompts:
        """Different prompts of a section; fewer than `count` where there are so few, but half of it at least."""
        rng, found = self._rng(TEST, name), dict[bytes, Prompts]()
        for _ in range(_PATIENCE):
            for prompt in self._pair.draw(rng, count, *SECTIONS[name]):
                if self._of_held_case(prompt) is not False:
                    found.setdefault(prompt.tobytes(), prompt)
            if len(found) >= count:
                break
        if len(found) < count / 2:
            raise InputError(
                f"pair {self._pair.name}: only {len(found)} different prompts of section {name}, for {count} tests"
            )
        return np.stack(list(found.values())[:count])

    def _is_held(self, prompt: NDArray[np.int64]) -> bool:
        of_case = self._of_held_case(prompt)
        return prompt.tobytes() in self._held if of_case is None else of_case

    def _of_held_case(self, prompt: NDArray[np.int64]) -> bool | None:
        """None where prompts have no cases."""
        case = self._pair.case(prompt)
        return None if case is None else crc32(f"{self._seed}/{case}".encode()) % _OF_CASES == 0

    def _rng(self, stream: int, name: str) -> np.random.Generator:
        text = f"{self._pair.name}/{name}".encode()
        return np.random.default_rng([self._seed, stream, *text])


def features(pairs: Sequence[Pair]) -> Iterator[tuple[str, str, str]]:
    """Name, target and spurious feature of each."""
    for pair in pairs:
        yield pair.name, pair.target, pair.spurious
