"""From replies back to token ids: what is learned, token by token, for a plain, a chat and a thinking model."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from planbench.errors import CheckpointError
from planbench.models import load
from planbench.models.completions import CompletionEncoder
from planbench.models.decode import Row, decode
from planbench.models.hf import HfModel
from planbench.records import Message, Prompt
from tests.models.chat_tokenizers import IM_CHAT, IM_THINKING, SPECIAL, byte_level, tokens
from tests.models.checkpoints import CHAT, EOS, prompts, random_model, save

ASKED = Prompt("pddl", (Message("system", "You plan."), Message("user", "Plan: (on a b)")))


@cache
def chat_encoder(thinking: bool) -> CompletionEncoder:
    tokenizer = byte_level(IM_THINKING if thinking else IM_CHAT)
    return CompletionEncoder(tokenizer, frozenset(tokens(tokenizer, SPECIAL)), "test")


def written(encoder: CompletionEncoder, ids: tuple[int, ...]) -> str:
    return encoder.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=60), st.sampled_from(["stop", "length"]))
def test_any_reply_is_learned_as_it_was_written(reply: str, finish: Any) -> None:
    encoder = chat_encoder(False)
    encoded = encoder.encode(ASKED, reply, finish)
    end = "<|im_end|>" if finish == "stop" else ""
    assert written(encoder, encoded.completion) == reply + end
    assert written(encoder, encoded.prompt) == (
        "<|im_start|>system\nYou plan.<|im_end|>\n<|im_start|>user\nPlan: (on a b)<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_thinking_models_reasoning_is_learned_and_what_opens_it_is_not() -> None:
    """The template drops the reasoning of earlier turns: rendering the whole dialogue would train on a bare plan."""
    encoder = chat_encoder(True)
    reply = "a is clear, so\n</think>\n\n(pick-up a)\n(stack a b)"
    encoded = encoder.encode(ASKED, reply, "stop")
    assert written(encoder, encoded.prompt).endswith("<|im_start|>assistant\n<think>\n")
    assert written(encoder, encoded.completion) == reply + "<|im_end|>"
    think = encoder.tokenizer.convert_tokens_to_ids("</think>")
    assert encoded.completion.count(think) == 1


@pytest.mark.parametrize("chat_template", [None, CHAT, CHAT.replace("<s> assistant ", "<s> assistant w7 ")])
def test_ids_are_those_that_sampling_gave_and_took(tmp_path: Path, chat_template: str | None) -> None:
    """Greedy replies of a model, as text, become again the very ids that the decoder read and wrote."""
    folder = save(tmp_path, chat_template=chat_template)
    model = load(str(folder), model_args={"device": "cpu"})
    assert isinstance(model, HfModel)
    encoder = CompletionEncoder.load(folder)
    finishes: list[str] = []
    for text in prompts(16, longest=9):
        prompt = Prompt("test", (Message("user", text),))
        row = Row(tuple(model.prompt_tokens(prompt)), 12, 0)
        (completion,) = decode(model._model, [row], stop=frozenset({EOS}), pad=0)
        reply = model._reply(row, completion, 0.0)
        encoded = encoder.encode(prompt, reply.text, reply.finish)
        assert encoded.prompt == row.prompt
        assert encoded.completion == (*completion.tokens, *[EOS] * completion.stopped)
        assert len(encoded.completion) == reply.completion_tokens
        finishes.append(reply.finish)
    assert set(finishes) == {"stop", "length"}


def test_an_empty_reply_is_a_stop_token_or_nothing() -> None:
    encoder = chat_encoder(False)
    assert written(encoder, encoder.encode(ASKED, "", "stop").completion) == "<|im_end|>"
    assert encoder.encode(ASKED, "", "length").completion == ()


def saved(folder: Path, tokenizer: PreTrainedTokenizerFast, stops: list[str]) -> Path:
    random_model(vocab_size=400).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    ids = tokens(tokenizer, stops)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ids}))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "eos_token_id": ids[0]}))
    return folder


@pytest.mark.parametrize(
    ("chat_template", "eos", "raw", "expected"),
    [
        # As Gemma's: the tokenizer's own end is that of a text, the template ends a turn with another.
        (IM_CHAT, "<|endoftext|>", False, "<|im_end|>"),
        (IM_CHAT, "<|endoftext|>", True, "<|endoftext|>"),
        (IM_CHAT, "<|im_end|>", True, "<|im_end|>"),
        # A template whose end of turn ends no reply of this model.
        (IM_CHAT.replace("<|im_end|>", " over "), "<|im_end|>", False, "<|im_end|>"),
        # A template for one question alone.
        ("{{ messages[0]['content'] }}{% if messages[1:] %}{{ raise_exception('no') }}{% endif %}", "?", False, "?"),
        (None, "<|im_end|>", False, "<|im_end|>"),
    ],
)
def test_the_stop_token_is_the_one_that_the_model_knows(
    tmp_path: Path, chat_template: str | None, eos: str, raw: bool, expected: str
) -> None:
    tokenizer = byte_level(chat_template, eos)
    encoder = CompletionEncoder.load(saved(tmp_path, tokenizer, ["<|endoftext|>", "<|im_end|>"]))
    prompt = Prompt("s", (Message("user", "Plan"),), raw=raw)
    assert encoder.stop_token(prompt) == tokenizer.convert_tokens_to_ids(expected)
    assert encoder.encode(prompt, "a", "stop").completion[-1] == encoder.stop_token(prompt)


def test_of_several_unknown_to_the_tokenizer_the_smallest_and_of_none_an_error() -> None:
    tokenizer = byte_level(None)
    tokenizer.eos_token = None
    assert CompletionEncoder(tokenizer, frozenset({9, 4}), "m").stop_token(ASKED) == 4
    lost = CompletionEncoder(tokenizer, frozenset(), "m")
    assert lost.encode(ASKED, "a", "length").completion
    with pytest.raises(CheckpointError, match=r"^m: no token that ends a reply; add eos_token_id"):
        lost.encode(ASKED, "a", "stop")


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        CompletionEncoder.load(tmp_path)
    saved(tmp_path, byte_level(None), ["<|im_end|>"])
    (tmp_path / "generation_config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"generation_config\.json"):
        CompletionEncoder.load(tmp_path)
