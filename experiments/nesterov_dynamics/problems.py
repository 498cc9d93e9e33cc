"""Gradients of L-smooth, m-strongly convex functions.

Shapes: N examples, D parameters, F functions.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

GONE = 1e-200  # what is smaller is at the least point of a random function
OUTER = 3.0  # starts of random functions: up to e^3, where the pieces of their gradients lie


class Regression(NamedTuple):
    features: Any  # [N, D], so scaled that the Hessian is at most L
    targets: Any  # [N] 1 or -1
    m: Any  # [] of the ridge


def regressions(normals: np.ndarray, examples: int, dim: int, L: float, m: float) -> Regression:
    """Of every seed: Gaussian features, the last a tenth of the first in size, and targets from a
    random direction with noise, on the host.

    normals [seed, numbers(examples, dim)]
    """
    count = len(normals)
    sizes = np.geomspace(1, 0.1, dim)  # curvatures from L down to about m
    x = normals[:, : examples * dim].reshape(count, examples, dim) * sizes
    direction, noise = np.split(normals[:, examples * dim :], [dim], axis=1)
    y = np.sign(np.einsum("snd,sd->sn", x / sizes, direction) + noise)
    largest = np.linalg.eigvalsh(x.swapaxes(1, 2) @ x)[:, -1] / (4 * examples)
    scale = np.sqrt((L - m) / largest)[:, None, None]
    return Regression(x * scale, y, np.full(count, m))


def numbers(examples: int, dim: int) -> int:
    """Normal numbers that a regression takes."""
    return examples * dim + dim + examples


def slope(problem: Regression, linear, w):
    """Gradient of mean loss + m |w|^2 / 2, the loss least squares / 4 (`linear`) or logistic.

    Both have second derivatives of at most 1/4.  w [D] -> [D]
    """
    x, y = problem.features, problem.targets
    u = x @ w
    logistic = -y * jax.nn.sigmoid(-y * u)
    return x.T @ jnp.where(linear, (u - y) / 4, logistic) / len(y) + problem.m * w


def quadratic(problem: Regression):
    """Curvatures [D], directions [D, D] and least point [D] of its least squares."""
    x, y = problem.features, problem.targets
    curvature, directions = jnp.linalg.eigh(
        x.T @ x / (4 * len(y)) + problem.m * jnp.eye(x.shape[1])
    )
    least = directions @ (directions.T @ (x.T @ y / (4 * len(y))) / curvature)
    return curvature, directions, least


def kinked(x):
    """Lessard, Recht & Packard 2016: slopes 25, 1 and 25, least at 0.  [...] -> [...]"""
    return jnp.where(x < 1, 25 * x, jnp.where(x < 2, x + 24, 25 * x - 24))


def bend(x):
    """x + 3 tanh x: curvatures from 1 to 4, for pictures of the phase plane."""
    return x + 3 * jnp.tanh(x)


def curvatures(u, L, m):
    """Of a random quadratic: m, L, and others between, even in their logarithm.

    u [D] uniform -> [D]
    """
    return m * (L / m) ** u.at[0].set(0.0).at[-1].set(1.0)


class Selfsimilar(NamedTuple):
    """f' of one number that is itself in other units: f'(e^T x) = e^T f'(x), on either side of 0.

    Of slope `inner` from e^(nT) to e^(nT) cut, of slope `outer` from there to e^((n+1)T).
    """

    period: jax.Array  # [2, F] T, of x < 0 and x > 0
    cut: jax.Array  # [2, F]
    inner: jax.Array  # [2, F] m or L
    outer: jax.Array  # [2, F] L or m


def selfsimilar(u, longest: float, L, m) -> tuple[Selfsimilar, jax.Array]:
    """Random functions, and where to start on each, x_0 [F].  u [7, F] uniform

    Near 0 they are no quadratics: rates of theirs last.
    """
    period = longest * u[0:2]
    steep_first = u[4:6] < 0.5
    inner, outer = jnp.where(steep_first, L, m), jnp.where(steep_first, m, L)
    cut = jnp.exp(period * u[2:4])
    return Selfsimilar(period, cut, inner, outer), jnp.exp(OUTER * u[6])


def slope_of(f: Selfsimilar, x):
    """f' at x [F] -> [F]"""
    period, cut, inner, outer = (jnp.where(x > 0, p[1], p[0]) for p in f)
    end = jnp.exp(period)
    first = (inner * (cut - 1) + outer * (end - cut)) / (end - 1)  # f'(1), of f'(e^T) = e^T f'(1)
    there = jnp.abs(x) > GONE
    size = jnp.where(there, jnp.abs(x), 1)
    unit = jnp.exp(period * jnp.floor(jnp.log(size) / period))
    u = size / unit
    piece = first + inner * (jnp.minimum(u, cut) - 1) + outer * jnp.maximum(u - cut, 0)
    return jnp.where(there, jnp.sign(x) * unit * piece, 0)


LARGEST = 4.0  # that the norm of every tridiagonal matrix is below


def tridiagonal(x):
    """T x - e_1, T = tridiag(-1, 2, -1): Nesterov's, on which x_0 = 0 is slow.  [D] -> [D]"""
    right = jnp.concatenate([x[1:], jnp.zeros(1)])
    left = jnp.concatenate([jnp.ones(1), x[:-1]])
    return 2 * x - right - left


def solution(width: int):
    """Where T x = e_1.  -> [D]"""
    return 1 - jnp.arange(1, width + 1) / (width + 1)


def above(x):
    """x^T T x / 2 - x_1 less its least value: no two large numbers are subtracted.  [D] -> []"""
    off = x - solution(len(x))
    differences = jnp.diff(off, prepend=0, append=0)
    return jnp.sum(differences**2) / 2
