"""Curation: which of the traces that came back are trained on, and how much each counts.

A rule is a pure function from the traces of all generations so far, and a source of randomness, to weights with a
reason each; a trace that it does not name has weight 0.

    shortest    one trace a task: the valid one with the fewest steps, of all generations; among equals the one whose
                whole reply has the fewest tokens, then the one found first
    valid       every valid trace
    random      one valid trace a task, drawn at random
    none        every trace, right or wrong: what happens without curation

and those of reinforcement learning (`planbench.loop.advantages`): reinforce, reinforce-loo, group, importance,
importance-tokens.

Found first means: the earliest generation, then the smallest sample index, then the smallest trace id. A reply of
unknown token count stands behind all that are known. Every rule here gives the same answer in whatever order the
traces come: tasks stand in the order of their hash, traces in the order in which they were found.

A trace that ended in `harness_error` is a failure of ours and is passed over by every rule here. Caps come after a
rule and take out what would count too much: copies of one plan, tasks that the newest model no longer fails.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from random import Random
from typing import Literal

from planbench.errors import InputError
from planbench.loop.advantages import (
    group,
    importance,
    reinforce,
    reinforce_loo,
)
from planbench.loop.weighted import Rule, Weighted, by_task, in_order, judged_of, valid_of
from planbench.records.trace import Trace


def shortest(traces: Sequence[Trace], rng: Random) -> list[Weighted]:
    """The rule of the iterative-deployment paper (arXiv 2512.24940), exactly."""
    chosen: list[Weighted] = []
    for members in by_task(valid_of(traces)):
        best = min(members, key=_preference)
        tokens = "" if best.tokens is None else f", {best.tokens} tokens"
        chosen.append(Weighted(best, 1.0, f"{best.length} steps{tokens}: the shortest of {_count(members)}"))
    return chosen


def valid(traces: Sequence[Trace], rng: Random) -> list[Weighted]:
    return [Weighted(trace, 1.0, "valid") for trace in in_order(valid_of(traces))]


def everything(traces: Sequence[Trace], rng: Random) -> list[Weighted]:
    """Rule `none`."""
    return [Weighted(trace, 1.0, "sampled; no curation") for trace in in_order(judged_of(traces))]


def random_valid(traces: Sequence[Trace], rng: Random) -> list[Weighted]:
    """Rule `random`."""
    return [
        Weighted(rng.choice(members), 1.0, f"drawn from {_count(members)}") for members in by_task(valid_of(traces))
    ]


RULES: dict[str, Rule] = {
    "shortest": shortest,
    "valid": valid,
    "none": everything,
    "random": random_valid,
    "reinforce": reinforce,
    "reinforce-loo": reinforce_loo,
    "group": group,
    "importance": importance,
    "importance-tokens": importance,
}


def rule_named(name: str) -> Rule:
    """A rule of ours, or the function that `module:name` names; its module may lie in the current folder.

    Raises InputError where there is no such rule. A rule of the user's raises InputError when it is used and returns
    anything else than a list of `Weighted` with finite weights for traces that it was given, each at most once.
    """
    if name in RULES:
        return RULES[name]
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise InputError(f"no curation rule {name!r}; there is: {', '.join(RULES)}, or module:function")
    try:
        with _current_folder_on_path():
            function = getattr(import_module(module), attribute)
    except ImportError as error:
        raise InputError(f"curation rule {name}: cannot be imported ({error})") from error
    except AttributeError as error:
        raise InputError(f"curation rule {name}: module {module} has no {attribute}") from error
    except Exception as error:  # the module is the user's, and can fail in any way
        raise InputError(f"curation rule {name}: {module} fails: {type(error).__name__}: {error}") from error
    if not callable(function):
        raise InputError(f"curation rule {name}: not a function")
    return _checked(name, function)


@contextmanager
def _current_folder_on_path() -> Generator[None]:
    """Last on the path, so that nothing there hides an installed module."""
    here = os.getcwd()
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)


def _checked(name: str, rule: Callable[[Sequence[Trace], Random], object]) -> Rule:
    def checked(traces: Sequence[Trace], rng: Random) -> list[Weighted]:
        try:
            found = rule(traces, rng)
        except Exception as error:  # as above
            raise InputError(f"curation rule {name} fails: {type(error).__name__}: {error}") from error
        fault = _fault(found, {trace.id: trace for trace in traces})
        if fault:
            raise InputError(f"curation rule {name}: {fault}")
        assert isinstance(found, list)
        return found

    return checked


def _fault(found: object, given: dict[str, Trace]) -> str:
    """What is wrong with what a rule returned, empty if nothing is."""
    if not isinstance(found, list):
        return f"returned {type(found).__name__}, not a list of planbench.loop.curation.Weighted"
    seen: set[str] = set()
    for number, item in enumerate(found):
        if not isinstance(item, Weighted) or not isinstance(item.trace, Trace):
            return f"item {number} is {type(item).__name__}, not a planbench.loop.curation.Weighted with a trace"
        weight: object = item.weight
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
            return f"item {number} has weight {weight!r}, not a finite number"
        if not isinstance(item.reason, str):
            return f"item {number} has a reason that is no text"
        if given.get(item.trace.id) != item.trace:
            return f"item {number} is a trace that the rule was not given ({item.trace.id})"
        if item.trace.id in seen:
            return f"trace {item.trace.id} stands there twice; add the weights"
        seen.add(item.trace.id)
    return ""


def cap_duplicates(weighted: Sequence[Weighted], most: int, by: Literal["plan", "reply"] = "plan") -> list[Weighted]:
    """At most `most` traces of one task with the same plan; those found first stay, in the order given.

    `by="reply"` compares whole replies, which is what rule `none` needs: a reply without a plan has nothing else.
    """
    if most < 1:
        raise InputError(f"a cap on duplicates of {most} would leave nothing; type 1 or more")
    kept: set[str] = set()
    copies: dict[tuple[object, ...], int] = {}
    for trace in in_order(item.trace for item in weighted):
        what = trace.reply if by == "reply" or trace.plan is None else trace.plan
        key = (trace.task_hash, what)
        copies[key] = copies.get(key, 0) + 1
        if copies[key] <= most:
            kept.add(trace.id)
    return [item for item in weighted if item.trace.id in kept]


def cap_solved_by_all(
    weighted: Sequence[Weighted], traces: Sequence[Trace], share: float, rng: Random
) -> list[Weighted]:
    """Limit the tasks that every sample of the newest generation solved to `share` of the tasks that stay (0: none of
    them). Which of them stay is drawn at random, whole tasks at a time.

    `traces` are all that the rule was given. Samples that ended in `harness_error` do not count, and a task that the
    newest generation was not asked is not solved by all.
    """
    if not 0 <= share <= 1:
        raise InputError(f"a share of solved tasks of {share}: type a number from 0 to 1")
    newest = max((trace.generation for trace in traces), default=0)
    judged = [trace for trace in traces if trace.generation == newest and trace.verdict != "harness_error"]
    solved = {trace.task_hash for trace in judged} - {trace.task_hash for trace in judged if not trace.valid}
    tasks = {item.trace.task_hash for item in weighted}
    easy = sorted(tasks & solved)
    hard = len(tasks) - len(easy)
    room = len(easy) if share == 1 else min(len(easy), math.floor(share * hard / (1 - share) + 1e-9))
    dropped = set(easy) - set(rng.sample(easy, room))
    return [item for item in weighted if item.trace.task_hash not in dropped]


def _preference(trace: Trace) -> tuple[float, float, int, int, str]:
    steps = math.inf if trace.length is None else trace.length
    tokens = math.inf if trace.tokens is None else trace.tokens
    return steps, tokens, trace.generation, trace.index, trace.id


def _count(members: Sequence[Trace]) -> str:
    generations = len({trace.generation for trace in members})
    return f"{len(members)} valid traces of its task, from {generations} generation{'s' * (generations > 1)}"
