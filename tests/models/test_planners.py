"""Planners as models: what they answer, what they say where they have no plan, what their limits do."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from planbench.core.compile import CompiledTask, compile_task
from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.errors import InputError, MissingPackage
from planbench.evaluate import Asked, evaluate, requests_of, sample_of
from planbench.models import load
from planbench.models.planners import PLANNERS, Entry, fast_downward
from planbench.models.planners.limits import Answer, Limits
from planbench.models.planners.model import PlannerModel
from planbench.preparation import Prepared, prepare
from planbench.records import ReferencePlan, Reply, Request, SamplingSettings, Task
from planbench.records.files import RunFolder
from planbench.records.sample import Sample
from planbench.suite import GENERATORS, domain_info, generate
from tests.models.checkpoints import request, walk

MODULES = {"kairos-planner": "kairos", "up-fast-downward": "up_fast_downward"}


def there(name: str) -> bool:
    package = PLANNERS[name].package
    return not package or find_spec(MODULES[package]) is not None


ALL = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(not there(name), reason=f"needs pip install {entry.package}=={entry.version}"),
        id=name,
    )
    for name, entry in PLANNERS.items()
]
SEARCHING = [each for each in ALL if each.id != "policy"]


def answers(name: str, prepared: list[Prepared], style: str = "pddl", **args: str) -> list[Sample]:
    settings = SamplingSettings()
    requests = [request for one in prepared for request in requests_of(one, style, (), settings)]
    replies = load(f"planner:{name}", model_args=args).replies(requests, (), settings)
    return [sample_of(prepared[position], requests[position], reply) for position, reply in replies]


def one_answer(name: str, task: CompiledTask, limits: Limits | None = None) -> Reply:
    model = PlannerModel(name, PLANNERS[name], limits or Limits())
    ((_, reply),) = model.replies([request("x", task=task)], (), SamplingSettings())
    return reply


def compiled(domain: str, problem: str) -> CompiledTask:
    read = read_domain(domain)
    return compile_task(read, read_problem(problem, read))


@pytest.mark.parametrize("style", ["pddl", "english"])
@pytest.mark.parametrize("rename", ["none", "random"])
@pytest.mark.parametrize("name", ALL)
def test_every_task_of_a_few_steps_is_solved(name: str, rename: str, style: str) -> None:
    tasks = [task for domain in sorted(GENERATORS) for task in generate(domain, 4, plan_length=(2, 8))]
    for sample in answers(name, prepare(tasks, rename), style):
        assert sample.finish == "stop"
        if name == "policy" and sample.domain == "sokoban":
            continue
        assert sample.verdict.kind == "valid", (sample.verdict, sample.reply)
        if name in ("astar", "lmcut", "policy"):
            assert sample.length is not None
            assert sample.reference_length is not None
            assert sample.length <= sample.reference_length


def test_a_policy_is_the_reference_plan() -> None:
    prepared = prepare([task for name in ("blocksworld", "grid") for task in generate(name, 20, plan_length=(2, 40))])
    for one, sample in zip(prepared, answers("policy", prepared), strict=True):
        assert one.task.reference is not None
        assert sample.verdict.kind == "valid"
        assert sample.length == one.task.reference.length
        assert sample.plan == tuple(f"({' '.join(step)})" for step in one.task.reference.steps)


def test_where_there_is_no_policy_it_says_so() -> None:
    (task,) = generate("blocksworld", 1)
    toml = domain_info("blocksworld").toml
    for other in (replace(task, reference=None), replace(task, domain_toml=f'reference = "construction"\n{toml}')):
        for rename in ("none", "random"):
            (sample,) = answers("policy", prepare([other], rename))
            assert sample.verdict.kind == "no_plan"
            assert sample.reply == "No plan: the task comes without a plan that a policy found.\n"
    with pytest.raises(InputError, match=r"blocksworld/domain.toml: reference must be"):
        prepare([replace(task, domain_toml='reference = "luck"')])


def test_why_there_are_no_plans_is_noted() -> None:
    """In the table a limit that was hit and a planner that has no plan are the same verdict."""
    prepared = [replace(one, policy=None) for one in prepare(generate("blocksworld", 2, plan_length=(60, 60)))]
    requests = [request for one in prepared for request in requests_of(one, "pddl", (), SamplingSettings())]
    for name, args, why in (
        ("policy", {}, "the task comes without a plan that a policy found"),
        ("astar", {"seconds": "0.1"}, "out of time after 0.1 seconds; more by --model-arg seconds=N, memory=MB"),
    ):
        model = load(f"planner:{name}", model_args=args)
        assert isinstance(model, PlannerModel)
        assert model.notes() == []
        assert len(list(model.replies(requests, (), SamplingSettings()))) == 2
        assert model.notes() == [f"planner:{name}: 2 samples without a plan: {why}"]


@pytest.mark.parametrize("style", ["pddl", "english"])
@pytest.mark.parametrize("name", SEARCHING)
def test_a_task_without_a_plan_is_said_to_have_none(name: str, style: str) -> None:
    """A block on itself: nothing in the reply reads as a plan, and it counts as the planner's."""
    (task,) = generate("blocksworld", 1, plan_length=(2, 2))
    goal = re.sub(r"\(:goal[\s\S]*", "(:goal (on b1 b1))\n)\n", task.problem_pddl)
    impossible = replace(task, problem_pddl=goal, reference=None)
    for rename in ("none", "random"):
        (sample,) = answers(name, prepare([impossible], rename), style)
        assert (sample.verdict.kind, sample.finish) == ("no_plan", "stop")
        assert sample.reply.startswith("No plan: there is none, as ")


