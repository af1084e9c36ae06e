"""Runs that are killed at random moments, resumed each time, and compared with runs that are left alone.

    python -m tests.scale.kills --kills 200 --json experiments/scale/kills.json

Half the kills are of `planbench eval`, half of `planbench iterate`, some of them in two processes. A run is started
again until it ends by itself or has been killed `ROUND` times, then left to end; then its samples, and for iterate what
was curated and the weights too, have to be those of the run that was left alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from tests.scale import conclude

ROUND = 8
"""Kills of one run at most, before it is left to end."""

EVAL = ["eval", "random", "--plan-length", "24:32", "--limit", "24", "--samples", "30", "--seed", "3"]
ITERATE = ["iterate", "--tasks", "24", "--samples", "2", "--generations", "2", "--held-out", "6", "--longer", "3"]
ITERATE += ["--train", "steps=6"]
EARLIEST, LATEST = 0.3, 1.1
"""Of the time that the run takes alone: when it is killed."""


@dataclass(frozen=True)
class Case:
    name: str
    argv: Sequence[str]

    @property
    def several(self) -> bool:
        return "--processes" in self.argv


CASES = (
    Case("eval", EVAL),
    Case("iterate", ITERATE),
    Case("eval in two processes", [*EVAL, "--processes", "2"]),
    Case("iterate in two processes", [*ITERATE, "--processes", "2"]),
)


def started(argv: Sequence[str], out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "planbench", *argv, "--out", str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(argv: Sequence[str], out: Path) -> float:
    """Run to the end. Returns the seconds that it took."""
    begun, waited = time.perf_counter(), 0
    while True:
        process = started(argv, out)
        _, said = process.communicate()
        if process.returncode == 0:
            return time.perf_counter() - begun
        # The others of a run that was killed may hold its folder for a moment.
        if b"another planbench is writing here" not in said or waited == 10:
            raise SystemExit(f"{' '.join(argv)}: exit code {process.returncode}: {said.decode()}")
        time.sleep(1)
        waited += 1


def outcome(folder: Path) -> dict[str, str]:
    """Of each file that decides what a run is: a hash of what may not differ. Samples are in no order and keep the
    time that they took, which is left out."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.name == "samples.jsonl":
            lines = [json.loads(line) for line in path.read_bytes().splitlines()]
            keys = [line["key"] for line in lines]
            assert len(keys) == len(set(keys)), f"{path}: a sample stands there twice"
            what = json.dumps(sorted(({**line, "seconds": 0} for line in lines), key=lambda line: line["key"])).encode()
        elif path.name in ("curated.jsonl", "model.safetensors"):
            what = path.read_bytes()
        else:
            continue
        found[str(path.relative_to(folder))] = blake2b(what, digest_size=8).hexdigest()
    return found


def killed(case: Case, out: Path, alone: float, most: int, generator: random.Random) -> int:
    """Start and kill a run up to `most` times. Returns how often it was."""
    for kills in range(most):
        process = started(case.argv, out)
        try:
            process.communicate(timeout=alone * generator.uniform(EARLIEST, LATEST))
            return kills
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    return most


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill runs at random moments, resume them, compare.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/kills"))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    generator = random.Random(asked.seed)
    shutil.rmtree(asked.out, ignore_errors=True)
    kills, runs = dict.fromkeys((case.name for case in CASES), 0), dict.fromkeys((case.name for case in CASES), 0)
    alone: dict[str, tuple[float, dict[str, str]]] = {}
    for case in CASES:
        folder = asked.out / "alone" / case.name.replace(" ", "-")
        seconds = finish(case.argv, folder)
        alone[case.name] = seconds, outcome(folder)
        print(f"{case.name}: {seconds:.1f} s, {len(alone[case.name][1])} files", flush=True)
    # Several processes draw what one draws. (Their weights are equal up to rounding, so theirs is a run of its own.)
    assert alone["eval"][1] == alone["eval in two processes"][1]
    while sum(kills.values()) < asked.kills:
        case = min(CASES, key=lambda one: kills[one.name] + (0.5 if one.several else 0))
        out = asked.out / f"{sum(runs.values())}"
        seconds, expected = alone[case.name]
        kills[case.name] += killed(case, out, seconds, min(ROUND, asked.kills - sum(kills.values())), generator)
        finish(case.argv, out)
        runs[case.name] += 1
        assert outcome(out) == expected, f"{out}: {case.name} came to something else"
        shutil.rmtree(out)
        print(f"{sum(kills.values())} of {asked.kills} kills: {kills}", flush=True)
    conclude({"kills": kills, "runs": runs, "seed": asked.seed, "all_equal": True}, asked.json)


if __name__ == "__main__":
    main()
