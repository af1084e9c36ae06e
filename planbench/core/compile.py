"""A task compiled once, so that any number of plans can be judged against it.

A state is the set of the facts that hold, but for the static ones: facts of predicates that no action changes are
looked up when an action is grounded, and never again. A ground action is then four sets and a cost, and a step of a
plan one dictionary lookup, one subset test, one difference and one union. Facts stay tuples of words: a set keeps the
hash of what it holds, so numbering them would gain nothing and cost the reader a table.

Actions are grounded when a plan first names them, and none is ever pruned as useless for the goal: a plan may take
detours. The ground actions kept are bounded, as a hostile plan may name millions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from planbench.core.join import FactIndex, Join
from planbench.core.syntax import (
    TOTAL_COST,
    Action,
    Atom,
    Domain,
    Equal,
    Fact,
    Formula,
    Increase,
    Problem,
    literals,
    supertypes,
)
from planbench.core.verdict import Step, step_text

State = frozenset[Fact]

MAX_KEPT_ACTIONS = 50_000
"""About 60 MB of ground actions; beyond it the table starts anew."""


NEVER: Fact = ()
"""A fact that no state holds."""


class GroundAction(NamedTuple):
    """What a step needs and does. An action that can be applied in no state, as a static condition fails or its cost
    has no value, needs `NEVER`, so that judging asks one question only. A tuple, as unpacking one is twice as fast as
    reading five attributes."""

    needs: frozenset[Fact]
    forbids: frozenset[Fact]
    deletes: frozenset[Fact]
    adds: frozenset[Fact]
    cost: float

    def applies(self, state: Set[Fact]) -> bool:
        return self.needs <= state and self.forbids.isdisjoint(state)


@dataclass(frozen=True, slots=True)
class Condition:
    """A conjunction of literals over parameters or objects, in the order written."""

    literals: tuple[tuple[Atom | Equal, bool], ...]

    @classmethod
    def of(cls, formula: Formula) -> Condition:
        return cls(tuple((part, sign) for part, sign in literals(formula) if not isinstance(part, Increase)))


def ground(atom: Atom, binding: Mapping[str, str]) -> Fact:
    """The atom with its variables replaced."""
    return (atom.predicate, *[binding.get(term, term) for term in atom.terms])


class CompiledTask:
    """A domain and one of its problems, ready to judge.

    `objects` maps every object, constants included, to its type. `initial` is the state at the start, `static` the
    facts that always hold, `goal` the changing facts that must hold at the end and those that must not (as in a
    `GroundAction`). States are values: `apply` returns a new one.
    """

    def __init__(self, domain: Domain, problem: Problem) -> None:
        self.domain = domain
        self.problem = problem
        self.objects: dict[str, str] = {**domain.constants, **problem.objects}
        changed = {
            part.predicate
            for action in domain.actions.values()
            for part, _ in literals(action.effect)
            if isinstance(part, Atom)
        }
        self.fluents = frozenset(changed)
        self.static: frozenset[Fact] = frozenset(fact for fact in problem.init if fact[0] not in changed)
        self.initial: State = frozenset(fact for fact in problem.init if fact[0] in changed)
        self.initial_cost = problem.values.get((TOTAL_COST,), 0.0)
        self._goal = Condition.of(problem.goal)
        self.goal = self._ground_condition(self._goal, {})
        above = supertypes(domain.types)
        members: dict[str, list[str]] = {kind: [] for kind in above}
        for name, kind in self.objects.items():
            for upper in above[kind]:
                members[upper].append(name)
        self._allowed: dict[tuple[str, ...], dict[str, None]] = {}
        for action in domain.actions.values():
            for parameter in action.parameters:
                if parameter.types not in self._allowed:
                    names = dict.fromkeys(name for kind in parameter.types for name in members[kind])
                    self._allowed[parameter.types] = names
        self._preconditions = {name: Condition.of(action.precondition) for name, action in domain.actions.items()}
        self.kept: dict[Step, GroundAction] = {}
        self._static_index = FactIndex(self.static)

    # --- steps

    def fault(self, step: Step) -> str | None:
        """Why a step is no ground action of this task; None where it is one."""
        if not step:
            return "an empty step"
        action = self.domain.actions.get(step[0])
        if action is None:
            return f"unknown action {shown(step[0])}"
        arguments = step[1:]
        for name in arguments:
            if name not in self.objects:
                return f"unknown object {shown(name)}"
        wanted = len(action.parameters)
        if len(arguments) != wanted:
            return f"{action.name} takes {wanted} argument{'' if wanted == 1 else 's'}, got {len(arguments)}"
        for k, (name, parameter) in enumerate(zip(arguments, action.parameters, strict=True), start=1):
            if name not in self._allowed[parameter.types]:
                kinds = " or ".join(parameter.types)
                return f"argument {k} of {action.name} must be a {kinds}, {name} is a {self.objects[name]}"
        return None

    def ground(self, step: Step) -> GroundAction:
        """The ground action of a step for which `fault` is None."""
        known = self.kept.get(step)
        if known is None:
            known = self._ground(self.domain.actions[step[0]], step)
            if len(self.kept) >= MAX_KEPT_ACTIONS:
                self.kept.clear()
            self.kept[step] = known
        return known

    def _ground(self, action: Action, step: Step) -> GroundAction:
        binding = {parameter.name: name for parameter, name in zip(action.parameters, step[1:], strict=True)}
        needs, forbids = self._ground_condition(self._preconditions[action.name], binding)
        adds: set[Fact] = set()
        deletes: set[Fact] = set()
        cost: float | None = 0.0
        for part, positive in literals(action.effect):
            if isinstance(part, Increase):
                amount = part.amount
                cost = self.problem.values.get(ground(amount, binding)) if isinstance(amount, Atom) else amount
            elif isinstance(part, Atom):
                (adds if positive else deletes).add(ground(part, binding))
        if cost is None:
            needs, cost = needs | {NEVER}, 0.0
        # Deletes come before adds: what is deleted and added stays.
        return GroundAction(needs, forbids, frozenset(deletes - adds), frozenset(adds), cost)

    def _ground_condition(
        self, condition: Condition, binding: Mapping[str, str]
    ) -> tuple[frozenset[Fact], frozenset[Fact]]:
        """The facts that must hold and those that must not. What no action changes is decided here, and leaves
        nothing behind where it holds and `NEVER` where it does not."""
        needs: set[Fact] = set()
        forbids: set[Fact] = set()
        for part, positive in condition.literals:
            if isinstance(part, Equal):
                if (binding.get(part.left, part.left) == binding.get(part.right, part.right)) != positive:
                    needs.add(NEVER)
            elif part.predicate in self.fluents:
                (needs if positive else forbids).add(ground(part, binding))
            elif (ground(part, binding) in self.static) != positive:
                needs.add(NEVER)
        return frozenset(needs), frozenset(forbids)

    # --- states

    def apply(self, state: State, step: Step) -> State:
        """The state after `step`. Raises ValueError where the step is not applicable."""
        fault = self.fault(step)
        if fault is not None:
            raise ValueError(fault)
        action = self.ground(step)
        if not action.applies(state):
            raise ValueError(f"{step_text(step)} is not applicable")
        return (state - action.deletes) | action.adds

    def applicable(self, state: State) -> list[Step]:
        """All steps that can be applied in `state`: actions in the order of the domain, and for one action an order
        that depends on task and state alone."""
        return list(self.each_applicable(state))

    def each_applicable(self, state: State) -> Iterator[Step]:
        """The same one by one, for domains where a parameter that no positive condition binds makes them too many."""
        index = FactIndex(state)
        for name, join in self.joins.items():
            for arguments in join.bindings(index, self._static_index):
                step = (name, *arguments)
                if self.ground(step).applies(state):
                    yield step

    @cached_property
    def joins(self) -> Mapping[str, Join]:
        """For each action, the join that finds its arguments. What it yields meets the positive conditions alone."""
        return {
            name: Join.of(action, self._preconditions[name].literals, self._allowed, self.fluents)
            for name, action in self.domain.actions.items()
        }

    def goal_reached(self, state: Set[Fact]) -> bool:
        needs, forbids = self.goal
        return needs <= state and forbids.isdisjoint(state)

    # --- what is missing

    def unmet(self, step: Step, state: Set[Fact]) -> list[str]:
        """The conditions of a step that fail in `state`, as PDDL text in the order written."""
        action = self.domain.actions[step[0]]
        binding = {parameter.name: name for parameter, name in zip(action.parameters, step[1:], strict=True)}
        return self._failing(self._preconditions[action.name], binding, state)

    def unmet_goal(self, state: Set[Fact]) -> list[str]:
        """The conditions of the goal that fail in `state`."""
        return self._failing(self._goal, {}, state)

    def _failing(self, condition: Condition, binding: Mapping[str, str], state: Set[Fact]) -> list[str]:
        failing: list[str] = []
        for part, positive in condition.literals:
            if isinstance(part, Equal):
                fact = ("=", binding.get(part.left, part.left), binding.get(part.right, part.right))
                holds = fact[1] == fact[2]
            else:
                fact = ground(part, binding)
                holds = fact in (state if part.predicate in self.fluents else self.static)
            if holds != positive:
                failing.append(step_text(fact) if positive else f"(not {step_text(fact)})")
        return list(dict.fromkeys(failing))


def compile_task(domain: Domain, problem: Problem) -> CompiledTask:
    """`problem` made ready to judge plans; `domain` is the one that it was read with."""
    return CompiledTask(domain, problem)


def shown(word: str, limit: int = 60) -> str:
    """A word of a plan, which may be anything, as a short piece of one line."""
    short = word if len(word) <= limit else word[:limit] + "..."
    return short if short.isprintable() and short else ascii(short)
