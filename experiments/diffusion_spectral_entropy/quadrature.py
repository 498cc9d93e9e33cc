"""The entropy of a diffusion operator without its eigenvalues, for clouds too large for them.

Shapes: N points, D coordinates.
"""

import jax
import jax.numpy as jnp

from common.curvature import slq


def entropies(key, clouds, widths, **how):
    """Of every cloud and width, one after the other.  clouds [A, N, D], widths [A, K] -> [A, K]"""

    def of_cloud(given):
        x, sigmas = given
        return jax.lax.map(lambda sigma: entropy(key, x, sigma, **how), sigmas)

    return jax.lax.map(of_cloud, (clouds, widths))


def entropy(key, x, sigma, *, steps, probes):
    """-sum p log2 p for p = mu / sum mu, mu the eigenvalues, in bits.  x [N, D], sigma [] -> []

    The trace of K is known, that of K log2 K is found by stochastic Lanczos quadrature.
    """
    x = x - x.mean(axis=0)
    norms = (x**2).sum(axis=1)
    squares = jnp.maximum(norms[:, None] + norms - 2 * x @ x.T, 0.0)
    kernel = jnp.exp(-squares * (1 - jnp.eye(len(x), dtype=x.dtype)) / (2 * sigma**2))
    degree = kernel.sum(axis=1)
    root = 1 / jnp.sqrt(degree)
    nodes, weights = slq.slq(
        key,
        lambda v: root * (kernel @ (root * v)),
        len(x),
        steps=min(steps, len(x)),
        probes=probes,
        dtype=x.dtype,
    )
    return slq.entropy((1 / degree).sum(), nodes, weights, len(x)).estimate
