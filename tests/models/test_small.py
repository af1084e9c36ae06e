"""Our own forward pass against the library's, and decoding on it against `generate`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from scipy.stats import chi2_contingency
from torch import Tensor

from planbench.errors import InputError
from planbench.models import load
from planbench.models.decode import Completion, Row, decode
from planbench.models.hf import HfModel
from planbench.models.lockstep import decode_small, one_thread_each
from planbench.models.small import SmallModel, supports
from planbench.pretrain.checkpoint import new_model
from planbench.pretrain.config import PretrainConfig
from planbench.records import SamplingSettings
from tests.models.checkpoints import EOS, prompts, random_model, request, save, tokenizer

MODELS = ("planner", "Lfm2", "Llama", "Llama with wide heads")


def made(name: str) -> Any:
    """A model with weights wide enough that replies differ, norms that are not all one, and a padding token that is
    not nothing (training the output moves it, where the two embeddings are tied)."""
    if name == "planner":
        model: Any = new_model(PretrainConfig(spread=0.02), 180).eval()
        for weight in model.parameters():
            weight.data *= 8 if weight.ndim > 1 else 1
    elif name == "Llama with wide heads":
        model = random_model(head_dim=24, num_key_value_heads=1, tie_word_embeddings=True, rope_theta=100.0)
    else:
        model = random_model(name, max_position_embeddings=512)
    for weight in model.parameters():
        if weight.ndim == 1:
            weight.data.uniform_(0.5, 1.5)
    words = model.get_input_embeddings().weight.data
    words[0].normal_(std=float(words.std()))
    model.generation_config.eos_token_id = None  # or `generate` would stop where it is not asked to
    return model


def some_prompts(count: int, longest: int = 20) -> list[tuple[int, ...]]:
    return [tuple(tokenizer()(text)["input_ids"]) for text in prompts(count, longest)]


def expected_logits(model: Any, tokens: list[int]) -> Tensor:
    """The library's logits after the last of `tokens`, which stand alone: no batch, no padding, nothing remembered."""
    with torch.inference_mode():
        return model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0, -1]


@pytest.mark.parametrize("name", MODELS)
def test_logits_are_the_librarys_whatever_the_batch_went_through(name: str) -> None:
    """Rows with equal and with different prompts, in no order; rows leave; buffers grow twice."""
    model = made(name)
    small = SmallModel(model)
    generator = torch.Generator().manual_seed(1)
    distinct = some_prompts(7, longest=30)
    group = torch.randint(0, 7, (16,), generator=generator)
    group[:7] = torch.arange(7)
    said = [list(distinct[index]) for index in group.tolist()]
    with torch.inference_mode():
        batch, logits = small.start(distinct, group, 70)
        for step in range(70):
            if step % 10 == 0:
                expected = torch.stack([expected_logits(model, tokens) for tokens in said])
                # In units of how much logits differ from word to word.
                assert (logits - expected).abs().max() < 1e-4 * max(1.0, float(expected.std()))
            if step in (3, 17, 40):
                kept = torch.randperm(len(said), generator=generator)[: len(said) * 3 // 4].sort().values
                batch.keep(kept)
                said = [said[index] for index in kept.tolist()]
            tokens = torch.randint(0, 60, (len(said),), generator=generator)
            for line, token in zip(said, tokens.tolist(), strict=True):
                line.append(token)
            logits = small.step(tokens, batch)


def generated(model: Any, prompt: tuple[int, ...], limit: int) -> tuple[int, ...]:
    """One prompt alone through `generate`, greedy, to the limit: none of our code."""
    output = model.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        do_sample=False,
        max_new_tokens=limit,
        pad_token_id=0,
    )
    return tuple(output[0, len(prompt) :].tolist())


def said_by(completion: Completion, stop: int) -> tuple[int, ...]:
    return (*completion.tokens, stop) if completion.stopped else completion.tokens


def assert_same_up_to_ties(model: Any, prompt: tuple[int, ...], ours: tuple[int, ...], theirs: tuple[int, ...]) -> None:
    """Equal, but for what follows a step at which the two best words were as good as equal."""
    if ours == theirs:
        return
    fork = next(place for place, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b)
    best = expected_logits(model, [*prompt, *ours[:fork]]).topk(2).values
    assert best[0] - best[1] < 1e-4


@pytest.mark.parametrize("name", MODELS)
def test_greedy_is_what_generate_says(name: str) -> None:
    model = made(name)
    distinct = some_prompts(15, longest=40)
    limits = [60] * 12 + [1, 2, 7]
    theirs = [generated(model, prompt, limit) for prompt, limit in zip(distinct, limits, strict=True)]
    # The word by which replies end at the most different steps.
    stop = max({*sum(theirs, ())}, key=lambda word: len({line.index(word) for line in theirs if word in line}))
    theirs = [line[: line.index(stop) + 1] if stop in line else line for line in theirs]
    rows = [Row(prompt, limit, 0) for prompt, limit in zip(distinct, limits, strict=True)]
    ours = decode_small(SmallModel(model), rows, stop=frozenset([stop]))
    for row, completion, line in zip(rows, ours, theirs, strict=True):
        assert_same_up_to_ties(model, row.prompt, said_by(completion, stop), line)
    assert len({len(line) for line in theirs}) > 5


