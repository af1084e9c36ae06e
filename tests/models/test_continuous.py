"""The continuous engine against the library's `generate`, one prompt at a time; and what must not change a reply."""

from __future__ import annotations

import gc
import random
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from planbench.models.continuous import Engine, _Run
from planbench.models.decode import Completion, Row
from planbench.models.memory import rows_at_once
from planbench.models.passes import Passes, supports
from planbench.models.prefixes import shared_prefixes
from tests.models.checkpoints import EOS, random_model
from tests.models.test_decode import generated

ENGINE = ("Llama", "Qwen3", "Gemma2", "GPT2", "Mistral", "Mixtral", "Qwen3Moe")
"""Mistral and Gemma2 look back 6 tokens, fewer than their prompts have; Gemma2 caps its scores too."""


def some_rows(limit: int = 20, seed: int = 1) -> list[Row]:
    """Two families of prompts with beginnings of 20 and 18 tokens, some loners, some prompts twice; 1 to 31 tokens."""
    draw = random.Random(seed)

    def words(count: int) -> tuple[int, ...]:
        return tuple(draw.randrange(4, 64) for _ in range(count))

    one, two = words(20), words(18)
    prompts = [one + words(draw.randint(1, 11)) for _ in range(6)] + [
        two + words(draw.randint(1, 11)) for _ in range(4)
    ]
    prompts += [words(draw.randint(1, 9)) for _ in range(3)]
    prompts += [prompts[0], prompts[7], prompts[0]]
    return [Row(prompt, draw.randint(1, limit), number) for number, prompt in enumerate(prompts)]


def answers(engine: Engine, rows: Sequence[Row], most: int, wanted: Sequence[int] = (), **how: Any) -> list[Completion]:
    wanted = wanted or range(len(rows))
    found = sorted(engine.run(rows, wanted, most, **how), key=lambda answer: answer.index)
    assert [answer.index for answer in found] == list(wanted)
    assert all(answer.seconds > 0 for answer in found)
    return [answer.completion for answer in found if answer.completion is not None]


@pytest.mark.parametrize("architecture", ENGINE)
def test_greedy_equals_generate_one_prompt_at_a_time(architecture: str) -> None:
    model = random_model(architecture)
    assert supports(model)
    rows = some_rows(limit=14)
    free = [generated(model, row, []) for row in rows]
    # Tokens that do occur, so that rows leave at different steps, one of them at once.
    stop = [EOS, free[0][0], max(free, key=len)[5]]
    engine = Engine(model, frozenset(stop))
    for most in (3, 64):
        found = answers(engine, rows, most)
        for said, completion in zip(free, found, strict=True):
            ends = [place + 1 for place, token in enumerate(said) if token in stop]
            expected = said[: ends[0]] if ends else said
            assert not completion.near_ties
            assert completion.tokens + ((expected[-1],) if completion.stopped else ()) == expected
            assert completion.generated == len(expected)
        assert engine.counts.said == sum(completion.generated for completion in found)
    assert len({completion.generated for completion in found}) > 3
    assert model.config._attn_implementation != "planbench_shared"


@pytest.mark.parametrize("length", [57, 60, 63])
def test_a_prompt_up_to_the_last_position_of_a_table_is_read(length: int) -> None:
    """What fills it up to a multiple has no position of its own there."""
    model = random_model("GPT2")
    rows = [Row(tuple(range(length)), 64 - length, seed) for seed in range(2)]
    found = answers(Engine(model, frozenset()), rows, 4)
    assert [completion.tokens for completion in found] == [generated(model, row, []) for row in rows]


@pytest.mark.parametrize("architecture", ["GptOss", "Bloom", "Mamba", "Lfm2", "Phi3", "Llama4Text"])
def test_what_it_does_not_compute_is_noticed(architecture: str) -> None:
    """Sinks in the attention, biases by position, state that is no cache of keys and values, positions that hang on the
    longest row, attention in chunks."""
    assert not supports(random_model(architecture))


def test_sinks_are_noticed_in_half_precision_too() -> None:
    """Whose rounding would hide them."""
    model = random_model("GptOss", initializer_range=0.02).to(torch.bfloat16)
    assert not supports(model)


def test_positions_of_other_kinds_that_hang_on_nothing_are_computed() -> None:
    plain = {"rope_type": "default", "rope_theta": 10_000.0}
    assert supports(random_model("Phi3", rope_parameters=plain))
    yarn = {"rope_type": "yarn", "rope_theta": 10_000.0, "factor": 4.0, "original_max_position_embeddings": 16}
    assert supports(random_model("Llama", rope_parameters=yarn))


def test_a_common_beginning_is_read_once() -> None:
    rows = some_rows()
    engine = Engine(random_model(), frozenset())
    answers(engine, rows, 4)
    prompts = {row.prompt for row in rows}
    groups = shared_prefixes(prompts)
    assert {(len(group.prefix), len(group.prompts)) for group in groups} >= {(20, 6), (18, 4)}
    least = sum(len(prompt) for prompt in prompts) - 5 * 20 - 3 * 18
    assert engine.counts.read == least


