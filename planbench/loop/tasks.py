"""The task sets of an iterate run, apart by canonical form.

Generated tasks belong to a split by their form (`planbench.suite.canonical`), and so do those of a folder: `base` and
`pool` are deployed on, `test` and `tuning` only measured. So nothing that is measured as held out or longer equals, up
to the names of objects, a task that a model was trained or deployed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os.path import isdir  # unlike Path's, it says no to any path that cannot be
from pathlib import Path

from planbench.errors import InputError
from planbench.evaluate import Spec
from planbench.loop.config import TaskConfig
from planbench.preparation import Prepared, prepare
from planbench.records import Task, task_set_hash
from planbench.records.iterate import TaskSetSpec
from planbench.suite import domain_info, domain_names, generate, read_folder, split_of, spread, task_key

RENAMED = {"renamed": "random", "mystery": "mystery", "per-task": "per-task"}
"""The probes that are the held-out tasks in other words, each with the way in which they are renamed."""

Lengths = tuple[int, int]

_FALLBACK: Lengths = (2, 16)
_FALLBACK_LONGER: Lengths = (17, 32)
_FOLDER_POOL = ("base", "pool")
_FOLDER_TEST = ("tuning", "test")


@dataclass(frozen=True)
class TaskSet:
    """Tasks with a name, ready to be asked. `rename` is how they were renamed."""

    name: str
    split: str
    lengths: Lengths | None
    prepared: list[Prepared]
    spec: Spec
    rename: str = "none"

    @property
    def record(self) -> TaskSetSpec:
        found = task_set_hash(one.task for one in self.prepared)
        return TaskSetSpec(name=self.name, split=self.split, tasks=len(self.prepared), lengths=self.lengths, hash=found)


def task_sets(config: TaskConfig, probes: Sequence[str] = ()) -> dict[str, TaskSet]:
    """The pool, held-out and longer tasks and the probes, by name. `longer` is absent where none were asked for, or
    where a folder has none.

    Raises InputError where a domain is unknown, a set would be empty, or a longer task is not longer than every task
    of the pool.
    """
    measured = "tuning" if config.tuning else "test"
    pool = _tasks("pool", "pool", config.pool, config.pool_length, config)
    held_out = _tasks("held_out", measured, config.held_out, config.held_out_length or config.pool_length, config)
    sets = {"pool": pool, "held_out": held_out}
    if config.longer:
        longer = _tasks("longer", measured, config.longer, config.longer_length, config, above=_longest(pool))
        if longer.prepared:
            _check_longer(pool, longer)
            sets["longer"] = longer
    for probe in probes:
        sets[probe] = _renamed(probe, held_out, config) if probe in RENAMED else _probe(probe, config, measured)
    return sets


def _tasks(
    name: str, split: str, count: int, lengths: Lengths | None, config: TaskConfig, above: int | None = None
) -> TaskSet:
    if not config.domains:
        raise InputError("no domain to work on; name one with --domain")
    tasks: list[Task] = []
    each = -(-count // len(config.domains))
    for domain in config.domains:
        if domain in domain_names():
            wanted = lengths or _usual(domain, "longer" if name == "longer" else "pool")
            tasks += generate(domain, each, seed=config.seed, plan_length=wanted, split=split)
        elif isdir(domain):
            tasks += _of_folder(Path(domain), name, lengths, above)
        else:
            raise InputError(f"no domain {domain!r}: neither built in ({', '.join(domain_names())}) nor a folder")
    tasks = spread(tasks, count)
    if not tasks and name != "longer":
        raise InputError(
            f"no {name.replace('_', ' ')} tasks in {', '.join(config.domains)}; a folder needs more of them"
        )
    found = [length for task in tasks if (length := task.reference_length) is not None]
    lengths = (min(found), max(found)) if found else None
    spec: Spec = {"domains": list(config.domains), "split": split, "seed": config.seed, "limit": count}
    spec["plan_length"] = None if lengths is None else f"{lengths[0]}:{lengths[1]}"
    return TaskSet(name, split, lengths, prepare(tasks) if tasks else [], spec)


def _usual(domain: str, name: str) -> Lengths:
    """The lengths that the domain's settings name for a set (`[loop]` in domain.toml)."""
    found = domain_info(domain).settings.get("loop", {}).get(name)
    if isinstance(found, list) and len(found) == 2:
        return int(found[0]), int(found[1])
    return _FALLBACK_LONGER if name == "longer" else _FALLBACK


def _of_folder(folder: Path, name: str, lengths: Lengths | None, above: int | None) -> list[Task]:
    """The tasks of a folder that belong to a set. Without known lengths, all of them may be pool or held out."""
    splits = _FOLDER_POOL if name == "pool" else _FOLDER_TEST
    chosen = [one.task for one in prepare(read_folder(folder)) if split_of(task_key(one.compiled)) in splits]
    if name == "longer":
        return [task for task in chosen if above is not None and (task.reference_length or 0) > above]
    if lengths is None:
        return chosen
    return [task for task in chosen if lengths[0] <= (task.reference_length or 0) <= lengths[1]]


def _longest(tasks: TaskSet) -> int | None:
    return None if tasks.lengths is None else tasks.lengths[1]


def _check_longer(pool: TaskSet, longer: TaskSet) -> None:
    if pool.lengths and longer.lengths and longer.lengths[0] <= pool.lengths[1]:
        raise InputError(
            f"the longer tasks begin at {longer.lengths[0]} steps, and the pool goes up to {pool.lengths[1]}; "
            f"type --longer-length {pool.lengths[1] + 1}:{2 * pool.lengths[1]}"
        )


def _renamed(probe: str, held_out: TaskSet, config: TaskConfig) -> TaskSet:
    # The seed is that of the examples, which have to speak the same language.
    prepared = prepare([one.task for one in held_out.prepared], RENAMED[probe], config.seed)
    return TaskSet(probe, held_out.split, held_out.lengths, prepared, held_out.spec, RENAMED[probe])


def _probe(domain: str, config: TaskConfig, split: str) -> TaskSet:
    if domain in config.domains:
        raise InputError(
            f"--probe {domain}: the run trains on it; name a domain that is left out, or one of {', '.join(RENAMED)}"
        )
    one = _tasks("held_out", split, config.held_out, None, config.model_copy(update={"domains": (domain,)}))
    return TaskSet(domain, one.split, one.lengths, one.prepared, one.spec)