@pytest.mark.parametrize("name", MODELS)
def test_a_sampled_reply_is_its_own_rows_and_the_other_engines(name: str) -> None:
    """With the same random numbers the library's forward pass makes the same choices, in any company."""
    model = made(name)
    rows = [Row(prompt, 20, seed) for seed in range(3) for prompt in some_prompts(6)]
    small = SmallModel(model)
    how: Any = {"stop": frozenset([EOS]), "temperature": 0.8, "top_p": 0.9}
    together = decode_small(small, rows, **how)
    assert together == decode(model, rows, pad=0, **how)
    assert together == [decode_small(small, [row], **how)[0] for row in rows]
    assert len(set(together)) == len(rows)


@pytest.mark.parametrize("name", ["planner", "Llama"])
def test_sampled_words_have_the_distribution_of_generate(name: str) -> None:
    model = made(name)
    draws, (prompt, *_) = 3000, some_prompts(3)
    rows = [Row(prompt, 3, seed) for seed in range(draws)]
    ours = [completion.tokens for completion in decode_small(SmallModel(model), rows, stop=frozenset(), temperature=1)]
    torch.manual_seed(0)
    theirs = model.generate(
        torch.tensor([prompt]).expand(draws, -1),
        attention_mask=torch.ones(draws, len(prompt), dtype=torch.long),
        do_sample=True,
        top_k=0,
        max_new_tokens=3,
        pad_token_id=0,
    )[:, len(prompt) :]
    for place in range(3):
        words = torch.tensor([line[place] for line in ours]), theirs[:, place]
        counts = torch.stack([torch.bincount(side, minlength=256) for side in words])
        # Words too rare for the test of Pearson are one word.
        common = counts.sum(0) >= 10
        table = torch.cat([counts[:, common], counts[:, ~common].sum(-1, keepdim=True)], -1)
        table = table[:, table.sum(0) > 0]
        assert table.shape[1] >= 5
        result: Any = chi2_contingency(table.numpy())
        assert result.pvalue > 1e-3


def test_what_is_not_covered_goes_to_the_library() -> None:
    assert supports(made("planner"))
    assert not supports(random_model("Qwen3"))
    assert not supports(random_model("Llama", attention_bias=True))
    assert not supports(random_model("Llama", hidden_act="gelu"))
    assert not supports(
        random_model("Llama", rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 1e4})
    )
    assert not supports(random_model("Lfm2", conv_bias=True))
    assert not supports(random_model("Llama").bfloat16())


def checkpoint(folder: Any, batch_size: int | None = None, **args: str) -> HfModel:
    model = load(str(folder), batch_size=batch_size, model_args={"device": "cpu", **args})
    assert isinstance(model, HfModel)
    return model


def test_engine_is_chosen_named_and_part_of_the_fingerprint(tmp_path: Any) -> None:
    folder = save(tmp_path / "llama")
    chosen = {engine: checkpoint(folder, engine=engine) for engine in ("auto", "own", "transformers")}
    assert {name: model.describe()["engine"] for name, model in chosen.items()} == {
        "auto": "own",
        "own": "own",
        "transformers": "transformers",
    }
    assert chosen["auto"].fingerprint == chosen["own"].fingerprint != chosen["transformers"].fingerprint
    other = save(tmp_path / "qwen", "Qwen2")
    assert checkpoint(other).describe()["engine"] == "continuous"
    with pytest.raises(InputError, match="type engine=transformers"):
        checkpoint(other, engine="own")
    with pytest.raises(InputError, match="type one of auto, own, continuous, transformers, cb, vllm"):
        checkpoint(folder, engine="fast")


def test_replies_do_not_hang_on_the_number_of_threads(tmp_path: Any) -> None:
    model = checkpoint(save(tmp_path), batch_size=5)
    requests = [request(text, seed) for text in prompts(9) for seed in range(3)]
    settings = SamplingSettings(temperature=1.0, max_tokens=30)
    before = torch.get_num_threads()
    try:
        said = []
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            said.append([(at, reply.text) for at, reply in model.replies(requests, (), settings)])
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert said[0] == said[1] == said[2]
    assert len({text for _, text in said[0]}) > 20


def test_a_piece_that_fails_or_a_reader_that_leaves_ends_the_threads() -> None:
    def divide(by: int) -> float:
        assert torch.get_num_threads() == 1
        return 6 / by

    assert list(one_thread_each(divide, [1, 2, 3], 2)) == [6, 3, 2]
    assert list(one_thread_each(divide, [], 2)) == []
    with pytest.raises(ZeroDivisionError):
        list(one_thread_each(divide, [1, 0, 2], 2))
    left = one_thread_each(divide, [1, 2, 3], 2)
    assert next(left) == 6
    left.close()
