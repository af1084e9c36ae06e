"""A small training, called by a test and started by torchrun: SOURCE OUT, in two processes."""

from __future__ import annotations

import sys
from pathlib import Path

from planbench.loop.examples import TrainExample
from planbench.loop.finetune import finetune
from planbench.loop.finetune_config import FinetuneConfig, FinetuneOutcome


def train(source: Path, out: Path) -> FinetuneOutcome:
    examples = [TrainExample((5, 6 + n), (7 + n, 8, 3)[: 2 + n % 2], 1.0 + n, f"t{n}") for n in range(7)]
    config = FinetuneConfig(steps=4, batch=3, accumulate=2, lr=1e-3, validation=0.2, device="cpu")
    return finetune(source, examples, config, out)


if __name__ == "__main__":
    from accelerate import Accelerator

    train(Path(sys.argv[1]), Path(sys.argv[2]))
    assert Accelerator(cpu=True).num_processes == 2
