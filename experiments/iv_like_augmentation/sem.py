"""Linear models with a hidden confounder, augmented: second moments of samples and exact ones.

X = C W + s N, Y = X f + kappa C w + s N, augmented treatments A = X + gamma B with B = G Gamma.
All that estimators need is S = E z z^T of z = (X, B, G, X f + s N, C w): any kappa and gamma after
that are sums of its blocks (`fits.view`).

Shapes: n rows, d treatments and confounders, k = d - 1 parameters of the augmentation,
q = 2 d + k + 2.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from common import keys


class Model(NamedTuple):
    f: Array  # [d] causal effect
    W: Array  # [d, d] confounders to treatments
    w: Array  # [d] confounders to outcome
    directions: Array  # Gamma [k, d], orthonormal rows


def made(normal: Array, shift: str) -> Model:
    """A model of standard normal weights; shifts leave f, or another vector, as it is.

    normal [d + 3, d]
    """
    f, other, w = normal[-3:]
    return Model(f, normal[:-3], w, complement(f if shift == "null" else other))


def complement(f: Array) -> Array:
    """Orthonormal rows orthogonal to f, by a reflection.  f [d] -> [d - 1, d]"""
    v = (f / jnp.linalg.norm(f)).at[0].add(jnp.where(f[0] < 0, -1.0, 1.0))
    return (jnp.eye(len(f)) - 2 * jnp.outer(v, v) / (v @ v))[1:]


def sampled(key: Array, model: Model, n: int, noise: float, permuted: bool) -> Array:
    """Rows z of a sample.  -> [n, q]"""
    d = len(model.f)
    C, N, G, rest = jnp.split(keys.normal(key, (n, 3 * d)), [d, 2 * d, 3 * d - 1], axis=1)
    X = C @ model.W + noise * N
    Y = (X @ model.f)[:, None] + noise * rest
    instrument = jnp.roll(G, 1, axis=0) if permuted else G
    return jnp.hstack([X, G @ model.directions, instrument, Y, (C @ model.w)[:, None]])


def moments(z: Array) -> Array:
    """Mean of z z^T.  [n, q] -> [q, q]"""
    return z.T @ z / len(z)


def exact(model: Model, noise: float, permuted: bool) -> Array:
    """The same in the population.  -> [q, q]"""
    k, d = model.directions.shape
    S = model.W.T @ model.W + noise**2 * jnp.eye(d)
    outcome, confounded = S @ model.f, model.W.T @ model.w  # Cov(X, .) of the last two of z
    cross = (0.0 if permuted else 1.0) * model.directions  # E G B^T
    XY = jnp.stack([outcome, confounded], 1)
    both = model.f @ confounded
    YY = jnp.array([[model.f @ outcome + noise**2, both], [both, model.w @ model.w]])
    zero = jnp.zeros
    return jnp.block(
        [
            [S, zero((d, d)), zero((d, k)), XY],
            [zero((d, d)), model.directions.T @ model.directions, cross.T, zero((d, 2))],
            [zero((k, d)), cross, jnp.eye(k), zero((k, 2))],
            [XY.T, zero((2, d)), zero((2, k)), YY],
        ]
    )
