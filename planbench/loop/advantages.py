"""Reinforcement learning as curation: rules whose weights are advantages, of a reward of 1 for a valid plan, else 0.

    reinforce          reward less the mean reward of the batch (Williams 1992)
    reinforce-loo      reward less the mean of the task's other samples (RLOO: Kool et al. 2019; Ahmadian et al.,
                       arXiv 2402.14740)
    group              reward less the mean of the task's samples, over their standard deviation; tasks whose samples
                       are all valid or all not say nothing and are dropped (GRPO: arXiv 2402.03300; the dropping:
                       DAPO, arXiv 2503.14476)
    importance         valid traces of all generations, each times pi/beta of the whole reply
    importance-tokens  the same with exp of the mean over tokens of log pi - log beta, which is no unbiased weight but
                       one of small variance (iw-SFT, arXiv 2507.12856)

pi is the policy that is being trained, at every update anew; beta the one that sampled the trace. The ratios are
factors of the training (`planbench.loop.ratios`), as only there pi is at hand; so is the taper of negative weights. The
weights here are what these factors are put on.

The first three are on-policy: of the newest generation's traces alone. A batch is all of these.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Literal

from planbench.loop.weighted import Weighted, by_task, in_order, judged_of, valid_of
from planbench.records.trace import Trace

Ratio = Literal["none", "taper", "sequence", "token-mean"]
"""What a training multiplies the weights with (`planbench.loop.ratios`)."""

MOST = 16.0
"""The largest ratio, as in iw-SFT."""

RATIOS: dict[str, Ratio] = {
    "reinforce": "taper",
    "reinforce-loo": "taper",
    "group": "taper",
    "importance": "sequence",
    "importance-tokens": "token-mean",
}


COMPARE = ("reinforce-loo", "group")
"""Rules that compare the samples of a task, and so need two or more."""


def ratio_of(rule: str) -> Ratio:
    """A function of the user's may give negative weights, so these are tapered too."""
    return RATIOS.get(rule, "taper" if ":" in rule else "none")


def reinforce(traces: Sequence[Trace], rng: Random) -> list[Weighted]:
    batch = in_order(_newest(traces))
    if not batch:
        return []
    mean = sum(trace.valid for trace in batch) / len(batch)
    said = f"less {mean:.4g}, the mean of {len(batch)} samples"
    return _unlike_zero([Weighted(trace, trace.valid - mean, f"reward {int(trace.valid)} {said}") for trace in batch])


def reinforce_loo(traces: Sequence[Trace], rng: Random) -> list[Weighted]:
    """A task with one sample says nothing: there is no other."""
    weighted: list[Weighted] = []
    for members in _groups(traces):
        right = sum(trace.valid for trace in members)
        for trace in members:
            others = (right - trace.valid) / (len(members) - 1)
            said = f"reward {int(trace.valid)} less {others:.4g}, the mean of its task's other samples"
            weighted.append(Weighted(trace, trace.valid - others, said))
    return _unlike_zero(weighted)


def group(traces: Sequence[Trace], rng: Random) -> list[Weighted]:
    """The deviation is that of the samples themselves (divided by their number), without an added constant: groups in
    which it is 0 are not there."""
    weighted: list[Weighted] = []
    for members in _groups(traces):
        right = sum(trace.valid for trace in members)
        if right in (0, len(members)):
            continue
        mean = right / len(members)
        deviation = math.sqrt(mean * (1 - mean))
        said = f"of its task's {len(members)} samples {right} are valid"
        weighted += [Weighted(trace, (trace.valid - mean) / deviation, said) for trace in members]
    return weighted


def importance(traces: Sequence[Trace], rng: Random) -> list[Weighted]:
    """Rules `importance` and `importance-tokens`, which differ in the ratio."""
    return [Weighted(trace, 1.0, "valid; times the ratio of policies") for trace in in_order(valid_of(traces))]


def _newest(traces: Sequence[Trace]) -> list[Trace]:
    judged = judged_of(traces)
    newest = max((trace.generation for trace in judged), default=0)
    return [trace for trace in judged if trace.generation == newest]


def _groups(traces: Sequence[Trace]) -> list[list[Trace]]:
    return [members for members in by_task(_newest(traces)) if len(members) > 1]


def _unlike_zero(weighted: list[Weighted]) -> list[Weighted]:
    return [one for one in weighted if one.weight]
