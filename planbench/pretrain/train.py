"""Training the small planner from scratch, from tasks to a checkpoint.

The loss is the cross-entropy of the plan's words and of the end of the plan; the words of the prompt are given, never
learned. Uses of tasks are drawn domain by domain in equal shares. Every 500 steps, and at the end, the state is
saved beside the checkpoint, and the same command goes on from there to the same weights.

Not covered: more than one process. A planner of this size is trained on one core in less than half an hour.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers.utils import logging

from planbench.errors import InputError
from planbench.models import small_pass
from planbench.models.forgetting import seen
from planbench.models.optimizer import Muon
from planbench.models.stretch import stretched
from planbench.pretrain.checkpoint import new_model, new_tokenizer, save
from planbench.pretrain.config import PretrainConfig
from planbench.pretrain.corpus import Example, base_examples, vocabulary, words_of

SAVE_EVERY = 500

GROUP = 4
"""So many batches are drawn at once and dealt out by length, which leaves less padding. It divides SAVE_EVERY, so that
nothing dealt is waiting when the state is saved."""

_IGNORED = -100
"""Marks a position that the loss leaves out (the default of `cross_entropy`)."""


@dataclass(frozen=True)
class Progress:
    """A step done: `loss` is nats a word, averaged over the last hundred steps; `tokens` since the start."""

    step: int
    steps: int
    loss: float
    tokens: int
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """`tasks` counts the distinct tasks a domain; `longest` is the longest plan that was learned from, a domain."""

    tasks: dict[str, int]
    longest: dict[str, int]
    parameters: int
    loss: float
    tokens: int
    seconds: float


_Row = tuple[list[int], list[int]]
"""Token ids of a prompt and of its plan, the end included."""


class Batches:
    """Batches of freshly named uses of examples. `words` is the tokenizer's vocabulary."""

    def __init__(self, examples: Sequence[Example], ids: dict[str, int], size: int) -> None:
        self._ids, self._size = ids, size
        self._unknown, self._end = ids["<unknown>"], ids["<end>"]
        self._by_domain: dict[str, list[Example]] = {}
        for example in examples:
            self._by_domain.setdefault(example.scene.domain, []).append(example)

    def draw(self, rng: Random) -> tuple[Tensor, Tensor]:
        """Tokens and targets, both `(size, words)`; a target is the next token, or ignored within the prompt and in
        the padding on the right."""
        return self._stack(self._rows(self._size, rng))

    def deal(self, count: int, rng: Random) -> list[tuple[Tensor, Tensor]]:
        """`count` batches in random order, each of rows of much the same length."""
        rows = sorted(self._rows(count * self._size, rng), key=lambda row: len(row[0]) + len(row[1]))
        batches = [self._stack(rows[start : start + self._size]) for start in range(0, len(rows), self._size)]
        return rng.sample(batches, count)

    def _rows(self, count: int, rng: Random) -> list[_Row]:
        domains = list(self._by_domain)
        return [self._row(rng.choice(self._by_domain[rng.choice(domains)]), rng) for _ in range(count)]

    def _stack(self, rows: Sequence[_Row]) -> tuple[Tensor, Tensor]:
        width = max(len(prompt) + len(plan) for prompt, plan in rows)
        tokens = torch.zeros(len(rows), width, dtype=torch.long)
        targets = torch.full((len(rows), width), _IGNORED)
        for index, (prompt, plan) in enumerate(rows):
            tokens[index, : len(prompt) + len(plan)] = torch.tensor(prompt + plan)
            targets[index, len(prompt) - 1 : len(prompt) + len(plan) - 1] = torch.tensor(plan)
        return tokens, targets

    def _row(self, example: Example, rng: Random) -> _Row:
        prompt, plan = words_of(example, rng)
        number = self._ids.get
        return [number(word, self._unknown) for word in prompt], [*(number(w, self._unknown) for w in plan), self._end]


