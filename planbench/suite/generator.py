"""Task sets: distinct, solvable, non-trivial tasks with reference plans, from a seed.

A set is asked for by the lengths of its reference plans, which are spread evenly over the range as far as the domain
allows, and the first n tasks of a larger set are the smaller set; or by a preset of the domain, whose sizes grow evenly
from the first task to the last. The same arguments give the same bytes on any machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from importlib import import_module
from itertools import zip_longest
from random import Random
from typing import Protocol

from planbench.errors import InputError
from planbench.records import ReferencePlan, Task
from planbench.suite.canonical import canonical_key, check_split, split_of
from planbench.suite.catalog import domain_info
from planbench.suite.draft import Draft, problem_pddl
from planbench.suite.presets import sizes_of

GENERATORS: dict[str, str] = {
    "blocksworld": "planbench.suite.blocksworld:draft",
    "logistics": "planbench.suite.logistics:draft",
    "grid": "planbench.suite.grid:draft",
    "childsnack": "planbench.suite.childsnack:draft",
    "depots": "planbench.suite.depots:draft",
    "floortile": "planbench.suite.floortile:draft",
    "rovers": "planbench.suite.rovers:draft",
    "satellite": "planbench.suite.satellite:draft",
    "sokoban": "planbench.suite.sokoban:draft",
    "ferry": "planbench.suite.ferry:draft",
    "gripper": "planbench.suite.gripper:draft",
    "miconic": "planbench.suite.miconic:draft",
    "spanner": "planbench.suite.spanner:draft",
    "visitall": "planbench.suite.visitall:draft",
    "transport": "planbench.suite.transport:draft",
}
"""Each domain's generator of tasks by length, a `Maker`; beside it in its module stands `sized`, a `Sizer`."""

_ATTEMPTS = 2000
"""Drafts tried for a task near its target length; then as many for any length in the range; then the set is at its
end."""


class Maker(Protocol):
    """A domain's generator."""

    def __call__(self, rng: Random, target: int, wide: bool = False) -> Draft | None:
        """A task of about `target` steps, None where the draw came to nothing. `wide` asks for larger states than such
        a plan needs, where the domain has them."""
        ...


class Sizer(Protocol):
    """A domain's generator of tasks by size."""

    def __call__(self, rng: Random, sizes: Mapping[str, int]) -> Draft | None:
        """A task of the sizes that the domain's presets name; None where the draw came to nothing."""
        ...


MAX_COUNT = 1_000_000
MAX_LENGTH = 200

Tick = Callable[[int], None]
"""Told how many tasks are made."""


def untold(made: int) -> None:
    """The `Tick` of those who do not ask."""


def generate(
    domain: str,
    count: int,
    *,
    seed: int = 0,
    plan_length: tuple[int, int] = (2, 16),
    split: str = "test",
    preset: str | None = None,
    tick: Tick = untold,
) -> list[Task]:
    """`count` tasks whose reference plans have `plan_length[0]` to `plan_length[1]` steps; or, of whatever length, of
    the sizes of a preset.

    Raises InputError where the domain has no generator or preset of that name, the range is empty, or it holds fewer
    distinct tasks than were asked for.
    """
    if preset is not None:
        tasks = tasks_of(domain, preset_drafts(domain, preset, count, seed=seed, split=split), tick)
        if len(tasks) < count:
            raise InputError(
                f"preset {preset} of {domain} has too few distinct tasks in split {split!r}: found {len(tasks)}"
                f" of {count}; ask for fewer"
            )
        return tasks
    low, high = plan_length
    tasks = tasks_of(domain, drafts(domain, count, seed=seed, plan_length=plan_length, split=split), tick)
    if len(tasks) < count:
        raise InputError(
            f"{domain} has too few distinct tasks of {low} to {high} steps in split {split!r}: found {len(tasks)}"
            f" of {count}; ask for fewer or for a wider --plan-length"
        )
    return tasks


def tasks_of(domain: str, made: Iterable[tuple[Draft, str]], tick: Tick = untold) -> list[Task]:
    """Drafts with their canonical keys as tasks."""
    info = domain_info(domain)
    tasks: list[Task] = []
    for draft, key in made:
        name = f"{domain}-{len(draft.plan):02d}-{key[:10]}"
        reference = ReferencePlan(draft.plan, draft.optimal)
        tasks.append(Task(name, domain, info.pddl, problem_pddl(draft, name, domain), reference, info.toml))
        tick(len(tasks))
    return tasks


