"""Fine-tuning on curated traces, from one checkpoint to the next.

All weights are trained, or low-rank adapters (LoRA) that are merged into the weights at the end: what comes out is an
ordinary checkpoint either way, with the tokenizer, the generation settings and the precision of the one that went in.
It is written beside its place and moved there whole.

Through accelerate: on an accelerator where there is one, and in several processes where the program was started so.
Each computes its share of every batch, whatever is drawn for a batch is drawn for all of it in all of them, and the
weights are those of one process up to rounding (dropout aside, which each draws for itself). Where accelerate is
configured for FSDP, each holds a share of the weights as well.

Not covered: going on in the middle of a training (a kill costs the training), models too large for one device, and
checkpoints that bring code of their own.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from planbench.errors import InputError
from planbench.loop.batches import Batch, Use, draws, share, split_tasks, stack, use
from planbench.loop.examples import TrainExample
from planbench.loop.finetune_config import FinetuneConfig, FinetuneOutcome, FinetuneProgress
from planbench.loop.finetune_files import publish, rebuilt, with_adapters
from planbench.loop.likelihood import reweighted
from planbench.loop.objective import IGNORED, per_token, weighted_nll
from planbench.models import small_pass
from planbench.models.catalog import LoadOptions
from planbench.models.forgetting import seen
from planbench.models.hf_load import Loaded, load_checkpoint
from planbench.models.optimizer import Muon
from planbench.models.stretch import stretched

if TYPE_CHECKING:
    from accelerate import Accelerator

_MUON_RATE = 4
_DEFAULT_EPOCHS = 2.0

_VALIDATED = 1_000
"""The most traces that a validation loss is taken on: with every reply kept, a tenth of them would take longer than the
training."""


def finetune(
    checkpoint: Path,
    examples: Sequence[TrainExample],
    config: FinetuneConfig,
    out: Path,
    report: Callable[[FinetuneProgress], None] = lambda _: None,
) -> FinetuneOutcome:
    """Train the model in folder `checkpoint` and leave the new one in folder `out`, which must not exist.

    Raises InputError where there is nothing to learn from, `out` is there or cannot be written, or the loss stops being
    a number, and CheckpointError for a checkpoint that cannot be loaded.
    """
    if out.exists():
        raise InputError(f"{out}: is there already; remove it or choose another folder")
    with _threads(config.threads):
        # Read as it was saved, to be saved so again; trained in full precision, where small steps are not rounded away.
        loaded = load_checkpoint(checkpoint, LoadOptions({"device": "cpu", "dtype": "stored"}))
        saved_as = loaded.model.dtype
        training = _Training(loaded, examples, config)
        outcome = training.run(report)
    model = training.whole(checkpoint)
    if training.accelerator.is_main_process:
        publish(model, saved_as, checkpoint, out, config, outcome)
    training.accelerator.wait_for_everyone()
    return outcome


@contextmanager
def _threads(count: int | None) -> Generator[None]:
    """So many threads within the block; what follows, sampling for one, has as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Training:
    """A training: a model, its data, its optimizers."""

    def __init__(self, loaded: Loaded, examples: Sequence[TrainExample], config: FinetuneConfig) -> None:
        self._config = config
        usable = _usable(examples, loaded.model)
        self._left_out = len(examples) - len(usable)
        self._examples, self._held_out = split_tasks(usable, config.validation, config.seed)
        if not self._examples:
            raise InputError("no example with a weight and a token to learn: there is nothing to train on")
        few = min(_VALIDATED, len(self._held_out))
        self._validated = Random(f"{config.seed}-validated").sample(self._held_out, few)
        self._weights = self._weights_of(self._examples)
        self._batch = min(config.batch, len(self._examples))
        self._pad = loaded.tokenizer.pad_token_id or 0
        accepted = inspect.signature(loaded.model.forward).parameters
        self._keeps_logits = "logits_to_keep" in accepted
        if config.stretch > 1 and "position_ids" not in accepted:
            raise InputError(f"stretch {config.stretch:g}: this model is not told positions; leave it at 1")
        self._places = Random(f"{config.seed}-places")
        self._memory = Random(f"{config.seed}-memory")
        self.accelerator = _accelerator(config)
        tokens = sum(abs(w) * len(e.completion) for w, e in zip(self._weights, self._examples, strict=True))
        self._constant = self._batch * tokens / len(self._examples) / self.accelerator.num_processes
        torch.manual_seed(config.seed)
        model = loaded.model.float()
        if config.checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model = with_adapters(model, config.lora) if config.lora else model
        self._parameters = sum(p.numel() for p in model.parameters())
        self._trained_parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
        optimizers = _optimizers(model, config)
        self._rates = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
        # Another precision and recomputing need what the library wraps around the model.
        plain = config.precision == "no" and not config.checkpointing and self.accelerator.device.type == "cpu"
        self._small = plain and small_pass.supports(model)
        if self._small:
            self._model, self._optimizers = model, [self.accelerator.prepare(one) for one in optimizers]
        else:
            self._model, *self._optimizers = self.accelerator.prepare(model, *optimizers)
        # After that, as the library may have put others in their place.
        self._trained = [p for p in self._model.parameters() if p.requires_grad]
        if self._sharded and config.optimizer == "muon":
            raise InputError("optimizer muon: trains whole matrices, of which FSDP leaves none; type adamw")
        if config.forget and not self._small:
            raise InputError(f"forget {config.forget:g}: for planners of our own alone, on a processor; set it to 0")

    @property
    def _sharded(self) -> bool:
        return str(self.accelerator.distributed_type).endswith("FSDP")

    def whole(self, checkpoint: Path) -> Any:
        """The model as it is now, to be saved by the first process; all have to ask for it. Of what is spread over the
        processes it is made again, from the checkpoint that was trained."""
        if not self._sharded:
            return self.model
        state: dict[str, Any] = dict(self.accelerator.get_state_dict(self._model))
        return rebuilt(checkpoint, state, self._config) if self.accelerator.is_main_process else None

    @property
    def model(self) -> Any:
        """The model as it is now, with its adapters where it has any."""
        return self.accelerator.unwrap_model(self._model)

    def run(self, report: Callable[[FinetuneProgress], None]) -> FinetuneOutcome:
        config, started = self._config, time.perf_counter()
        round_ = len(self._examples) / (self._batch * config.accumulate)
        steps = config.steps or max(1, math.ceil((config.epochs or _DEFAULT_EPOCHS) * round_))
        every = config.evaluate_every or max(1, math.ceil(round_))
        lengths = [len(example.prompt) + len(example.completion) for example in self._examples]
        order = draws(lengths, self._batch, Random(f"{config.seed}-order"), config.group)
        names = Random(f"{config.seed}-names")
        before = self._validate()
        watch = _Watch(config.patience, self._trained)
        losses: list[float] = []
        tokens = step = 0
        while step < steps and not watch.over:
            self._set_rates(_schedule(step, steps, config))
            batches = [self._draw(next(order), names) for _ in range(config.accumulate)]
            losses = [*losses[-99:], self._step(batches)]
            tokens += sum(len(prompt) + len(completion) for batch in batches for prompt, completion, _ in batch)
            step += 1
            if not math.isfinite(losses[-1]):
                raise InputError(f"the loss is no number any more at step {step}; try a smaller learning rate")
            evaluated = self._validate() if step % every == 0 or step == steps else None
            if evaluated is not None:
                watch.add(step, evaluated)
            report(
                FinetuneProgress(
                    step=step,
                    steps=steps,
                    loss=sum(losses) / len(losses),
                    tokens=tokens,
                    seconds=time.perf_counter() - started,
                    validation=evaluated,
                )
            )
        after = watch.settle()
        return FinetuneOutcome(
            steps=step,
            examples=len(self._examples),
            held_out=len(self._held_out),
            left_out=self._left_out,
            tokens=tokens,
            seconds=time.perf_counter() - started,
            loss=sum(losses) / len(losses),
            validation_before=before,
            validation_after=after,
            validations=tuple(watch.losses),
            stopped_early=step < steps,
            parameters=self._parameters,
            trained_parameters=self._trained_parameters,
        )

    def _weights_of(self, examples: Sequence[TrainExample]) -> list[float]:
        weights = [example.weight for example in examples]
        if self._config.normalise == "traces":
            return weights
        return per_token(weights, [len(example.completion) for example in examples])

    def _set_rates(self, share: float) -> None:
        for optimizer, rate in zip(self._optimizers, self._rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * share

    def _draw(self, indices: Sequence[int], names: Random) -> list[Use]:
        weights = [self._weights[index] for index in indices]
        if self._config.ratio != "none":
            drawn = [self._examples[index] for index in indices]
            weights = reweighted(self.model, drawn, weights, self._config, self._pad)
        return [use(self._examples[index], weight, names) for index, weight in zip(indices, weights, strict=True)]

    def _step(self, batches: Sequence[Sequence[Use]]) -> float:
        """One update from all the batches; returns their mean loss."""
        self._model.train()
        total = 0.0
        for batch in batches:
            with self.accelerator.accumulate(self._model):
                loss = self._loss(stack(batch, self._pad), self._constant, self._config)
                self.accelerator.backward(loss)
                if self.accelerator.sync_gradients:
                    self._average()
                    self.accelerator.clip_grad_norm_(self._trained, self._config.clip)
                for optimizer in self._optimizers:
                    optimizer.step()
                    optimizer.zero_grad()
            mean: Any = self.accelerator.reduce(loss.detach(), "mean")
            total += float(mean)
        return total / len(batches)

    def _average(self) -> None:
        """The gradients over the processes, where no wrapper of the library's does that."""
        if self._small and self.accelerator.num_processes > 1:
            gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in self._trained]
            mean: Any = self.accelerator.reduce(torch.cat([one.flatten() for one in gradients]), "mean")
            for parameter, one in zip(self._trained, mean.split([one.numel() for one in gradients]), strict=True):
                parameter.grad = one.view_as(parameter)

    def _loss(self, batch: Batch, constant: float, learning: FinetuneConfig | None = None) -> Tensor:
        """`learning` is given in training: of what is drawn for the batch, this process computes its share. What is
        validated is read as it stands, whole."""
        device = self.accelerator.device
        rows, width = batch.tokens.shape
        stretch, forget = (learning.stretch, learning.forget) if learning else (1.0, 0.0)
        positions = stretched(rows, width, stretch, self._places) if stretch > 1 else None
        learned = batch.targets != IGNORED
        memory = seen(learned, forget, self._memory) if self._small else None
        if learning:
            own = share(rows, self.accelerator.process_index, self.accelerator.num_processes)
            batch, learned = batch.part(own), learned[own]
            positions = positions[own] if positions is not None else None
            memory = memory[own] if memory is not None else None
        if self._small:
            places = positions if positions is not None else torch.arange(width).expand(len(batch.tokens), width)
            picked = small_pass.logits(self._model, batch.tokens, places, learned, memory)
            return weighted_nll(picked, batch.targets, batch.weights, constant)
        # Padding stands on the right, where a causal model never looks: no mask is needed.
        extra: dict[str, Any] = {"logits_to_keep": batch.tokens.shape[1] - batch.first} if self._keeps_logits else {}
        if positions is not None:
            extra["position_ids"] = positions.to(device)
            # Without a mask, the library takes a jump in positions for the start of another sequence.
            extra["attention_mask"] = torch.ones_like(batch.tokens, device=device)
        logits = self._model(input_ids=batch.tokens.to(device), use_cache=False, **extra).logits
        targets = batch.targets[:, batch.targets.shape[1] - logits.shape[1] :].to(device)
        return weighted_nll(logits, targets, batch.weights.to(device), constant)

    @torch.no_grad()
    def _validate(self) -> float | None:
        """The loss on the tasks that are held out, None where there are none."""
        if not self._validated:
            return None
        self._model.eval()
        weights = self._weights_of(self._validated)
        uses = [use(example, weight) for example, weight in zip(self._validated, weights, strict=True)]
        uses.sort(key=lambda one: len(one[0]) + len(one[1]))
        total = 0.0
        for start in range(0, len(uses), self._batch):
            total += float(self._loss(stack(uses[start : start + self._batch], self._pad), 1.0))
        return total / sum(abs(weight) * len(completion) for _, completion, weight in uses)


