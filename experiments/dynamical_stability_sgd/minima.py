"""What is measured where descent ended: sharpness, threshold, test error, norm; each [].

Shapes: N examples, D inputs, K hidden units.
"""

import jax.numpy as jnp

from common.curvature import stability

from . import nets
from .problems import Problem


def diagonal(params, problem: Problem) -> dict:
    """Of (u [D], v [D]); the test error is the expected one."""
    at = stability.modes(nets.gradients(nets.diagonal, params, problem.x))
    u, v = params
    beta = u * u - v * v
    return {
        "sharpness": at.curvature[-1],
        "threshold": stability.threshold(at, batch=1).lr,
        "error": jnp.sum((beta - problem.test) ** 2),
        "norm": jnp.abs(beta).sum(),
    }


def relu(params, problem: Problem) -> dict:
    """Of (w [D, K], a [K]); the test error is over the mean square of the targets."""
    at = stability.modes(nets.gradients(nets.relu, params, problem.x))
    x, y = problem.test
    wrong = jnp.mean((nets.relu(params, x) - y) ** 2) / jnp.mean(y**2)
    return {"sharpness": at.curvature[-1], "error": wrong, "norm": nets.path_norm(params)}
