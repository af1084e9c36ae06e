"""The phases that write how likely replies are under a generation: of its own replies, for the rules that compare
policies, and of one set of generation 0's replies, for the implicit reward. Each is a file, written whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from planbench.loop.advantages import ratio_of
from planbench.loop.config import Arm, IterateConfig
from planbench.loop.curation import Weighted
from planbench.loop.layout import Place
from planbench.loop.tasks import TaskSet
from planbench.loop.training import template_of, training_examples
from planbench.loop.weighted import judged_of
from planbench.prompts.styles import Shot
from planbench.records.files import RunFolder, read_lines, write_lines
from planbench.records.likelihood import Likelihood
from planbench.records.trace import Trace

FIXED_TRACES = 3_000
"""About so many traces stand in the fixed set, all of a task or none."""


def scores_itself(arm: Arm, config: IterateConfig) -> bool:
    """Whether an arm's rule has use for how likely a generation's own replies were."""
    return ratio_of(arm.rule) != "none" and config.exact_probabilities


@dataclass(frozen=True, slots=True)
class Scorer:
    """Of one seed. `style` and `shots` are those that the pool was asked with."""

    config: IterateConfig
    style: str
    pool: TaskSet
    shots: Mapping[str, Sequence[Shot]]
    progress: Callable[[float, float, str], None]

    def own(self, checkpoint: Path, place: Place) -> None:
        self._write(checkpoint, judged_of(pool_traces(place)), place.likelihood)

    def fixed(self, checkpoint: Path, place: Place, first: Place) -> None:
        """`first` is generation 0, whose replies are scored."""
        self._write(checkpoint, fixed_traces(pool_traces(first), place.seed), place.fixed)

    def _write(self, checkpoint: Path, traces: Sequence[Trace], path: Path) -> None:
        from planbench.loop.likelihood import log_probabilities

        examples = training_examples(
            checkpoint,
            [Weighted(trace, 1.0, "") for trace in traces],
            {one.task.hash: one for one in self.pool.prepared},
            self.style,
            self.shots,
            template_of(self.config),
            relabel=False,
            trust_remote_code=self.config.trust_remote_code,
        )
        found = log_probabilities(
            checkpoint,
            examples,
            lambda done, total: self.progress(done, total, "likelihoods"),
            trust_remote_code=self.config.trust_remote_code,
        )
        write_lines(
            path,
            (
                Likelihood(
                    trace=trace.id,
                    tokens=len(example.completion),
                    read=len(example.prompt) + len(example.completion),
                    nats=nats,
                )
                for trace, example, nats in zip(traces, examples, found, strict=True)
            ),
        )


def pool_traces(place: Place) -> list[Trace]:
    return [Trace.of(sample, place.generation) for sample in RunFolder(place.answers("pool")).samples()]


def behaviours_of(places: Iterable[Place]) -> dict[str, float]:
    """How likely each trace was under the generation that sampled it, in nats, by trace id."""
    found: dict[str, float] = {}
    for place in places:
        if place.likelihood.is_file():
            found |= {line.trace: line.nats for line in read_lines(place.likelihood, Likelihood)}
    return found


def fixed_traces(traces: Sequence[Trace], seed: int) -> list[Trace]:
    """About FIXED_TRACES of the traces, whole tasks drawn at random, each reply of a task once."""
    tasks: dict[str, dict[str, Trace]] = {}
    for trace in sorted(judged_of(traces), key=lambda trace: (trace.task_hash, trace.index)):
        tasks.setdefault(trace.task_hash, {}).setdefault(trace.reply, trace)
    order = sorted(tasks)
    Random(f"{seed}-fixed").shuffle(order)
    kept: list[Trace] = []
    for task in order:
        if len(kept) >= FIXED_TRACES:
            break
        kept += tasks[task].values()
    return kept