@pytest.mark.parametrize("name", SEARCHING)
def test_where_the_goal_holds_the_plan_is_empty(name: str) -> None:
    (task,) = generate("grid", 1, plan_length=(4, 4))
    met = replace(task, problem_pddl=re.sub(r"\(:goal[\s\S]*", "(:goal (and))\n)\n", task.problem_pddl), reference=None)
    for style in ("pddl", "english"):
        (sample,) = answers(name, prepare([met]), style)
        assert (sample.verdict.kind, sample.length, sample.plan) == ("valid", 0, ())


@pytest.mark.parametrize("name", SEARCHING)
def test_negative_conditions_constants_and_costs(name: str) -> None:
    task = compiled(
        """(define (domain rounds) (:requirements :strips :typing :negative-preconditions :equality :action-costs)
          (:types place) (:constants home - place)
          (:predicates (at ?p - place) (road ?a ?b - place) (dusty ?p - place))
          (:functions (total-cost) - number (dist ?a ?b - place) - number)
          (:action go :parameters (?a ?b - place)
            :precondition (and (at ?a) (not (= ?a ?b)) (not (dusty ?b)) (road ?a ?b))
            :effect (and (at ?b) (not (at ?a)) (dusty ?a) (increase (total-cost) (dist ?a ?b))))
          (:action clean :parameters (?p - place) :precondition (dusty ?p)
            :effect (and (not (dusty ?p)) (increase (total-cost) 3))))""",
        """(define (problem p) (:domain rounds) (:objects w1 w2 - place)
          (:init (at home) (road home w1) (road w1 w2) (road w2 home) (road home home) (= (total-cost) 0)
            (= (dist home w1) 1) (= (dist w1 w2) 2) (= (dist w2 home) 2) (= (dist home home) 0))
          (:goal (and (at home) (dusty w2) (not (dusty w1)))) (:metric minimize (total-cost)))""",
    )
    reply = one_answer(name, task)
    (sample,) = [judge(task, tuple(tuple(line.strip("()").split()) for line in reply.text.splitlines()))]
    assert (sample.kind, sample.cost) == ("valid", 11)


@pytest.mark.parametrize("name", ["astar", "kairos", "lama", "lmcut"])
def test_the_time_limit_ends_it(name: str) -> None:
    if not there(name):
        pytest.skip("not installed")
    prepared = prepare(generate("blocksworld", 1, plan_length=(60, 60)))
    seconds = {"kairos": "0.001", "astar": "0.4"}.get(name, "0.01")  # Fast Downward takes longer than that to start
    started = time.monotonic()
    (sample,) = answers(name, prepared, seconds=seconds)
    assert time.monotonic() - started < 10
    assert (sample.verdict.kind, sample.finish) == ("no_plan", "length")
    assert sample.reply == f"No plan: out of time after {seconds} seconds.\n"


def working_folders() -> list[str]:
    """Where the processes of this machine work (Linux, which Fast Downward's wheel is for)."""
    folders: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            folders.append(os.readlink(process / "cwd"))
    return folders


@pytest.mark.skipif(not there("lmcut"), reason="needs pip install up-fast-downward==1.0.0")
def test_fast_downward_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a process nor a folder, when it is done and when the time is up in the search."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for length, finish, seconds in ((4, "stop", 30.0), (60, "length", 1.5)):
        (one,) = prepare(generate("blocksworld", 1, plan_length=(length, length)))
        assert one_answer("lmcut", one.compiled, Limits(seconds)).finish == finish
        assert list(tmp_path.iterdir()) == []
        assert [folder for folder in working_folders() if folder.startswith(str(tmp_path))] == []


