"""Tasks of single drafts, for tests of one generator."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from planbench.core.compile import CompiledTask, compile_task
from planbench.core.parse import read_domain, read_problem
from planbench.suite import GENERATORS, domain_info
from planbench.suite.draft import Draft, problem_pddl
from planbench.suite.generator import maker, sizer

DOMAINS = sorted(GENERATORS)


def drafted(domain: str, seed: int, target: int, wide: bool = False) -> Draft:
    """The first draft of a seed that comes to something."""
    rng, make = Random(seed), maker(domain)
    return next(draft for _ in range(200) if (draft := make(rng, target, wide)) is not None)


def drafted_of_sizes(domain: str, seed: int, sizes: Mapping[str, int]) -> Draft:
    rng, make = Random(seed), sizer(domain)
    return next(draft for _ in range(20) if (draft := make(rng, sizes)) is not None)


def compiled(domain: str, draft: Draft) -> CompiledTask:
    parsed = read_domain(domain_info(domain).pddl)
    return compile_task(parsed, read_problem(problem_pddl(draft, "drafted", domain), parsed))
