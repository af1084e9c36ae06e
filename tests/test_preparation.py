"""Tasks made ready: examples are never what is measured, and a renamed task is the same task in other words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.core.judge import judge
from planbench.core.parse import read_domain, read_problem
from planbench.core.plan import read_plan
from planbench.errors import InputError, PddlError
from planbench.preparation import SHOT_LENGTHS, Prepared, examples, prepare
from planbench.prompts.rename import WAYS
from planbench.prompts.styles import Shot, build_prompt, read_reply
from planbench.records import ReferencePlan, Task
from planbench.suite import GENERATORS, domain_info, generate, split_of, task_key
from planbench.suite.sets import make_set, task_sets

RENAMED = [how for how in WAYS if how != "none"]
READABLE = ("pddl", "english")
ENGLISH = {"and", "or", "not", "a", "an", "is", "on", "to", "of", "the", "with", "at", "in", "it"}


@cache
def some(domain: str, split: str = "test") -> tuple[Task, ...]:
    return tuple(generate(domain, 6, plan_length=(2, 8), split=split))


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z][a-z0-9-]*", text.lower()))


def prompt_of(one: Prepared, style: str, shots: Sequence[Shot] = ()) -> str:
    return build_prompt(style, one.compiled, one.task.domain_pddl, one.task.problem_pddl, one.wording, shots).text


@pytest.mark.parametrize("domain", GENERATORS)
def test_a_task_comes_out_as_it_went_in(domain: str) -> None:
    for task, one in zip(some(domain), prepare(some(domain)), strict=True):
        assert one.task == task
        assert one.task.reference is not None
        assert judge(one.compiled, one.task.reference.steps).valid
        assert one.reference_cost == task.reference_length


@pytest.mark.parametrize("rename", WAYS)
@pytest.mark.parametrize("domain", GENERATORS)
def test_no_example_is_a_measured_task(domain: str, rename: str) -> None:
    # Tasks of the very split, seed and lengths that examples are drawn from: without a check the two would be equal.
    measured = generate(domain, 12, plan_length=SHOT_LENGTHS, split="base")
    keys = {task_key(one.compiled) for one in prepare(measured)}
    shots = examples(measured, 5, rename)[domain]
    assert len(shots) == 5
    shown = {task_key(shot.task) for shot in shots}
    assert len(shown) == 5
    if rename != "per-task":
        # In the language of the examples, where two equal tasks have equal keys.
        assert shown.isdisjoint({task_key(one.compiled) for one in prepare(measured, rename)})
    # In any words, they are the examples that there are without renaming, which are looked at above.
    plain = examples(measured, 5)[domain]
    assert [len(shot.task.objects) for shot in shots] == [len(shot.task.objects) for shot in plain]
    assert [len(shot.plan) for shot in shots] == [len(shot.plan) for shot in plain]
    if rename == "none":
        assert shown.isdisjoint(keys)
        assert {split_of(key) for key in shown} == {"base"}
        assert {shot.task.domain.name for shot in shots} == {domain}
    assert all(judge(shot.task, shot.plan).valid for shot in shots)
    assert all(SHOT_LENGTHS[0] <= len(shot.plan) <= SHOT_LENGTHS[1] for shot in shots)


@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_names_of_objects_do_not_hide_a_measured_task(data: st.DataObject) -> None:
    (first, *_) = generate("blocksworld", 1, plan_length=SHOT_LENGTHS, split="base")
    blocks = sorted(words(first.problem_pddl) & {f"b{number}" for number in range(99)})
    others = data.draw(st.permutations([f"x{block}" for block in blocks]))
    swapped = re.sub(r"\bb\d+\b", lambda found: dict(zip(blocks, others, strict=True))[found[0]], first.problem_pddl)
    disguised = replace(first, problem_pddl=swapped, reference=None)
    key = task_key(prepare([first])[0].compiled)
    assert task_key(prepare([disguised])[0].compiled) == key
    assert key not in {task_key(shot.task) for shot in examples([disguised], 3)["blocksworld"]}


def test_a_domain_under_two_names_shows_no_task_of_either() -> None:
    measured = generate("blocksworld", 12, plan_length=SHOT_LENGTHS, split="base")
    tasks = [replace(measured[0], domain="other"), *measured[1:]]
    keys = {task_key(one.compiled) for one in prepare(measured)}
    for shots in examples(tasks, 5).values():
        assert keys.isdisjoint(task_key(shot.task) for shot in shots)


@pytest.mark.parametrize("name", ["smoke"])
def test_no_example_is_a_task_of_a_named_set(name: str) -> None:
    """The examples that any run on a set is given, for several seeds, against all of its tasks that are as short."""
    for domain in task_sets()[name].domains:
        short = [task for task in make_set(name, [domain]) if (task.reference_length or 0) <= SHOT_LENGTHS[1]]
        keys = {task_key(one.compiled) for one in prepare(short)}
        assert all(split_of(key) == "test" for key in keys)
        for seed in range(2):
            shots = examples(short, 4, seed=seed)[domain]
            assert keys.isdisjoint(task_key(shot.task) for shot in shots)
            assert {split_of(task_key(shot.task)) for shot in shots} == {"base"}


def test_examples_follow_the_seed() -> None:
    tasks = some("logistics")
    texts = [[shot.problem_pddl for shot in examples(tasks, 3, seed=seed)["logistics"]] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert examples(tasks, 0) == {}
    both = examples([*tasks, *some("grid")], 1)
    assert {name: shots[0].task.domain.name for name, shots in both.items()} == {name: name for name in both}
    assert set(both) == {"logistics", "grid"}


def test_a_domain_of_ones_own_has_no_examples() -> None:
    own = replace(some("grid")[0], domain="mine", domain_pddl=some("grid")[0].domain_pddl + "; mine\n")
    with pytest.raises(InputError, match=r"no examples for domain mine: .* --shots 0"):
        examples([own], 1)


@pytest.mark.parametrize("rename", RENAMED)
@pytest.mark.parametrize("domain", GENERATORS)
def test_a_renamed_task_is_the_same_task(domain: str, rename: str) -> None:
    before, after = prepare(some(domain)), prepare(some(domain), rename, 3)
    for old, new in zip(before, after, strict=True):
        assert new.task.reference is not None
        assert judge(new.compiled, new.task.reference.steps).valid
        assert (new.task.reference_length, new.reference_cost) == (old.task.reference_length, old.reference_cost)
        assert (new.task.id, new.task.domain) == (old.task.id, old.task.domain)
        # The texts that the model sees are what the judge judges.
        read = read_domain(new.task.domain_pddl)
        assert read == new.compiled.domain
        assert read_problem(new.task.problem_pddl, read) == new.compiled.problem
        assert old.task.reference is not None
        assert judge(new.compiled, old.task.reference.steps).kind == "malformed"
        # Numbers of facts by arity survive, so the task has not become an easier one.
        assert sorted(map(len, old.compiled.initial)) == sorted(map(len, new.compiled.initial))


@pytest.mark.parametrize("domain", GENERATORS)
@pytest.mark.parametrize("style", READABLE)
@pytest.mark.parametrize("rename", RENAMED)
def test_a_renamed_prompt_tells_nothing_of_the_old_words(rename: str, style: str, domain: str) -> None:
    before, after = prepare(some(domain)), prepare(some(domain), rename, 3)
    compiled = before[0].compiled
    own = {domain, *compiled.domain.types, *compiled.domain.predicates, *compiled.domain.actions}
    own = {part for name in own for part in (name, *name.split("-"))} - ENGLISH - {"object"}
    shots = examples(some(domain), 2, rename, 3)[domain]
    for old, new in zip(before, after, strict=True):
        gone = own | set(old.compiled.objects)
        # What the style says of every task, whatever it is about, is no trace of this one.
        frame = words(prompt_of(new, style).split("domain:" if style == "pddl" else "The actions:")[0])
        seen = words(prompt_of(new, style, shots))
        assert not (seen - frame) & (gone - frame)
        assert gone & words(prompt_of(old, style))


@pytest.mark.parametrize("style", READABLE)
@pytest.mark.parametrize("rename", RENAMED)
def test_a_plan_written_as_the_renamed_prompt_asks_is_read(rename: str, style: str) -> None:
    for one in prepare(some("logistics"), rename, 5):
        assert one.task.reference is not None
        said = one.wording.plan(one.task.reference.steps, one.compiled.objects) if style == "english" else None
        text = said or "\n".join(f"({' '.join(step)})" for step in one.task.reference.steps)
        plan = read_reply(style, text, one.compiled, one.wording)
        assert plan == one.task.reference.steps


@pytest.mark.parametrize("rename", ["random", "mystery"])
def test_equal_seeds_give_equal_names(rename: str) -> None:
    tasks = some("grid")
    texts = [[(one.task.domain_pddl, one.task.problem_pddl) for one in prepare(tasks, rename, s)] for s in (1, 1, 2)]
    assert texts[0] == texts[1]
    assert not {text for pair in texts[0] for text in pair} & {text for pair in texts[2] for text in pair}
    # One language for the set and its examples.
    assert len({domain for domain, _ in texts[0]}) == 1
    spoken = set(prepare(tasks, rename, 1)[0].compiled.domain.actions)
    for shot in examples(tasks, 2, rename, 1)["grid"]:
        assert {step[0] for step in shot.plan} <= spoken
        assert shot.own is None


def test_each_task_and_each_example_may_have_a_language_of_its_own() -> None:
    tasks = some("grid")
    prepared, shots = prepare(tasks, "per-task", 1), examples(tasks, 2, "per-task", 1)["grid"]
    assert [one.task for one in prepared] == [one.task for one in prepare(tasks, "per-task", 1)]
    again = examples(tasks, 2, "per-task", 1)["grid"]
    assert [(shot.problem_pddl, shot.plan, shot.own) for shot in shots] == [
        (shot.problem_pddl, shot.plan, shot.own) for shot in again
    ]
    languages = [one.compiled.domain for one in prepared] + [shot.task.domain for shot in shots]
    for names in ([domain.name for domain in languages], [min(domain.actions) for domain in languages]):
        assert len(set(names)) == len(tasks) + 2


@pytest.mark.parametrize("style", READABLE)
def test_an_example_in_a_language_of_its_own_brings_its_domain(style: str) -> None:
    one = prepare(some("blocksworld"), "per-task", 1)[0]
    shots = examples(some("blocksworld"), 2, "per-task", 1)["blocksworld"]
    prompt = build_prompt(style, one.compiled, one.task.domain_pddl, one.task.problem_pddl, one.wording, shots)
    asked = [message.content for message in prompt.messages if message.role == "user"]
    answers = [message.content for message in prompt.messages if message.role == "assistant"]
    told = [*shots, Shot(one.compiled, one.task.problem_pddl, ())]
    for text, shot in zip(asked, told, strict=True):
        domain, problem = text.partition("[TASK]\n")[2].split("The actions:" if style == "english" else "(:action", 1)
        assert set(shot.task.domain.actions) <= words(domain + problem)
        assert set(shot.task.objects) <= words(problem)
        others = [other for other in told if other is not shot]
        assert not any(words(text) & {*other.task.domain.actions, *other.task.domain.predicates} for other in others)
    for text, shot in zip(answers, shots, strict=True):
        wording = shot.own.wording if shot.own else one.wording
        assert read_reply(style, text, shot.task, wording) == shot.plan
        assert judge(shot.task, shot.plan).valid


def test_tasks_of_equal_texts_are_one() -> None:
    tasks = some("grid")
    assert [one.task for one in prepare([*tasks, *tasks])] == list(tasks)


def test_a_wrong_reference_plan_is_refused() -> None:
    task = some("blocksworld")[0]
    assert task.reference is not None
    short = replace(task, reference=ReferencePlan(task.reference.steps[:-1]))
    with pytest.raises(InputError, match=f"{task.id}: its reference plan is not valid: goal_missed"):
        prepare([short])
    with pytest.raises(InputError, match=r"p1\.pddl: its reference plan is not valid"):
        prepare([replace(short, problem_file="p1.pddl")])
    unknown = replace(task, reference=ReferencePlan(read_plan("(fly b1)")))
    with pytest.raises(InputError, match="malformed"):
        prepare([unknown], "random")


def test_a_fault_in_the_pddl_has_its_place() -> None:
    task = some("blocksworld")[0]
    broken = replace(task, problem_pddl=task.problem_pddl.replace("(:goal", "(:gaol"))
    line = broken.problem_pddl[: broken.problem_pddl.index("(:gaol")].count("\n") + 1
    with pytest.raises(PddlError, match=rf"{task.id}:{line}:"):
        prepare([broken])
    with pytest.raises(PddlError, match=rf"some/p1\.pddl:{line}:"):
        prepare([replace(broken, problem_file="some/p1.pddl")])
    domain = replace(task, domain_pddl=task.domain_pddl + ")", domain_file="some/domain.pddl")
    with pytest.raises(PddlError, match=r"some/domain\.pddl:"):
        prepare([domain])
    with pytest.raises(InputError, match="no tasks"):
        prepare([])


def test_the_built_in_domains_say_their_own_words() -> None:
    for name in GENERATORS:
        assert prepare(some(name)[:1])[0].task.domain_toml == domain_info(name).toml != ""
        assert prepare(some(name)[:1], "random")[0].task.domain_toml == ""
