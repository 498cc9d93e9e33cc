"""The spiked Wigner model E + theta v v^T: its largest eigenvalue and the overlap with v.

E symmetric [P, P], entries N(0, 1/P) off the diagonal: semicircle on [-2, 2]. In the units of the
paper's theorem 1 is sigma sqrt(P / b): theta = lambda / (sigma sqrt(P / b)).

Shapes: P side, T values of theta.
"""

import jax
import jax.numpy as jnp

from common import keys

from .problems import streams

HALVINGS = 60


def noise(key, draws, side):
    """Draws of E, of the Gaussian orthogonal ensemble scaled to [-2, 2].  -> [draws, P, P]"""
    g = keys.normal(key, (draws, side, side))
    return (g + g.mT) / jnp.sqrt(2 * side)


def spiked(e, thetas):
    """Largest eigenvalue of E + theta e_1 e_1^T and the squared overlap with e_1.  -> [T], [T]

    One eigendecomposition of E serves every theta: with c_i the squared first entries of its
    eigenvectors, sum_i c_i / (x - d_i) = 1/theta has one root x above the largest d_i, and the
    overlap there is 1 / (theta^2 sum_i c_i / (x - d_i)^2)  (Golub 1973, the secular equation).
    """
    d, u = jnp.linalg.eigh(e)
    c = u[0] ** 2

    def solve(theta):
        def halve(bracket, _):
            low, high = bracket
            x = (low + high) / 2
            below = jnp.sum(c / (x - d)) > 1 / theta
            return (jnp.where(below, x, low), jnp.where(below, high, x)), None

        (low, high), _ = jax.lax.scan(halve, (d[-1], d[-1] + theta), length=HALVINGS)
        x = (low + high) / 2
        return high, 1 / (theta**2 * jnp.sum((c / (x - d)) * (1 / (x - d))))

    return jax.vmap(solve)(thetas)


def of_seed(seed, *, thetas, draws, side, strength):
    """Largest eigenvalue and overlap, means over draws of E times `strength`.  -> [T] each"""
    noises = strength * noise(streams(seed)[1], draws, side)
    top, overlap = jax.lax.map(lambda e: spiked(e, thetas), noises)
    return {"spike": top.mean(0), "overlap": overlap.mean(0)}
