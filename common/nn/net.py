"""A network in three parts, and the score that it means where it predicts the noise.

Shapes: B batch; x [B, ...]; t [] or [B]; M numbers of a time.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from common.ode import expand
from common.sde.processes import SDE


class Net(NamedTuple):
    """prediction = apply(params, x, embed(params, t)): what depends on t alone stands apart, so
    that a sampler computes it for all its times at once."""

    init: Callable  # key -> params
    embed: Callable  # params, t -> [M] or [B, M]
    apply: Callable  # params, x, what embed gave -> as x


def noise_score(net: Net, sde: SDE, params: Any) -> tuple[Callable, Callable]:
    """(score(x, tau), embed(t) -> tau) of a network that predicts the noise z: s = -z / std."""

    def embed(t):
        return sde.marginal(t)[1], net.embed(params, t)

    def score(x, tau):
        std, told = tau
        return -net.apply(params, x, told) / expand(std, x)

    return score, embed
