"""Stochastic Lanczos quadrature: the spectral density and traces of functions of a matrix.

v^T f(A) v = sum_j w_j f(theta_j), theta_j and w_j the eigenvalues of the Lanczos matrix T and the
squared first entries of its eigenvectors; the mean over random v gives trace f(A) / P.
Ubaru, Chen & Saad 2017; Lin, Saad & Yang 2016 (density).

Shapes: P side of A, n probes, m Lanczos steps, G grid points.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from common.curvature.lanczos import lanczos, tridiagonal


class Quadrature(NamedTuple):
    """nodes [n, m] (eigenvalues of T), weights [n, m] (each row sums to 1)."""

    nodes: jax.Array
    weights: jax.Array


class Estimate(NamedTuple):
    """A mean over probes and its standard error (infinite for one probe)."""

    value: jax.Array
    error: jax.Array


def slq(
    key: jax.Array,
    matvec: Callable,
    size: int,
    *,
    steps: int,
    probes: int,
    together: int = 1,
    dtype=None,
) -> Quadrature:
    """Gauss quadratures of the spectrum of A [P, P], P = size, seen from `probes` random signs.

    Exact on polynomials of degree 2 steps - 1 along each probe.  probes x steps products;
    memory together x steps x P, where `together` probes run side by side by vmap: more than one
    pays on a device that one product does not fill.
    """
    dtype = jnp.result_type(float) if dtype is None else dtype

    def one(probe_key):
        alpha, beta, basis = lanczos(
            matvec, jax.random.rademacher(probe_key, (size,), dtype), steps
        )
        # after a breakdown the padding gets weight 0 and a node inside the spectrum: f is finite
        visited = jnp.any(basis != 0, axis=1)
        nodes, vectors = jnp.linalg.eigh(tridiagonal(jnp.where(visited, alpha, alpha[0]), beta))
        return nodes, vectors[0] ** 2

    return Quadrature(*jax.lax.map(one, jax.random.split(key, probes), batch_size=together))


def density(nodes: jax.Array, weights: jax.Array, grid: jax.Array, *, sigma: float) -> Estimate:
    """The spectral density, smoothed by a Gaussian of width sigma, at grid [G] -> [G].

    Integrates to 1.  nodes and weights [n, m] of `slq`; the error is over probes only: features
    narrower than sigma, or between the nodes, are not resolved.
    """
    z = (grid[:, None, None] - nodes) / sigma
    bump = jnp.exp(-(z**2) / 2) / (sigma * jnp.sqrt(2 * jnp.pi))
    return _over_probes(jnp.sum(weights * bump, axis=-1))


def spectral_function(f: Callable, nodes: jax.Array, weights: jax.Array, size: int) -> Estimate:
    """The trace of f(A) = sum_i f(lambda_i); f takes and returns arrays, size = P."""
    return _over_probes(size * jnp.sum(weights * f(nodes), axis=-1))


def _over_probes(samples: jax.Array) -> Estimate:
    """Mean and standard error over the last axis."""
    n = samples.shape[-1]
    error = jnp.std(samples, axis=-1, ddof=1) / jnp.sqrt(n) if n > 1 else jnp.inf
    return Estimate(samples.mean(-1), jnp.broadcast_to(error, samples.shape[:-1]))
