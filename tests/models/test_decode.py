"""Decoding against the library's own `generate`, and sampling against the distribution it should have."""

from __future__ import annotations

import pytest
import torch
from transformers import GenerationConfig

from planbench.models.decode import Row, TokenChoice, decode
from tests.models.checkpoints import ARCHITECTURES, EOS, prompts, random_model, tokenizer


def rows_of(texts: list[str], limit: int, seed: int = 0) -> list[Row]:
    words = tokenizer()
    return [Row(tuple(words(text)["input_ids"]), limit, seed + index) for index, text in enumerate(texts)]


def generated(model, row: Row, stop: list[int]) -> tuple[int, ...]:
    """One prompt alone through `generate`, greedy: no padding, no batch, none of our code."""
    output = model.generate(
        torch.tensor([row.prompt]),
        attention_mask=torch.ones(1, len(row.prompt), dtype=torch.long),
        do_sample=False,
        max_new_tokens=row.limit,
        eos_token_id=stop,
        pad_token_id=0,
    )
    return tuple(output[0, len(row.prompt) :].tolist())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_greedy_equals_generate_one_prompt_at_a_time(architecture: str) -> None:
    model = random_model(architecture)
    rows = rows_of(prompts(13), limit=24)
    # Tokens that do occur, so that some rows leave the batch early, and at different steps.
    free = [generated(model, row, []) for row in rows]
    stop = [EOS, free[0][2], free[1][9]]
    ours = decode(model, rows, stop=frozenset(stop), pad=0)
    for row, completion in zip(rows, ours, strict=True):
        expected = generated(model, row, stop)
        assert completion.tokens + ((expected[-1],) if completion.stopped else ()) == expected
        assert completion.stopped == (expected[-1] in stop)
        assert completion.generated == len(expected)
    assert len({completion.generated for completion in ours}) > 2


def test_what_a_checkpoint_says_of_generation_changes_nothing() -> None:
    """Penalties and the like are no part of greedy decoding, through whatever loop."""
    model = random_model("Mamba")
    rows = rows_of(prompts(5), limit=12)
    plain = decode(model, rows, stop=frozenset(), pad=0)
    own = model.generation_config = GenerationConfig(
        repetition_penalty=1.8, suppress_tokens=[plain[0].tokens[0]], min_new_tokens=3, num_beams=2
    )
    assert decode(model, rows, stop=frozenset(), pad=0) == plain
    assert model.generation_config is own


@pytest.mark.parametrize("architecture", ["Llama", "GPT2", "Mistral", "Mamba"])
def test_a_sampled_reply_hangs_on_its_own_seed_and_prompt(architecture: str) -> None:
    model = random_model(architecture)
    rows = rows_of(prompts(9), limit=20, seed=5)
    together = decode(model, rows, stop=frozenset([EOS]), pad=0, temperature=0.8, top_p=0.9)
    alone = [decode(model, [row], stop=frozenset([EOS]), pad=0, temperature=0.8, top_p=0.9)[0] for row in rows]
    assert together == alone
    other = [Row(row.prompt, row.limit, row.seed + 100) for row in rows]
    assert decode(model, other, stop=frozenset([EOS]), pad=0, temperature=0.8, top_p=0.9) != together


@pytest.mark.parametrize("architecture", ["Llama", "Mistral"])
def test_samples_of_one_prompt_share_its_cache_and_nothing_else(architecture: str) -> None:
    model = random_model(architecture)
    (one, two) = rows_of(prompts(2), limit=16)
    rows = [Row(prompt, 16, seed) for seed in range(6) for prompt in (one.prompt, two.prompt)]
    together = decode(model, rows, stop=frozenset([EOS]), pad=0, temperature=1.5)
    assert together == [decode(model, [row], stop=frozenset([EOS]), pad=0, temperature=1.5)[0] for row in rows]
    assert len(set(together)) > 6


@pytest.mark.parametrize("architecture", ["Llama", "Mamba"])
def test_each_row_ends_at_its_own_limit(architecture: str) -> None:
    texts = prompts(6)
    rows = [Row(row.prompt, limit, 0) for row, limit in zip(rows_of(texts, 1), (1, 5, 2, 9, 1, 3), strict=True)]
    completions = decode(random_model(architecture), rows, stop=frozenset(), pad=0)
    assert [len(completion.tokens) for completion in completions] == [1, 5, 2, 9, 1, 3]
    assert not any(completion.stopped for completion in completions)


def test_a_cache_longer_than_one_block_of_its_growth() -> None:
    model = random_model(max_position_embeddings=512)
    rows = rows_of(prompts(3), limit=300)
    ours = decode(model, rows, stop=frozenset(), pad=0)
    assert [completion.tokens for completion in ours] == [generated(model, row, []) for row in rows]


def frequencies(logits: list[float], temperature: float, top_p: float, draws: int = 40_000) -> list[float]:
    choose = TokenChoice([Row((1,), draws, 3)], temperature, top_p)
    # One row's numbers at all its steps at once: as many independent draws from the same distribution.
    choose.uniform = choose.uniform.T.contiguous()
    tokens = choose(torch.tensor(logits).expand(draws, -1), torch.arange(draws), 0)
    return (torch.bincount(tokens, minlength=len(logits)) / draws).tolist()


def test_sampling_draws_from_the_tempered_distribution() -> None:
    logits = [2.0, 0.0, 1.0, -1.0]
    expected = torch.softmax(torch.tensor(logits) / 0.7, -1).tolist()
    # Four standard errors of a frequency over 40,000 draws.
    assert frequencies(logits, 0.7, 1.0) == pytest.approx(expected, abs=0.01)


def test_top_p_keeps_the_fewest_tokens_that_reach_it() -> None:
    # Probabilities .1 .5 .25 .15: .5 alone falls short of .7, .5 + .25 reaches it.
    logits = torch.tensor([0.1, 0.5, 0.25, 0.15]).log().tolist()
    assert frequencies(logits, 1.0, 0.7) == pytest.approx([0, 2 / 3, 1 / 3, 0], abs=0.01)
    assert frequencies(logits, 1.0, 0.001) == [0, 1, 0, 0]


@pytest.mark.parametrize("temperature", [1e-30, 1e-3, 1e6])
def test_extreme_temperatures_stay_finite(temperature: float) -> None:
    drawn = frequencies([3.0, 1.0, float("-inf")], temperature, 0.95, draws=2_000)
    assert drawn[2] == 0
    assert drawn[0] == 1 if temperature < 1 else drawn[0] == pytest.approx(0.5, abs=0.05)
