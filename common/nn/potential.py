"""Fields that are gradients: of an energy, or made of any network.

Shapes: B batch; x [B, ...]; t [] or [B].
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from common import shapes
from common.reals import reals


def gradient(energy: Callable) -> Callable:
    """(x, t) -> the gradient in x of energy(x, t) [B], whose samples do not meet.  -> as x

    The Jacobian of every sample is symmetric, as that of a score is.
    Errors: ValueError for an energy that is not one number a sample.
    """

    def field(x, t):
        shapes.check("x", x, "B ...")
        x = jnp.asarray(reals("x", x, finite=False))
        value, pull = jax.vjp(lambda x: energy(x, t), x)
        shapes.check("energy(x, t)", value, "B", {"B": x.shape[0]})
        return pull(jnp.ones_like(value))[0]

    return field


def conservative(net: Callable) -> Callable:
    """The gradient of <x, net(x, t)> / 2, for any net(x, t) like x: net itself, where it is linear
    and symmetric, as the score of Gaussian data is."""

    def energy(x, t):
        value = net(x, t)
        shapes.like("net(x, t)", value, "x", x)
        return 0.5 * jnp.sum(x * value, axis=tuple(range(1, x.ndim)))

    return gradient(energy)
