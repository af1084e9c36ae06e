"""The online code against closed forms, and with trained probes on labels of known cost."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.bias.arms import Data
from planbench.bias.extraction import SCHEDULE, block_sizes, krichevsky_trofimov, online_code
from planbench.bias.nets import Lstm
from planbench.bias.probe import ProbeBudget, extract


def kt_bits(zeros: int, ones: int) -> float:
    """Krichevsky and Trofimov 1981: P = Gamma(a + 1/2) Gamma(b + 1/2) / (pi Gamma(a + b + 1))."""
    log = math.lgamma(zeros + 0.5) + math.lgamma(ones + 0.5) - math.log(math.pi) - math.lgamma(zeros + ones + 1)
    return -log / math.log(2)


@settings(deadline=None)
@given(st.lists(st.integers(0, 1), min_size=20, max_size=400))
def test_online_code_with_krichevsky_trofimov_is_the_closed_form(labels: list[int]) -> None:
    code = online_code(len(labels), krichevsky_trofimov(labels))
    first = labels[: code.blocks[0]]
    expected = (
        len(first) + kt_bits(len(labels) - sum(labels), sum(labels)) - kt_bits(len(first) - sum(first), sum(first))
    )
    assert code.total == pytest.approx(expected, rel=1e-9)
    assert len(code.bits) == len(code.blocks)


@settings(deadline=None)
@given(st.integers(1, 200_000))
def test_blocks_are_the_schedule_in_whole_examples(examples: int) -> None:
    sizes = block_sizes(examples)
    assert sum(sizes) == examples
    assert min(sizes) > 0
    ends = np.cumsum(sizes)
    for share in np.cumsum(SCHEDULE) / sum(SCHEDULE):
        wanted = share * examples
        assert wanted < 1 or np.abs(ends - wanted).min() <= 0.5


def test_blocks_of_a_thousand() -> None:
    assert block_sizes(1000) == (1, 1, 2, 4, 8, 16, 30, 63, 125, 250, 500)


def test_an_estimator_never_sees_the_labels_of_its_block() -> None:
    asked: list[tuple[int, int]] = []

    def estimator(known: int, coming: int) -> np.ndarray:
        asked.append((known, coming))
        return np.full(coming, 0.25)

    code = online_code(1000, estimator)
    assert [known for known, _ in asked] == np.cumsum(code.blocks)[:-1].tolist()
    assert code.total == pytest.approx(1 + 2 * 999)


@pytest.fixture(scope="module")
def extremes() -> list[float]:
    """Bits an example of labels drawn by a coin, of a constant label, and of the first symbol's parity."""
    generator = torch.Generator().manual_seed(7)
    prompts = torch.randint(1, 12, (1, 2_000, 4), generator=generator).repeat(3, 1, 1)
    coin = torch.randint(0, 2, (2_000,), generator=generator)
    labels = torch.stack([coin, torch.ones(2_000, dtype=torch.long), prompts[0, :, 0] % 2])
    others = torch.randint(1, 12, (1, 1_000, 4), generator=generator).repeat(3, 1, 1)
    coin = torch.randint(0, 2, (1_000,), generator=generator)
    tested = Data(others, torch.stack([coin, torch.ones(1_000, dtype=torch.long), others[0, :, 0] % 2]))
    budget = ProbeBudget(lr=1e-2)
    found = extract(lambda seeds: Lstm(seeds, 12, 2, 16), Data(prompts, labels), tested, (1, 2, 3), budget)
    assert found[0].accuracy == pytest.approx(0.5, abs=0.06)
    assert found[1].accuracy == 1
    assert found[2].accuracy > 0.99
    return [extraction.code.per_example for extraction in found]


def test_labels_known_by_heart_make_no_accuracy() -> None:
    """Forty prompts that come fifty times each, with labels by a coin: the code is short, and nothing was learned."""
    generator = torch.Generator().manual_seed(8)
    few, coin = torch.randint(1, 12, (40, 4), generator=generator), torch.randint(0, 2, (40,), generator=generator)
    rows = torch.randint(0, 40, (2_000,), generator=generator)
    others = torch.randint(1, 12, (1, 2_000, 4), generator=generator)
    tested = Data(others, torch.randint(0, 2, (1, 2_000), generator=generator))
    data, budget = Data(few[rows][None], coin[rows][None]), ProbeBudget(epochs=16, lr=1e-2)
    (found,) = extract(lambda seeds: Lstm(seeds, 12, 2, 16), data, tested, (1,), budget)
    assert found.code.per_example < 0.3
    assert found.accuracy == pytest.approx(0.5, abs=0.06)


def test_a_random_label_costs_a_bit(extremes: list[float]) -> None:
    assert extremes[0] == pytest.approx(1, abs=0.05)


def test_a_constant_label_costs_next_to_nothing(extremes: list[float]) -> None:
    assert extremes[1] < 0.05


def test_what_can_be_learned_lies_between(extremes: list[float]) -> None:
    assert extremes[1] < extremes[2] < 0.5
