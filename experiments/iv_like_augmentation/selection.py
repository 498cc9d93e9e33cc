"""Selection of alpha from values that are offered: by validation, by confounder correction.

Shapes: d treatments, A values of alpha.
"""

import jax.numpy as jnp
from jax import Array

from . import fits


def offered(uniform: Array, low: float, high: Array) -> Array:
    """Log-uniform between low and high.  -> as uniform"""
    return low * (high / low) ** uniform


def held_out(test: fits.Moments, h: Array) -> Array:
    """Squared error of Y on treatments held out, as they are.  h [A, d], of the others -> [A]"""
    return test.yy - 2 * h @ test.xy + (h @ test.xx * h).sum(-1)


def corrected(m: fits.Moments, augmented: Array, h: Array) -> Array:
    """(|h| - (1 - beta)^(1/2) |h_DA|)^2, beta the share of DA+ERM that is confounded.

    augmented [d]: h_DA; h [A, d] -> [A]
    """
    norm = jnp.sqrt(1 - confounded(m.aa, augmented)) * jnp.linalg.norm(augmented)
    return (jnp.linalg.norm(h, axis=-1) - norm) ** 2


def confounded(S: Array, h: Array) -> Array:
    """beta, the share of |h|^2 that confounding explains, from the direction of h in S.

    That direction is one of N(0, I + theta S^-1): theta by maximum likelihood on a grid, beta as
    the code has it, with its 0.001.  Source: Janzing and Schoelkopf 2018.  S [d, d], h [d] -> []
    """
    eigenvalues, basis = jnp.linalg.eigh(S)
    squares = (basis.T @ h) ** 2 / (h @ h)
    theta = jnp.concatenate([jnp.zeros(1), jnp.logspace(-6, 6, 481)])
    stretch = 1 + theta[:, None] / eigenvalues
    minus = jnp.log(stretch).sum(1) + len(h) * jnp.log((squares / stretch).sum(1))
    share = 0.001 + (1 / eigenvalues).mean() * theta[jnp.argmin(minus)]
    return share / (1 + share)
