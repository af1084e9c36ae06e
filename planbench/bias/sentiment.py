"""Cruz's sentiment task, by configuration: a policy and a classifier by name, the reward, and what a run would take.

The policy continues the start of a review. A label of 1 asks for a positive continuation, one of 0 for a negative one;
the reward is the classifier's logit for "positive" times 2 * label - 1.

Not covered yet: the run itself. Only `--dry-run` is answered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from planbench.errors import InputError


class SentimentConfig(BaseModel):
    """The paper's settings. `policy` and `classifier` are hub names or folders."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str = "sentiment"
    policy: str = "lvwerra/gpt2-imdb"
    classifier: str = "lvwerra/distilbert-imdb"
    arms: tuple[str, ...] = ("ppo",)
    seeds: tuple[int, ...] = (42, 43, 44)
    examples: int = Field(default=24_576, ge=1)
    epochs: int = Field(default=1, ge=1)
    prompt_tokens: int = Field(default=16, ge=1)
    reply_tokens: int = Field(default=48, ge=1)
    batch: int = Field(default=256, ge=1)
    lr: float = Field(default=1.41e-5, gt=0)


def sentiment_config(values: dict[str, Any]) -> SentimentConfig:
    """Raises InputError for a setting that there is not, or that is out of bounds."""
    try:
        return SentimentConfig.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in fault["loc"])
        raise InputError(
            f"sentiment, setting {name!r}: {fault['msg']}; there is {', '.join(SentimentConfig.model_fields)}"
        ) from None


def sentiment_reward(positive_logit: float, label: int) -> float:
    return positive_logit * (2 * label - 1)


def sentiment_forecast(config: SentimentConfig) -> dict[str, str]:
    """What a run would take; whether its models are folders that are there."""
    replies = config.examples * config.epochs
    models = {
        name: f"{model}{'' if Path(model).is_dir() else ' (no folder of that name: it would come from the hub)'}"
        for name, model in (("policy", config.policy), ("classifier", config.classifier))
    }
    return {
        **models,
        "arms": ", ".join(config.arms),
        "seeds": ", ".join(map(str, config.seeds)),
        "replies": f"{replies:,} an arm and seed, {config.prompt_tokens} tokens read and {config.reply_tokens} written",
        "updates": f"{replies // config.batch:,} batches of {config.batch}, learning rate {config.lr:g}",
        "reward": "the classifier's positive logit times 2 * label - 1",
    }
