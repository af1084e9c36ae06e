"""Generated files in the hands of others: VAL judges the plans, the `pddl` package reads domain and problem."""

from __future__ import annotations

from pathlib import Path

import pytest
from pddl.logic.base import And, Formula
from pddl.logic.predicates import Predicate
from pddl.parser.domain import DomainParser
from pddl.parser.problem import ProblemParser

from planbench.core.val import val_verdicts
from planbench.records import Task
from planbench.suite import GENERATORS, generate
from planbench.suite.generator import drafts


def tasks_of(domain: str) -> list[Task]:
    return [
        *generate(domain, 12, seed=21, plan_length=(2, 16)),
        *generate(domain, 4, seed=22, plan_length=(17, 60)),
        *generate(domain, 1, seed=23, plan_length=(60, 60)),
    ]


@pytest.mark.parametrize("domain", GENERATORS)
def test_val_finds_every_reference_plan_valid(domain: str, tmp_path: Path) -> None:
    for task in tasks_of(domain):
        assert task.reference is not None
        plan = task.reference.steps
        verdicts = val_verdicts(tmp_path, task.domain_pddl, task.problem_pddl, [plan, plan[:-1]])
        assert [kind for kind, _, _ in verdicts] == ["valid", "goal_missed"]


def words(atom: Formula) -> tuple[str, ...]:
    assert isinstance(atom, Predicate)
    return (str(atom.name), *(str(term.name) for term in atom.terms))


@pytest.mark.parametrize("domain", GENERATORS)
def test_another_parser_reads_what_was_meant(domain: str) -> None:
    """`planbench.core` reads facts and objects with a reader of its own."""
    problems = ProblemParser()
    domains = DomainParser()
    tasks = generate(domain, 8, seed=24, plan_length=(2, 40))
    for task, (draft, _) in zip(tasks, drafts(domain, 8, seed=24, plan_length=(2, 40)), strict=True):
        theirs = problems(task.problem_pddl)
        theirs.check(domains(task.domain_pddl))
        assert str(theirs.name) == task.id
        assert str(theirs.domain_name) == domain
        own = {name: kind for name, kind in draft.objects.items() if name not in draft.constants}
        assert {str(thing.name): str(thing.type_tag) for thing in theirs.objects} == own
        assert {words(fact) for fact in theirs.init} == set(draft.init)
        goal = theirs.goal.operands if isinstance(theirs.goal, And) else (theirs.goal,)
        assert {words(fact) for fact in goal} == set(draft.goal)
