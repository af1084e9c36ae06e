"""Where a reply has said its plan, so that a model need not go on."""

from __future__ import annotations

from dataclasses import dataclass

from planbench.prompts.blocks import answer_of, closes_plan, marked_blocks


@dataclass(frozen=True, slots=True)
class PlanEnd:
    """True of a reply that ends in the closing marker of a plan, reasoning aside.

    A marker that closes a block of a single line does not count: `between [PLAN] and [PLAN END]` repeats the
    instructions and is no plan.
    """

    last: str = "]"

    def __call__(self, text: str) -> bool:
        if not closes_plan(text[-40:]):
            return False
        answer = answer_of(text)
        blocks = marked_blocks(answer) if closes_plan(answer[-40:]) else []
        return bool(blocks) and blocks[-1].closed and "\n" in blocks[-1].text
