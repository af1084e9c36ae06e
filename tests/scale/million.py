"""A million stored replies through `planbench eval`: written, measured, measured again as a finished run.

    python -m tests.scale.million --tasks 10000 --samples 100 --out runs/million

makes the file of replies (reference plans, cut, swapped or spoilt ones among them), runs `planbench eval replay:FILE`
as a process of its own, kills a second one in the middle and goes on with it, and writes seconds, peak memory and
samples to a JSON file.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from planbench.core.verdict import plan_text
from planbench.records import Task
from planbench.suite.lengths import evenly
from tests.scale import conclude

LENGTHS = (2, 16)
SEED = 0


def lines(tasks: Sequence[Task], samples: int) -> Iterator[str]:
    """The replies: two of five are the reference plan, the others fail, each in a way of its own."""
    generator = random.Random(SEED)
    for task in tasks:
        assert task.reference is not None
        steps = task.reference.steps
        for index in range(samples):
            which = generator.randrange(5)
            if which == 2:
                steps_said = steps[: generator.randrange(len(steps))]
            elif which == 3:
                steps_said = tuple(generator.sample(steps, len(steps)))
            else:
                steps_said = steps
            text = plan_text(steps_said) if which < 4 else "I cannot solve this."
            reply = f"The plan, attempt {index}:\n[PLAN]\n{text}[PLAN END]"
            record = {"task_hash": task.hash, "index": index, "reply": reply, "completion_tokens": 8 * len(steps_said)}
            yield json.dumps(record) + "\n"


def measured(argv: Sequence[str], stop_at: tuple[Path, int] | None = None) -> dict[str, float]:
    """Seconds and peak memory (MB) of a command, and how busy the machine was with other things. With `stop_at` it is
    killed once that file has so many bytes."""
    started, busy = time.perf_counter(), os.getloadavg()[0]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    if stop_at is not None:
        path, size = stop_at
        while process.poll() is None and not (path.exists() and path.stat().st_size > size):
            time.sleep(0.1)
        process.kill()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == (0 if stop_at is None else -9), process.returncode
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_mb": round(usage.ru_maxrss / 1024),
        "load_average_before": round(busy, 1),
        "cores": os.cpu_count() or 0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="A million stored replies through planbench eval.")
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--out", type=Path, default=Path("runs/million"))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    replies = asked.out / "replies.jsonl"
    tasks = evenly("blocksworld", asked.tasks, LENGTHS, SEED)
    with replies.open("w", encoding="utf-8") as file:
        file.writelines(lines(tasks, asked.samples))
    command = [sys.executable, "-m", "planbench", "eval", f"replay:{replies}", "--domain", "blocksworld"]
    command += ["--limit", str(asked.tasks), "--samples", str(asked.samples), "--seed", str(SEED)]
    whole, broken = asked.out / "whole", asked.out / "broken"
    found: dict[str, object] = {"tasks": len(tasks), "samples": len(tasks) * asked.samples}
    found["eval"] = measured([*command, "--out", str(whole)])
    size = (whole / "samples.jsonl").stat().st_size
    found["same_command_again"] = measured([*command, "--out", str(whole)])
    measured([*command, "--out", str(broken)], (broken / "samples.jsonl", size // 2))
    found["gone_on_after_a_kill_in_the_middle"] = measured([*command, "--out", str(broken)])
    one, other = ((folder / "summary.json").read_text() for folder in (whole, broken))
    assert one == other, "the summaries differ"
    summary = json.loads(one)
    assert summary["samples"] == found["samples"]
    found["valid_rate"] = summary["valid_rate"]
    conclude(found, asked.json)


if __name__ == "__main__":
    main()
