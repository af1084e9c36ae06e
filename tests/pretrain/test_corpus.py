"""What a small planner is shown, what it is asked for, and which words it knows."""

from __future__ import annotations

from itertools import groupby, pairwise
from random import Random

import pytest
import torch

from planbench.errors import InputError
from planbench.pretrain.checkpoint import END, PAD, UNKNOWN, new_tokenizer
from planbench.pretrain.config import DOMAINS
from planbench.pretrain.corpus import Example, base_examples, vocabulary, words_of
from planbench.pretrain.train import Batches
from planbench.prompts.compact import Scene, name_objects, plan_words, prompt_words, read_words
from planbench.prompts.layout import Layout
from planbench.suite import domain_info, split_of
from planbench.suite.canonical import key_of
from planbench.suite.generator import drafts

IGNORED = -100


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return list(base_examples(DOMAINS, 60, seed=0, longest=6))


@pytest.fixture(scope="module")
def words(examples: list[Example]) -> list[str]:
    return vocabulary(examples)


def test_only_the_plan_and_its_end_are_learned(examples: list[Example], words: list[str]) -> None:
    tokenizer = new_tokenizer(words)
    ids = dict(tokenizer.get_vocab())
    tokens, targets = Batches(examples, ids, 48).draw(Random(3))
    assert tokens.shape == targets.shape
    assert len({int((row != ids[PAD]).sum()) for row in tokens}) > 1, "rows of one length would leave padding untested"
    actions = {step[0] for example in examples for step in example.plan}
    for row, target in zip(tokens.tolist(), targets.tolist(), strict=True):
        said = [tokenizer.convert_ids_to_tokens(token) for token in row]
        stretches = [(learned, len(list(group))) for learned, group in groupby(token != IGNORED for token in target)]
        asked = said.index("plan")  # the last word of the prompt foretells the first of the plan
        length = next(count for learned, count in stretches if learned)
        assert [learned for learned, _ in stretches][:2] == [False, True]
        assert stretches[0] == (False, asked)
        assert not any(learned for learned, _ in stretches[2:])
        learned = target[asked : asked + length]
        assert learned == row[asked + 1 : asked + 1 + length]
        assert learned.count(ids[END]) == 1
        assert learned[-1] == ids[END]
        assert said[asked + 1] in actions
        assert set(said[asked + 1 + length :]) <= {PAD}
        assert UNKNOWN not in said


def test_batches_dealt_together_hold_rows_of_much_the_same_length(examples: list[Example], words: list[str]) -> None:
    batches = Batches(examples, dict(new_tokenizer(words).get_vocab()), 8)

    def rows(tokens: torch.Tensor) -> list[tuple[int, ...]]:
        return [tuple(token for token in row if token != 0) for row in tokens.tolist()]

    dealt = batches.deal(4, Random(3))
    assert [len(tokens) for tokens, _ in dealt] == [8] * 4
    lengths = sorted([len(row) for row in rows(tokens)] for tokens, _ in dealt)
    assert all(max(shorter) <= min(longer) for shorter, longer in pairwise(lengths))
    together, _ = Batches(examples, dict(new_tokenizer(words).get_vocab()), 32).draw(Random(3))
    assert sorted(row for tokens, _ in dealt for row in rows(tokens)) == sorted(rows(together))


def test_padding_and_prompt_have_no_gradient(examples: list[Example], words: list[str]) -> None:
    ids = dict(new_tokenizer(words).get_vocab())
    tokens, targets = Batches(examples, ids, 8).draw(Random(4))
    logits = torch.zeros(*tokens.shape, len(ids), requires_grad=True)
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
    assert logits.grad is not None
    assert torch.equal(logits.grad.abs().sum(-1) > 0, targets != IGNORED)


def test_a_use_says_the_same_task_in_other_names(examples: list[Example]) -> None:
    """Drawn again and again, an example keeps its form and its plan stays the plan of its prompt; only names change."""
    rng = Random(0)
    for example in examples[::6]:
        uses = [words_of(example, rng) for _ in range(8)]
        kept = name_objects(example.scene.objects)
        shape = (prompt_words(example.scene, kept, example.layout), plan_words(example.plan, kept))
        spoken = {word for parts in kept.values() for word in parts}
        for prompt, plan in uses:
            pairs = list(zip([*shape[0], *shape[1]], [*prompt, *plan], strict=True))
            assert all(word == before for before, word in pairs if before not in spoken)
            renaming = dict(pairs)
            assert [renaming[before] for before, _ in pairs] == [word for _, word in pairs]
            assert len(set(renaming.values())) == len(renaming)
        assert len({tuple(prompt) for prompt, _ in uses}) > 1


def test_what_is_learned_from_is_of_split_base_and_short(examples: list[Example]) -> None:
    assert {example.scene.domain for example in examples} == set(DOMAINS)
    for example in examples:
        scene = example.scene
        assert split_of(key_of(scene.objects, scene.init, scene.goal)) == "base"
        assert 1 <= len(example.plan) <= 6


def test_a_domain_without_so_short_a_plan_is_refused() -> None:
    with pytest.raises(InputError, match="blocksworld has no task of 1 to 1 steps"):
        list(base_examples(["blocksworld"], 5, seed=0, longest=1))


@pytest.mark.parametrize(("domain", "longest"), [("blocksworld", 60), ("logistics", 60), ("grid", 32)])
def test_words_learned_on_short_plans_say_much_longer_tasks(words: list[str], domain: str, longest: int) -> None:
    """A planner is asked about tasks far longer than what it learned from, and their objects must have names. Longer
    Grid tasks have more than the eight keys of the vocabulary."""
    layout = Layout.of(domain_info(domain).settings.get("compact", {}))
    for draft, _ in drafts(domain, 20, seed=5, plan_length=(longest // 2, longest)):
        names = name_objects(draft.objects)
        prompt = prompt_words(Scene(domain, draft.objects, draft.init, draft.goal), names, layout)
        plan = plan_words(draft.plan, names)
        assert {*prompt, *plan} <= set(words)
        assert read_words(plan, names, {step[0] for step in draft.plan}) == draft.plan


def test_a_word_beyond_the_vocabulary_is_read_as_unknown(words: list[str]) -> None:
    tokenizer = new_tokenizer(words)
    unknown = tokenizer.convert_tokens_to_ids(UNKNOWN)
    assert tokenizer("blocksworld block33 block32").input_ids == [
        tokenizer.convert_tokens_to_ids("blocksworld"),
        unknown,
        tokenizer.convert_tokens_to_ids("block32"),
    ]


def test_the_tokenizer_gives_each_word_one_token_and_back(words: list[str]) -> None:
    tokenizer = new_tokenizer(words)
    assert [tokenizer.convert_tokens_to_ids(word) for word in (PAD, END, UNKNOWN)] == [0, 1, 2]
    assert len(tokenizer) == len(words) + 3
    assert tokenizer(" ".join(words)).input_ids == list(range(3, len(words) + 3))
    assert tokenizer.decode(list(range(3, len(words) + 3))) == " ".join(words)
    with pytest.raises(ValueError, match="twice"):
        new_tokenizer(["on", "clear", "on"])
