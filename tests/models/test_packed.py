"""Packed linear layers against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from planbench.models import packed
from planbench.models.packed import PackedLayers


def layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(96, 160), nn.Linear(160, 70, bias=False)).eval()


def test_they_multiply_as_torch_does_and_only_while_attached() -> None:
    model, states = layers(), torch.randn(5, 9, 96)
    with torch.inference_mode():
        expected = model(states)
        with PackedLayers(model).attached():
            found = model(states)
            assert all("forward" in vars(layer) for layer in model)
        assert not any("forward" in vars(layer) for layer in model)
        assert torch.equal(model(states), expected)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_row_is_the_same_bits_beside_any_others(threads: int) -> None:
    model, states, before = layers(), torch.randn(300, 96), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode(), PackedLayers(model).attached():
            whole = model(states)
            for rows in (8, 9, 11, 16, 33, 64, 255):
                assert torch.equal(model(states[-rows:]), whole[-rows:])
    finally:
        torch.set_num_threads(before)


def test_what_it_does_not_cover_is_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half precision, a layer that someone else has taken hold of, and models that are too large."""
    model = layers()
    model[0].to(torch.bfloat16)
    model[1].forward = model[1].forward
    whole = layers()
    monkeypatch.setattr(packed, "LARGEST", 4 * (96 * 160 + 160 * 70) - 1)
    for one in (model, whole):
        with PackedLayers(one).attached():
            assert [layer.forward.__module__ for layer in one] == [nn.Linear.__module__] * 2
