"""Traces as training examples, freshly named at every use where the style allows it."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.errors import InputError
from planbench.loop.examples import train_example
from planbench.models.completions import CompletionEncoder
from planbench.preparation import Prepared, prepare
from planbench.pretrain.checkpoint import new_tokenizer
from planbench.pretrain.corpus import base_examples, vocabulary
from planbench.prompts.compact import build, name_objects, plan_words, scene_of
from planbench.records import Message, Prompt
from planbench.suite import generate
from tests.loop.traces import trace
from tests.models.checkpoints import tokenizer as plain_tokenizer

DOMAINS = ("blocksworld", "logistics", "grid")


@cache
def encoder() -> CompletionEncoder:
    words = vocabulary(list(base_examples(DOMAINS, 40, seed=0, longest=6)))
    return CompletionEncoder(new_tokenizer(words), frozenset({1}), "planner")


@cache
def tasks() -> list[Prepared]:
    return prepare([task for domain in DOMAINS for task in generate(domain, 6, seed=2, plan_length=(2, 14))])


def asked(one: Prepared) -> Prompt:
    return build(one.compiled, one.task.domain_pddl, one.task.problem_pddl, one.wording)


def test_without_a_scene_an_example_is_the_trace_itself() -> None:
    prompt = Prompt("s", (Message("user", "w1 w2"),))
    plain = CompletionEncoder(plain_tokenizer(), frozenset({3}), "plain")
    example = train_example(plain, prompt, trace("t", reply="w3", finish="length"), 0.25)
    assert (example.prompt, example.completion) == ((5, 6), (7,))
    assert (example.weight, example.task_hash, example.fresh) == (0.25, "t", None)


def words(ids: list[int] | tuple[int, ...]) -> list[str]:
    return encoder().tokenizer.convert_ids_to_tokens(list(ids))


@settings(deadline=None)
@given(st.integers(0, 17), st.integers(0, 10_000))
def test_every_use_is_the_same_prompt_and_plan_under_other_names(number: int, seed: int) -> None:
    one = tasks()[number]
    assert one.task.reference is not None
    reply = " ".join(plan_words(one.task.reference.steps, name_objects(one.compiled.objects)))
    example = train_example(encoder(), asked(one), trace(reply=reply), 1.0, scene_of(one.compiled))
    assert example.fresh is not None
    prompt, completion = example.fresh(Random(seed))
    before, after = [*example.prompt, *example.completion], [*prompt, *completion]
    assert len(prompt) == len(example.prompt)
    assert [len(set(pairs)) for pairs in (zip(before, after, strict=True), before, after)] == [len(set(before))] * 3
    # Only names of objects change: a word with a number at its end, for another of the same type or axis.
    for old, new in zip(words(before), words(after), strict=True):
        assert old.rstrip("0123456789") == new.rstrip("0123456789")
    assert words(completion)[-1] == "<end>"


def test_uses_differ_and_a_seed_repeats_them() -> None:
    one = tasks()[0]
    example = train_example(encoder(), asked(one), trace(reply="pick-up block1"), 1.0, scene_of(one.compiled))
    assert example.fresh is not None
    drawn = [example.fresh(Random(seed)) for seed in (1, 2, 1)]
    assert drawn[0] == drawn[2] != drawn[1]


def test_a_reply_that_is_no_plan_is_renamed_word_by_word() -> None:
    one = tasks()[0]
    assert one.task.domain == "blocksworld"
    reply = "block2 <unknown> goal:on block2 plan stack block30"
    example = train_example(encoder(), asked(one), trace(reply=reply, finish="length"), 1.0, scene_of(one.compiled))
    assert example.fresh is not None
    prompt, completion = example.fresh(Random(4))
    first, unknown, goal, second, plan, stack, nobody = words(completion)
    assert first == second != "block2"
    assert (unknown, goal, plan, stack) == ("<unknown>", "goal:on", "plan", "stack")
    assert first in words(prompt)
    assert nobody not in words(prompt)


def test_a_tokenizer_that_splits_words_cannot_rename() -> None:
    one = tasks()[0]
    chat = plain_tokenizer("{% for m in messages %}<s> {{ m['content'] }}{% endfor %}")
    chatting = CompletionEncoder(chat, frozenset({3}), "chat")
    prompt = Prompt("compact", asked(one).messages, raw=False)
    with pytest.raises(InputError, match="one token a word; turn the renaming off"):
        train_example(chatting, prompt, trace(), 1.0, scene_of(one.compiled))