def test_groups_hold_every_prompt_once() -> None:
    draw = random.Random(0)
    for _ in range(50):
        stems = [tuple(draw.choices(range(3), k=draw.randint(0, 40))) for _ in range(3)]
        prompts = {draw.choice(stems) + tuple(draw.choices(range(3), k=draw.randint(1, 9))) for _ in range(12)}
        groups = shared_prefixes(prompts)
        assert sorted(prompt for group in groups for prompt in group.prompts) == sorted(prompts)
        for group in groups:
            assert all(prompt[: len(group.prefix)] == group.prefix for prompt in group.prompts)
            assert all(len(prompt) > len(group.prefix) for prompt in group.prompts)
        assert groups == shared_prefixes(sorted(prompts, reverse=True))


@pytest.mark.parametrize("architecture", ["Llama", "Mistral", "GPT2"])
def test_a_reply_hangs_on_its_seed_and_not_on_its_company(architecture: str) -> None:
    engine = Engine(random_model(architecture), frozenset([EOS]))
    rows = some_rows()
    how: dict[str, Any] = {"temperature": 0.9, "top_p": 0.95}
    whole = answers(engine, rows, 64, **how)
    for most in (1, 5):
        assert answers(engine, rows, most, **how) == whole
    some = [0, 3, 5, 8, 11]
    assert answers(engine, rows, 4, some, **how) == [whole[index] for index in some]
    other = [Row(row.prompt, row.limit, row.seed + 100) for row in rows]
    assert answers(engine, other, 64, **how) != whole


def long_rows() -> list[Row]:
    """Prompts of 103 to 570 tokens that share their first 100, as attention goes through long texts in pieces."""
    draw = random.Random(3)
    shared = [draw.randrange(4, 64) for _ in range(100)]
    lengths = (3, 17, 60, 64, 65, 130, 191, 193, 255, 300, 470)
    prompts = [(*shared, *(draw.randrange(4, 64) for _ in range(length))) for length in lengths]
    return [Row(prompt, 3 + 10 * (number % 3), number) for number, prompt in enumerate(prompts)]


@pytest.mark.parametrize("kept", [2, 1])
@pytest.mark.parametrize("rows", [some_rows(limit=30), long_rows()], ids=["short", "long"])
def test_logits_are_the_same_bits_in_any_company(rows: list[Row], kept: int) -> None:
    """Products of matrices of 8 rows and more: what the engine's docstring rests on. With one head kept for four, those
    of a step's attention have four rows."""
    shape: dict[str, Any] = {
        "hidden_size": 64,
        "intermediate_size": 160,
        "num_key_value_heads": kept,
        "max_position_embeddings": 1024,
    }
    model = random_model("Llama", **shape)
    engine = Engine(model, frozenset())
    seen: dict[int, dict[tuple[int, int], torch.Tensor]] = {}
    for most in (1, 5, 16):
        seen[most] = {}

        def keep(logits: torch.Tensor, active: Any, kept: dict[Any, torch.Tensor] = seen[most]) -> list[int]:
            for row, line in zip(active, logits, strict=True):
                kept[row.index, len(row.speech.tokens)] = line.clone()
            return logits.argmax(-1).tolist()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("planbench.models.continuous._Run._choose", lambda self, logits, active: keep(logits, active))
            answers(engine, rows, most)
    assert seen[1].keys() == seen[5].keys() == seen[16].keys()
    for key, line in seen[1].items():
        assert torch.equal(line, seen[5][key])
        assert torch.equal(line, seen[16][key])


def test_sampled_tokens_have_the_models_distribution() -> None:
    model = random_model(initializer_range=0.3)
    prompt, draws = tuple(range(5, 25)), 3_000
    rows = [Row(prompt, 2, seed) for seed in range(draws)]
    found = answers(Engine(model, frozenset()), rows, 512, temperature=1.3)
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([prompt])).logits[0, -1]
        first = torch.softmax(logits.double() / 1.3, -1)
        every = torch.tensor([[*prompt, token] for token in range(64)])
        second = torch.softmax(model(input_ids=every).logits[:, -1].double() / 1.3, -1)
    for place, expected in enumerate((first, first @ second)):
        counts = torch.bincount(torch.tensor([one.tokens[place] for one in found]), minlength=64).double()
        large = expected * draws >= 5
        observed = torch.cat([counts[large], counts[~large].sum()[None]])
        wanted = torch.cat([expected[large], expected[~large].sum()[None]]) * draws
        statistic = float(((observed - wanted) ** 2 / wanted.clamp(min=1)).sum())
        degrees = int(large.sum())
        # Five standard deviations of chi-square above its mean.
        assert statistic < degrees + 5 * (2 * degrees) ** 0.5


class Cramped(torch.nn.Module):
    """A model on a device whose memory holds `most` rows."""

    def __init__(self, model: Any, most: int) -> None:
        super().__init__()
        self.inner, self.most, self.refused = model, most, 0
        self.forward = model.forward

    def __getattr__(self, name: str) -> Any:
        return super().__getattr__(name) if name in ("inner", "_modules") else getattr(self.inner, name)

    def __call__(self, input_ids: torch.Tensor, **how: Any) -> Any:
        if len(input_ids) > self.most:
            self.refused += 1
            raise torch.OutOfMemoryError("no memory")
        return self.inner(input_ids=input_ids, **how)


