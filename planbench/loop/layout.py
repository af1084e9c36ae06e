"""Where everything of an iterate run lies.

    iterate.json, summary.json, report.html
    seed-0/summary.json           as the run's, of this seed alone
    seed-0/outcomes.json.gz       which tasks each generation solved, so that seeds can be put together later
    seed-0/gen-0/                 the model as it was given (or checkpoint/, where a warm start made it)
    seed-0/<arm>/gen-1/           curated.jsonl, training.json   what it was trained on, and how that went
                                  curated.json, seconds.json     both in numbers; wall time by phase
                                  checkpoint/                    the model
                                  pool/ held_out/ longer/        run folders: what it answered when deployed
                                  likelihood.jsonl               how likely its own replies were, where a rule asks
                                  fixed.jsonl                    the same of one set of generation 0's replies

What is there is done: curated.jsonl, checkpoint/ and the likelihoods appear whole, a run folder is
done when its summary says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from planbench.records.files import SUMMARY, RunFolder

CURATED = "curated.jsonl"
TRAINING = "training.json"
CHECKPOINT = "checkpoint"
LIKELIHOOD = "likelihood.jsonl"
FIXED = "fixed.jsonl"


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one generation of one arm and seed. Generation 0 is shared by all arms of a seed."""

    run: Path
    arm: str
    seed: int
    generation: int

    @property
    def path(self) -> Path:
        seed = seed_folder(self.run, self.seed)
        return seed / "gen-0" if self.generation == 0 else seed / slug(self.arm) / f"gen-{self.generation}"

    def before(self, back: int = 1) -> Place:
        return Place(self.run, self.arm, self.seed, self.generation - back)

    @property
    def checkpoint(self) -> Path:
        return self.path / CHECKPOINT

    @property
    def curated(self) -> Path:
        return self.path / CURATED

    @property
    def likelihood(self) -> Path:
        return self.path / LIKELIHOOD

    @property
    def fixed(self) -> Path:
        return self.path / FIXED

    @property
    def training(self) -> Path:
        return self.path / TRAINING

    def answers(self, split: str) -> Path:
        return self.path / split


def finished(folder: Path) -> bool:
    """Whether a run folder holds all its samples."""
    return (folder / SUMMARY).is_file() and RunFolder(folder).summary().finished


def seed_folder(run: Path, seed: int) -> Path:
    return run / f"seed-{seed}"


def slug(name: str) -> str:
    """A name as a folder's name: `package.module:rule` has a colon, which some file systems refuse."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)
