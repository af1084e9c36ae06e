"""What a generation has cost when it is there, and how arms are given the same.

    tokens     sampled on the pool by the generations before it, which is what it is made from
    compute    passes of a token through the model: 1 for each token read or written when the pool is deployed on or
               scored, 3 for each token of training (forward and backward, as 2N and 6N operations for N parameters:
               Kaplan et al., arXiv 2001.08361), 4 where each use is scored first for the ratio of policies

Measuring on held-out, longer and other tasks costs nothing here: it is no part of the loop. So do curation and judging.

With `match` the first arm has the generations that were asked for; what its last one has cost is the budget of the
others, seed by seed: they go on until another generation, if it costs what the last one did, would lead further from
the budget than stopping does.
"""

from __future__ import annotations

from collections.abc import Sequence

from planbench.loop.advantages import ratio_of
from planbench.loop.config import IterateConfig, Match
from planbench.loop.layout import Place
from planbench.records.files import RunFolder, read_json, read_lines
from planbench.records.iterate import Budget, Training
from planbench.records.likelihood import Likelihood

MOST_TIMES = 20
"""A matched arm ends at so many times the generations asked for, whatever it has cost."""


def spent(places: Sequence[Place]) -> Budget:
    """What the last of the places' models has cost; `places` are an arm's, from generation 0 on."""
    # The arms share generation 0: that another one has scored its replies costs this one nothing.
    scored = ratio_of(places[-1].arm.partition("-init-")[0]) != "none"
    tokens = compute = 0
    for place in places[:-1]:
        summary = RunFolder(place.answers("pool")).summary()
        sampled = summary.tokens.completion_total or 0
        tokens += sampled
        compute += sampled + round((summary.tokens.prompt_mean or 0) * summary.samples)
        if scored and place.likelihood.is_file():
            compute += sum(line.read for line in read_lines(place.likelihood, Likelihood))
    for place in places[1:]:
        if place.training.is_file():
            training = read_json(place.training, Training)
            compute += (4 if scored and training.compared is not False else 3) * training.tokens
    return Budget(tokens=tokens, compute=compute)


def budget_of(config: IterateConfig, places: Sequence[Place]) -> int | None:
    """What the first arm's last generation has cost, None where arms are not matched."""
    return None if config.match == "generations" else _amount(places[: config.generations + 1], config.match)


def ends(config: IterateConfig, budget: int | None, places: Sequence[Place]) -> bool:
    """Whether the last of the places, which is deployed, is the last generation of its arm."""
    number = places[-1].generation
    if budget is None:
        return number >= config.generations
    if number == 0:
        return False
    if number >= MOST_TIMES * config.generations:
        return True
    now, before = _amount(places, config.match), _amount(places[:-1], config.match)
    return now + (now - before) / 2 >= budget


def _amount(places: Sequence[Place], match: Match) -> int:
    cost = spent(places)
    return cost.tokens if match == "tokens" else cost.compute
