"""MODEL strings: which string names which model.

In order: a scheme (`replay:FILE`, `planner:NAME`, `hf:NAME`), a name of our own (`random`, `tiny`, `grown`,
`smollm2-135m`), a `.gguf` file, a folder that exists, and last the name of a repository on the Hugging Face hub. So a
folder wins over a hub name; a folder that is called like one of our own names is typed `./tiny`.

Loaders are imported when they are used: to name a model costs nothing, to load a checkpoint costs torch.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from planbench import paths
from planbench.errors import CheckpointError, InputError
from planbench.models.base import Model
from planbench.models.planners import PLANNERS

if TYPE_CHECKING:
    from planbench.models.hf_prompt import PromptEncoder

OWN_NAMES: dict[str, str] = {
    "tiny": "planbench.models.hf:load_shipped",
    "grown": "planbench.models.hf:load_shipped",
    "smollm2-135m": "planbench.models.gguf:load_smollm2",
    "random": "planbench.models.random:load",
}
SCHEMES: dict[str, str] = {
    "hf": "planbench.models.hf:load_named",
    "planner": "planbench.models.planners.model:load",
    "replay": "planbench.models.replay:load",
    "server": "planbench.models.server.model:load",
}
FOLDERS: dict[str, str] = {
    "planbench.models.hf:load_shipped": "planbench.models.hf_load:locate_shipped",
    "planbench.models.hf:load_named": "planbench.models.hf_load:locate",
    "planbench.models.gguf:load_file": "planbench.models.gguf:locate_file",
    "planbench.models.gguf:load_smollm2": "planbench.models.gguf:locate_smollm2",
}
"""For each loader whose models are checkpoints, what finds the folder."""

WHAT_THERE_IS = (
    f"a checkpoint folder, a hub name (owner/name), a .gguf file, server:URL#model, replay:FILE, "
    f"{', '.join(OWN_NAMES)}, "
    f"planner:NAME ({', '.join(PLANNERS)})"
)
"""The end of every message about a MODEL string that names nothing."""

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What a loader may look at. `batch_size` None means chosen by the model, and so does `concurrency`, the requests
    that a server has at once; `args` are the user's `--model-arg`s."""

    args: Mapping[str, str] = field(default_factory=dict[str, str])
    batch_size: int | None = None
    trust_remote_code: bool = False
    concurrency: int | None = None

    def check_args(self, model: str, allowed: Mapping[str, str]) -> None:
        """Refuse a `--model-arg` that `model` does not know; `allowed` maps each key to what it takes."""
        for key in self.args:
            if key not in allowed:
                known = "; ".join(f"{name}={takes}" for name, takes in allowed.items()) or "none"
                raise InputError(f"--model-arg {key}: {model} takes no such setting; there is: {known}")


def load(
    name: str,
    *,
    model_args: Mapping[str, str] | None = None,
    batch_size: int | None = None,
    trust_remote_code: bool = False,
    concurrency: int | None = None,
) -> Model:
    """The model that `name` names, ready to answer.

    Raises `InputError` for a string that names nothing, `CheckpointError` for a checkpoint that cannot be used and
    `MissingPackage` where something has to be installed first.
    """
    if batch_size is not None and batch_size < 1:
        raise InputError(f"batch size {batch_size}: type a number of 1 or more, or auto")
    # Two torch threads that spin while they wait for a busy core cost several times the work itself; the OpenMP
    # runtime reads this when torch is first imported, so it is set before any loader is.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    options = LoadOptions(dict(model_args or {}), batch_size, trust_remote_code, concurrency)
    loader, argument = resolve(name, options)
    module, _, attribute = loader.partition(":")
    return getattr(import_module(module), attribute)(argument, options)


def checkpoint_folder(name: str, options: LoadOptions) -> Path:
    """The folder of the checkpoint that a MODEL string names, downloaded or converted if need be.

    Raises what `load` raises, and `CheckpointError` for a model that is no checkpoint.
    """
    loader, argument = resolve(name, options)
    if loader not in FOLDERS:
        raise CheckpointError(
            f"{name}: is no checkpoint, so it cannot be fine-tuned; name a folder, tiny or a hub name"
        )
    module, _, attribute = FOLDERS[loader].partition(":")
    return getattr(import_module(module), attribute)(argument, options)


def prompt_encoder(
    name: str, *, model_args: Mapping[str, str] | None = None, trust_remote_code: bool = False
) -> PromptEncoder | None:
    """How the model that a MODEL string names is given its prompts, without loading its weights; None for a model that
    is no checkpoint. Raises what `load` raises."""
    options = LoadOptions(dict(model_args or {}), None, trust_remote_code)
    loader, argument = resolve(name, options)
    if loader not in FOLDERS:
        return None
    from planbench.models.hf_load import load_encoder

    return load_encoder(checkpoint_folder(name, options), argument, options)


def resolve(name: str, options: LoadOptions) -> tuple[str, str]:
    """The loader of a MODEL string and the argument it gets. Raises InputError for a string that names nothing, and for
    requests at once where no server is asked."""
    loader, argument = _named(name.strip())
    if options.concurrency is not None and loader != SCHEMES["server"]:
        raise InputError(f"--concurrency: for models behind servers, and {name} is none; leave it out")
    return loader, argument


def _named(name: str) -> tuple[str, str]:
    scheme, colon, rest = name.partition(":")
    # Whatever exists on disk is meant, whether or not its name has a colon in it.
    if colon and not os.path.exists(name):
        if scheme in SCHEMES and rest:
            return SCHEMES[scheme], rest
        raise InputError(f"{name!r} names no model{suggestion(name)}; there is: {WHAT_THERE_IS}")
    if name in OWN_NAMES:
        return OWN_NAMES[name], name
    if name.lower().endswith(".gguf") and not Path(name).is_dir():
        return "planbench.models.gguf:load_file", name
    if name:
        return SCHEMES["hf"], name
    raise InputError(f"no model is named; there is: {WHAT_THERE_IS}")


def hub_name(name: str) -> str:
    """`name` where it can be the name of a hub repository; else a `CheckpointError` that says what is missing."""
    if _HUB_NAME.fullmatch(name) and ".." not in name:
        return name
    raise CheckpointError(f"{name}: no such folder, and no hub name (owner/name) either; check the path")


def suggestion(name: str) -> str:
    """` (did you mean ...?)` where `name` is close to one of our own names, else nothing."""
    names = [*OWN_NAMES, *(f"planner:{planner}" for planner in PLANNERS)]
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.7)
    return f" (did you mean {close[0]}?)" if close else ""


def shipped_folder(name: str) -> Path:
    """The checkpoint of `tiny` or `grown`; `CheckpointError` where this copy of the package has none."""
    folder, made = (paths.grown_dir(), "iterate") if name == "grown" else (paths.tiny_dir(), "pretrain")
    if not (folder / "config.json").is_file():
        raise CheckpointError(f"{folder}: {name} is not in this copy of planbench; train one with: planbench {made}")
    return folder