@pytest.mark.skipif(not there("lmcut"), reason="needs pip install up-fast-downward==1.0.0")
def test_fast_downward_keeps_to_its_memory() -> None:
    (one,) = prepare(generate("blocksworld", 1, plan_length=(60, 60)))
    limits = Limits(120, 64)
    answer = fast_downward.run(request("x", task=one.compiled), limits, [], ["--search", "astar(blind())"])
    assert answer == Answer(None, "out of memory at 64 MB", cut=True)


@pytest.mark.skipif(not there("lama"), reason="needs pip install up-fast-downward==1.0.0")
def test_what_fast_downward_does_not_cover_is_its_failure() -> None:
    task = compiled(
        """(define (domain either) (:types a b) (:predicates (at ?p - (either a b)))
          (:action go :parameters (?x ?y - (either a b)) :precondition (at ?x) :effect (and (at ?y) (not (at ?x)))))""",
        "(define (problem p) (:domain either) (:objects u - a v - b) (:init (at u)) (:goal (at v)))",
    )
    reply = one_answer("lama", task)
    assert reply.finish == "stop"
    assert reply.text.startswith("No plan: Fast Downward does not cover this task (")
    assert "either" in reply.text


def test_a_package_that_is_missing_is_named_with_its_command() -> None:
    entry = Entry("planbench.models.planners.kairos:first", "no-such-package-as-this", "1.2")
    with pytest.raises(MissingPackage, match=r"needs a package .* type: pip install no-such-package-as-this==1\.2$"):
        PlannerModel("kairos", entry, Limits())


def test_limits_are_part_of_what_a_planner_is() -> None:
    models = [load("planner:gbfs", model_args=args) for args in ({}, {"seconds": "5"}, {"memory": "512"})]
    assert len({model.fingerprint for model in models}) == 3
    assert models[0].fingerprint != load("planner:astar").fingerprint
    assert load("planner:gbfs", model_args={"seconds": "10.0"}).fingerprint == models[0].fingerprint
    described = models[1].describe()
    assert (described["kind"], described["seconds"], described["memory_mb"]) == ("planner", 5.0, 1024)


@pytest.mark.parametrize("args", ["seconds=0", "seconds=-1", "seconds=x", "seconds=", "seconds=1e400", "seconds=²"])
def test_a_wrong_time(args: str) -> None:
    key, _, value = args.partition("=")
    with pytest.raises(InputError, match=r"seconds=.*: type a number above 0"):
        load("planner:gbfs", model_args={key: value})


@pytest.mark.parametrize("memory", ["0", "63", "1.5", "x", "", "1" * 20])
def test_a_wrong_memory(memory: str) -> None:
    with pytest.raises(InputError, match=r"memory=.*: type a number of MB, 64 or more"):
        load("planner:gbfs", model_args={"memory": memory})


def test_the_compact_style_is_refused_before_anything_is_answered() -> None:
    with pytest.raises(InputError, match="planner:policy answers in PDDL; drop --prompt compact"):
        answers("policy", prepare(generate("blocksworld", 2)), "compact")


def test_done_is_left_out() -> None:
    model = load("planner:gbfs")
    requests = [request("x", seed, task=walk(6)) for seed in range(5)]
    assert [position for position, _ in model.replies(requests, {0, 3}, SamplingSettings())] == [1, 2, 4]


def test_a_run_of_the_policy(tmp_path: Path) -> None:
    tasks: list[Task] = [*generate("logistics", 6), *generate("blocksworld", 6)]
    model, folder = load("planner:policy"), RunFolder(tmp_path)
    summary = evaluate(tasks, {"domains": ["logistics", "blocksworld"]}, model, Asked(model.name), folder)
    assert summary.verdicts["valid"] == summary.samples == 12


@pytest.mark.parametrize("name", ["policy", "gbfs", "astar"])
def test_a_planner_imports_nothing_heavy(name: str) -> None:
    program = f"from planbench.models import load; load('planner:{name}'); import sys; "
    program += "print([name for name in ('torch', 'transformers', 'numpy', 'kairos') if name in sys.modules])"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"


def test_requests_carry_the_plan_of_the_policy_in_the_words_of_the_task() -> None:
    (task,) = generate("logistics", 1)
    for rename in ("none", "random"):
        (one,) = prepare([task], rename)
        (asked,) = requests_of(one, "pddl", (), SamplingSettings())
        assert isinstance(asked, Request)
        assert isinstance(one.task.reference, ReferencePlan)
        assert asked.policy == one.task.reference.steps
        assert asked.policy is not None
        assert judge(asked.task, asked.policy).valid
