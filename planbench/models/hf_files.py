"""A checkpoint folder as files: is everything there and whole, and what is its fingerprint?

Everything that can be said without building the model is said here, in one line each: a library's own message for a
missing shard or a truncated file is a page long and names none of them. Weights are read as safetensors only, since
reading a pickle runs whatever code is in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from planbench.errors import CheckpointError

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tekken.json")
TEXTS_THAT_MATTER = (
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    *TOKENIZERS,
)
"""Beside config and weights, the files that can change a reply."""

_MAX_JSON = 64 * 2**20
"""Bytes of a config or an index that we are ready to parse; real ones stay below a tenth of it."""


@dataclass(frozen=True)
class CheckpointFiles:
    """A folder that passed every check: its parsed config.json and its weight files in a fixed order. `adapter` is
    the folder of what changes the model, where something does."""

    folder: Path
    config: dict[str, Any]
    weights: tuple[Path, ...]
    adapter: Path | None = None

    @property
    def texts(self) -> Path:
        """The folder of tokenizer and chat template: an adapter's own, where it brings them."""
        if self.adapter is not None and (self.adapter / "tokenizer_config.json").is_file():
            return self.adapter
        return self.folder

    @property
    def needs_code(self) -> bool:
        """True where the checkpoint names Python code of its own."""
        return bool(self.config.get("auto_map"))

    def fingerprint(self, *engine: str) -> str:
        """16 hexadecimal digits over weights, config, tokenizer and template, and over what `engine` says."""
        digest = blake2b("\0".join(engine).encode(), digest_size=8)
        # Which version of a library wrote the config does not change what the model says.
        said = {key: self.config[key] for key in self.config.keys() - {"transformers_version", "_name_or_path"}}
        digest.update(json.dumps(said, sort_keys=True).encode())
        code = sorted(path.name for path in self.folder.glob("*.py")) if self.needs_code else []
        for name in (*TEXTS_THAT_MATTER, *code):
            path = (self.folder if name in (*code, "generation_config.json") else self.texts) / name
            if path.is_file():
                digest.update(f"\0{name}\0".encode())
                digest.update(file_digest(path))
        for path in self.weights:
            digest.update(file_digest(path))
        if self.adapter is not None:
            # What the base is called does not matter: what it holds is counted already.
            said = read_json(self.adapter / ADAPTER)
            said.pop("base_model_name_or_path", None)
            digest.update(json.dumps(said, sort_keys=True).encode())
            digest.update(file_digest(self.adapter / ADAPTER_WEIGHTS))
        return digest.hexdigest()


def file_digest(path: Path) -> bytes:
    """16 bytes of blake2b over a file, read in pieces."""
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while piece := file.read(2**22):
            digest.update(piece)
    return digest.digest()


def one_line(error: BaseException, limit: int = 240) -> str:
    """A library's error as part of one line."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[: limit - 3] + "..."


@contextmanager
def refusing(source: Path | str, what: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into a `CheckpointError` that opens with `what`."""
    try:
        yield
    except CheckpointError:
        raise
    # The library raises whatever a damaged file leads it into, bare Exception included; its tokenizers, in Rust, panic.
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        why = one_line(error)
        if "ignore_mismatched_sizes" in why:  # the library's advice, which names no file and would hide the damage
            why = "its weights have other shapes than config.json says; both must come from the same model"
        raise CheckpointError(f"{source}: {what} ({why})") from error


def check_folder(folder: Path) -> CheckpointFiles:
    """Every check that needs no model; raises `CheckpointError` at the first thing that is wrong."""
    if not (folder / "config.json").is_file():
        if (folder / ADAPTER).is_file():
            raise CheckpointError(f"{folder}: an adapter, not a whole model; merge it into its base model first")
        raise CheckpointError(f"{folder}: no config.json, so this is no checkpoint; name the folder that holds one")
    config = read_json(folder / "config.json")
    if not isinstance(config.get("model_type"), str):
        raise CheckpointError(f"{folder / 'config.json'}: no model_type; is this the config of a language model?")
    _check_alone(folder, config)
    if not any((folder / name).is_file() for name in TOKENIZERS):
        raise CheckpointError(f"{folder}: no tokenizer ({', '.join(TOKENIZERS)}); copy it from the model's source")
    weights = _weights(folder)
    for path in weights:
        check_weights(path)
    return CheckpointFiles(folder, config, weights)


def _check_alone(folder: Path, config: dict[str, Any]) -> None:
    """What would have the library load other files than those that are checked and counted here is refused."""
    if (folder / ADAPTER).is_file():
        raise CheckpointError(
            f"{folder}: a whole model and an adapter in one folder; which is meant? Move {ADAPTER} elsewhere"
        )
    if "transformers_weights" in config:
        raise CheckpointError(f"{folder / 'config.json'}: names other weights (transformers_weights); remove that line")
    for part in (config, *(value for value in config.values() if isinstance(value, dict))):
        for key in ("attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation"):
            if any(mark in str(part.get(key, "")) for mark in "/:@"):
                raise CheckpointError(f"{folder / 'config.json'}: {key} names code on a hub; remove that line")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a small JSON file; raises CheckpointError."""
    try:
        if path.stat().st_size > _MAX_JSON:
            raise CheckpointError(f"{path}: larger than {_MAX_JSON >> 20} MiB; this is no config")
        value = json.loads(path.read_bytes())
    # RecursionError: nesting deep enough to exhaust the stack is one more way of being broken.
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not JSON ({one_line(error)}); copy the file again") from error
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: not a JSON object; copy the file again")
    return value


def _weights(folder: Path) -> tuple[Path, ...]:
    if (folder / WEIGHTS).is_file():
        return (folder / WEIGHTS,)
    index = folder / INDEX
    if index.is_file():
        shards = read_json(index).get("weight_map")
        if not isinstance(shards, dict) or not shards:
            raise CheckpointError(f"{index}: no weight_map; copy the file again")
        names = sorted({str(name) for name in shards.values()})
        for name in names:
            # A shard lies beside its index: a name with a way out of the folder is not followed.
            if name != Path(name).name or not name.endswith(".safetensors"):
                raise CheckpointError(f"{index}: {name!r} is no safetensors file of this folder")
            if not (folder / name).is_file():
                raise CheckpointError(f"{folder}: shard {name} is missing; download the checkpoint again")
        return tuple(folder / name for name in names)
    pickles = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth") for path in folder.glob(pattern))
    if pickles:
        raise CheckpointError(
            f"{folder}: weights only as a pickle ({pickles[0]}), and reading a pickle runs the code in it; "
            f"if you trust its source, convert it: AutoModelForCausalLM.from_pretrained(DIR).save_pretrained(DIR)"
        )
    raise CheckpointError(f"{folder}: no weights ({WEIGHTS} or {INDEX}); download the checkpoint again")


def check_weights(path: Path) -> None:
    """The header of a safetensors file must fit the file: this is what finds a download that was cut off."""
    from safetensors import SafetensorError, safe_open

    with path.open("rb") as file:
        start = file.read(40)
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{path}: a Git LFS pointer, not the weights; fetch them with: git lfs pull")
    try:
        with safe_open(path, framework="np") as tensors:
            if not tensors.keys():
                raise CheckpointError(f"{path}: holds no weights; save or download the checkpoint again")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: truncated or damaged safetensors ({one_line(error)}); download the checkpoint again"
        ) from error
