"""Small trainings, called by a test and started by torchrun: SOURCE PLANNER OUT, in two processes."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from planbench.loop.examples import TrainExample
from planbench.loop.finetune import finetune
from planbench.loop.finetune_config import FinetuneConfig

# Batches of three: the shares are not equal.
PLAIN = FinetuneConfig(steps=4, batch=3, accumulate=2, lr=1e-3, validation=0.2, device="cpu")
OWN = PLAIN.model_copy(update={"optimizer": "muon", "forget": 0.5, "stretch": 2.0})
TAPERED = PLAIN.model_copy(update={"optimizer": "muon", "ratio": "taper"})


def train(source: Path, planner: Path, out: Path) -> None:
    """A model through the library, and a planner of our own through its own pass, with all that is drawn at random; and
    both with weights of either sign and a ratio, as the rules of reinforcement learning have them."""
    examples = [TrainExample((5, 6 + n), (7 + n, 8, 3)[: 2 + n % 2], 1.0 + n, f"t{n}") for n in range(7)]
    finetune(source, examples, PLAIN, out / "plain")
    finetune(planner, examples, OWN, out / "own")
    signed = [replace(one, weight=one.weight * (-1) ** n, behaviour=-2.0 - n) for n, one in enumerate(examples)]
    finetune(source, signed, PLAIN.model_copy(update={"ratio": "taper"}), out / "plain-signed")
    finetune(planner, signed, TAPERED, out / "own-signed")


if __name__ == "__main__":
    from accelerate import Accelerator

    train(*map(Path, sys.argv[1:]))
    assert Accelerator(cpu=True).num_processes == 2
