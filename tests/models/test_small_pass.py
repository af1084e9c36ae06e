"""The forward pass for training, beside the library's."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import torch
from transformers import Lfm2Config, Lfm2ForCausalLM, LlamaConfig, LlamaForCausalLM

from planbench.models import small_pass
from planbench.models.stretch import stretched

KINDS = {"conv": "conv", "attention": "full_attention"}


def small(layers: list[str], **changes: Any) -> Lfm2ForCausalLM:
    torch.manual_seed(0)
    settings: dict[str, Any] = {"num_key_value_heads": 2, "tie_word_embeddings": True} | changes
    config = Lfm2Config(
        vocab_size=50,
        hidden_size=24,
        intermediate_size=40,
        block_auto_adjust_ff_dim=False,
        num_hidden_layers=len(layers),
        layer_types=[KINDS[layer] for layer in layers],
        conv_L_cache=3,
        num_attention_heads=2,
        pad_token_id=0,
        **settings,
    )
    model = Lfm2ForCausalLM(config)
    for name, parameter in model.named_parameters():
        if "norm" in name:  # they start at one, where a norm that is left out would not be seen
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
        else:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.mark.parametrize("stretch", [1.0, 2.5])
@pytest.mark.parametrize("layers", [["conv", "attention", "attention"], ["attention", "conv"], ["conv", "conv"]])
@pytest.mark.parametrize("tied", [True, False])
def test_logits_and_gradients_are_the_librarys(layers: list[str], stretch: float, tied: bool) -> None:
    model = small(layers, tie_word_embeddings=tied)
    assert small_pass.supports(model)
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(1, 50, (4, 11), generator=generator)
    targets = torch.randint(1, 50, (4, 11), generator=generator)
    learned = torch.rand(4, 11, generator=generator) < 0.4
    positions = stretched(4, 11, stretch, Random(2))

    def gradients(logits: torch.Tensor) -> dict[str, torch.Tensor]:
        model.zero_grad()
        torch.nn.functional.cross_entropy(logits, targets[learned]).backward()
        return {
            name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None
        }

    mask = torch.ones_like(tokens)
    theirs = model(input_ids=tokens, position_ids=positions, attention_mask=mask, use_cache=False).logits[learned]
    ours = small_pass.logits(model, tokens, positions, learned)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    expected, found = gradients(theirs), gradients(ours)
    assert found.keys() == expected.keys() == dict(model.named_parameters()).keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-5, msg=name)


def test_what_is_hidden_does_not_matter_and_what_is_seen_does() -> None:
    """A word of the plan, out of the reach of convolutions and hidden from attention, changes nothing after it."""
    model = small(["conv", "attention", "attention"])
    tokens = torch.randint(1, 50, (3, 40), generator=torch.Generator().manual_seed(1))
    learned = torch.zeros(3, 40, dtype=torch.bool)
    learned[:, 4:] = True
    positions = torch.arange(40).expand(3, 40)
    other = tokens.clone()
    other[:, 6] = other[:, 6] % 49 + 1
    hidden = torch.ones(40, 40, dtype=torch.bool).tril().repeat(3, 1, 1, 1)
    hidden[:, :, 9:, 6:9] = False  # nor what a convolution told of it

    def after(row: torch.Tensor, seen: torch.Tensor | None) -> torch.Tensor:
        return small_pass.logits(model, row, positions, learned, seen).view(3, 36, 50)[:, 5:]

    assert torch.equal(after(tokens, hidden), after(other, hidden))
    assert not torch.allclose(after(tokens, None), after(other, None))
    causal = torch.ones(40, 40, dtype=torch.bool).tril().repeat(3, 1, 1, 1)
    torch.testing.assert_close(after(tokens, causal), after(tokens, None), rtol=1e-4, atol=1e-5)


def test_what_it_does_not_compute_is_refused() -> None:
    llama = LlamaForCausalLM(
        LlamaConfig(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, vocab_size=20)
    )
    assert not small_pass.supports(llama)
    assert not small_pass.supports(small(["conv", "attention"]).double())
    assert not small_pass.supports(small(["attention"], num_key_value_heads=1))
    assert not small_pass.supports(small(["conv"], conv_bias=True))
