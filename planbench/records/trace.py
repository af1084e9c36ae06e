"""A trace: what curation sees of a judged sample; and a line of `curated.jsonl`, what it made of one.

From a line of `curated.jsonl` the way back is open: `generation` and `sample` name the line of that generation's
`samples.jsonl`, which has the reply, the plan and the verdict with its step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, FiniteFloat

from planbench.core.verdict import VerdictKind
from planbench.records.files import read_lines, write_lines
from planbench.records.sample import Sample
from planbench.records.sampling import FinishReason


@dataclass(frozen=True, slots=True)
class Trace:
    """A reply to a task of the pool, judged.

    `id` is `gen-<generation>/<sample key>`, unique over a run. `verdict` is the kind alone. `length` is in steps, of
    the plan that was read (valid or not), None where there is none. `tokens` counts the whole reply, reasoning and
    stop token included, None where the model does not count.
    """

    id: str
    generation: int
    task: str
    task_hash: str
    domain: str
    prompt_hash: str
    index: int
    reply: str
    finish: FinishReason
    plan: tuple[str, ...] | None
    verdict: VerdictKind
    length: int | None
    tokens: int | None
    reference_length: int | None

    @classmethod
    def of(cls, sample: Sample, generation: int) -> Trace:
        return cls(
            id=f"gen-{generation}/{sample.key}",
            generation=generation,
            task=sample.task,
            task_hash=sample.task_hash,
            domain=sample.domain,
            prompt_hash=sample.prompt_hash,
            index=sample.index,
            reply=sample.reply,
            finish=sample.finish,
            plan=sample.plan,
            verdict=sample.verdict.kind,
            length=sample.length,
            tokens=sample.completion_tokens,
            reference_length=sample.reference_length,
        )

    @property
    def valid(self) -> bool:
        return self.verdict == "valid"

    @property
    def sample(self) -> str:
        """The key of the sample in its generation's `samples.jsonl`."""
        return self.id.partition("/")[2]


class CuratedTrace(BaseModel):
    """A line of `curated.jsonl`: a trace, the weight with which it is trained on, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trace: str
    generation: int
    sample: str
    task: str
    task_hash: str
    prompt_hash: str
    verdict: VerdictKind
    length: int | None
    tokens: int | None
    weight: FiniteFloat
    reason: str

    @classmethod
    def of(cls, trace: Trace, weight: float, reason: str) -> CuratedTrace:
        return cls(
            trace=trace.id,
            generation=trace.generation,
            sample=trace.sample,
            task=trace.task,
            task_hash=trace.task_hash,
            prompt_hash=trace.prompt_hash,
            verdict=trace.verdict,
            length=trace.length,
            tokens=trace.tokens,
            weight=weight,
            reason=reason,
        )


def write_curated(path: Path, curated: Iterable[CuratedTrace]) -> None:
    """Write `curated.jsonl`, whole or not at all."""
    write_lines(path, curated)


def read_curated(path: Path) -> Iterator[CuratedTrace]:
    """What `write_curated` wrote. Raises RunFolderError at a line that is none."""
    return read_lines(path, CuratedTrace)
