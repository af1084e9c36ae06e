"""What a model sees. The golden files hold whole prompts; `python -m tests.prompts.test_styles` writes them anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from planbench.core.compile import compile_task
from planbench.core.judge import judge
from planbench.core.plan import read_plan
from planbench.core.write import domain_text, problem_text
from planbench.errors import InputError
from planbench.prompts.rename import rename_plan, rename_task
from planbench.prompts.styles import STYLES, Shot, build_prompt, read_reply
from planbench.prompts.wording import generic_wording
from planbench.records.prompt import Prompt
from tests.prompts.tasks import PROBLEMS, example

GOLDEN = Path(__file__).with_name("golden")
PLANS = {
    "letters": "(unstack a c) (stack a d) (pick-up c) (stack c b)",
    "blocks": "(unstack b2 b1) (stack b2 b3) (pick-up b1) (stack b1 b2)",
    "parcels": "(drive-truck t1 ap1 l1 c1) (load-truck p1 t1 l1) (drive-truck t1 l1 ap1 c1) (unload-truck p1 t1 ap1) "
    "(load-airplane p1 a1 ap1) (fly-airplane a1 ap1 ap2) (unload-airplane p1 a1 ap2)",
    "keys": "(move n0 n1) (pickup n1 k1) (unlock n1 n2 k1 square) (move n1 n2) (putdown n2 k1)",
    "fleet": "(load-truck package1 truck2 depot-3)",
}

REASONED = ("pddl-cot", "pddl-state", "english-cot", "english-state")
READABLE = ("pddl", "english", *REASONED)


def plan_of(name: str) -> tuple[tuple[str, ...], ...]:
    return read_plan(PLANS[name].replace(") (", ")\n("))


def shown(prompt: Prompt) -> str:
    return "".join(f"--- {message.role}\n{message.content}\n" for message in prompt.messages)


def prompts() -> dict[str, Prompt]:
    made: dict[str, Prompt] = {}
    for style in REASONED:
        of, other = example("letters"), example("blocks")
        shot = Shot(other.task, other.problem_pddl, plan_of("blocks"))
        made[f"{style}-letters-1-shot"] = build_prompt(
            style, of.task, of.domain_pddl, of.problem_pddl, of.wording, [shot]
        )
    for style in ("pddl", "english"):
        for name in ("letters", "parcels", "keys"):
            of = example(name)
            made[f"{style}-{name}"] = build_prompt(style, of.task, of.domain_pddl, of.problem_pddl, of.wording)
        of, other = example("letters"), example("blocks")
        shot = Shot(other.task, other.problem_pddl, plan_of("blocks"))
        made[f"{style}-letters-1-shot"] = build_prompt(
            style, of.task, of.domain_pddl, of.problem_pddl, of.wording, [shot]
        )
        of = example("parcels")
        domain, problem, _ = rename_task(of.task.domain, of.task.problem, "random", 0)
        task = compile_task(domain, problem)
        made[f"{style}-parcels-renamed"] = build_prompt(
            style, task, domain_text(domain), problem_text(problem, domain), generic_wording(domain)
        )
    return made


@pytest.mark.parametrize("name", prompts())
def test_golden(name: str) -> None:
    assert shown(prompts()[name]) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(prompts())


@pytest.mark.parametrize("style", READABLE)
@pytest.mark.parametrize("name", PROBLEMS)
def test_an_example_answer_is_read_back_and_valid(style: str, name: str) -> None:
    """What a prompt shows as a right answer is read as exactly that plan, and the judge agrees with it."""
    of = example(name)
    shot = Shot(of.task, of.problem_pddl, plan_of(name))
    prompt = build_prompt(style, of.task, of.domain_pddl, of.problem_pddl, of.wording, [shot])
    answer = next(message.content for message in prompt.messages if message.role == "assistant")
    assert read_reply(style, answer, of.task, of.wording) == shot.plan
    assert judge(of.task, shot.plan).valid


@pytest.mark.parametrize("style", READABLE)
def test_a_prompt_holds_no_plan_of_its_own(style: str) -> None:
    """A model that only repeats a prompt without examples has not planned."""
    for name in PROBLEMS:
        of = example(name)
        prompt = build_prompt(style, of.task, of.domain_pddl, of.problem_pddl, of.wording)
        plan = read_reply(style, prompt.text, of.task, of.wording)
        assert plan is None or not judge(of.task, plan).valid


def test_renamed_english_tells_nothing() -> None:
    of = example("parcels")
    domain, problem, renaming = rename_task(of.task.domain, of.task.problem, "random", 3)
    task = compile_task(domain, problem)
    shot = Shot(task, problem_text(problem, domain), rename_plan(plan_of("parcels"), renaming))
    prompt = build_prompt("english", task, "", "", generic_wording(domain), [shot])
    words = set(prompt.text.lower().replace(",", " ").replace(".", " ").replace(";", " ").split())
    old = {*of.task.objects, *of.task.domain.types, *of.task.domain.actions, *of.task.domain.predicates}
    verbs = {"truck", "trucks", "drive", "fly", "load", "unload", "airplane", "loc", "pkg"}
    frame = {"in", "place", "at"}  # "with the names of objects in place of ...", "At the start"
    assert words & (old | verbs) == frame
    renamed = {*domain.types, *domain.actions, *domain.predicates, *task.objects}
    assert frame.isdisjoint(renamed)


def test_an_unknown_style_names_those_there_are() -> None:
    of = example("letters")
    with pytest.raises(InputError, match=r"prompt style haiku: .* use one of compact, english, .*, pddl-state"):
        build_prompt("haiku", of.task, of.domain_pddl, of.problem_pddl, of.wording)
    assert set(STYLES) == {*READABLE, "compact"}


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, prompt in prompts().items():
        (GOLDEN / f"{name}.txt").write_text(shown(prompt), encoding="utf-8")