class _Watch:
    """The held-out losses of a training, and with patience the weights at the best of them."""

    def __init__(self, patience: int | None, parameters: Sequence[torch.nn.Parameter]) -> None:
        self.losses: list[tuple[int, float]] = []
        self._patience, self._parameters = patience, parameters
        self._best, self._since = math.inf, 0
        self._kept: list[Tensor] = []

    @property
    def over(self) -> bool:
        return self._patience is not None and self._since >= self._patience

    def add(self, step: int, loss: float) -> None:
        self.losses.append((step, loss))
        self._since += 1
        if self._patience is not None and loss < self._best:
            self._best, self._since = loss, 0
            self._kept = [parameter.detach().clone() for parameter in self._parameters]

    @torch.no_grad()
    def settle(self) -> float | None:
        """Put the best weights back where they were kept; returns the loss of the weights that stay."""
        if not self._kept:
            return self.losses[-1][1] if self.losses else None
        for parameter, kept in zip(self._parameters, self._kept, strict=True):
            parameter.copy_(kept)
        return self._best


def _usable(examples: Sequence[TrainExample], model: Any) -> list[TrainExample]:
    """Examples that can be learned from."""
    room = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return [
        example
        for example in examples
        if example.weight
        and example.completion
        and example.prompt
        # The last token is learned, never read.
        and (room is None or len(example.prompt) + len(example.completion) - 1 <= room)
    ]


