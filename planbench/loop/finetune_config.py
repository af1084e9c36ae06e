"""What a fine-tuning depends on, and what it came to. Equal configurations and examples give equal weights, on one
machine with one number of threads."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from planbench.loop.advantages import MOST, Ratio


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LoraSettings(_Frozen):
    """Low-rank adapters beside every linear layer but the output; the defaults are those of the iterative-deployment
    paper. With `keep_adapter` the adapter itself stands in `adapter/` of the checkpoint that it was merged into."""

    r: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: float = Field(default=0.05, ge=0, lt=1)
    keep_adapter: bool = False


class FinetuneConfig(_Frozen):
    """Either `steps` or `epochs` (2 where neither is given). A step is `accumulate` batches of `batch` traces; `group`
    of them are drawn at once and dealt out by length, which saves padding (a third of the time on a processor with 8).

    `lr` rises linearly over `warmup` steps, then falls along a cosine to `floor` times itself. With optimizer
    `muon` it is AdamW's for embeddings and norms, and the matrices' is four times that, as in `planbench pretrain`.
    `sgd` is plain gradient descent. `clip` is the largest norm of a gradient.
    `normalise` says what a weight is a weight of: a whole trace, or the
    mean over its tokens. With `stretch` above 1 the positions of a use are a random increasing choice out of up to
    so many times its length, so that the model meets distances that its training has not (Ruoss et al., "Randomized
    Positional Encodings Boost Length Generalization of Transformers", 2023). `forget` is the share of uses in which a
    completion sees little of itself (`planbench.models.forgetting`; for planners of our own alone). `validation` is the
    share of tasks held out; their loss, on 1,000 traces at most, is taken before, every `evaluate_every` steps (every
    epoch if None) and at the end. With `patience` training stops after so many evaluations without a new best, and the
    best weights are kept.
    `ratio` multiplies weights, at every use, with a ratio of the model as it is to the one that sampled the trace, at
    most `most` (`planbench.loop.ratios`); it is taken under the trace's own names, with positions and
    attention as they are.
    `checkpointing` trades time for memory. `device` auto takes an accelerator where there is one; `threads` None
    leaves torch's number of them.
    """

    steps: int | None = Field(default=None, ge=1)
    epochs: float | None = Field(default=None, gt=0)
    batch: int = Field(default=24, ge=1)
    group: int = Field(default=1, ge=1)
    accumulate: int = Field(default=1, ge=1)
    lr: float = Field(default=1e-5, gt=0)
    warmup: int = Field(default=0, ge=0)
    floor: float = Field(default=0.1, ge=0, le=1)
    stretch: float = Field(default=1.0, ge=1, le=16)
    forget: float = Field(default=0.0, ge=0, le=1)
    optimizer: Literal["adamw", "muon", "sgd"] = "adamw"
    weight_decay: float = Field(default=0.0, ge=0)
    clip: float = Field(default=1.0, gt=0)
    normalise: Literal["traces", "tokens"] = "traces"
    ratio: Ratio = "none"
    most: float = Field(default=MOST, ge=1)
    lora: LoraSettings | None = None
    validation: float = Field(default=0.1, ge=0, lt=1)
    evaluate_every: int | None = Field(default=None, ge=1)
    patience: int | None = Field(default=None, ge=1)
    checkpointing: bool = False
    precision: Literal["no", "bf16"] = "no"
    device: Literal["auto", "cpu"] = "auto"
    seed: int = 0
    threads: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> FinetuneConfig:
        if self.steps is not None and self.epochs is not None:
            raise ValueError("give steps or epochs, not both")
        if self.lora is not None and self.optimizer == "muon":
            raise ValueError("muon trains whole matrices; use adamw with lora")
        if self.forget and (self.lora is not None or self.precision != "no" or self.checkpointing):
            raise ValueError(
                "forget needs all weights in float32; leave out lora, precision and checkpointing, or forget"
            )
        if self.patience is not None and self.validation == 0:
            raise ValueError("patience needs a validation share above 0")
        return self


class FinetuneProgress(_Frozen):
    """A step done. `loss` is weighted nats a token, averaged over the last hundred steps; `tokens` were read so far,
    prompts included; `validation` is the held-out loss where this step ended in an evaluation."""

    step: int
    steps: int
    loss: float
    tokens: int
    seconds: float
    validation: float | None = None


class FinetuneOutcome(_Frozen):
    """`steps` were made; `examples` trained on, `held_out` for validation, `left_out` for want of weight, of a token to
    learn or of room in the model's context. Losses are weighted nats a token of completions; `loss` is the mean over
    the last hundred steps. `validation_after` belongs to the weights that were kept, `validations` holds every
    evaluation with its step; both are empty where nothing was held out. `tokens` counts those of the prompts too."""

    steps: int
    examples: int
    held_out: int
    left_out: int
    tokens: int
    seconds: float
    loss: float
    validation_before: float | None
    validation_after: float | None
    validations: tuple[tuple[int, float], ...]
    stopped_early: bool
    parameters: int
    trained_parameters: int
