"""Where a reply has said its plan, so that a model need not go on."""

from __future__ import annotations

from dataclasses import dataclass

from planbench.prompts.blocks import answer_of, closes_plan, marked_blocks

_PLACES = ("...", "…", "<", "?")


@dataclass(frozen=True, slots=True)
class PlanEnd:
    """True of a reply that ends in the closing marker of a plan, reasoning aside.

    A marker that closes a block of a single line does not count: `between [PLAN] and [PLAN END]` repeats the
    instructions and is no plan. Nor does a block of nothing, or one with what stands for a step when the form is shown
    (`...`, `<action>`, `?x`): the plan may follow. Where none does, no more than time is lost.
    """

    last: str = "]"

    def __call__(self, text: str) -> bool:
        if not closes_plan(text[-40:]):
            return False
        answer = answer_of(text)
        blocks = marked_blocks(answer) if closes_plan(answer[-40:]) else []
        return bool(blocks) and blocks[-1].closed and "\n" in blocks[-1].text and _said(blocks[-1].text)


def _said(text: str) -> bool:
    return any(map(str.isalnum, text)) and not any(sign in text for sign in _PLACES)
