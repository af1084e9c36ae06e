"""Plans of the competition's domains in words: nothing is left unsaid, and what is said is read back."""

from __future__ import annotations

from random import Random

import pytest

from planbench.core.compile import CompiledTask
from planbench.core.verdict import Plan, Step
from planbench.prompts.extract import extract_plan
from planbench.prompts.lexicon import lexicon_of
from planbench.prompts.styles import english_task, read_reply, write_answer
from planbench.prompts.wording import Wording, load_wording
from planbench.suite import domain_info
from tests.prompts.notations import NOTATIONS
from tests.prompts.tasks import Example
from tests.suite.made import DOMAINS, compiled, drafted


def examples(domain: str) -> list[tuple[CompiledTask, Wording, Plan]]:
    found: list[tuple[CompiledTask, Wording, Plan]] = []
    for target in (4, 9, 30):
        draft = drafted(domain, target, target)
        task = compiled(domain, draft)
        found.append((task, load_wording(domain_info(domain).folder, task.domain), draft.plan))
    return found


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_task_is_said_whole(domain: str) -> None:
    for task, wording, _ in examples(domain):
        text = english_task(task, wording)
        assert not set("{}?_") & set(text.replace("high_res", "").replace("low_res", ""))
        assert all(name in text for name in task.objects)


@pytest.mark.parametrize("domain", DOMAINS)
def test_reference_plans_are_read_back(domain: str) -> None:
    for task, wording, plan in examples(domain):
        of = Example(task, "", "", wording)
        for style in ("english", "compact"):
            assert read_reply(style, write_answer(style, plan, task, wording), task, wording) == plan
        for write in NOTATIONS.values():
            assert extract_plan(write(plan, of), lexicon_of(task, wording)) == plan


@pytest.mark.parametrize("domain", DOMAINS)
def test_any_step_is_read_back(domain: str) -> None:
    """Objects of any type in any place: what a model says wrongly must be judged as it was said."""
    rng = Random(0)
    task, wording, _ = examples(domain)[1]
    names = sorted(task.objects)

    def step(name: str) -> Step:
        return (name, *(rng.choice(names) for _ in task.domain.actions[name].parameters))

    for name in task.domain.actions:
        for _ in range(20):
            plan = (step(name), step(rng.choice(sorted(task.domain.actions))))
            assert read_reply("english", write_answer("english", plan, task, wording), task, wording) == plan
