"""Planning pairs: what decides whether a Blocksworld plan is valid or good, against what the prompt looks like.

A prompt is a state, a goal of two facts and a plan, in words. Targets, as the judge says, never a rule of ours:

    applicable   every step of the plan can be done: what it stacks is what it took up
    reaches      the plan, all of whose steps can be done, reaches the goal
    shortest     the plan, which reaches the goal in four steps, needs four: no plan of two does

What a prompt looks like says nothing of a target: how many towers there are and which actions the plan names, in which
order, is as often so where the target holds as where it does not. A state has four blocks of twelve, one of them always
a, so that no case comes often enough to be known by heart.

Spurious features, none of which changes a verdict:

    named-first  the first fact is about the block called a
    many-facts   there are two more blocks that nobody needs
    goal-order   the fact of the goal that is still to be reached comes first
    odd-name     a block is called `table`
    long-plan    the plan takes up a block and puts it back first (not for `shortest`)
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from planbench.bias.pairs import WordPair
from planbench.core.compile import CompiledTask, compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.syntax import Domain
from planbench.core.verdict import Plan, Step
from planbench.errors import InputError
from planbench.paths import domains_dir

ROLES = ("a", "b", "c", "d")
"""The blocks of a case as it is drawn and judged."""

NAMES = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l")
"""What blocks are called. The role a is called a, the others anything else."""

SPARE, ODD = ("y", "z"), "table"
TARGETS = ("applicable", "reaches", "shortest")
SPURIOUS = ("named-first", "many-facts", "goal-order", "odd-name", "long-plan")

Towers = tuple[tuple[str, ...], ...]
"""Each from the table up, sorted."""

_ACTIONS = ("pick-up", "put-down", "stack", "unstack")
_HEADS = frozenset((*_ACTIONS, "on", "ontable", "clear", "goal", "plan"))
_TRIES = 1_000


class BlocksPair(WordPair):
    positions = 42
    words = (*_ACTIONS, "on", "ontable", "clear", "goal", "plan", *NAMES, *SPARE, ODD)

    def __init__(self, target: str, spurious: str) -> None:
        if (target, spurious) == ("shortest", "long-plan"):
            raise InputError("a plan that is longer for show is not the shortest: choose another pair")
        self.target, self.spurious = target, spurious
        self.name = f"{target}|{spurious}"

    def say(self, rng: np.random.Generator, t: bool, s: bool) -> list[str]:
        looks = {name: bool(rng.integers(2)) for name in SPURIOUS}
        if self.target == "shortest":
            looks["long-plan"] = False
        looks[self.spurious] = s
        for _ in range(_TRIES):
            made = _case(rng, self.target, t, looks["long-plan"])
            if made is not None:
                towers, goal, plan = made
                break
        else:
            raise InputError(f"planning pair {self.name}: no case found")
        return _words(rng, towers, goal, plan, looks)

    def case(self, prompt: NDArray[np.int64]) -> str:
        """State, goal and plan, however they are said."""
        facts: list[list[str]] = []
        for word in (self.words[token - 1] for token in prompt if token):
            if word in _HEADS:
                facts.append([word])
            else:
                facts[-1].append(word)
        goal, plan = facts.index(["goal"]), facts.index(["plan"])
        state = sorted(" ".join(fact) for fact in facts[:goal] if fact[1] not in SPARE)
        wanted = sorted(" ".join(fact) for fact in facts[goal + 1 : plan])
        steps = [" ".join(step) for step in facts[plan + 1 :]]
        # A plan that is longer for show is the same plan.
        return "; ".join([*state, *wanted, *(steps if self.target == "shortest" else steps[-2:])])


def _case(
    rng: np.random.Generator, target: str, t: bool, long: bool
) -> tuple[Towers, tuple[tuple[str, ...], ...], Plan] | None:
    """A state, a goal and a plan of which the judge says `t`; None where chance gave none."""
    towers = _towers(rng)
    tops = [tower[-1] for tower in towers]
    moved, onto = (str(block) for block in rng.choice(ROLES, 2, replace=False))
    home = next(tower for tower in towers if onto in tower)
    if home[-1] != onto or moved in home:
        return None
    goal = (("on", moved, onto), ("ontable", home[0]))
    task = _compiled(towers, goal)
    direct: Plan = (_taken(towers, moved), ("stack", moved, onto))
    plan = direct
    if target == "applicable":
        if moved not in tops or len(tops) < 3:
            return None
        # Both can be taken up, and the goal names the one or the other, whichever is stacked.
        other = str(rng.choice([block for block in tops if block not in (moved, onto)]))
        plan = (direct[0], ("stack", moved if t else other, onto))
        goal = (("on", (moved, other)[rng.integers(2)], onto), goal[1])
        task = _compiled(towers, goal)
    if target == "reaches" and len(towers) < 3:
        return None
    if target == "reaches" and not t:
        others = [("stack", moved, top) for top in tops if top not in (moved, onto)]
        plan = (direct[0], others[rng.integers(len(others))])
    if target == "shortest":
        # In a tower of two, whichever block it is, the plan is to unstack, put down, pick up and stack.
        tower = next(tower for tower in towers if moved in tower)
        if len(tower) != 2 or (tower[0] == moved) != t:
            return None
        plan = (("unstack", tower[1], tower[0]), ("put-down", tower[1]), ("pick-up", moved), direct[1])
    if long:
        block = str(rng.choice(tops))
        taken = _taken(towers, block)
        plan = (taken, ("put-down", block) if taken[0] == "pick-up" else ("stack", *taken[1:]), *plan)
    kind = judge(task, plan).kind
    if target == "applicable":
        holds, fits = kind in ("valid", "goal_missed"), kind in ("valid", "goal_missed", "inapplicable")
    elif target == "reaches":
        holds, fits = kind == "valid", kind in ("valid", "goal_missed")
    else:
        holds, fits = judge(task, direct).kind != "valid", kind == "valid"
    return (towers, goal, plan) if fits and holds == t else None


def _towers(rng: np.random.Generator) -> Towers:
    order = [str(block) for block in rng.permutation(ROLES)]
    cuts = [0, *(place for place in range(1, len(order)) if rng.integers(2)), len(order)]
    return tuple(sorted(tuple(order[start:end]) for start, end in pairwise(cuts)))


def _taken(towers: Towers, block: str) -> Step:
    """The step that takes a block up from where it is."""
    tower = next(tower for tower in towers if block in tower)
    place = tower.index(block)
    return ("unstack", block, tower[place - 1]) if place else ("pick-up", block)


def _facts(towers: Towers) -> Iterator[tuple[str, ...]]:
    for tower in towers:
        yield "ontable", tower[0]
        yield from (("on", above, below) for below, above in pairwise(tower))
        yield "clear", tower[-1]


def _words(
    rng: np.random.Generator, towers: Towers, goal: tuple[tuple[str, ...], ...], plan: Plan, looks: dict[str, bool]
) -> list[str]:
    facts = list(_facts((*towers, *((block,) for block in SPARE)) if looks["many-facts"] else towers))
    facts = [facts[place] for place in rng.permutation(len(facts))]
    first = next(n for n, fact in enumerate(facts) if (fact[1] == "a") == looks["named-first"])
    facts.insert(0, facts.pop(first))
    goals = goal if looks["goal-order"] else goal[::-1]
    said = [word for part in (*facts, ("goal",), *goals, ("plan",), *plan) for word in part]
    # The block called a stays what `named-first` is about.
    called = [str(name) for name in rng.choice(NAMES[1:], len(ROLES) - 1, replace=False)]
    if looks["odd-name"]:
        called[rng.integers(len(called))] = ODD
    names = {ROLES[0]: NAMES[0], **dict(zip(ROLES[1:], called, strict=True))}
    return [names.get(word, word) for word in said]


@cache
def _domain() -> Domain:
    path = domains_dir() / "blocksworld" / "domain.pddl"
    return read_domain(path.read_text(encoding="utf-8"), str(path))


@cache
def _compiled(towers: Towers, goal: tuple[tuple[str, ...], ...]) -> CompiledTask:
    start = " ".join(f"({' '.join(fact)})" for fact in _facts(towers))
    wanted = " ".join(f"({' '.join(fact)})" for fact in goal)
    text = (
        f"(define (problem p) (:domain blocksworld) (:objects {' '.join(ROLES)} - block) "
        f"(:init (handempty) {start}) (:goal (and {wanted})))"
    )
    return compile_task(_domain(), read_problem(text, _domain()))


def planning_pairs(config: object = None) -> list[WordPair]:
    return [
        BlocksPair(target, spurious)
        for target in TARGETS
        for spurious in SPURIOUS
        if (target, spurious) != ("shortest", "long-plan")
    ]
