"""The suites by name: which pairs, what is asked, and the sizes of the whole and of a quick look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from planbench.bias.config import BiasConfig
from planbench.bias.pairs import Pair
from planbench.errors import InputError


@dataclass(frozen=True)
class Suite:
    """`pairs` is where they are made, `module:function` of a configuration; `full` and `quick` are settings that differ
    from BiasConfig's own. `version` is one more whenever a seed gives other prompts: cells of different ones do not
    join."""

    about: str
    pairs: str
    answers: str = "naming"
    measure: Literal["F1", "reward"] = "F1"
    version: int = 1
    full: dict[str, Any] = field(default_factory=dict[str, Any])
    quick: dict[str, Any] = field(default_factory=dict[str, Any])


REPLIES = "replies"
"""The answers that are text, which only a language model writes."""

_QUICK: dict[str, Any] = {"models": ("lstm",), "arms": ("supervised",), "seeds": (0,)}

SUITES: dict[str, Suite] = {
    "toy": Suite(
        "Lovering's toy features, on symbols",
        "planbench.bias.suites:toy",
        full={"passes": 3},
        quick={**_QUICK, "examples": 4_000, "probe_examples": 4_000, "tested": 500},
    ),
    "cruz": Suite(
        "Cruz's task: write digits that ascend or descend, as a feature of the prompt says",
        "planbench.bias.suites:cruz",
        answers="ordering",
        measure="reward",
        full={"positions": 10, "vocabulary": 10, "epochs": 8},
        quick={**_QUICK, "examples": 2_000, "probe_examples": 2_000, "tested": 200},
    ),
    "language": Suite(
        "subject-verb agreement, NPI licensing and filler-gap, from templates",
        "planbench.bias.language:language_pairs",
        full={"seeds": (0, 1, 2)},
        quick={**_QUICK, "examples": 2_000, "probe_examples": 2_000, "tested": 300},
    ),
    "sentiment": Suite(
        "Cruz's task: write on as a review began, so that a classifier likes it or not, as a feature of the start says",
        "planbench.bias.sentiment:review_pairs",
        answers=REPLIES,
        measure="reward",
        full={
            "models": ("smollm2-135m",),
            "arms": ("ppo",),
            "seeds": (42, 43, 44),
            "epochs": 1,
            "probe_examples": 2_000,
            "tested": 100,
            "batch": 32,
            "rollout": 256,
            "checkpoint_lr": 1.41e-5,
        },
        quick={
            "pairs": ("person|length",),
            "seeds": (42,),
            "rates": (0.0, 0.5),
            "examples": 32,
            "probe_examples": 40,
            "probe_epochs": 1,
            "probe_steps": 4,
            "tested": 8,
            "batch": 16,
            "rollout": 32,
            "passes": 1,
            "reply_tokens": 12,
        },
    ),
    "planning": Suite(
        "what decides whether a Blocksworld plan is valid or good, against what the prompt looks like",
        "planbench.bias.planning:planning_pairs",
        version=4,
        full={"seeds": (0, 1, 2), "probe_epochs": 16},
        quick={**_QUICK, "examples": 2_000, "probe_examples": 2_000, "tested": 300},
    ),
}


def toy(config: BiasConfig) -> list[Pair]:
    from planbench.bias.toy import toy_pairs

    return toy_pairs(config.vocabulary, config.positions)


def toy_entangled(config: BiasConfig) -> list[Pair]:
    """The toy suite and the eight pairs that it leaves out, as `--suite planbench.bias.suites:toy_entangled`."""
    from planbench.bias.toy import toy_pairs

    return toy_pairs(config.vocabulary, config.positions, entangled=True)


def cruz(config: BiasConfig) -> list[Pair]:
    """On ten digits and prompts of ten, which is short of symbols: by chance 65% of prompts hold a given digit. Prompts
    are drawn as for the toy suite, so a section has what it should whatever chance would do."""
    from planbench.bias.toy import toy_pairs

    if config.vocabulary != 10:
        raise InputError(f"suite cruz: is on ten digits; a vocabulary of {config.vocabulary} cannot be had")
    return toy_pairs(config.vocabulary, config.positions)


def writes(config: BiasConfig) -> bool:
    return suite_named(config.suite).answers == REPLIES


def suite_named(name: str) -> Suite:
    """A suite by name; `module:function` is one of one's own, whose pairs the function gives for a configuration."""
    if name in SUITES:
        return SUITES[name]
    if ":" in name:
        return Suite(f"pairs of {name}", name, quick=SUITES["language"].quick)
    raise InputError(f"no suite {name!r}: there is {', '.join(SUITES)}, or module:function of your own")


def pairs_of(config: BiasConfig) -> list[Pair]:
    """The pairs of a configuration's suite. Raises InputError for a name that is none of them."""
    where = suite_named(config.suite).pairs
    module, _, function = where.partition(":")
    try:
        make: Callable[[BiasConfig], Sequence[Pair]] = getattr(import_module(module), function)
    except (ImportError, AttributeError, SyntaxError, TypeError, ValueError) as error:
        raise InputError(f"suite {where}: cannot be imported: {error}") from None
    try:
        made = list(make(config))
    except (AttributeError, TypeError) as error:
        raise InputError(f"suite {where}: is no function of a configuration that gives pairs: {error}") from None
    if not made or not all(isinstance(pair, Pair) for pair in made):
        raise InputError(f"suite {where}: gives no pairs, or other things than pairs (docs/bias.md)")
    found = {pair.name: pair for pair in made}
    if len(found) < len(made):
        raise InputError(f"suite {where}: gives two pairs of one name; each needs a name of its own")
    unknown = [name for name in config.pairs if name not in found]
    if unknown:
        raise InputError(f"suite {config.suite} has no pair {unknown[0]!r}: there is {', '.join(found)}")
    return [found[name] for name in config.pairs or found]
