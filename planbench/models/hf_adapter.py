"""A LoRA adapter on a base model, through peft.

An adapter is a folder with adapter_config.json and adapter_model.safetensors. Its base is what that config names, or
`--model-arg base=`, and may be anything that is a checkpoint but another adapter. A pickled adapter is refused. In
float32 the adapter is merged into the weights, which costs no speed and no more than the rounding of one addition; in
any other precision it is kept beside them, as a small change would be rounded away.

Not covered: adapters other than LoRA, and those whose making changed the base (PiSSA and its kin).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from planbench.errors import CheckpointError
from planbench.models.catalog import LoadOptions, checkpoint_folder
from planbench.models.hf_files import ADAPTER, ADAPTER_WEIGHTS, CheckpointFiles, check_folder, check_weights, read_json

_SAFE_STARTS = (True, False, None, "gaussian")
_LONGEST_PATTERN, _MOST_PATTERNS = 200, 1_000
_REPEATS = 3
"""Repetitions in a regular expression, at most; none of a group. So a name is tried in the cube of its length."""


def checked(folder: Path, options: LoadOptions) -> CheckpointFiles:
    """The files of a folder, of the base too where it holds an adapter. Raises what `check_folder` raises."""
    if (folder / "config.json").is_file() or not (folder / ADAPTER).is_file():
        return check_folder(folder)
    config = read_json(folder / ADAPTER)
    _check_config(folder, config)
    if not (folder / ADAPTER_WEIGHTS).is_file():
        if any(folder.glob("adapter_model.*")):
            raise CheckpointError(
                f"{folder}: the adapter's weights only as a pickle, and reading a pickle runs the code in it; "
                f"ask its source for {ADAPTER_WEIGHTS}"
            )
        raise CheckpointError(f"{folder}: no {ADAPTER_WEIGHTS}; download the adapter again")
    check_weights(folder / ADAPTER_WEIGHTS)
    base = options.args.get("base") or config.get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise CheckpointError(f"{folder / ADAPTER}: names no base model; type --model-arg base=FOLDER")
    # A path in a file that was copied from elsewhere may be meant from where it lies.
    beside = folder / base
    name = str(beside) if not os.path.exists(base) and beside.is_dir() else base
    try:
        whole = check_folder(checkpoint_folder(name, LoadOptions({}, trust_remote_code=options.trust_remote_code)))
    except CheckpointError as error:
        raise CheckpointError(
            f"{folder}: an adapter on {base}, which cannot be used ({error}); type --model-arg base=FOLDER"
        ) from error
    return CheckpointFiles(whole.folder, whole.config, whole.weights, folder)


def _check_config(folder: Path, config: dict[str, Any]) -> None:
    """What would take memory or time without end, or would not be the model that was meant, is refused."""
    path = folder / ADAPTER
    if config.get("peft_type") != "LORA":
        raise CheckpointError(f"{path}: peft_type {config.get('peft_type')!r}; only LoRA adapters can be used")
    rank = config.get("r")
    ranks = [rank, *(value.values() if isinstance(value := config.get("rank_pattern"), dict) else ())]
    if not all(isinstance(number, int) and 0 < number <= 65_536 for number in ranks):
        raise CheckpointError(f"{path}: r={rank!r} is no rank of a LoRA adapter; copy the file again")
    if config.get("layer_replication"):
        raise CheckpointError(f"{path}: it repeats layers of its base; merge it into its base model first")
    if config.get("init_lora_weights") not in _SAFE_STARTS:
        raise CheckpointError(f"{path}: its making changed the base model; merge it into its base model first")
    if config.get("alora_invocation_tokens"):
        raise CheckpointError(f"{path}: an adapter that some tokens switch on (aLoRA); only plain LoRA can be used")
    for key in ("target_modules", "exclude_modules", "layers_pattern", "rank_pattern", "alpha_pattern"):
        value = config.get(key)
        patterns = [value] if isinstance(value, str) else list(value) if isinstance(value, list | dict) else []
        # Of a list the library takes names; the rest it takes for regular expressions.
        if len(patterns) > _MOST_PATTERNS or not all(isinstance(one, str) and _cheap(one) for one in patterns):
            raise CheckpointError(f"{path}: {key} holds no names of modules, or patterns too costly to try")


def _cheap(pattern: str) -> bool:
    """Whether a regular expression, or a name, is tried in little time on any name."""
    repeats = sum(pattern.count(sign) for sign in "*+{?") - pattern.count("(?:")
    grouped = any(f"){sign}" in pattern for sign in "*+{")
    return len(pattern) <= _LONGEST_PATTERN and repeats <= _REPEATS and not grouped and "\\1" not in pattern


def with_adapter(model: Any, folder: Path) -> Any:
    """`model` with the adapter in `folder`. Raises CheckpointError where the one was not made for the other."""
    import torch
    from peft import LoraConfig, PeftModel
    from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
    from safetensors.torch import load_file

    weights = load_file(folder / ADAPTER_WEIGHTS)
    said = read_json(folder / ADAPTER)
    ranks = (said["r"], *(said.get("rank_pattern") or {}).values())
    # Before the library makes weights of that rank for every layer.
    if max(ranks) > max((min(weight.shape) for weight in weights.values() if weight.ndim > 1), default=0):
        raise _unfit(folder, f"r={max(ranks)} is more than its weights have")
    config = LoraConfig.from_pretrained(str(folder))
    config.inference_mode = True
    try:
        joined = PeftModel(model, config)
    except Exception as error:  # peft's own errors for a base that lacks the layers are of several kinds
        raise _unfit(folder, "the base lacks the layers that it changes") from error
    wanted: dict[str, Any] = get_peft_model_state_dict(joined, save_embedding_layers=False)
    if other := sorted(wanted.keys() ^ weights.keys()):
        raise _unfit(folder, f"{len(other)} weights are on one side only, the first: {other[0]}")
    for name, weight in weights.items():
        if weight.shape != wanted[name].shape:
            raise _unfit(folder, f"{name} is {list(weight.shape)}, not {list(wanted[name].shape)}")
    set_peft_model_state_dict(joined, weights)
    if model.dtype == torch.float32:
        return joined.merge_and_unload()
    return joined.get_base_model()


def _unfit(folder: Path, why: str) -> CheckpointError:
    return CheckpointError(f"{folder}: the adapter does not fit its base model ({why}); type --model-arg base=FOLDER")
