"""Formats beside a plain folder: adapters, revisions of the hub; and what ends a reply."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from planbench.errors import CheckpointError, InputError
from planbench.evaluate import Asked, evaluate, requests_of
from planbench.models import load
from planbench.models.catalog import prompt_encoder
from planbench.models.hf import HfModel
from planbench.models.hf_files import ADAPTER, ADAPTER_WEIGHTS
from planbench.models.hf_prompt import PromptEncoder
from planbench.preparation import prepare
from planbench.records import Message, Prompt, SamplingSettings
from planbench.records.files import RunFolder
from planbench.suite import generate
from tests.models.chat_tokenizers import IM_CHAT, IM_THINKING, byte_level, tokens
from tests.models.checkpoints import CHAT, random_model, request, save, tokenizer
from tests.models.test_bad_checkpoints import edit, one_line

TEXTS = ("w1 w2 w3", "w40 w5", "w9 w9 w17 w3 w2")
CPU = {"device": "cpu"}


def adapted(folder: Path, base: Path, seed: int = 1, **changes: Any) -> Any:
    """A random adapter of `base` in `folder`, and the model with it, as peft itself computes it."""
    settings: dict[str, Any] = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"]}
    plain = random_model()
    torch.manual_seed(seed)
    joined = get_peft_model(plain, LoraConfig(task_type="CAUSAL_LM", **{**settings, **changes}))
    for name, weight in joined.named_parameters():
        if "lora_B" in name:  # zero at first, so that an adapter that was never loaded would go unseen
            torch.nn.init.normal_(weight, std=0.5)
    joined.save_pretrained(str(folder))
    edit(folder / ADAPTER, base_model_name_or_path=str(base))
    return joined.eval()


def answers(model: Any) -> list[str]:
    asked = [request(text) for text in TEXTS]
    replies = dict(model.replies(asked, (), SamplingSettings(max_tokens=8)))
    return [replies[number].text for number in range(len(asked))]


def loaded(folder: Path, **args: str) -> HfModel:
    model = load(str(folder), model_args={**CPU, **args})
    assert isinstance(model, HfModel)
    return model


@pytest.mark.parametrize("engine", ["own", "transformers"])
def test_an_adapter_answers_as_peft_does(engine: str, tmp_path: Path) -> None:
    base = save(tmp_path / "base")
    joined = adapted(tmp_path / "adapter", base)
    model = loaded(tmp_path / "adapter", engine=engine)
    assert answers(model) != answers(loaded(base, engine=engine))
    for text, answer in zip(TEXTS, answers(model), strict=True):
        ids = torch.tensor([tokenizer()(text)["input_ids"]])
        said = joined.generate(input_ids=ids, max_new_tokens=8, do_sample=False, eos_token_id=3, pad_token_id=0)
        new = [token for token in said[0, ids.shape[1] :].tolist() if token != 3]
        assert answer == tokenizer().decode(new)
    assert model.describe()["adapter"] == str(tmp_path / "adapter")


def test_an_adapter_in_half_precision_is_kept_beside_the_weights(tmp_path: Path) -> None:
    base = save(tmp_path / "base")
    adapted(tmp_path / "adapter", base)
    kept = loaded(tmp_path / "adapter", dtype="bfloat16")
    assert kept.describe()["dtype"] == "bfloat16"
    assert answers(kept) != answers(loaded(base, dtype="bfloat16"))


def test_the_fingerprint_is_of_base_and_adapter(tmp_path: Path) -> None:
    base, other = save(tmp_path / "base"), save(tmp_path / "other", seed=1)
    adapted(tmp_path / "one", base)
    adapted(tmp_path / "two", base, seed=2)
    found = [loaded(tmp_path / "one"), loaded(tmp_path / "two"), loaded(tmp_path / "one", base=str(other))]
    assert len({loaded(base).fingerprint, *(model.fingerprint for model in found)}) == 4
    moved = (tmp_path / "base").rename(tmp_path / "moved")
    assert loaded(tmp_path / "one", base=str(moved)).fingerprint == found[0].fingerprint
    with pytest.raises(CheckpointError, match="type --model-arg base=FOLDER"):
        loaded(tmp_path / "one")
    with pytest.raises(InputError, match="is a whole model, not an adapter"):
        loaded(moved, base=str(moved))
    edit(tmp_path / "one" / ADAPTER, base_model_name_or_path="../moved")
    assert loaded(tmp_path / "one").fingerprint == found[0].fingerprint


def pickled(folder: Path) -> None:
    (folder / ADAPTER_WEIGHTS).unlink()
    (folder / "adapter_model.bin").write_bytes(pickle.dumps({}))


def truncated(folder: Path) -> None:
    weights = folder / ADAPTER_WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-8])


def another_shape(folder: Path) -> None:
    weights = load_file(folder / ADAPTER_WEIGHTS)
    save_file({name: weight[:, :2].contiguous() for name, weight in weights.items()}, folder / ADAPTER_WEIGHTS)


def half_of_it(folder: Path) -> None:
    weights = load_file(folder / ADAPTER_WEIGHTS)
    save_file({name: weights[name] for name in sorted(weights)[::2]}, folder / ADAPTER_WEIGHTS)


def with_nan(folder: Path) -> None:
    weights = load_file(folder / ADAPTER_WEIGHTS)
    save_file({name: weight * float("nan") for name, weight in weights.items()}, folder / ADAPTER_WEIGHTS)


BROKEN: dict[str, tuple[Any, str]] = {
    "pickle": (pickled, "runs the code in it"),
    "no weights": (lambda folder: (folder / ADAPTER_WEIGHTS).unlink(), f"no {ADAPTER_WEIGHTS}"),
    "truncated": (truncated, "truncated or damaged"),
    "no base": (lambda folder: edit(folder / ADAPTER, base_model_name_or_path=None), "--model-arg base="),
    "its base is an adapter": (
        lambda folder: edit(folder / ADAPTER, base_model_name_or_path=str(folder)),
        "cannot be used",
    ),
    "another shape": (another_shape, "does not fit its base model"),
    "half of it": (half_of_it, "on one side only"),
    "another rank": (lambda folder: edit(folder / ADAPTER, r=3), "does not fit its base model"),
    "a rank without end": (lambda folder: edit(folder / ADAPTER, r=10**12), "no rank"),
    "a rank that its weights have not": (lambda folder: edit(folder / ADAPTER, r=64), "more than its weights have"),
    "another such rank": (
        lambda folder: edit(folder / ADAPTER, rank_pattern={"q_proj": 4096}),
        "more than its weights have",
    ),
    "a pattern without end": (
        lambda folder: edit(folder / ADAPTER, target_modules="(([a-z0-9_.])+)+!|.*q_proj"),
        "too costly",
    ),
    "a pattern without end among ranks": (
        lambda folder: edit(folder / ADAPTER, rank_pattern={"(a|a)*b": 4}),
        "too costly",
    ),
    "switched on by tokens": (lambda folder: edit(folder / ADAPTER, alora_invocation_tokens=[3]), "aLoRA"),
    "layers that are not there": (
        lambda folder: edit(folder / ADAPTER, target_modules=["nowhere"]),
        "lacks the layers",
    ),
    "another kind": (lambda folder: edit(folder / ADAPTER, peft_type="PROMPT_TUNING"), "only LoRA"),
    "repeated layers": (lambda folder: edit(folder / ADAPTER, layer_replication=[[0, 10**9]]), "repeats layers"),
    "a changed base": (lambda folder: edit(folder / ADAPTER, init_lora_weights="pissa"), "changed the base"),
    "NaN": (with_nan, "hold NaN"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_adapter_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    break_it, expected = BROKEN[case]
    adapted(tmp_path / "adapter", save(tmp_path / "base"))
    break_it(tmp_path / "adapter")
    with pytest.raises(CheckpointError) as error:
        loaded(tmp_path / "adapter")
    assert expected in one_line(error)
    assert str(tmp_path / "adapter") in str(error.value)


def test_patterns_of_modules_that_people_write_are_taken(tmp_path: Path) -> None:
    adapted(tmp_path / "adapter", save(tmp_path / "base"))
    before = answers(loaded(tmp_path / "adapter"))
    edit(tmp_path / "adapter" / ADAPTER, target_modules=r".*\.(?:self_attn\.[qv]_proj|mlp\.down_proj)")
    assert answers(loaded(tmp_path / "adapter")) == before


def test_an_end_token_that_no_reply_can_have_is_none(tmp_path: Path) -> None:
    folder = save(tmp_path)
    edit(folder / "generation_config.json", eos_token_id=[7, 99_999, -1])
    assert set(str(loaded(folder).describe()["stop_tokens"]).split()) == {"</s>", "w3"}


def test_settings_that_would_change_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder, which has none"):
        loaded(save(tmp_path), revision="main")
    with pytest.raises(InputError, match="no chat template"):
        loaded(tmp_path, thinking="no")


def test_a_revision_of_the_hub_is_found_in_its_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    repository = tmp_path / "models--some--model"
    commits = {"main": "a" * 40, "tuned": "b" * 40}
    (repository / "refs").mkdir(parents=True)
    for number, (name, commit) in enumerate(commits.items()):
        (repository / "refs" / name).write_text(commit)
        save(repository / "snapshots" / commit, seed=number)
    found = {
        name: load(name, model_args=CPU) for name in ("some/model", "some/model@tuned", f"hf:some/model@{'b' * 40}")
    }
    prints = [model.fingerprint for model in found.values()]
    assert prints[0] != prints[1] == prints[2]
    assert load("some/model", model_args={**CPU, "revision": "tuned"}).fingerprint == prints[1]
    assert str(found["some/model@tuned"].describe()["source"]).endswith(commits["tuned"])
    with pytest.raises(InputError, match="says another"):
        load("some/model@tuned", model_args={**CPU, "revision": "main"})
    for name in ("some/model@nowhere", "some/other@main"):
        with pytest.raises(CheckpointError):
            load(name, model_args=CPU)
    adapted(tmp_path / "adapter", tmp_path)
    edit(tmp_path / "adapter" / ADAPTER, base_model_name_or_path="some/model@tuned")
    assert isinstance(load(str(tmp_path / "adapter"), model_args=CPU), HfModel)


def test_several_stop_tokens_and_those_of_the_generation_config_alone(tmp_path: Path) -> None:
    folder = save(tmp_path, eos_token_id=None)
    edit(folder / "generation_config.json", eos_token_id=[7, 9])
    said = str(loaded(folder).describe()["stop_tokens"]).split()
    assert set(said) == {"</s>", "w3", "w5"}


def test_the_template_ends_turns_with_a_token_that_is_no_eos() -> None:
    spoken = byte_level(IM_CHAT, eos="<|endoftext|>")
    assert PromptEncoder(spoken, "x").turn_end() == frozenset(tokens(spoken, ["<|im_end|>"]))
    assert PromptEncoder(byte_level(None), "x").turn_end() == frozenset()
    # Plain text behind a turn is no stop token: it may stand in a plan.
    plain = IM_CHAT.replace("'<|im_end|>\n'", "'\n'")
    assert PromptEncoder(byte_level(plain), "x").turn_end() == frozenset()


def test_the_rendered_prompt_is_what_is_tokenized(tmp_path: Path) -> None:
    asked = Prompt("test", (Message("system", "w1"), Message("user", "w2 w3")))
    for template in (None, CHAT):
        model = loaded(save(tmp_path / str(bool(template)), chat_template=template))
        text = model.rendered(asked)
        assert tokenizer()(text, add_special_tokens=False)["input_ids"] == model.prompt_tokens(asked)
    record = model.describe()
    assert (record["bos_token"], record["eos_token"], record["pad_token"]) == ("<s>", "</s>", "<pad>")
    other = loaded(save(tmp_path / "other", chat_template=CHAT + " ")).describe()
    assert record["template_hash"] != other["template_hash"]
    assert json.dumps(record)


@pytest.mark.parametrize("how", ["chat", "plain", "raw", "thinking"])
def test_what_a_run_keeps_of_its_prompts_is_what_was_tokenized(how: str, tmp_path: Path) -> None:
    folder = save(tmp_path / "model", max_position_embeddings=100_000, vocab_size=400)
    spoken = byte_level(None if how == "plain" else IM_THINKING if how == "thinking" else IM_CHAT)
    for path in folder.glob("tokenizer*"):
        path.unlink()
    spoken.save_pretrained(folder)
    tasks = generate("blocksworld", 2, plan_length=(2, 4))
    model = loaded(folder)
    style = "compact" if how == "raw" else "english"
    run = RunFolder(tmp_path / "run")
    evaluate(tasks, {}, model, Asked("model", style, settings=SamplingSettings(max_tokens=1)), run)
    record = run.record()
    assert record is not None
    kept = record.prompts["blocksworld"]
    asked = [requests_of(one, style, (), SamplingSettings())[0].prompt for one in prepare(tasks)]
    shortest = min(asked, key=lambda prompt: len(prompt.text))
    assert spoken(kept, add_special_tokens=False)["input_ids"] == model.prompt_tokens(shortest)
    assert kept.endswith("<think>\n") == (how == "thinking")
    assert record.model["template_hash"] == (None if how == "plain" else model.describe()["template_hash"])
    encoder = prompt_encoder(str(folder))
    assert encoder is not None
    assert encoder.rendered(shortest) == kept
