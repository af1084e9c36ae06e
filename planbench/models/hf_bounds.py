"""Bounds on what a checkpoint's own words can cost: its config, its chat template, its weights.

A config is a claim. Before a model is built from it, the number of layers is held against the weights that are there,
and the memory that the whole would take (counted on torch's `meta` device, where it takes none) against what is free.
Reading it has the bounds of a first render.

A chat template is a program. It runs in the sandbox of transformers, which keeps it from the machine but not from
running on; here a render has `SECONDS`, and its text may be `LONGEST` characters. The first renders, of a few words,
have `MEGABYTES` of memory beside, where the system can set that.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jinja2

from planbench.errors import CheckpointError
from planbench.models.hf_files import CheckpointFiles

SECONDS = 10.0
MEGABYTES = 1024
LONGEST = 50_000_000

_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_decoder_layers", "num_encoder_layers")
_LAYERS += ("decoder_layers", "encoder_layers", "num_blocks", "attn_layers")
_MOST_LABELS = 65_536
"""The library writes a name for each, whatever the model is for."""


class Overrun(Exception):
    """A chat template or a config took more than it may."""


def check_layers(files: CheckpointFiles) -> None:
    """Each layer has a weight of its own: a config that says more layers than there are weights is refused before
    anything is made a layer."""
    from safetensors import safe_open

    tensors = 0
    for path in files.weights:
        with safe_open(path, framework="np") as opened:
            tensors += len(opened.keys())
    for config in _configs(files.config):
        for key in _LAYERS:
            layers = len(said) if isinstance(said := config.get(key), list) else said
            if isinstance(layers, int) and layers > tensors:
                raise CheckpointError(
                    f"{files.folder}: config.json says {layers} layers, and the weights are {tensors} in all; both "
                    "must come from the same model"
                )
        labels = config.get("num_labels")
        if isinstance(labels, int) and labels > _MOST_LABELS:
            raise CheckpointError(f"{files.folder}: config.json says {labels} labels; {_MOST_LABELS} are the most")


def _configs(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A config and those inside it."""
    yield config
    for value in config.values():
        if isinstance(value, Mapping):
            yield from _configs(value)


def check_memory(folder: Path, config: Any, bytes_each: int | None, device: str, auto: str) -> None:
    """What the model takes, against what is free on a processor. Other devices say so by themselves. `auto` is the
    library's class that makes it."""
    import torch
    import transformers

    from planbench.models.memory import free_bytes

    if device != "cpu":
        return
    with torch.device("meta"):
        model: Any = getattr(transformers, auto).from_config(config)
    weights = [*model.parameters(), *model.buffers()]
    needed = sum(weight.numel() * (bytes_each or weight.element_size()) for weight in weights)
    free = free_bytes(torch.device("cpu"))
    if needed > free:
        raise CheckpointError(
            f"{folder}: the model takes {needed / 2**30:,.1f} GiB of memory, and {free / 2**30:.1f} GiB are free; "
            "type --model-arg dtype=bfloat16, or device= for another device"
        )


def check_missing(path: Path, report: Mapping[str, Any]) -> None:
    """`report` is the library's own on what it loaded: a weight that is not there, it would draw at random."""
    if missing := sorted(report["missing_keys"]):
        raise CheckpointError(
            f"{path}: {len(missing)} weights are missing (the first: {missing[0]}); download it again"
        )


def check_numbers(folder: Path, model: Any) -> None:
    """Refuse weights that are not numbers: one is enough to make every reply nonsense."""
    import torch

    broken = [
        name
        for name, weight in model.named_parameters()
        # The sum is fast, and not finite wherever a weight is not; it may be so of itself, where it overflows.
        if weight.is_floating_point() and not weight.sum(dtype=torch.float32).isfinite() and not weight.isfinite().all()
    ]
    if broken:
        raise CheckpointError(
            f"{folder}: {len(broken)} weights hold NaN or infinity (the first: {broken[0]}); its training diverged, "
            "the file is damaged, or dtype= is too narrow"
        )


def check_template(text: str) -> None:
    """Refuse powers, which can take hours in one step that nothing interrupts. Raises Overrun."""
    before = ""
    for _, kind, value in jinja2.Environment().lex(text):
        if kind == "operator" and value == "**" and before not in ("(", ","):
            raise Overrun("it raises numbers to powers")
        if kind != "whitespace":
            before = value


@contextmanager
def bounded(first: bool = False) -> Iterator[None]:
    """Bounds on what is within the block; raises Overrun. Time is bounded in the main thread alone, where signals
    arrive; memory with `first`, as other threads would feel it too."""
    timed = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    limit = _limit_memory() if first else None
    previous: Any = None

    def stop(*_: object) -> None:
        raise Overrun(f"it takes more than {SECONDS:g} seconds")

    if timed:
        previous = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    except MemoryError:
        raise Overrun(f"it takes more than {MEGABYTES} MB of memory") from None
    finally:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        if limit is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_AS, limit)


def _limit_memory() -> tuple[int, int] | None:
    """The limits there were, None where none could be set."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        before = resource.getrlimit(resource.RLIMIT_AS)
        wanted = pages * resource.getpagesize() + MEGABYTES * 2**20
        if before[0] != resource.RLIM_INFINITY and before[0] < wanted:
            return None
        resource.setrlimit(resource.RLIMIT_AS, (wanted, before[1]))
    except (ImportError, OSError, ValueError):
        return None
    return before
