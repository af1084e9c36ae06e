"""From a name to a model and a tokenizer in memory, through transformers.

Every way in which this fails leaves as one `CheckpointError`. A weight that the checkpoint lacks is refused, where the
library would draw it at random and only warn.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planbench.errors import CheckpointError, InputError
from planbench.models.catalog import WHAT_THERE_IS, LoadOptions, hub_name, shipped_folder, suggestion
from planbench.models.hf_adapter import checked, with_adapter
from planbench.models.hf_bounds import bounded, check_layers, check_memory, check_missing, check_numbers
from planbench.models.hf_files import CheckpointFiles, one_line, refusing
from planbench.models.hf_prompt import PromptEncoder, template_options

ARGS = {
    "dtype": "float32|bfloat16|float16|stored|auto (stored: as the checkpoint is; auto: as suits the device)",
    "device": "cpu|cuda|cuda:N|mps|auto",
    "revision": "a branch, tag or commit of the hub",
    "base": "the base model of an adapter",
    "thinking": "yes|no (for chat templates that can switch it)",
    "engine": "auto|continuous|own|transformers|cb|vllm (own: small Llama and LFM2 on a cpu; cb, vllm: a GPU)",
}
"""The `--model-arg`s of a checkpoint."""

DTYPES = ("float32", "bfloat16", "float16", "stored", "auto")
_CAUSAL, _CLASSIFIER = "AutoModelForCausalLM", "AutoModelForSequenceClassification"
"""The library's classes for what a checkpoint can be to us."""

_DOWNLOAD = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")


@dataclass(frozen=True)
class Loaded:
    """A checkpoint in memory. `model` is in evaluation mode; `device` and `dtype` are what was settled on."""

    files: CheckpointFiles
    model: Any
    tokenizer: Any
    device: str
    dtype: str


def locate(name: str, options: LoadOptions) -> Path:
    """The folder of a checkpoint: the one that `name` is, else the hub's, downloaded (or found in the hub's cache)."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        if "revision" in options.args:
            raise InputError(f"--model-arg revision={options.args['revision']}: {name} is a folder, which has none")
        return folder
    if folder.is_file():
        raise CheckpointError(f"{name}: a file; name the folder that holds config.json, or a .gguf file")
    name, _, revision = name.partition("@")
    typed = options.args.get("revision")
    if revision and typed and typed != revision:
        raise InputError(f"{name}@{revision}: --model-arg revision={typed} says another; type one of them")
    return _download(hub_name(name), revision or typed, options)


def locate_shipped(name: str, options: LoadOptions) -> Path:
    return shipped_folder(name)


def _download(name: str, revision: str | None, options: LoadOptions) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )
    from huggingface_hub.utils import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    code = ["*.py"] if options.trust_remote_code else []
    try:
        found = snapshot_download(
            name, revision=revision, allow_patterns=[*_DOWNLOAD, *code], ignore_patterns=["*/*", "consolidated*"]
        )
    except GatedRepoError as error:
        raise CheckpointError(f"{name}: the hub wants you to accept its terms and log in: hf auth login") from error
    except RepositoryNotFoundError as error:
        raise CheckpointError(f"{name}: no such folder, and no such model on the hub{suggestion(name)}") from error
    except RevisionNotFoundError as error:
        raise CheckpointError(f"{name}: the hub has no revision {revision!r} of it") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise CheckpointError(
            f"{name}: no such folder, and the model hub could not be reached{suggestion(name)}; "
            f"there is: {WHAT_THERE_IS}"
        ) from error
    except ValueError as error:  # a name that the hub's own rules refuse
        raise CheckpointError(f"{name}: no such folder, and no hub name either ({one_line(error)})") from error
    return Path(found)


def load_classifier(folder: Path, options: LoadOptions) -> Loaded:
    """A model that tells kinds of texts apart, with the same checks."""
    return load_checkpoint(folder, options, _CLASSIFIER)


def load_checkpoint(folder: Path, options: LoadOptions, auto: str = _CAUSAL) -> Loaded:
    """Model and tokenizer of a folder, on their device."""
    options.check_args("a checkpoint", ARGS)
    dtype = options.args.get("dtype", "")
    if dtype and dtype not in DTYPES:
        raise InputError(f"--model-arg dtype={dtype}: type one of {', '.join(DTYPES)}")
    files = checked(folder, options)
    if "base" in options.args and files.adapter is None:
        raise InputError(f"--model-arg base={options.args['base']}: {folder} is a whole model, not an adapter")
    folder = files.folder

    import torch
    import transformers
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    _check_architecture(files, options.trust_remote_code, auto)
    check_layers(files)
    device, dtype = _settled(options)
    shared: dict[str, Any] = {"trust_remote_code": options.trust_remote_code, "local_files_only": True}
    config = _config(files, options)
    with refusing(folder, "config.json cannot be used"):
        if not files.needs_code:
            each = None if dtype == "auto" else getattr(torch, dtype).itemsize
            check_memory(folder, config, each, device, auto)
    with refusing(files.texts, "the tokenizer cannot be loaded"):
        tokenizer = AutoTokenizer.from_pretrained(files.texts, **shared)
    with refusing(folder, "the model cannot be loaded"):
        loaded: Any = getattr(transformers, auto).from_pretrained(
            folder,
            dtype=dtype if dtype == "auto" else getattr(torch, dtype),
            use_safetensors=True,
            output_loading_info=True,
            device_map=None if device == "cpu" else device,
            **shared,
        )
        model, report = loaded
    check_missing(folder, report)
    check_numbers(folder, model)
    if files.adapter is not None:
        with refusing(files.adapter, "the adapter cannot be loaded"):
            model = with_adapter(model, files.adapter)
        check_numbers(files.adapter, model)
    return Loaded(files, model.eval(), tokenizer, str(model.device), str(model.dtype).removeprefix("torch."))


def _config(files: CheckpointFiles, options: LoadOptions) -> Any:
    """The library's object of config.json; code that comes with a checkpoint may take what it takes."""
    from transformers import AutoConfig

    within = nullcontext() if files.needs_code else bounded(first=True)
    with refusing(files.folder, "config.json cannot be used"), within:
        return AutoConfig.from_pretrained(
            files.folder, trust_remote_code=options.trust_remote_code, local_files_only=True
        )


