"""A task compiled once, so that any number of plans can be judged against it.

A state is the set of the facts that hold, but for the static ones: facts of predicates that no action changes are
looked up when an action is grounded, and never again. A ground action is then four sets and a cost, and a step of a
plan one dictionary lookup, one subset test, one difference and one union. Facts stay tuples of words: a set keeps the
hash of what it holds, so numbering them would gain nothing and cost the reader a table.

Actions are grounded when a plan first names them, and none is ever pruned as useless for the goal: a plan may take
detours. The ground actions kept are bounded, as a hostile plan may name millions.

Where a domain uses more than STRIPS, equality and costs, its actions carry `More`, and plans are executed by
`planbench.core.execute`. `CompiledTask.plain` says that none does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from planbench.core.arithmetic import value
from planbench.core.derived import Derivation
from planbench.core.execute import Execution, GroundAction, More, State, value_facts
from planbench.core.ground import NEVER, Conjunction, Ground, Grounder
from planbench.core.join import FactIndex, Join
from planbench.core.survey import accepted, asks_for_cost, largest, quantified_types, survey
from planbench.core.syntax import (
    TOTAL_COST,
    TOTAL_TIME,
    Action,
    Atom,
    Conjunct,
    Domain,
    Equal,
    Fact,
    Problem,
    literals,
    types_above,
)
from planbench.core.unmet import failing
from planbench.core.verdict import Step, step_text
from planbench.errors import UnsupportedPddl

MAX_KEPT_ACTIONS = 50_000
"""About 60 MB of ground actions; beyond it the table starts anew."""

MAX_KEPT_PARTS = 500_000
"""As above, of what actions hold beyond STRIPS."""

MAX_INSTANCES = 1_000_000
"""How many literals a formula, or all rules together, may have with their quantifiers written out."""


Condition = tuple[tuple[Conjunct, bool], ...]
"""The conjuncts of a condition in the order written: literals and, beyond STRIPS, other formulas."""


def ground(atom: Atom, binding: Mapping[str, str]) -> Fact:
    """The atom with its variables replaced."""
    return (atom.predicate, *[binding.get(term, term) for term in atom.terms])


class CompiledTask:
    """A domain and one of its problems, ready to judge.

    `objects` maps every object, constants included, to its type. `initial` is the state at the start, `static` the
    facts that always hold, `goal` what must hold at the end, `numbers` the functions whose values are part of a state.
    States are values: `apply` returns a new one. `plain`: nothing beyond STRIPS, equality and costs. Raises
    UnsupportedPddl where quantifiers would be too large written out over the objects.
    """

    def __init__(self, domain: Domain, problem: Problem) -> None:
        self.domain = domain
        self.problem = problem
        self.objects: dict[str, str] = {**domain.constants, **problem.objects}
        known = survey(domain)
        changed = known.changed
        self.fluents = changed | {rule.predicate for rule in domain.rules} if domain.rules else changed
        goal = tuple(literals(problem.goal))
        self.plain = known.plain and all(isinstance(part, Atom | Equal) for part, _ in goal)
        self._sums = known.costs_add_up and (self.plain or not asks_for_cost(problem.goal))
        self.numbers = known.numbers - {TOTAL_COST} if self._sums else known.numbers
        self.static: frozenset[Fact] = frozenset([fact for fact in problem.init if fact[0] not in changed])
        self.initial: State = frozenset([fact for fact in problem.init if fact[0] in changed])
        if self.numbers:
            self.initial = self.initial.union(value_facts(self._initial_values()))
        self.initial_cost = problem.values.get((TOTAL_COST,), 0.0)
        self._above = types_above(known.above, self.objects.values())
        self._accepted = known.accepted if self._above is known.above else accepted(domain, self._above)
        self._schemas = known.schemas
        self._preconditions = known.preconditions
        if not self.plain:
            self._check_size()
        self.goal = self._ground_condition(goal, {})
        self.kept: dict[Step, GroundAction] = {}
        self._kept_parts = 0

    @cached_property
    def members(self) -> dict[tuple[str, ...], dict[str, None]]:
        """The objects of each tuple of types over which a variable ranges."""
        by_type: dict[str, list[str]] = {kind: [] for kind in self._above}
        for name, kind in self.objects.items():
            for upper in self._above[kind]:
                by_type[upper].append(name)
        ranges = [*survey(self.domain).parameters, *quantified_types(self.problem.goal)]
        return {types: dict.fromkeys(name for kind in types for name in by_type[kind]) for types in ranges}

    @cached_property
    def grounder(self) -> Grounder:
        return Grounder(self.fluents, self.static, self.numbers, self.problem.values, self.members)

    def _initial_values(self) -> dict[Fact, float]:
        values = {fact: number for fact, number in self.problem.values.items() if fact[0] in self.numbers}
        return {(TOTAL_COST,): 0.0, **values} if TOTAL_COST in self.numbers else values

    def _check_size(self) -> None:
        size, what = largest(self.domain, self.problem, {types: len(names) for types, names in self.members.items()})
        if size > MAX_INSTANCES:
            raise UnsupportedPddl(
                f"{what} has {size:,} literals over the objects, more than the {MAX_INSTANCES:,} that are judged",
                f"problem {self.problem.name}",
            )

    @cached_property
    def derivation(self) -> Derivation:
        return Derivation(self.domain.rules, self.grounder)

    # --- steps

    def fault(self, step: Step) -> str | None:
        """Why a step is no ground action of this task; None where it is one."""
        accepted = self._accepted.get(step[0]) if step else None
        if accepted is None or len(accepted) != len(step) - 1:
            return self._fault(step)
        kind_of = self.objects.get
        for name, kinds in zip(step[1:], accepted, strict=True):
            if kind_of(name) not in kinds:
                return self._fault(step)
        return None

    def _fault(self, step: Step) -> str:
        """The same in words, of a step that is none."""
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
        k = next(
            k
            for k, (name, kinds) in enumerate(zip(arguments, self._accepted[action.name], strict=True))
            if self.objects[name] not in kinds
        )
        kinds = " or ".join(action.parameters[k].types)
        return f"argument {k + 1} of {action.name} must be a {kinds}, {arguments[k]} is a {self.objects[arguments[k]]}"

    def ground(self, step: Step) -> GroundAction:
        """The ground action of a step for which `fault` is None."""
        known = self.kept.get(step)
        if known is None:
            known = self._ground(self.domain.actions[step[0]], step)
            if len(self.kept) >= MAX_KEPT_ACTIONS or self._kept_parts > MAX_KEPT_PARTS:
                self.kept.clear()
                self._kept_parts = 0
            self.kept[step] = known
        return known

    def _ground(self, action: Action, step: Step) -> GroundAction:
        if not self.plain:
            return self._ground_more(action, step)
        _, picks, (needed, forbidden, deleted), static, equal, costs = schema = self._schemas[action.name]
        row = step + schema.words
        facts = [pick(row) for pick in picks]
        needs = frozenset(facts[:needed])
        cost: float | None = 0.0
        if costs:
            binding = _binding(action, step)
            cost = _sum([value(self.grounder.number(amount, binding), {}) for amount in costs])
        if cost is None or ((static or equal) and not schema.possible(row, self.static)):
            needs, cost = needs | {NEVER}, cost or 0.0
        adds = frozenset(facts[deleted:])
        # Deletes come before adds: what is deleted and added stays.
        deletes = frozenset(facts[forbidden:deleted]) - adds
        return GroundAction(needs, frozenset(facts[needed:forbidden]), deletes, adds, cost)

    def _ground_more(self, lifted: Action, step: Step) -> GroundAction:
        binding = _binding(lifted, step)
        needs, forbids, rest = self._ground_condition(self._preconditions[lifted.name], binding)
        always, *parts = self.grounder.parts(lifted.effect, binding)
        changes, cost = always.changes, 0.0
        if self._sums:
            amounts = [value(change.amount, {}) for change in changes if change.target == (TOTAL_COST,)]
            changes = tuple(change for change in changes if change.target != (TOTAL_COST,))
            total = _sum(amounts)
            needs, cost = (needs | {NEVER}, 0.0) if total is None else (needs, total)
        more = More(rest, tuple(parts), changes, bool(self.domain.rules))
        action = GroundAction(needs, forbids, always.deletes - always.adds, always.adds, cost, more)
        self._kept_parts += action.size()
        return action

    def _ground_condition(self, condition: Condition, binding: Mapping[str, str]) -> Conjunction:
        """The facts that must hold, those that must not, and further tests. What no action changes is decided here,
        and leaves nothing behind where it holds and `NEVER` where it does not."""
        needs: set[Fact] = set()
        forbids: set[Fact] = set()
        others: list[Ground] = []
        for part, positive in condition:
            if isinstance(part, Equal):
                if (binding.get(part.left, part.left) == binding.get(part.right, part.right)) != positive:
                    needs.add(NEVER)
            elif not isinstance(part, Atom):
                others.append(self.grounder.condition(part, binding, positive))
            elif part.predicate in self.fluents:
                (needs if positive else forbids).add(ground(part, binding))
            elif (ground(part, binding) in self.static) != positive:
                needs.add(NEVER)
        if not others:
            return Conjunction(frozenset(needs), frozenset(forbids))
        more = Conjunction.of(others)
        return Conjunction(more.needs | needs, more.forbids | forbids, more.rest)

    # --- states

    def apply(self, state: State, step: Step) -> State:
        """The state after `step`. Raises ValueError where the step is not applicable."""
        fault = self.fault(step)
        if fault is not None:
            raise ValueError(fault)
        execution = Execution(self, state)
        if not execution.step(self.ground(step)):
            raise ValueError(f"{step_text(step)} is not applicable")
        return execution.state()

    def applicable(self, state: State) -> list[Step]:
        """All steps that can be applied in `state`: actions in the order of the domain, and for one action an order
        that depends on task and state alone."""
        return list(self.each_applicable(state))

    def each_applicable(self, state: State) -> Iterator[Step]:
        """The same one by one, for domains where a parameter that no positive condition binds makes them too many."""
        execution = Execution(self, state)
        index = FactIndex(execution.view())
        for name, join in self.joins.items():
            for arguments in join.bindings(index, self._static_index):
                step = (name, *arguments)
                if execution.applies(self.ground(step)):
                    yield step

    @cached_property
    def _static_index(self) -> FactIndex:
        return FactIndex(self.static)

    @cached_property
    def joins(self) -> Mapping[str, Join]:
        """For each action, the join that finds its arguments. What it yields meets the positive conditions alone."""
        return {
            name: Join.of(action, self._preconditions[name], self.members, self.fluents)
            for name, action in self.domain.actions.items()
        }

    def goal_reached(self, state: State) -> bool:
        """Whether the goal holds in a state."""
        if self.plain:
            return self.goal.holds(state, {})
        execution = Execution(self, state)
        return self.goal.holds(execution.view(), execution.values)

    def cost_at_end(self, execution: Execution, cost: float, length: int) -> float | None:
        """What the metric comes to at the end of a plan; None where it has no value. `cost` is the sum of costs."""
        metric = self.problem.metric
        if metric is None or metric == TOTAL_TIME:
            return float(length)
        values = {(TOTAL_COST,): cost, **execution.values, (TOTAL_TIME,): float(length)}
        grounder = replace(self.grounder, numbers=self.numbers | {TOTAL_COST, TOTAL_TIME})
        return value(grounder.number(Atom(metric) if isinstance(metric, str) else metric, {}), values)

    # --- what is missing

    def unmet(self, step: Step, execution: Execution) -> list[str]:
        """The conditions of a step that fail, as PDDL text in the order written."""
        action = self.domain.actions[step[0]]
        return failing(action.precondition, _binding(action, step), self.grounder, execution)

    def unmet_goal(self, execution: Execution) -> list[str]:
        """The conditions of the goal that fail."""
        return failing(self.problem.goal, {}, self.grounder, execution)


def _binding(action: Action, step: Step) -> dict[str, str]:
    return {parameter.name: name for parameter, name in zip(action.parameters, step[1:], strict=True)}


def _sum(amounts: Iterable[float | None]) -> float | None:
    """None where one of them has no value."""
    total = 0.0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def compile_task(domain: Domain, problem: Problem) -> CompiledTask:
    """`problem` made ready to judge plans; `domain` is the one that it was read with."""
    return CompiledTask(domain, problem)


def shown(word: str, limit: int = 60) -> str:
    """A word of a plan, which may be anything, as a short piece of one line. Where it may look like another word, what
    it is made of is told too."""
    short = word if len(word) <= limit else word[:limit] + "..."
    if not short or not short.isprintable():
        return ascii(short)
    return short if short.isascii() else f"{short} ({short!a})"
