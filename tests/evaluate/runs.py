"""Runs small enough for a test: real tasks, real models, real folders."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from planbench.evaluate import Asked, Spec, evaluate
from planbench.models import Model, load
from planbench.records import Reply, Request, SamplingSettings, Task
from planbench.records.files import SAMPLES, RunFolder
from planbench.records.sample import Sample
from planbench.records.summary import Summary
from planbench.suite import generate
from tests.models.checkpoints import EOS, random_model

SPEC: Spec = {"domains": ["blocksworld", "logistics"], "seed": 0}


@cache
def some_tasks() -> tuple[Task, ...]:
    """Twenty tasks of two domains, 2 to 5 steps."""
    return tuple(task for name in ("blocksworld", "logistics") for task in generate(name, 10, plan_length=(2, 5)))


def run(
    folder: Path, model: Model | None = None, *, tasks: Sequence[Task] = (), settings: Any = None, **asked: Any
) -> Summary:
    """Evaluate in `folder`; `settings` are keys of SamplingSettings, the rest is what `Asked` takes."""
    model = model or load("random")
    asks = Asked(model.name, settings=SamplingSettings(**(settings or {})), **asked)
    return evaluate(tasks or some_tasks(), SPEC, model, asks, RunFolder(folder))


def samples(folder: Path) -> list[Sample]:
    return list(RunFolder(folder).samples())


def drawn(folder: Path) -> dict[str, Sample]:
    """The samples by key, without the times, which no two runs share. No key may stand there twice."""
    found = samples(folder)
    by_key = {sample.key: sample.model_copy(update={"seconds": 0.0}) for sample in found}
    assert len(by_key) == len(found)
    return by_key


def sample_bytes(folder: Path) -> bytes:
    return (folder / SAMPLES).read_bytes()


class Flaky:
    """The random walk behind a line that fails: the first call answers `failing` positions with an error."""

    name, fingerprint = "flaky", "flaky-1"
    prompt_style: str | None = None
    max_context: int | None = None
    default_max_tokens: int | None = None

    def __init__(self, failing: Collection[int]) -> None:
        self.failing, self.asked = frozenset(failing), list[int]()

    def describe(self) -> dict[str, str | int | float | bool | None]:
        return {"kind": "flaky"}

    def replies(
        self, requests: Sequence[Request], done: Collection[int], settings: SamplingSettings
    ) -> Iterator[tuple[int, Reply]]:
        for position, reply in load("random").replies(requests, done, settings):
            self.asked.append(position)
            yield position, Reply("", "error", error="line down") if position in self.failing else reply
        self.failing = frozenset()


def planner_checkpoint(folder: Path) -> Path:
    """A checkpoint of random weights whose words are whole steps of Blocksworld, so that every verdict comes up."""
    blocks = ("b1", "b2", "b3")
    steps = [f"({name} {block})" for name in ("pick-up", "put-down") for block in blocks]
    steps += [f"({name} {a} {b})" for name in ("stack", "unstack") for a in blocks for b in blocks if a != b]
    words = ["<pad>", "<unk>", "<s>", "</s>", *(step + "\n" for step in steps), "(think b1)\n", "hm "]
    words += [f"w{number}" for number in range(64 - len(words))]
    made = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    assert words[EOS] == "</s>"
    random_model(max_position_embeddings=4096).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    ).save_pretrained(folder)
    return folder
