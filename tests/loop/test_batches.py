"""What a training step is fed with: the mask of a real batch, the draw, the validation split."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planbench.loop.batches import draws, split_tasks, stack, use
from planbench.loop.examples import TrainExample, train_example
from planbench.loop.objective import IGNORED
from planbench.models.completions import CompletionEncoder
from planbench.models.stretch import stretched
from planbench.models.thinking import stored
from planbench.records import Message, Prompt
from tests.loop.traces import trace
from tests.models.chat_tokenizers import IM_CHAT, IM_THINKING, byte_level, tokens

REPLIES = ("(pick-up a)\n(stack a b)", "First a.\n</think>\n\n(pick-up a)", "(", "<think>no end")
FINISHES = ("stop", "stop", "stop", "length")


@pytest.mark.parametrize("chat_template", [None, IM_CHAT, IM_THINKING], ids=["plain", "chat", "thinking"])
def test_the_loss_sees_completion_and_stop_token_alone(chat_template: str | None) -> None:
    tokenizer = byte_level(chat_template)
    encoder = CompletionEncoder(tokenizer, frozenset(tokens(tokenizer, ["<|im_end|>", "<|endoftext|>"])), "m")
    examples: list[TrainExample] = []
    for number, (reply, finish) in enumerate(zip(REPLIES, FINISHES, strict=True)):
        prompt = Prompt("pddl", (Message("user", "Plan: " + "(on a b) " * (3 - number)),))
        # As a run keeps it: where the prompt opened reasoning that the reply never closes, with the tag in front.
        kept = stored(reply, "<think>" if chat_template is IM_THINKING else "")
        examples.append(train_example(encoder, prompt, trace(reply=kept, finish=finish), number + 1.0))
    batch = stack([use(example, example.weight) for example in examples], pad=0)
    assert batch.weights.tolist() == [1, 2, 3, 4]
    assert batch.tokens.shape == batch.targets.shape
    for row, example in enumerate(examples):
        read, learned = batch.tokens[row].tolist(), batch.targets[row].tolist()
        start, end = len(example.prompt) - 1, len(example.prompt) + len(example.completion) - 1
        # All of the prompt is read; nothing of it, and nothing of the padding, is learned.
        opening = str(tokenizer.decode(read[: start + 1]))
        if chat_template is not None:
            assert opening.endswith("<think>\n" if chat_template is IM_THINKING else "assistant\n")
        assert set(learned[:start]) | set(learned[end:]) <= {IGNORED}
        stop = "<|im_end|>" if FINISHES[row] == "stop" else ""
        assert tokenizer.decode(learned[start:end]) == REPLIES[row] + stop
        # Each target is the token that is read next.
        assert learned[start : end - 1] == read[start + 1 : end]
        assert batch.first <= start


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 12), st.sampled_from([1, 1, 3]), st.integers(0, 99))
def test_every_round_of_draws_holds_every_example_once(count: int, size: int, group: int, seed: int) -> None:
    drawn = draws([1] * count, size, Random(seed), group)
    # As many batches as make whole groups and whole rounds.
    flat = [index for _ in range(count * group) for index in next(drawn)]
    assert sorted(flat) == sorted(list(range(count)) * size * group)
    for start in range(0, len(flat) - count + 1, count) if group == 1 else ():
        assert sorted(flat[start : start + count]) == list(range(count))


def test_a_group_of_draws_is_dealt_out_by_length_in_random_order() -> None:
    lengths = Random(7).sample(range(5, 95), 40)
    drawn = draws(lengths, 5, Random(0), 4)
    firsts: set[int] = set()
    for _ in range(30):
        batches = [sorted(lengths[index] for index in next(drawn)) for _ in range(4)]
        ordered = sorted(batches)
        assert all(low[-1] <= high[0] for low, high in pairwise(ordered))
        firsts.add(ordered.index(batches[0]))
    assert firsts == {0, 1, 2, 3}


def example(task: int) -> TrainExample:
    return TrainExample((1,), (2,), 1.0, f"task {task}")


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), max_size=60), st.sampled_from([0.0, 0.1, 0.5, 0.9]), st.integers(0, 9))
def test_no_task_is_in_training_and_validation(tasks: list[int], share: float, seed: int) -> None:
    examples = [example(task) for task in tasks]
    training, held_out = split_tasks(examples, share, seed)
    ours, theirs = {one.task_hash for one in training}, {one.task_hash for one in held_out}
    assert not ours & theirs
    assert len(training) + len(held_out) == len(examples)
    count = len(ours | theirs)
    if share == 0 or count < 2:
        assert not theirs
    else:
        assert len(theirs) == min(count - 1, max(1, round(share * count)))


def test_a_held_out_task_mostly_stays_held_out_as_tasks_are_added() -> None:
    _, before = split_tasks([example(task) for task in range(200)], 0.1, 0)
    _, after = split_tasks([example(task) for task in range(260)], 0.1, 0)
    stayed = {one.task_hash for one in before} & {one.task_hash for one in after}
    # Drawn anew, two of the twenty would be.
    assert len(stayed) >= 15


def test_fresh_uses_are_drawn_in_training_alone() -> None:
    one = TrainExample((1, 2), (3,), 1.0, "t", lambda rng: ([rng.randint(5, 500)], [4]))
    assert use(one, 0.5) == ((1, 2), (3,), 0.5)
    assert use(one, 0.5, Random(0)) == use(one, 0.5, Random(0)) != use(one, 0.5, Random(1))
    assert use(example(1), 2.0, Random(0)) == ((1,), (2,), 2.0)


@given(st.integers(1, 8), st.integers(1, 60), st.floats(1, 4), st.integers(0, 2**32))
def test_stretched_positions_increase_and_stay_in_bounds(rows: int, width: int, stretch: float, seed: int) -> None:
    positions = stretched(rows, width, stretch, Random(seed))
    assert positions.shape == (rows, width)
    assert bool((positions.diff(dim=1) > 0).all())
    assert int(positions.min()) >= 0
    assert int(positions.max()) < stretch * width