def _accelerator(config: FinetuneConfig) -> Accelerator:
    from accelerate import Accelerator

    # On a processor it must be told so: several processes are connected only then.
    cpu = config.device == "cpu" or not (torch.cuda.is_available() or torch.backends.mps.is_available())
    return Accelerator(cpu=cpu, mixed_precision=config.precision, gradient_accumulation_steps=config.accumulate)


def _optimizers(model: Any, config: FinetuneConfig) -> list[torch.optim.Optimizer]:
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    if config.optimizer == "sgd":
        return [torch.optim.SGD([p for _, p in trained], lr=config.lr, weight_decay=config.weight_decay)]
    if config.optimizer == "adamw":
        return [torch.optim.AdamW([p for _, p in trained], lr=config.lr, weight_decay=config.weight_decay)]
    matrices = [p for name, p in trained if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in trained if p.ndim != 2 or "embed" in name]
    return [
        Muon(matrices, lr=_MUON_RATE * config.lr),
        torch.optim.AdamW(others, lr=config.lr, betas=(0.9, 0.95), weight_decay=config.weight_decay),
    ]


def _schedule(step: int, steps: int, config: FinetuneConfig) -> float:
    """The share of the full learning rate: a linear rise, then half a cosine down to the floor."""
    rise = min(1.0, (step + 1) / max(1, config.warmup))
    return rise * (config.floor + (1 - config.floor) * 0.5 * (1 + math.cos(math.pi * step / steps)))
