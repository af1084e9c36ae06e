"""Every reply of replies.toml gives the plan that its entry states."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from planbench.prompts.extract import extract_plan
from planbench.prompts.lexicon import lexicon_of
from tests.prompts.tasks import example

REPLIES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("replies.toml").read_text(encoding="utf-8"))[
    "reply"
]


def test_there_are_enough_and_names_are_unique() -> None:
    assert len(REPLIES) >= 80
    assert len({reply["name"] for reply in REPLIES}) == len(REPLIES)


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply["name"])
def test_reply(reply: dict[str, Any]) -> None:
    given = example(reply["task"])
    plan = extract_plan(reply["text"], lexicon_of(given.task, given.wording))
    assert reply.get("none", False) != ("plan" in reply), "an entry states either a plan or that there is none"
    expected = None if reply.get("none") else tuple(tuple(step.split()) for step in reply["plan"])
    assert plan == expected
