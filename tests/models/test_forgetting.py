"""What a plan may see of itself in training."""

from __future__ import annotations

from random import Random

import torch
from torch import Tensor

from planbench.models.forgetting import WINDOW, seen

PROMPTS, COLUMNS = (5, 30, 64), 70


def learned() -> Tensor:
    """Rows that learn from the last word of the prompt on; the third ends early."""
    marks = torch.zeros(len(PROMPTS), COLUMNS, dtype=torch.bool)
    for row, prompt in enumerate(PROMPTS):
        marks[row, prompt - 1 : COLUMNS - 1] = True
    return marks


def test_a_plan_sees_the_prompt_and_its_own_last_words() -> None:
    mask = seen(learned(), 1.0, Random(3))
    assert mask is not None
    assert mask.shape == (len(PROMPTS), 1, COLUMNS, COLUMNS)
    widths: set[int] = set()
    for row, prompt in enumerate(PROMPTS):
        for word in range(COLUMNS):
            visible = mask[row, 0, word].nonzero()[:, 0].tolist()
            assert visible[-1] == word
            in_prompt = [place for place in visible if place < prompt]
            own = [place for place in visible if place >= prompt]
            assert in_prompt == list(range(min(prompt, word + 1)))
            assert own == list(range(word + 1 - len(own), word + 1))
            if word == COLUMNS - 1 and prompt == PROMPTS[0]:
                widths.add(len(own))
    assert widths <= set(range(WINDOW[0], WINDOW[1] + 1))


def test_nothing_is_hidden_and_nothing_drawn_where_nothing_is_forgotten() -> None:
    rng = Random(3)
    assert seen(learned(), 0.0, rng) is None
    assert rng.random() == Random(3).random()


def test_the_share_of_texts_and_the_widths_are_drawn() -> None:
    rows = torch.zeros(2_000, 60, dtype=torch.bool)
    rows[:, 9:59] = True
    mask = seen(rows, 0.25, Random(0))
    assert mask is not None
    own = mask[:, 0, -1, 10:].sum(-1)
    narrow = own[own < 50]
    whole = mask[own == 50]
    assert whole.equal(torch.ones(60, 60, dtype=torch.bool).tril().expand_as(whole))
    assert 0.2 < len(narrow) / len(own) < 0.3
    assert set(narrow.tolist()) == set(range(WINDOW[0], WINDOW[1] + 1))
