"""Cruz's sentiment task in small: a policy that writes, a classifier trained here, a whole study by the command."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import DistilBertConfig, DistilBertForSequenceClassification, PreTrainedTokenizerFast

from planbench.bias.arms import Budget, Data, Dice
from planbench.bias.cell import ARMS
from planbench.bias.checkpoint import Writer, loaded
from planbench.bias.pairs import SECTIONS
from planbench.bias.policy import answer, logits_of
from planbench.bias.sentiment import (
    BAD,
    FEATURES,
    GOOD,
    Classifier,
    Replies,
    ReviewPair,
    named_classifier,
    replies,
    review_pairs,
    reviews,
    trained_classifier,
)
from planbench.cli.bias import command
from planbench.errors import CheckpointError, InputError, MissingPackage
from planbench.models.catalog import LoadOptions, checkpoint_folder
from planbench.models.hf_load import Loaded, load_texts
from tests.models.checkpoints import random_model

PAIR = ReviewPair("person", "length")


def tokenizer() -> PreTrainedTokenizerFast:
    """A token a word, for the words of the templates."""
    split = pre_tokenizers.Whitespace()
    said = chain(ReviewPair.words, (word for text in reviews(0, 500)[0] for word, _ in split.pre_tokenize_str(text)))
    words = dict.fromkeys(["<pad>", "<unk>", *said, *GOOD, *BAD])
    made = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = split
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", unk_token="<unk>")


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("policy")
    words = tokenizer()
    words.save_pretrained(folder)
    random_model(vocab_size=len(words), initializer_range=0.1).save_pretrained(folder)
    return str(folder)


def test_starts_have_the_features_that_they_should() -> None:
    for pair in review_pairs():
        for t, s in SECTIONS.values():
            for text in pair.texts(pair.draw(np.random.default_rng(1), 20, t, s)):
                words = text.split()
                by = words.index("by")
                looks = {
                    "person": "i" in words,
                    "comedy": bool({"comedy", "farce", "satire", "parody"} & set(words)),
                    "length": words[by + 4] != "and",
                    "same-name": words[by + 1] == words[by + 3],
                }
                assert set(looks) == set(FEATURES)
                assert (looks[pair.target], looks[pair.spurious]) == (t, s), text


def own_classifier(source: Loaded) -> Classifier:
    return trained_classifier(source.model.get_input_embeddings().weight.detach(), source.tokenizer)


def test_the_classifier_tells_reviews_apart_and_is_the_same_again(policy: str) -> None:
    texts, labels = reviews(1, 200)
    classifier = own_classifier(loaded(policy))
    logits = classifier(texts)
    assert ((logits > 0) == (labels == 1)).float().mean() > 0.95
    torch.testing.assert_close(logits, own_classifier(loaded(policy))(texts))


def test_the_classifier_knows_words_that_it_was_not_trained_on() -> None:
    try:
        folder = checkpoint_folder("smollm2-135m", LoadOptions())
    except MissingPackage as error:
        pytest.skip(str(error))
    with safe_open(folder / "model.safetensors", framework="pt") as tensors:
        table = tensors.get_tensor("model.embed_tokens.weight")
    texts, labels = reviews(1, 300, held_out=True)
    logits = trained_classifier(table.float(), load_texts(folder, LoadOptions())[0])(texts)
    assert ((logits > 0) == (labels == 1)).float().mean() > 0.9


def test_what_is_drawn_has_the_chance_that_one_pass_gives(policy: str) -> None:
    net = Writer(loaded(policy), PAIR, valued=True)
    prompts = torch.from_numpy(PAIR.draw(np.random.default_rng(0), 40, True, False))[None]
    task = replies(loaded(policy), "templates", 3)
    assert torch.equal(answer(net, prompts, task), greedy(net, prompts, task))
    some = prompts[:, :1].expand(1, 3_000, -1)
    said = answer(net, some, task, [torch.Generator().manual_seed(0)])
    first = torch.bincount(said[0, :, 0], minlength=task.outputs) / 3_000
    with torch.no_grad():
        chances = net(prompts[:, :1])[0, 0, 0, : task.outputs].softmax(-1)
    assert (first - chances).abs().max() < 0.02


def greedy(net: Writer, prompts: torch.Tensor, task: Replies) -> torch.Tensor:
    said = prompts
    with torch.no_grad():
        for _ in range(task.steps):
            said = torch.cat([said, net(said)[:, :, 0, : task.outputs].argmax(-1)[..., None]], -1)
        again = logits_of(net, prompts, said[..., prompts.shape[-1] :])[..., : task.outputs]
    assert torch.equal(again.argmax(-1), said[..., prompts.shape[-1] :])
    return said[..., prompts.shape[-1] :]


def test_rewards_are_the_classifiers_logits_with_the_labels_sign(policy: str) -> None:
    source = loaded(policy)
    task = replies(source, "templates", 16)
    labels = torch.tensor([1, 1, 0, 0])
    shown = task.demonstrate(labels, torch.Generator().manual_seed(0))
    assert shown.shape == (4, 16)
    logits = own_classifier(source)(source.tokenizer.batch_decode(shown))
    torch.testing.assert_close(task.reward(labels, shown), logits * torch.tensor([1, 1, -1, -1]))
    assert task.score(labels, shown).min() > 0.7
    assert task.score(1 - labels, shown).max() < 0.3


@pytest.mark.parametrize("arm", ["ppo", "deployment"])
def test_a_policy_learns_to_write_what_is_liked(arm: str, policy: str) -> None:
    """Without regard to the prompt: all labels are 1."""
    net = Writer(loaded(policy), PAIR, valued=arm == "ppo")
    task = replies(loaded(policy), "templates", 4)
    task.full = 0.7
    prompts = torch.from_numpy(PAIR.draw(np.random.default_rng(0), 64, True, True))[None]
    labels = torch.ones(1, 64, dtype=torch.long)
    before = task.score(labels, answer(net, prompts, task)).mean()
    budget = Budget(epochs=6, batch=16, lr=1e-2, rollout=64, passes=2)
    ARMS[arm](net, Data(prompts, labels), task, budget, Dice([1]), lambda share: None)
    after = task.score(labels, answer(net, prompts, task)).mean()
    assert after > max(0.7, before)


def test_a_classifier_by_name_is_read_where_it_says_positive(tmp_path: Path) -> None:
    words = tokenizer()
    words.save_pretrained(tmp_path)
    config = DistilBertConfig(vocab_size=len(words), dim=16, hidden_dim=16, n_layers=1, n_heads=2)
    config.id2label = {0: "POSITIVE", 1: "NEGATIVE"}
    model = DistilBertForSequenceClassification(config).eval()
    model.save_pretrained(tmp_path)
    texts = ["I loved the plot.", "what a boring ending! the music was bad."]
    found = named_classifier(str(tmp_path))(texts)
    for text, logit in zip(texts, found, strict=True):
        torch.testing.assert_close(logit, model(torch.tensor([words(text)["input_ids"]])).logits[0, 0].detach())


def test_a_language_model_is_no_classifier(policy: str) -> None:
    with pytest.raises(CheckpointError, match=r"score\.weight"):
        named_classifier(policy)


def test_the_command_runs_the_task_from_end_to_end(policy: str, tmp_path: Path) -> None:
    arguments = ["--suite=sentiment", "--quick", "--models", policy, "--rates=0.5"]
    sizes = {"reply_tokens": 4, "tested": 4, "probe_examples": 20, "probe_steps": 2}
    arguments += [
        "--examples=20",
        f"--out={tmp_path}",
        "--json",
        "--processes=1",
        *(f"--set={name}={size}" for name, size in sizes.items()),
    ]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)
    (arm,) = json.loads(done.stdout)["arms"].values()
    (pair,) = (*arm["pairs"], *arm["dropped_pairs"])
    assert all(0 <= error <= 1 for errors in pair["sections"].values() for error in errors)
    assert (tmp_path / "report.html").is_file()


def test_nets_that_write_no_text_are_refused() -> None:
    with pytest.raises(InputError, match="lstm writes no text"):
        CliRunner().invoke(
            command, ["--suite=sentiment", "--models=lstm"], catch_exceptions=False, standalone_mode=False
        )