def _settled(options: LoadOptions) -> tuple[str, str]:
    """Device and dtype; what the library calls auto is the checkpoint's own."""
    device, dtype = _device(options.args.get("device", "")), options.args.get("dtype", "")
    if device == "cpu":
        dtype = dtype or "float32"
        dtype = _fast_on_cpu() if dtype == "auto" else dtype
    return device, "auto" if dtype in ("", "stored") else dtype


def computed_bytes(files: CheckpointFiles, options: LoadOptions) -> tuple[int, int]:
    """What the weights take in memory, and the size of a number in the cache of keys and values."""
    from planbench.models.packed import LARGEST

    device, dtype = _settled(options)
    stored = str(files.config.get("dtype") or files.config.get("torch_dtype") or "float32")
    sizes = {"float32": 4, "bfloat16": 2, "float16": 2}
    kept = sizes.get(stored, 4)
    size = kept if dtype == "auto" else sizes[dtype]
    weights = sum(path.stat().st_size for path in files.weights) * size // kept
    # On a processor, linear layers are laid out a second time.
    again = weights if device == "cpu" and size == 4 and weights <= LARGEST else 0
    return weights + again, size


def _fast_on_cpu() -> str:
    """bfloat16 where the processor multiplies in it, else float32. Asked of the processor, not timed: a fingerprint
    must not hang on how busy a machine is."""
    import torch

    has = (getattr(torch.cpu, f"_is_{unit}_supported", None) for unit in ("amx_tile", "avx512_bf16"))
    return "bfloat16" if any(ask is not None and ask() for ask in has) else "float32"


def load_texts(folder: Path, options: LoadOptions) -> tuple[Any, Any, Any]:
    """Tokenizer, config and generation config of a folder, without its weights."""
    files = checked(folder, options)
    folder = files.folder
    check_layers(files)

    from transformers import AutoTokenizer, GenerationConfig

    shared: dict[str, Any] = {"trust_remote_code": options.trust_remote_code, "local_files_only": True}
    config = _config(files, options)
    with refusing(files.texts, "the tokenizer cannot be loaded"):
        tokenizer = AutoTokenizer.from_pretrained(files.texts, **shared)
    if not (folder / "generation_config.json").is_file():
        return tokenizer, config, GenerationConfig.from_model_config(config)
    with refusing(folder, "generation_config.json cannot be used"):
        return tokenizer, config, GenerationConfig.from_pretrained(folder, local_files_only=True)


def load_encoder(folder: Path, name: str, options: LoadOptions) -> PromptEncoder:
    """What turns prompts into the text and the tokens that the model is given, without its weights."""
    options.check_args("a checkpoint", ARGS)
    tokenizer, _, _ = load_texts(folder, options)
    return PromptEncoder(tokenizer, name, template_options(options.args))


def _check_architecture(files: CheckpointFiles, trusted: bool, auto: str) -> None:
    from transformers import CONFIG_MAPPING
    from transformers.models.auto import modeling_auto as known

    kind = files.config["model_type"]
    if trusted and files.needs_code:
        return
    if kind not in CONFIG_MAPPING:
        if files.needs_code:
            raise CheckpointError(
                f"{files.folder}: {kind!r} needs Python code that comes with the checkpoint; if you trust its source, "
                f"add --trust-remote-code"
            )
        raise CheckpointError(f"{files.folder}: this version of transformers knows no model_type {kind!r}")
    if auto == _CLASSIFIER:
        if kind not in known.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES:
            raise CheckpointError(f"{files.folder}: {kind!r} is no classifier of texts")
    elif kind not in known.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise CheckpointError(f"{files.folder}: {kind!r} is no causal language model, so it cannot write a plan")


def _device(wanted: str) -> str:
    """The device that is asked for, or the best there is; `auto` spreads a model over several."""
    import torch

    if wanted == "auto":
        return wanted
    try:
        device = torch.device(wanted) if wanted else None
    except RuntimeError as error:
        raise InputError(f"--model-arg device={wanted}: type one of {ARGS['device']}") from error
    if device is None:
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(device.type, False):
        raise InputError(f"--model-arg device={wanted}: this machine has no such device; type device=cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"--model-arg device={wanted}: there are only {torch.cuda.device_count()} such devices")
    return wanted