def pretrain(config: PretrainConfig, out: Path, report: Callable[[Progress], None] = lambda _: None) -> Outcome:
    """Train a planner and leave its checkpoint in `out`. Raises InputError where `out` holds another training."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(config.threads)
    examples = list(
        base_examples(config.domains, config.tasks, seed=config.seed, longest=config.longest, wide=config.wide)
    )
    words = vocabulary(examples)
    tokenizer = new_tokenizer(words)
    model = new_model(config, len(words))
    model.train()
    embeddings = model.model.embed_tokens.weight
    matrices = [p for p in model.parameters() if p.ndim == 2 and p is not embeddings]
    others = [p for p in model.parameters() if p.ndim != 2]
    optimizers: list[tuple[torch.optim.Optimizer, float]] = [
        (Muon(matrices, lr=config.lr), config.lr),
        (_adamw([embeddings], config.embedding_lr), config.embedding_lr),
        (_adamw(others, config.lr), config.lr),
    ]
    batches = Batches(examples, dict(tokenizer.get_vocab()), config.batch)
    rng = Random(config.seed)
    dealt: list[tuple[Tensor, Tensor]] = []
    state = _State(out / "training.pt", config)
    done, tokens, seconds, losses = state.restore(model, [optimizer for optimizer, _ in optimizers], rng)
    while done < config.steps:
        started = time.perf_counter()
        # Nothing is left of what was dealt where a training goes on.
        dealt = dealt or batches.deal(GROUP, rng)
        inputs, targets = dealt.pop()
        share = _schedule(done, config)
        for optimizer, lr in optimizers:
            optimizer.param_groups[0]["lr"] = lr * share
        rows, width = inputs.shape
        learned = targets != _IGNORED
        positions = stretched(rows, width, config.stretch, rng)
        logits = small_pass.logits(model, inputs, positions, learned, seen(learned, config.forget, rng))
        loss = functional.cross_entropy(logits, targets[learned])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, _ in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        losses = [*losses[-99:], loss.item()]
        done += 1
        tokens += inputs.numel()
        seconds += time.perf_counter() - started
        report(Progress(done, config.steps, sum(losses) / len(losses), tokens, seconds))
        if done % SAVE_EVERY == 0 or done == config.steps:
            state.keep(model, [optimizer for optimizer, _ in optimizers], rng, (done, tokens, seconds, losses))
    model.eval()
    save(out, model, tokenizer)
    return Outcome(
        tasks={domain: sum(e.scene.domain == domain for e in examples) for domain in config.domains},
        longest={d: max(len(e.plan) for e in examples if e.scene.domain == d) for d in config.domains},
        parameters=sum(p.numel() for p in model.parameters()),
        loss=sum(losses) / len(losses),
        tokens=tokens,
        seconds=seconds,
    )


def _adamw(parameters: Sequence[Tensor], lr: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=lr, betas=(0.9, 0.95), weight_decay=0.0)


def _schedule(step: int, config: PretrainConfig) -> float:
    """The share of the full learning rate: a linear rise, then half a cosine down to 2%."""
    rise = min(1.0, (step + 1) / max(1, config.warmup))
    return rise * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / config.steps)))


class _State:
    """What a training goes on from after a kill."""

    def __init__(self, path: Path, config: PretrainConfig) -> None:
        self._path, self._config = path, config.model_dump_json()

    def keep(
        self,
        model: Any,
        optimizers: Sequence[torch.optim.Optimizer],
        rng: Random,
        progress: tuple[int, int, float, list[float]],
    ) -> None:
        beside = self._path.with_suffix(".new")
        kept = {
            "config": self._config,
            "model": model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in optimizers],
            "rng": rng.getstate(),
            "progress": progress,
        }
        torch.save(kept, beside)
        os.replace(beside, self._path)

    def restore(
        self, model: Any, optimizers: Sequence[torch.optim.Optimizer], rng: Random
    ) -> tuple[int, int, float, list[float]]:
        if not self._path.is_file():
            return 0, 0, 0.0, []
        try:
            kept = torch.load(self._path, weights_only=True)
            config = kept["config"]
        except (OSError, EOFError, RuntimeError, UnpicklingError, LookupError, TypeError) as error:
            what = type(error).__name__
            raise InputError(f"{self._path}: no state of a training ({what}); remove it to start anew") from None
        if config != self._config:
            raise InputError(f"{self._path.parent}: holds another training; choose another --out or the same options")
        model.load_state_dict(kept["model"])
        for optimizer, state in zip(optimizers, kept["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        version, words, gauss = kept["rng"]
        rng.setstate((version, tuple(words), gauss))
        done, tokens, seconds, losses = kept["progress"]
        return int(done), int(tokens), float(seconds), list(losses)
