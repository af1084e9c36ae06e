"""How fast plans are judged and tasks are made ready; VAL does the same work beside it.

Run with `pytest tests/bench -s`: the ratio to VAL is printed. No test here fails on time.
"""

from __future__ import annotations

import random
from pathlib import Path
from time import perf_counter

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from planbench.core.compile import CompiledTask, compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.val import run_val
from planbench.core.verdict import Plan
from planbench.core.write import domain_text, problem_text
from tests.core.tasks import blocksworld, built_in, domain_pddl, walk

PLANS = 2000
VAL_PLANS = 90


def ten_blocks() -> str:
    """A 10-block problem; the goal holds after any even number of steps that leaves b0 clear."""
    return blocksworld(random.Random(10), 10).replace("(:goal (and))", "(:goal (and (handempty) (clear b0)))")


@pytest.fixture(scope="module")
def task() -> CompiledTask:
    domain = built_in("blocksworld")
    return compile_task(domain, read_problem(ten_blocks(), domain))


@pytest.fixture(scope="module")
def plans(task: CompiledTask) -> list[Plan]:
    """Distinct valid plans of 20 steps."""
    rng = random.Random(0)
    found: dict[Plan, None] = {}
    while len(found) < PLANS:
        plan = walk(task, rng, 20)
        if judge(task, plan).valid:
            found[plan] = None
    return list(found)


@pytest.mark.benchmark(group="judge 20-step blocksworld plans")
def test_judge(benchmark: BenchmarkFixture, task: CompiledTask, plans: list[Plan], tmp_path: Path) -> None:
    verdicts = benchmark(lambda: [judge(task, plan) for plan in plans])
    assert all(verdict.valid for verdict in verdicts)
    some = plans[:VAL_PLANS]
    start = perf_counter()
    printed = run_val(tmp_path, domain_text(task.domain), problem_text(task.problem, task.domain), some, verbose=False)
    val_rate = VAL_PLANS / (perf_counter() - start)
    assert printed.count("Plan valid") == VAL_PLANS
    if benchmark.stats is None:  # --benchmark-disable: it ran once, untimed
        return
    rate = PLANS / benchmark.stats["median"]
    benchmark.extra_info |= {"plans_per_second": round(rate), "val_plans_per_second": round(val_rate)}
    print(f"\njudge: {rate:,.0f} plans/s, VAL ({VAL_PLANS} plans a call): {val_rate:,.0f}, ratio {rate / val_rate:.1f}")


@pytest.mark.benchmark(group="judge 20-step blocksworld plans")
def test_judge_a_first_plan(benchmark: BenchmarkFixture, task: CompiledTask, plans: list[Plan]) -> None:
    """Nothing grounded before: the price of the first plan."""
    verdict = benchmark(lambda: judge(compile_task(task.domain, task.problem), plans[0]))
    assert verdict.valid


@pytest.mark.benchmark(group="make a task ready")
def test_parse_and_compile_ten_blocks(benchmark: BenchmarkFixture) -> None:
    domain, text = built_in("blocksworld"), ten_blocks()
    compiled = benchmark(lambda: compile_task(domain, read_problem(text, domain)))
    assert len(compiled.objects) == 10


@pytest.mark.benchmark(group="make a task ready")
def test_parse_a_domain(benchmark: BenchmarkFixture) -> None:
    """Past the memory of domains already read."""
    text = domain_pddl("logistics")
    read_domain(text)
    domain = benchmark(lambda: read_domain.__wrapped__(text))
    assert len(domain.actions) == 6
