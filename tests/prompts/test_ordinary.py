"""The words that mislead are ordinary, and none is a word of PDDL, of a prompt or of what replies are read by."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import planbench.prompts
from planbench.core.compile import compile_task
from planbench.core.parse import read_domain, read_problem
from planbench.prompts.lexicon import ARTICLES, LEAD_IN, PARTICLES, PREPOSITIONS
from planbench.prompts.ordinary import KINDS, QUALITIES, THINGS, VERBS
from planbench.prompts.styles import build_prompt
from planbench.prompts.wording import generic_wording
from planbench.prompts.words import RESERVED
from tests.prompts.test_rename import COSTS, ERRANDS

ALL = (*VERBS, *QUALITIES, *KINDS, *THINGS)
GRAMMAR = ("lexicon", "phrases", "lines", "listed", "blocks", "extract", "styles", "compact", "layout")
PDDL = """
adl fluents durative disjunctive existential universal quantified conditional preferences preference constraints timed
initial literals contingent always sometime within once before after hold during total violated scale undefined oneof
observe sense unknown duration condition
"""


def said(module: str) -> Iterator[str]:
    """Every word of the texts in a module, without docstrings and what is said when something is raised."""
    source = (Path(planbench.prompts.__path__[0]) / f"{module}.py").read_text(encoding="utf-8")
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"[a-z]+", node.value.lower())
        if not isinstance(node, ast.Raise):
            waiting += (
                child
                for child in ast.iter_child_nodes(node)
                if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant))
            )


def test_there_are_hundreds_and_each_once() -> None:
    assert len(ALL) == len(set(ALL)) > 450
    assert all(re.fullmatch(r"[a-z]{3,}", word) for word in ALL)
    assert not [word for word in ALL if f"{word}s" in ALL or f"{word}es" in ALL]


@pytest.mark.parametrize("module", GRAMMAR)
def test_no_word_is_one_that_replies_are_read_by(module: str) -> None:
    words = set(said(module))
    assert words
    assert not words & set(ALL)


def test_no_word_is_of_pddl() -> None:
    assert not (RESERVED | set(PDDL.split())) & set(ALL)


@pytest.mark.parametrize("style", ["pddl", "english"])
def test_no_word_is_of_a_prompt(style: str) -> None:
    domain = read_domain(COSTS)
    problem = read_problem(ERRANDS, domain)
    prompt = build_prompt(style, compile_task(domain, problem), COSTS, ERRANDS, generic_wording(domain))
    assert not set(re.findall(r"[a-z]+", prompt.text.lower())) & set(ALL)


def test_no_two_words_make_a_third() -> None:
    """`off end` is not to be read as one word."""
    halves = {*ALL, *LEAD_IN, *ARTICLES, *PREPOSITIONS, *PARTICLES, *RESERVED}
    made = [word for word in ALL for cut in range(1, len(word)) if word[:cut] in halves and word[cut:] in halves]
    assert made == []
