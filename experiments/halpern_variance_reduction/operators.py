"""Finite sums F = mean of F_i: least squares (cocoercive) and bilinear games (monotone).

Components are inconsistent: F(u*) = 0 while F_i(u*) is not. Arrays hold N components, a problem
takes the first `count` of them, so that one program serves every n. F is affine and its mean is
kept as a matrix: arithmetic of D^2, counted as the `count` evaluations that it stands for.
Problems are made on the host, in NumPy.

Shapes: N components, B samples, D unknowns, E = D / 2 of each player.
"""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax.numpy as jnp
import numpy as np


class FiniteSum(NamedTuple):
    count: int  # n
    lipschitz: float  # L of the components on average
    components: Callable  # (indices [B], u [D]) -> F_i(u) [B, D]
    changes: Callable  # (indices [B], u [D], v [D]) -> F_i(u) - F_i(v) [B, D], one pass over data
    mean: Callable  # u [D] -> F(u) [D]


class Regression(NamedTuple):
    """F_i(u) = a_i (a_i^T u - b_i), |a_i| = 1: mean |F_i u - F_i v|^2 = <F u - F v, u - v>."""

    rows: np.ndarray  # a [N, D]
    targets: np.ndarray  # b [N]
    gram: np.ndarray  # mean of a_i a_i^T [D, D]
    solution: np.ndarray  # u* [D], of length 1
    count: int


class Game(NamedTuple):
    """F_i(x, y) = (M_i y, -M_i^T x) + c_i + strong (x, y), the c_i of mean 0: u* = 0."""

    matrices: np.ndarray  # M [N, E, E]
    offsets: np.ndarray  # c [N, D]
    average: np.ndarray  # mean of M_i [E, E]
    strong: float
    lipschitz: float  # L: mean |F_i u - F_i v|^2 <= L^2 |u - v|^2
    own: float  # L_F, the constant of F itself
    count: int


def regression(rows, noise, solution, count: int) -> Regression:
    """Rows of covariance diag(1/j), brought to length 1; b = a^T u* + noise orthogonal to them.

    Standard normals rows [N, D], solution [D]; noise [N]
    """
    chex.assert_shape(noise, rows.shape[:1])
    a = rows / np.sqrt(np.arange(1, rows.shape[1] + 1))
    a = kept(a / np.linalg.norm(a, axis=1, keepdims=True), count)
    gram, noise = a.T @ a, kept(noise, count)
    noise = noise - a @ np.linalg.solve(gram, a.T @ noise)
    solution = solution / np.linalg.norm(solution)
    return Regression(a, a @ solution + noise, gram / count, solution, count)


def of_regression(p: Regression) -> FiniteSum:
    def components(i, u):
        return p.rows[i] * (p.rows[i] @ u - p.targets[i])[:, None]

    def changes(i, u, v):
        return p.rows[i] * (p.rows[i] @ (u - v))[:, None]

    return FiniteSum(p.count, 1.0, components, changes, lambda u: p.gram @ (u - p.solution))


def game(matrices, offsets, count: int, *, spread: float, strong: float) -> Game:
    """M_i = diag(j^-1.5) + spread G_i / sqrt E, offsets less their mean.

    G standard normal [N, E, E], offsets [N, D]
    """
    side = matrices.shape[-1]
    chex.assert_shape(offsets, (len(matrices), 2 * side))
    base = np.diag(np.arange(1.0, side + 1) ** -1.5)
    m = kept(base + spread * matrices / np.sqrt(side), count)
    offsets = kept(offsets - kept(offsets, count).sum(0) / count, count)
    squares = np.einsum("nij,nkj->ik", m, m), np.einsum("nji,njk->ik", m, m)
    largest = max(np.linalg.norm(s / count, 2) for s in squares)
    average = m.sum(0) / count
    lipschitz, own = (np.sqrt(x + strong**2) for x in (largest, np.linalg.norm(average, 2) ** 2))
    return Game(m, offsets, average, strong, lipschitz, own, count)


def of_game(p: Game) -> FiniteSum:
    def swapped(m, u):
        x, y = jnp.split(u, 2)
        return jnp.concatenate([m @ y, -(m.mT @ x)], axis=-1) + p.strong * u

    def components(i, u):
        return swapped(p.matrices[i], u) + p.offsets[i]

    def changes(i, u, v):
        return swapped(p.matrices[i], u - v)

    return FiniteSum(p.count, p.lipschitz, components, changes, lambda u: swapped(p.average, u))


def kept(x, count: int):
    """x [N, ...] with zeros from `count` on."""
    there = np.arange(len(x)) < count
    return np.where(there.reshape(-1, *[1] * (x.ndim - 1)), x, 0.0)
