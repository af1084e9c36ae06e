"""The loop of one seed: each generation is deployed, measured, and what it answered makes the next.

    deploy    the model answers every task of the pool, some samples each, and every answer is judged as it comes
    measure   the held-out and the longer tasks, greedily
    curate    a rule weighs the traces of all generations so far
    score     how likely the model finds its own replies, or a fixed set of them, where anything asks for it
    train     the next model is fine-tuned on what has a weight

Each phase reads files and writes files, and is skipped where its files are there: the same command goes on where it
was stopped, to the same result. Generation 0 is deployed once and shared by all arms of a seed.

Several processes go through the same phases side by side: each answers a share of the tasks and computes a share of
every training step; what is one file, process 0 writes, and the others wait for it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import blake2b
from itertools import count, takewhile
from pathlib import Path
from random import Random
from typing import Protocol

from planbench.crew import ALONE, Crew
from planbench.errors import InputError, RunFolderError
from planbench.evaluate import Asked, deploy
from planbench.loop.advantages import Ratio, ratio_of
from planbench.loop.budget import budget_of, ends
from planbench.loop.checkpoints import Source, source_of
from planbench.loop.config import Arm, IterateConfig
from planbench.loop.curation import Weighted, cap_duplicates, cap_solved_by_all, rule_named
from planbench.loop.layout import Place, finished
from planbench.loop.reference import reference_tasks, reference_traces
from planbench.loop.scoring import Scorer, behaviours_of, scores_itself
from planbench.loop.tasks import TaskSet
from planbench.loop.times import keep_answered, keep_seconds
from planbench.loop.training import train
from planbench.models import Model, load
from planbench.preparation import Prepared, examples
from planbench.prompts.styles import Shot
from planbench.records import SamplingSettings
from planbench.records.files import RunFolder, write_json
from planbench.records.iterate import BASE_ONLY, SPLITS, Curated
from planbench.records.sampling import DEFAULT_TOKENS
from planbench.records.trace import Trace, read_curated, write_curated


class Watch(Protocol):
    """Told of progress."""

    def phase(self, place: Place, name: str) -> None: ...

    def progress(self, done: float, total: float, note: str) -> None: ...

    def generation(self, place: Place) -> None: ...


class NothingToLearn(Exception):
    """No trace has a weight, so there is no next generation."""


@dataclass
class Loop:
    """One seed of a run. `keep_all` keeps every checkpoint; else those that nothing needs any more are removed."""

    config: IterateConfig
    sets: dict[str, TaskSet]
    run: Path
    seed: int
    watch: Watch
    keep_all: bool = False
    crew: Crew = ALONE
    _shots: dict[str, dict[str, tuple[Shot, ...]]] = field(default_factory=dict[str, dict[str, tuple[Shot, ...]]])

    @cached_property
    def source(self) -> Source:
        """Generation 0 as it was given, before any warm start."""
        return source_of(self.config.model.replace("{seed}", str(self.seed)), self.config)

    @property
    def longest_taught(self) -> int | None:
        """The longest plan that generation 0 was trained on, None where that is not known."""
        return self.source.taught.length[1] if self.source.taught else None

    @cached_property
    def style(self) -> str:
        return self.config.sampling.prompt or self.source.prompt_style or "pddl"

    def run_arm(self, arm: Arm, first: Arm | None = None) -> None:
        """All generations of an arm; `first` is the arm whose budget it is given, where budgets are matched. Raises
        NothingToLearn where a generation leaves nothing to train on."""
        goal = budget_of(self.config, self._places(first or arm)) if arm != first else None
        for number in count():
            place = self._place(arm, number)
            self.deploy_and_measure(arm, place)
            self.crew.first(partial(self._score, arm, place))
            last = ends(self.config, goal, self._places(arm, number))
            if last:
                self.deploy_and_measure(arm, place, probes=True)
            self.watch.generation(place)
            self.crew.first(partial(self._tidy, arm, number))
            if last:
                return

    def _places(self, arm: Arm, last: int | None = None) -> list[Place]:
        """Those of an arm up to generation `last`, or all that are there."""
        if last is not None:
            return [self._place(arm, number) for number in range(last + 1)]
        return list(takewhile(lambda place: finished(place.answers("pool")), (self._place(arm, n) for n in count())))

    def _score(self, arm: Arm, place: Place) -> None:
        there = place.generation == 0 or place.checkpoint.is_dir()
        own = there and scores_itself(arm, self.config) and not place.likelihood.is_file()
        fixed = self.config.implicit_reward and not place.fixed.is_file()
        if not (own or fixed):
            return
        if not there:
            raise InputError(
                f"{place.checkpoint}: is not kept, so the implicit reward of generation {place.generation} cannot be "
                "measured; ask for it from the start, or in a run with --keep all"
            )
        checkpoint = self.checkpoint(arm, place)
        pool = self.sets["pool"]
        scorer = Scorer(self.config, self.style, pool, self._examples(pool), self.watch.progress)
        if own:
            with self._phase(place, "score"):
                scorer.own(checkpoint, place)
        if fixed:
            with self._phase(place, "fixed"):
                scorer.fixed(checkpoint, place, self._place(arm, 0))

    def _place(self, arm: Arm, generation: int) -> Place:
        return Place(self.run, arm.name, self.seed, generation)

    def deploy_and_measure(self, arm: Arm, place: Place, *, probes: bool = False) -> None:
        """Have a generation answer the task sets that it has not answered yet; `probes`: the further ones too."""
        probes = probes or place.generation == 0
        names = [name for name in self.sets if name in SPLITS or probes]
        missing = [name for name in names if not finished(place.answers(name))]
        if not missing:
            return
        model = self._model(self.checkpoint(arm, place))
        for name in missing:
            self.watch.phase(place, name)
            started = time.perf_counter()
            judging = self._answer(model, place, self.sets[name])
            seconds = time.perf_counter() - started
            self.crew.first(partial(keep_answered, place.path, name, seconds, judging))

    def _model(self, checkpoint: Path) -> Model:
        sampling = self.config.sampling
        return load(
            str(checkpoint),
            model_args=sampling.folder_args,
            batch_size=sampling.batch_size,
            trust_remote_code=self.config.trust_remote_code,
        )

    def _answer(self, model: Model, place: Place, tasks: TaskSet) -> float:
        """Returns the seconds that judging took."""
        sampling = self.config.sampling
        tokens = sampling.max_tokens or self.source.default_max_tokens or DEFAULT_TOKENS
        seed = _number(self.seed, place.generation, tasks.name)
        thinking = sampling.max_thinking_tokens
        if tasks.name == "pool":
            settings = SamplingSettings(sampling.temperature, sampling.top_p, tokens, sampling.samples, seed, thinking)
        else:
            settings = SamplingSettings(max_tokens=tokens, seed=seed, max_thinking_tokens=thinking)
        asked = Asked(
            model.name,
            self.style,
            sampling.shots,
            tasks.rename,
            settings,
            tuple(sorted(sampling.model_args.items())),
            sampling.batch_size,
        )
        folder = RunFolder(place.answers(tasks.name))
        judging: list[float] = []
        deploy(
            tasks.prepared,
            self._examples(tasks),
            tasks.spec,
            model,
            asked,
            folder,
            lambda done, total, valid: self.watch.progress(done, total, f"{valid:,} valid"),
            judging.append,
            self.crew,
        )
        return sum(judging)

    def _examples(self, tasks: TaskSet) -> dict[str, tuple[Shot, ...]]:
        if tasks.name not in self._shots:
            asked = [one.task for one in tasks.prepared]
            self._shots[tasks.name] = examples(asked, self.config.sampling.shots, tasks.rename, self.config.tasks.seed)
        return self._shots[tasks.name]

    def checkpoint(self, arm: Arm, place: Place) -> Path:
        """The checkpoint of a generation, made first where it is not there yet."""
        if place.checkpoint.is_dir():
            return place.checkpoint
        if place.generation == 0:
            return self._first_checkpoint(place)
        kept = self.curated(arm, place)
        start = self.checkpoint(arm, place.before() if arm.init == "previous" else self._place(arm, 0))
        with self._phase(place, "train"):
            self._train(place, start, kept, self._asked_of(arm), arm=arm)
        return place.checkpoint

    def _first_checkpoint(self, place: Place) -> Path:
        steps = self.config.warm_start.steps
        if not steps:
            return self.source.folder
        with self._phase(place, "train"):
            kept = [Weighted(trace, 1.0, "reference plan") for trace in self._references]
            self._train(place, self.source.folder, kept, self._reference_tasks, steps)
        return place.checkpoint

    def _train(
        self,
        place: Place,
        start: Path,
        kept: Sequence[Weighted],
        tasks: Sequence[Prepared],
        steps: int | None = None,
        arm: Arm | None = None,
    ) -> None:
        """Train beside the place and move it there last, so that a checkpoint that is there is one whose training is
        on record."""
        beside = place.path / ".checkpoint"

        def clear() -> None:
            shutil.rmtree(beside, ignore_errors=True)
            place.path.mkdir(parents=True, exist_ok=True)

        self.crew.first(clear)
        record = train(
            self.config.of(arm),
            self.source,
            start,
            kept,
            {one.task.hash: one for one in tasks},
            self.style,
            self._examples(self.sets["pool"]),
            _number(self.seed, place.generation, "train"),
            steps,
            beside,
            lambda done, total, loss: self.watch.progress(done, total, f"loss {loss:.3f}"),
            *self._compared(arm, place, kept),
        )

        def publish() -> None:
            write_json(place.training, record)
            os.replace(beside, place.checkpoint)

        self.crew.first(publish)

    def _compared(self, arm: Arm | None, place: Place, kept: Sequence[Weighted]) -> tuple[Ratio, dict[str, float]]:
        """The ratio that an arm's rule asks for, and what it compares with."""
        ratio = ratio_of(arm.rule) if arm else "none"
        if arm is None or ratio == "none":
            return "none", {}
        if ratio == "taper" and all(one.weight > 0 for one in kept):
            return ratio, {}
        if not scores_itself(arm, self.config):
            raise InputError(
                f"rule {arm.rule} gives negative weights, which can be tapered only for replies drawn with the model's "
                "own probabilities: temperature 1, top-p 1"
            )
        return ratio, behaviours_of(
            self._place(arm, number) for number in sorted({one.trace.generation for one in kept})
        )

    def curated(self, arm: Arm, place: Place) -> list[Weighted]:
        """What a generation is trained on, from the traces of all generations before it."""
        traces = self._traces(arm, place)
        missing = not place.curated.is_file()
        # All have looked before one of them writes, and all weigh, to know where there is nothing to learn from.
        self.crew.meet()
        if missing:
            with self._phase(place, "curate"):
                kept = self._weigh(arm, place, traces)
                self.crew.first(partial(self._keep, arm, place, len(traces), kept))
        by_id = {trace.id: trace for trace in traces}
        lines = list(read_curated(place.curated))
        if unknown := next((line.trace for line in lines if line.trace not in by_id), None):
            raise RunFolderError(
                f"{place.curated}: names a trace that is not there ({unknown!r}); choose another --out"
            )
        return [Weighted(by_id[line.trace], line.weight, line.reason) for line in lines]

    def _keep(self, arm: Arm, place: Place, examined: int, kept: Sequence[Weighted]) -> None:
        place.path.mkdir(parents=True, exist_ok=True)
        write_json(place.path / "curated.json", _came_to(arm, place, examined, kept))
        write_curated(place.curated, (one.record for one in kept))

    def _weigh(self, arm: Arm, place: Place, traces: Sequence[Trace]) -> list[Weighted]:
        if arm.rule == BASE_ONLY:
            return [Weighted(trace, 1.0, "reference plan of generation 0's training") for trace in traces]
        rng = Random(_number(self.seed, place.generation, arm.rule))
        kept = [one for one in rule_named(arm.rule)(traces, rng) if one.weight]
        caps = self.config.curation
        if caps.duplicates is not None:
            kept = cap_duplicates(kept, caps.duplicates, by="reply" if arm.rule == "none" else "plan")
        if caps.solved is not None:
            kept = cap_solved_by_all(kept, traces, caps.solved, rng)
        if not kept:
            raise NothingToLearn(f"rule {arm.rule} kept none of {len(traces):,} traces: there is nothing to learn from")
        return kept

    def _traces(self, arm: Arm, place: Place) -> list[Trace]:
        """Those of all generations before this one, oldest first; for the control, generation 0's own training."""
        return self._references if arm.rule == BASE_ONLY else list(self._sampled(arm, place))

    def _sampled(self, arm: Arm, place: Place) -> Iterator[Trace]:
        for number in range(place.generation):
            for sample in RunFolder(self._place(arm, number).answers("pool")).samples():
                yield Trace.of(sample, number)

    def _asked_of(self, arm: Arm) -> Sequence[Prepared]:
        return self._reference_tasks if arm.rule == BASE_ONLY else self.sets["pool"].prepared

    @cached_property
    def _reference_tasks(self) -> list[Prepared]:
        return reference_tasks(self.config, self.source)

    @cached_property
    def _references(self) -> list[Trace]:
        return reference_traces(self._reference_tasks, self.style)

    def _tidy(self, arm: Arm, done: int) -> None:
        """Remove the checkpoint before the last one: nothing starts from it any more."""
        if self.keep_all or done < 2:
            return
        shutil.rmtree(self._place(arm, done - 1).checkpoint, ignore_errors=True)

    @contextmanager
    def _phase(self, place: Place, name: str) -> Generator[None]:
        self.watch.phase(place, name)
        started = time.perf_counter()
        yield
        if self.crew.leads:
            keep_seconds(place.path, name, time.perf_counter() - started)


def _came_to(arm: Arm, place: Place, examined: int, kept: Sequence[Weighted]) -> Curated:
    generations = [one.trace.generation for one in kept]
    lengths = [one.trace.length for one in kept if one.trace.length is not None]
    tokens = [one.trace.tokens for one in kept if one.trace.tokens is not None]
    return Curated(
        rule=arm.rule,
        examined=examined,
        new=0 if arm.rule == BASE_ONLY else generations.count(place.generation - 1),
        total=len(kept),
        tasks=len({one.trace.task_hash for one in kept}),
        weight=sum(one.weight for one in kept),
        by_generation={number: generations.count(number) for number in sorted(set(generations))},
        length_mean=sum(lengths) / len(lengths) if lengths else None,
        length_max=max(lengths, default=None),
        tokens_mean=sum(tokens) / len(tokens) if tokens else None,
    )


def _number(*parts: object) -> int:
    """A seed that is the same on every machine, for what is drawn apart from everything else."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=7).digest())
