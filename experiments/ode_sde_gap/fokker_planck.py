"""The log Fokker-Planck equation of the forward process dx = -x dt + dw, and its residual.

With u = log p(x, t) in d dimensions,  u_t = d + x . grad u + g^2 (|grad u|^2 + lap u) / 2.

Shapes: B points, d dimensions; x [B, d], t [B].
"""

import jax
import jax.numpy as jnp

from common.sde import calculus


def sides(u, x, t, *, g2=1.0):
    """Both sides of the equation at points; u(x, t) [B].  -> [B] u_t, [B] the rest"""
    _, rate = jax.jvp(lambda t: u(x, t), (t,), (jnp.ones_like(t),))
    _, grad, laplacian = calculus.laplacian(lambda x: u(x, t), x)
    pull = jnp.sum(x * grad, axis=1) + 0.5 * g2 * (jnp.sum(grad**2, axis=1) + laplacian)
    return rate, x.shape[1] + pull


def residual(u, x, t):
    """u_t less the right side: zero for a log density of the process.  -> [B]"""
    rate, rest = sides(u, x, t)
    return rate - rest


def penalty(u, key, *, points, edge, end, box):
    """Mean residual^2 in the box plus mean exp(2 u) on its edge: R + BC.  -> []

    Times are uniform on [1e-5, end]; `edge` points on each of the four sides.
    """
    inside, when, along, later = jax.random.split(key, 4)
    x = box * jax.random.uniform(inside, (points, 2), minval=-1.0)
    t = jax.random.uniform(when, (points,), minval=1e-5, maxval=end)
    side = box * jax.random.uniform(along, (2, 2 * edge), minval=-1.0)
    wall = box * jnp.where(jnp.arange(2 * edge) < edge, -1.0, 1.0)
    x_edge = jnp.concatenate(
        [jnp.stack([wall, side[0]], axis=1), jnp.stack([side[1], wall], axis=1)]
    )
    t_edge = jax.random.uniform(later, (4 * edge,), minval=1e-5, maxval=end)
    return jnp.mean(residual(u, x, t) ** 2) + jnp.mean(jnp.exp(2 * u(x_edge, t_edge)))
