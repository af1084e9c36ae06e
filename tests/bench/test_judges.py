"""The judge beside others, in one run: from the text of a plan to its verdict, the task being made ready before.

VAL is asked a process a plan, as a script would. Kairos and unified-planning take part where they are installed (`make
differential` has them in an environment of its own). Run with `-s`: plans a second and ratios are printed. No test here
fails on time; where benchmarks are disabled each runs a moment, to see that it still does.
"""

from __future__ import annotations

import gc
import random
import resource
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.plan import read_plan
from planbench.core.val import run_val
from planbench.core.verdict import plan_text
from planbench.core.write import domain_text, problem_text
from planbench.records import Task
from planbench.suite.sets import make_set
from tests.core.tasks import solved_task, walk

WANTED = {"VAL": 100.0, "Kairos": 2.0, "unified-planning": 1000.0}
"""How many times as fast the judge is meant to be."""


def processor() -> float:
    """Seconds that this process and those that it started and saw end have had of a processor: on a busy machine, time
    on the wall says nothing."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime


def rates_of(judges: Mapping[str, Callable[[str], bool]], texts: Sequence[str], seconds: float) -> dict[str, float]:
    """Plans a second of processor time of each judge, the best of five rounds, in which they take turns."""
    best = dict.fromkeys(judges, 0.0)
    for _ in range(5):
        for name, of in judges.items():
            assert of(texts[0])
            endless, count, batch = cycle(texts), 0, 1
            start = processor()
            while (spent := processor() - start) < seconds / 5:
                for text in islice(endless, batch):
                    of(text)
                count += batch
                batch = min(2 * batch, len(texts)) if spent < seconds / 50 else batch
            best[name] = max(best[name], count / spent)
    return best


def once(benchmark: BenchmarkFixture, measure: Callable[[], object]) -> None:
    """Our own timing, in a test that counts as a benchmark."""
    benchmark.pedantic(measure, rounds=1, iterations=1)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("name", ["blocksworld", "logistics"])
def test_beside_other_judges(name: str, tmp_path: Path, benchmark: BenchmarkFixture) -> None:
    domain, problem, _ = solved_task(name, 3)
    task = compile_task(domain, problem)
    goal_free = compile_task(domain, read_problem(problem_text(problem, domain), domain))
    plans = {walk(goal_free, random.Random(k), 20) for k in range(2000)}
    valid = [plan for plan in plans if judge(task, plan).valid][:200]
    texts = [plan_text(plan) for plan in valid]
    assert texts
    seconds = 3.0 if benchmark.enabled else 0.01
    domain_pddl, problem_pddl = domain_text(domain), problem_text(problem, domain)

    def by_val(text: str) -> bool:
        return "Plan valid" in run_val(tmp_path, domain_pddl, problem_pddl, [read_plan(text)], verbose=False)

    judges: dict[str, Callable[[str], bool]] = {
        "planbench": lambda text: judge(task, read_plan(text)).valid,
        "VAL": by_val,
    }
    if find_spec("kairos"):
        import kairos  # type: ignore[import-not-found]

        parsed = kairos.parse_problem(problem_pddl, kairos.parse_domain(domain_pddl))
        judges["Kairos"] = lambda text: kairos.validate(parsed, kairos.parse_plan(text)).valid
    if find_spec("unified_planning"):
        from tests.differential.judges import UnifiedPlanning

        unified = UnifiedPlanning(tmp_path, domain_pddl, problem_pddl)
        judges["unified-planning"] = lambda text: unified.opinion(read_plan(text)).kind == "valid"
    rates: dict[str, float] = {}

    def measure() -> None:
        rates.update(rates_of(judges, texts, seconds))

    once(benchmark, measure)
    print(f"\n{name}, plans of {len(valid[0])} steps, from their text:")
    for judge_name, its in rates.items():
        ratio = rates["planbench"] / its
        wanted = f" (wanted {WANTED[judge_name]:g})" if judge_name in WANTED else ""
        print(f"  {judge_name:17} {its:10,.0f} plans/s, ratio {ratio:8,.1f}{wanted}")


def test_the_cost_of_a_step_hangs_on_nothing_else(benchmark: BenchmarkFixture) -> None:
    """Linear in the plan's length, and the same for 5 blocks and for 500."""
    from tests.core.tasks import blocksworld, built_in

    domain = built_in("blocksworld")
    print()
    for blocks in (5, 50, 500):
        task = compile_task(domain, read_problem(blocksworld(random.Random(1), blocks), domain))
        loop = turns(task.initial)
        for steps in (20, 200, 2000):
            plan = tuple(loop * (steps // 2))
            assert judge(task, plan).valid
            count = 200_000 // steps if benchmark.enabled else 1
            rounds: list[float] = []
            for _ in range(5):
                start = process_time()
                for _ in range(count):
                    judge(task, plan)
                rounds.append(process_time() - start)
            print(f"  {blocks:4} blocks, {steps:5} steps: {min(rounds) / count / steps * 1e9:7.0f} ns a step")
    once(benchmark, lambda: None)


def turns(state: frozenset[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """A block that can be lifted is, and is put back."""
    top = min(fact[1] for fact in state if fact[0] == "clear")
    below = next((fact[2] for fact in state if fact[:2] == ("on", top)), None)
    return [("unstack", top, below), ("stack", top, below)] if below else [("pick-up", top), ("put-down", top)]


@pytest.mark.parametrize("name", ["blocksworld", "logistics"])
def test_all_of_it_for_each_plan(name: str, benchmark: BenchmarkFixture) -> None:
    """A problem parsed, compiled and one plan judged, the domain being read before; in processor time, as all of it
    happens in this process."""
    domain, problem, plan = solved_task(name, 5)
    text, plan_file = problem_text(problem, domain), plan_text(plan)
    count = 500 if benchmark.enabled else 1
    rounds: list[float] = []

    def measure() -> None:
        for _ in range(9):
            start = process_time()
            for _ in range(count):
                assert judge(compile_task(domain, read_problem(text, domain)), read_plan(plan_file)).valid
            rounds.append((process_time() - start) / count)

    once(benchmark, measure)
    what = f"{len(problem.objects)} objects, {len(plan)} steps"
    print(f"\n  {name}, {what}: {1 / min(rounds):,.0f} problems with a plan a second")


def test_readers_on_the_easy_tasks_of_ipc_2023(tmp_path: Path, benchmark: BenchmarkFixture) -> None:
    """Every task of the set read and compiled, and read by unified-planning from a file, the domain with it, as its
    reader knows no other way. Seconds of processor time, of one reading each: ratios are far from 1."""
    if find_spec("unified_planning") is None:
        pytest.skip("unified-planning is not installed; type: make differential")
    import unified_planning.shortcuts as up  # type: ignore[import-not-found]
    from unified_planning.io import PDDLReader  # type: ignore[import-not-found]

    up.get_environment().credits_stream = None
    up.get_environment().error_used_name = False
    tasks = make_set("ipc2023-easy") if benchmark.enabled else make_set("ipc2023-easy", ["ferry"])[:1]
    files = tmp_path / "domain.pddl", tmp_path / "problem.pddl"
    ratios: dict[str, float] = {}

    def theirs(task: Task) -> None:
        PDDLReader().parse_problem(*map(str, files))

    def ours(task: Task) -> None:
        domain = read_domain.__wrapped__(task.domain_pddl)  # past the memory of domains already read
        compile_task(domain, read_problem(task.problem_pddl, domain))

    def seconds_of(read: Callable[[Task], None], task: Task) -> float:
        gc.collect()  # nobody cleans up after the other
        start = process_time()
        read(task)
        return process_time() - start

    def measure() -> None:
        for k, task in enumerate([tasks[0], *tasks]):
            files[0].write_text(task.domain_pddl)
            files[1].write_text(task.problem_pddl)
            ratio = seconds_of(theirs, task) / seconds_of(ours, task)
            if k:  # the first time, packages are imported
                ratios[task.id] = ratio

    once(benchmark, measure)
    slowest = min(ratios, key=ratios.__getitem__)
    print(
        f"\n  {len(ratios)} tasks of ipc2023-easy, domain and problem: faster than unified-planning on"
        f" {sum(ratio > 1 for ratio in ratios.values())}, by {median(ratios.values()):.0f} times in the median,"
        f" {ratios[slowest]:.1f} on {slowest}"
    )


def test_a_large_grid(benchmark: BenchmarkFixture) -> None:
    """A Sokoban-like problem of 300 kB: parse, compile, judge."""
    domain = read_domain("""(define (domain boxes) (:requirements :typing) (:types cell box)
        (:predicates (next ?a ?b - cell) (line ?a ?b ?c - cell) (free ?a - cell) (me ?a - cell) (at ?x - box ?a - cell))
        (:action move :parameters (?a ?b - cell) :precondition (and (me ?a) (next ?a ?b) (free ?b))
          :effect (and (not (me ?a)) (me ?b) (not (free ?b)) (free ?a)))
        (:action push :parameters (?x - box ?a ?b ?c - cell)
          :precondition (and (me ?a) (at ?x ?b) (line ?a ?b ?c) (free ?c))
          :effect (and (not (me ?a)) (me ?b) (free ?a) (not (at ?x ?b)) (at ?x ?c) (not (free ?c)))))""")
    side = 38
    cells = [(x, y) for x in range(side) for y in range(side)]
    facts = ["(me p0-0)", "(at b p5-5)"]
    for x, y in cells:
        facts += [f"(free p{x}-{y})"] if (x, y) not in {(0, 0), (5, 5)} else []
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            if (x + dx, y + dy) in cells:
                facts.append(f"(next p{x}-{y} p{x + dx}-{y + dy})")
            if (x + 2 * dx, y + 2 * dy) in cells:
                facts.append(f"(line p{x}-{y} p{x + dx}-{y + dy} p{x + 2 * dx}-{y + 2 * dy})")
    text = (
        f"(define (problem g) (:domain boxes) (:objects {' '.join(f'p{x}-{y}' for x, y in cells)} - cell b - box)\n"
        f"(:init {' '.join(facts)}) (:goal (me p1-0)))"
    )

    def measure() -> None:
        start = perf_counter()
        task = compile_task(domain, read_problem(text, domain))
        assert judge(task, [("move", "p0-0", "p1-0")]).valid
        print(f"\n  {len(text) / 1000:.0f} kB: {perf_counter() - start:.2f} s")

    once(benchmark, measure)


def test_memory_of_a_large_task(benchmark: BenchmarkFixture) -> None:
    """500 blocks, compiled, and what the judge keeps after judging 5,000 steps."""
    import tracemalloc

    from tests.core.tasks import blocksworld, built_in

    domain = built_in("blocksworld")
    text = blocksworld(random.Random(1), 500)
    once(benchmark, lambda: None)
    tracemalloc.start()
    task = compile_task(domain, read_problem(text, domain))
    compiled = tracemalloc.get_traced_memory()[1]
    assert judge(task, tuple(turns(task.initial) * 2500)).valid
    whole = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(f"\n  compiled: {compiled / 1e6:.1f} MB at most; with plans judged: {whole / 1e6:.1f} MB")
