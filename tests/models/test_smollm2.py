"""A real pretrained model, read from GGUF, kept as safetensors, answering."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from planbench import paths
from planbench.errors import MissingPackage
from planbench.models import gguf, load
from planbench.models.catalog import prompt_encoder
from planbench.models.hf import HfModel
from planbench.preparation import examples, prepare
from planbench.prompts.styles import build_prompt
from planbench.records import Message, Prompt, Request, SamplingSettings
from planbench.suite import generate
from tests.models.checkpoints import walk


def question(text: str) -> Request:
    return Request(text, Prompt("test", (Message("user", text),)), walk(3), "0" * 16, 0, 0)


@pytest.fixture
def installed() -> Path:
    try:
        return gguf.smollm2_file()
    except MissingPackage as error:
        pytest.skip(str(error))


@pytest.mark.first
def test_smollm2_answers_and_its_conversion_is_kept(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANBENCH_CACHE", str(tmp_path))
    model = load("smollm2-135m", model_args={"device": "cpu"})
    questions = [question("What is the capital of France?"), question("Count from 1 to 5.")]
    replies = dict(model.replies(questions, (), SamplingSettings(max_tokens=24)))
    # What this model says to these prompts, greedy and in float32, whatever the machine.
    assert replies[0].text == "The capital of France is Paris."
    assert replies[0].finish == "stop"
    assert "1. 1\n2. 2\n3. 3\n4. 4\n5. 5" in replies[1].text
    assert replies[1].finish == "length"
    assert model.max_context == 8192

    # What `planbench prompt` prints is to the byte what is tokenized, and what the library makes of the same messages.
    (one,) = prepare(generate("blocksworld", 1, plan_length=(2, 8)))
    shots = examples([one.task], 1)["blocksworld"]
    for style in ("pddl", "english-cot", "pddl-state"):
        prompt = build_prompt(style, one.compiled, one.task.domain_pddl, one.task.problem_pddl, one.wording, shots)
        encoder = prompt_encoder("smollm2-135m")
        assert encoder is not None
        text, ids = encoder.rendered(prompt), encoder.encode(prompt)
        assert ids == model.prompt_tokens(prompt)  # pyright: ignore[reportAttributeAccessIssue]
        assert encoder.tokenizer(text, add_special_tokens=False)["input_ids"] == ids
        assert encoder.tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text
        turns = [{"role": message.role, "content": message.content} for message in prompt.messages]
        own = encoder.tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_dict=True)
        assert list(own["input_ids"]) == ids

    def no_second_conversion(*_: object) -> None:
        raise AssertionError("converted again")

    (kept,) = (paths.cache_dir() / "gguf").iterdir()
    monkeypatch.setattr(gguf, "_convert", no_second_conversion)
    moved = tmp_path / "elsewhere.GGUF"
    os.link(installed, moved) if os.stat(installed).st_dev == os.stat(tmp_path).st_dev else moved.symlink_to(installed)
    assert gguf.converted(installed) == kept
    assert load("smollm2-135m", model_args={"device": "cpu"}).fingerprint == model.fingerprint


def test_greedy_equals_generate(installed: Path) -> None:
    model = load("smollm2-135m", model_args={"device": "cpu"})
    assert isinstance(model, HfModel)
    assert model.describe()["engine"] == "continuous"
    common = "Answer in a few words. You are asked about the world and its cities. "
    asked = [question(common + text) for text in ("Where is Rome?", "What is the capital of Japan?", "Name a river.")]
    ended = 0
    for position, reply in model.replies(asked, (), SamplingSettings(max_tokens=10)):
        prompt = model.prompt_tokens(asked[position].prompt)
        ids = model._model.generate(torch.tensor([prompt]), max_new_tokens=10, do_sample=False)[0, len(prompt) :]
        said = [token for token in ids.tolist() if token not in model._stop]
        assert reply.near_ties == 0
        assert reply.text == model._decoded(said)
        assert reply.completion_tokens == len(ids)
        ended += reply.finish == "stop"
    assert ended < 3


def test_two_conversions_at_once_leave_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANBENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "some.gguf"
    path.write_bytes(b"GGUF and more")
    made: list[Path] = []

    def convert(source: Path, folder: Path) -> None:
        (folder / "config.json").write_text(str(len(made)))
        made.append(folder)
        if len(made) == 1:  # the second process comes and ends while the first is at work
            gguf.converted(source)

    monkeypatch.setattr(gguf, "_convert", convert)
    folder = gguf.converted(path)
    assert len(made) == 2
    assert (folder / "config.json").read_text() == "1"
    assert list((tmp_path / "cache" / "gguf").iterdir()) == [folder]
