"""A model that is trained, in memory and on disk: adapters beside its weights, and the checkpoint that it becomes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from planbench.errors import InputError
from planbench.loop.finetune_config import FinetuneConfig, FinetuneOutcome, LoraSettings
from planbench.models.catalog import LoadOptions
from planbench.models.hf_files import TEXTS_THAT_MATTER, one_line
from planbench.models.hf_load import load_checkpoint
from planbench.records.files import write_whole

RECORD = "finetune.json"
"""In the new checkpoint: the configuration and the outcome."""

ADAPTER = "adapter"
GENERATION = "generation_config.json"


def with_adapters(model: Any, lora: LoraSettings) -> Any:
    from peft import LoraConfig, get_peft_model

    settings = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, settings)


def rebuilt(checkpoint: Path, state: Mapping[str, Any], config: FinetuneConfig) -> Any:
    """The model that was trained from a checkpoint, from its weights alone."""
    model = load_checkpoint(checkpoint, LoadOptions({"device": "cpu", "dtype": "stored"})).model.float()
    model = with_adapters(model, config.lora) if config.lora else model
    model.load_state_dict(state)
    return model


def publish(
    model: Any,
    saved_as: torch.dtype,
    source: Path,
    out: Path,
    config: FinetuneConfig,
    outcome: FinetuneOutcome,
) -> None:
    """Write the checkpoint beside `out` and move it there."""
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        save_checkpoint(model.eval(), saved_as, source, part, config.lora)
        record = {"config": config.model_dump(mode="json"), "outcome": outcome.model_dump(mode="json")}
        write_whole(part / RECORD, json.dumps(record, indent=1) + "\n")
        part.rename(out)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{out}: the checkpoint cannot be written ({one_line(error)}); choose another --out") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def save_checkpoint(model: Any, saved_as: torch.dtype, source: Path, folder: Path, lora: LoraSettings | None) -> None:
    """Weights as the source's were stored, adapters merged into them, and the source's tokenizer and settings."""
    from transformers import GenerationConfig

    if lora is not None:
        if lora.keep_adapter:
            # Without embeddings, which are not trained: to find that out by itself, the library would ask the hub.
            model.save_pretrained(folder / ADAPTER, save_embedding_layers=False)
        model = model.merge_and_unload()
    # The library refuses to write some generation settings that it reads; those of the source are copied as they are.
    model.generation_config = GenerationConfig()
    model.to(saved_as).save_pretrained(folder)
    (folder / GENERATION).unlink(missing_ok=True)
    for name in TEXTS_THAT_MATTER:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
