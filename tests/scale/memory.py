"""What a long run holds in memory as it goes: ten thousand samples by each engine.

    python -m tests.scale.memory --json experiments/scale/memory.json

The small planner answers by `own` and `transformers`; `continuous`, which does not cover it, answers for a Llama of two
layers with random weights, 64 tokens a sample.
`planbench eval` is a process of its own, whose resident memory is read each time another tenth of the samples is in its
file. A run that kept something of every sample would rise from tenth to tenth.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.models.checkpoints import save
from tests.scale import conclude

TASKS = 200
ENGINES = ("own", "transformers", "continuous")


def resident(engine: str, samples: int, out: Path) -> list[float]:
    """MB in memory when each tenth of the samples was there."""
    model = ["tiny"]
    if engine == "continuous":
        llama = save(out.parent / "llama", max_position_embeddings=4_096)
        model = [str(llama), "--max-tokens", "64", "--prompt", "pddl"]
    tasks = ["--domain", "blocksworld", "--limit", str(TASKS), "--samples", str(samples // TASKS)]
    argv = [sys.executable, "-m", "planbench", "eval", *model, *tasks, "--temperature", "1"]
    argv += ["--model-arg", f"engine={engine}", "--out", str(out)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    watched, found, there = psutil.Process(process.pid), list[float](), 0
    stored = out / "samples.jsonl"
    while not stored.exists() and process.poll() is None:
        time.sleep(0.05)
    with stored.open("rb") as file:
        while len(found) < 10:
            lines = file.read().count(b"\n")
            there += lines
            while len(found) < 10 and there >= (len(found) + 1) * samples // 10:
                found.append(round(watched.memory_info().rss / 2**20))
            if not lines:
                if process.poll() is not None:
                    raise SystemExit(f"{engine}: ended with exit code {process.returncode} after {there} samples")
                time.sleep(0.05)
    assert process.wait() == 0
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory over a long run.")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for engine in ENGINES:
            found[engine] = resident(engine, asked.samples, Path(scratch) / engine)
            print(f"{engine}: {found[engine]} MB", flush=True)
    conclude({"samples": asked.samples, "tasks": TASKS, "resident_mb": found}, asked.json)


if __name__ == "__main__":
    main()
