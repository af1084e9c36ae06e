"""How far the policy that is being trained has come from the one that sampled a trace, as a factor on its weight.

With pi the policy as it is at this update, beta the one that sampled reply y of n tokens, and the factor a constant for
the gradient:

    sequence     min(pi(y) / beta(y), most)
    token-mean   min((pi(y) / beta(y)) ^ (1/n), most)
    taper        min(pi(y) / beta(y), 1) for a negative weight, 1 for any other

`most` is 16 by default, as in iw-SFT (arXiv 2507.12856). The taper is that of TOPR (arXiv 2503.14286): the loss of a
reply that is pushed away has no lower end, so a fixed negative weight would go on being rewarded for making it ever
less likely; tapered, its pull goes to zero with the reply's own probability.
"""

from __future__ import annotations

import math

from torch import Tensor

from planbench.loop.advantages import MOST, Ratio


def factors(now: Tensor, then: Tensor, tokens: Tensor, weights: Tensor, ratio: Ratio, most: float = MOST) -> Tensor:
    """Factors on `weights`, `[rows]`, detached. `now` and `then`: log pi(y) and log beta(y), nats; `tokens`: n."""
    distance = (now - then).detach()
    if ratio == "none":
        return distance.new_ones(distance.shape)
    if ratio == "taper":
        return distance.clamp(max=0).exp().where(weights < 0, distance.new_ones(()))
    if ratio == "token-mean":
        distance = distance / tokens
    # Clamped before exp, which would be infinite soon, and then no number where the weight is 0.
    return distance.clamp(max=math.log(most)).exp()
