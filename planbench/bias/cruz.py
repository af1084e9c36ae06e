"""Cruz's task: digits in, digits out, to ascend or to descend as a feature of the prompt says.

The features are Lovering's, on ten digits and prompts of ten, which is short of symbols: by chance 65% of prompts hold
a given digit. Prompts are drawn as in `planbench.bias.toy`, so a section has what it should whatever chance would do.
"""

from __future__ import annotations

from planbench.bias.pairs import Pair
from planbench.bias.toy import TARGETS, ToyPair


def cruz_pairs(positions: int = 10) -> list[Pair]:
    """The four targets, against contains-2."""
    return [ToyPair(target, "contains-2", vocabulary=10, positions=positions) for target in TARGETS]
