"""Thresholds of random gradients, and tr H beside the norm that it is for isotropic inputs.

Shapes: N examples, P parameters, B batch sizes. A draw is N(0, 1).
"""

import jax
import jax.numpy as jnp

from common.curvature import stability

from . import nets, problems


def linear(draw, *, batches, tilt, spread, scale) -> dict:
    """What stability says of random gradients, and the traces of random networks.

    draw: gradients [draw, N, P], frame [P, P], and as `equivalence`; batches [B]
    -> arrays of `of_gradients` with a leading [draw + 1], the frame's last; equivalence [2, 2]
    """
    tight = problems.frame(draw["frame"], draw["gradients"].shape[1], 1 + tilt)
    gradients = jnp.concatenate([draw["gradients"], tight[None]])
    found = jax.vmap(of_gradients, (0, None))(gradients, batches)
    return found | {"equivalence": equivalence(draw, spread, scale)}


def of_gradients(g, batches) -> dict:
    """Thresholds [B] and the radius there [B], trace and sharpness of H.  g [N, P]"""
    at = stability.modes(g)

    def of_batch(batch):
        lr = stability.threshold(at, batch=batch).lr
        return lr, stability.radius(at, lr, batch=batch)

    lr, radius = jax.vmap(of_batch)(batches)
    return {
        "random_threshold": lr,
        "random_radius": radius,
        "random_trace": jnp.sum(g**2) / len(g),
        "random_sharpness": at.curvature[-1],
    }


def equivalence(draw, spread, scale):
    """tr H on many inputs and the norm, for both networks at random parameters.

    draw: inputs [many, D], uv [2, D], wa [D + 1, K] -> [2, 2]
    """
    x = problems.inputs(draw["inputs"], spread)
    uv, wa = tuple(draw["uv"]), nets.relu_start(draw["wa"], scale)
    pairs = (
        (nets.trace(nets.diagonal, uv, x), nets.diagonal_trace(uv)),
        (nets.trace(nets.relu, wa, x), nets.relu_trace(wa)),
    )
    return jnp.array(pairs)
