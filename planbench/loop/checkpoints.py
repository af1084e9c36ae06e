"""Generation 0 as it is given: which folder, which prompt style, what it was taught.

A planner of our own says in its card's data (`training.json`) what it was trained on; of any other model nothing is
known but what a warm start teaches it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planbench.errors import CheckpointError
from planbench.loop.config import IterateConfig
from planbench.models import checkpoint_folder
from planbench.models.catalog import LoadOptions
from planbench.models.hf_files import check_folder

TRAINING_CARD = "training.json"


@dataclass(frozen=True, slots=True)
class Taught:
    """Reference plans of split `base`: so many tasks of a domain, of `length` steps, drawn with `seed`. `short`: those
    that a small planner is trained on (`planbench.suite.generator.short_drafts`), `wide` ones or not."""

    tasks: dict[str, int]
    length: tuple[int, int]
    seed: int
    short: bool = False
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """`weights_bytes` is what the weights take on disk."""

    folder: Path
    prompt_style: str | None
    default_max_tokens: int | None
    weights_bytes: int
    taught: Taught | None


def source_of(model: str, config: IterateConfig) -> Source:
    """The checkpoint behind a MODEL string. Raises CheckpointError where there is none that can be fine-tuned."""
    options = LoadOptions(config.sampling.model_args, trust_remote_code=config.trust_remote_code)
    files = check_folder(checkpoint_folder(model, options))
    style, tokens = files.config.get("planbench_prompt_style"), files.config.get("planbench_max_tokens")
    return Source(
        folder=files.folder,
        prompt_style=style if isinstance(style, str) else None,
        default_max_tokens=tokens if isinstance(tokens, int) else None,
        weights_bytes=sum(path.stat().st_size for path in files.weights),
        taught=_taught(files.folder, config),
    )


def fingerprint_of(model: str, config: IterateConfig) -> str:
    """Of weights, config and tokenizer of the checkpoint behind a MODEL string, however it is computed with."""
    options = LoadOptions(config.sampling.model_args, trust_remote_code=config.trust_remote_code)
    return check_folder(checkpoint_folder(model, options)).fingerprint()


def _taught(folder: Path, config: IterateConfig) -> Taught | None:
    warm = config.warm_start
    if warm.length is not None:
        each = -(-warm.tasks // len(config.tasks.domains))
        return Taught(dict.fromkeys(config.tasks.domains, each), warm.length, config.tasks.seed)
    card = folder / TRAINING_CARD
    if not card.is_file():
        return None
    try:
        read: dict[str, Any] = json.loads(card.read_bytes())
        tasks = {str(domain): int(count) for domain, count in read["tasks"].items()}
        settings = read["config"]
        length, seed = (1, int(settings["longest"])), int(settings["seed"])
        # A planner of before there was a choice was taught wide tasks.
        return Taught(tasks, length, seed, short=True, wide=bool(settings.get("wide", True)))
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError, OverflowError) as error:
        raise CheckpointError(f"{card}: does not say what the planner was trained on ({error})") from None