def short_drafts(domain: str, count: int, *, seed: int, longest: int, wide: bool = True) -> Iterator[tuple[Draft, str]]:
    """Up to `count` drafts, wide ones as a rule, of split `base` with plans of 1 to `longest` steps, each with its
    canonical key: what a small planner is trained on. Every other one is drawn among those of `longest - 1` steps and
    more, which have most to teach."""
    seen: set[str] = set()
    draws = [
        drafts(domain, many, seed=seed, plan_length=(low, longest), split="base", wide=wide)
        for many, low in ((count - count // 2, 1), (count // 2, max(1, longest - 1)))
    ]
    for pair in zip_longest(*draws):
        for found in pair:
            if found is not None and found[1] not in seen:
                seen.add(found[1])
                yield found


def drafts(
    domain: str,
    count: int,
    *,
    seed: int = 0,
    plan_length: tuple[int, int] = (2, 16),
    split: str = "test",
    wide: bool = False,
) -> Iterator[tuple[Draft, str]]:
    """As `generate`, before they are written as PDDL, each with its canonical key; ends early where the range holds
    fewer. `wide`: among more than their plans need, so that far more tasks of short plans are distinct."""
    low, high = plan_length
    _check(domain, count, split)
    if not 1 <= low <= high <= MAX_LENGTH:
        raise InputError(f"plan length {low}:{high} is no range within 1:{MAX_LENGTH}; say for example 2:16")
    make = partial(maker(domain), wide=wide)
    rng = Random(_seed_number(domain, split, seed))
    seen: set[str] = set()
    exhausted: set[int] = set()
    while len(seen) < count:
        target = low + len(seen) % (high - low + 1)
        found = None
        if target not in exhausted:
            found = _one(make, rng, lambda target=target: target, (low, high), split, seen)
        if found is None:
            # A length that the domain does not have (an odd one in Blocksworld), or of which no task is left that was
            # not drawn before, gives way to any other from here on.
            exhausted.add(target)
            found = _one(make, rng, lambda: rng.randint(low, high), (low, high), split, seen)
        if found is None:
            return
        seen.add(found[1])
        yield found


def preset_drafts(
    domain: str, preset: str, count: int, *, seed: int = 0, split: str = "test"
) -> Iterator[tuple[Draft, str]]:
    """`count` drafts of the sizes of a preset, from its smallest to its largest, each with its canonical key; ends
    early where there are fewer. Sizes of which no task is left give way to the next larger ones."""
    _check(domain, count, split)
    swept = sizes_of(domain_info(domain), preset, count)
    yield from sized_drafts(sizer(domain), swept, Random(_seed_number(domain, preset, split, seed)), split)


def sized_drafts(
    make: Sizer, swept: Sequence[Mapping[str, int]], rng: Random, split: str
) -> Iterator[tuple[Draft, str]]:
    """As `preset_drafts`, a draft of each of some sizes."""
    seen: set[str] = set()
    at = 0
    for index in range(len(swept)):
        at = max(at, index)
        found = None
        while found is None and at < len(swept):
            found = _fresh(make, rng, swept[at], split, seen)
            if found is None:
                at = next((later for later in range(at, len(swept)) if swept[later] != swept[at]), len(swept))
        if found is None:
            return
        seen.add(found[1])
        yield found


def _fresh(make: Sizer, rng: Random, sizes: Mapping[str, int], split: str, seen: set[str]) -> tuple[Draft, str] | None:
    for _ in range(_ATTEMPTS):
        draft = make(rng, sizes)
        if draft is not None and (key := canonical_key(draft)) not in seen and split_of(key) == split:
            return draft, key
    return None


def _check(domain: str, count: int, split: str) -> None:
    if domain not in GENERATORS:
        raise InputError(f"no generator for domain {domain!r}: there is one for {', '.join(GENERATORS)}")
    if not 0 <= count <= MAX_COUNT:
        raise InputError(f"{count} tasks: the number must lie in 0 to {MAX_COUNT}")
    check_split(split)


def sizer(domain: str) -> Sizer:
    """The generator by size of a domain that has one."""
    module, _ = GENERATORS[domain].split(":")
    return getattr(import_module(module), "sized")  # noqa: B009 - pyright knows no attribute of a module found by name


def maker(domain: str) -> Maker:
    """The generator of a domain that has one."""
    module, name = GENERATORS[domain].split(":")
    return getattr(import_module(module), name)


def _one(
    make: Callable[[Random, int], Draft | None],
    rng: Random,
    aim: Callable[[], int],
    bounds: tuple[int, int],
    split: str,
    seen: set[str],
) -> tuple[Draft, str] | None:
    low, high = bounds
    for _ in range(_ATTEMPTS):
        target = aim()
        draft = make(rng, target)
        if draft is None or not low <= len(draft.plan) <= high or abs(len(draft.plan) - target) > max(1, target // 10):
            continue
        key = canonical_key(draft)
        if key not in seen and split_of(key) == split:
            return draft, key
    return None


def _seed_number(*parts: object) -> int:
    """A seed for `random.Random` that is the same everywhere: no use of `hash`, which differs from run to run."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "big")