def test_where_memory_runs_out_the_batch_is_halved_and_nothing_is_lost() -> None:
    rows = some_rows() + some_rows(seed=2)
    whole = answers(Engine(random_model(), frozenset([EOS])), rows, 32)
    cramped = Cramped(random_model(), 8)
    engine = Engine(cramped, frozenset([EOS]))
    assert answers(engine, rows, 32) == whole
    assert cramped.refused == engine.counts.halvings > 0
    assert engine.counts.batch == 8


def test_no_row_is_lost_where_memory_runs_out_between_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Putting a row into a slot takes memory as well, of a row that joins and of one that moves."""
    rows, model = some_rows(), random_model()
    settle, step = _Run._settle, _Run._step
    moving = failed = 0

    def stepped(self: _Run) -> None:
        nonlocal moving
        moving += 1
        step(self)
        moving -= 1

    def settled(self: _Run, slot: int, row: Any, source: Any, place: int) -> None:
        nonlocal failed, moving
        if moving and not failed:
            failed, moving = 1, 0
            raise torch.OutOfMemoryError("no memory")
        settle(self, slot, row, source, place)

    whole = answers(Engine(model, frozenset([EOS])), rows, 32)
    monkeypatch.setattr(_Run, "_step", stepped)
    monkeypatch.setattr(_Run, "_settle", settled)
    assert answers(Engine(model, frozenset([EOS])), rows, 4) == whole
    assert failed


def test_a_prompt_is_not_given_up_for_two_failures_with_answers_between(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row((5, 6, 7), 4, seed) for seed in range(8)]
    calls = 0

    def call(self: Cramped, input_ids: torch.Tensor, **how: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls in (5, 20):
            raise torch.OutOfMemoryError("no memory")
        return self.inner(input_ids=input_ids, **how)

    monkeypatch.setattr(Cramped, "__call__", call)
    engine = Engine(Cramped(random_model(), 99), frozenset())
    assert len(answers(engine, rows, 1, temperature=1.0)) == 8
    assert engine.counts.halvings == 2


def test_a_row_that_does_not_fit_alone_is_given_up_and_the_others_go_on() -> None:
    rows = some_rows()
    cramped = Cramped(random_model(), 99)
    long = max(range(len(rows)), key=lambda index: len(rows[index].prompt))

    def call(self: Cramped, input_ids: torch.Tensor, **how: Any) -> Any:
        if int(how["position_ids"].max()) >= len(rows[long].prompt) - 1:
            raise torch.OutOfMemoryError("no memory")
        return self.inner(input_ids=input_ids, **how)

    short = [Row(row.prompt, 1, row.seed) for row in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cramped, "__call__", call)
        found = list(Engine(cramped, frozenset()).run(short, range(len(short)), 4))
    assert sorted(answer.index for answer in found) == list(range(len(rows)))
    lost = {answer.index for answer in found if answer.completion is None}
    assert long in lost
    assert len(lost) < len(rows)


def test_samples_beside_one_that_does_not_fit_are_tried_and_the_batch_grows_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [Row((5, 6, 7), 60 if seed in (0, 5) else 5, seed) for seed in range(12)]
    step = Passes.step

    def cramped(self: Passes, stores: Any, groups: Any, start: Sequence[int], last: Any) -> torch.Tensor:
        if max(start) > 20:
            raise MemoryError
        return step(self, stores, groups, start, last)

    monkeypatch.setattr(Passes, "step", cramped)
    engine = Engine(random_model(), frozenset())
    found = {answer.index: answer.completion for answer in engine.run(rows, range(12), 8)}
    assert sorted(found) == list(range(12))
    assert {index for index, completion in found.items() if completion is None} == {0, 5}
    assert engine.counts.batch == 8


def test_memory_stays_flat_over_many_samples() -> None:
    """Tensors that are alive, after 150 samples and after 690."""
    engine = Engine(random_model(), frozenset([EOS]))
    rows = [Row((*range(4, 24), 4 + seed % 40), 4, seed) for seed in range(700)]
    alive: list[int] = []
    for number, _ in enumerate(engine.run(rows, range(len(rows)), 32, temperature=1.0)):
        if number in (150, 690):
            gc.collect()
            alive.append(sum(one.numel() for one in gc.get_objects() if type(one) is torch.Tensor))
    assert alive[1] <= 1.1 * alive[0]


def test_rows_at_once_follow_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planbench.models.memory.free_bytes", lambda device: 2_000_000)
    rows = [Row((1,) * 60, 40, 0)] * 10
    cpu = torch.device("cpu")
    assert rows_at_once(rows, 1_000, cpu, 10**9, "continuous") == 10
    assert rows_at_once(rows, 10, cpu, 10**9, "continuous") == 64
    assert rows_at_once(rows, 10**6, cpu, 10**9, "continuous") == 1
