"""Estimators of f from second moments: regression, two-stage least squares, IV-like regression.

Shapes: d treatments, k parameters of the augmentation; A = X + gamma B the augmented treatments.
"""

from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.scipy import linalg

solve = partial(linalg.solve, assume_a="pos")


class Moments(NamedTuple):
    xx: Array  # [d, d]
    xy: Array  # [d]
    yy: Array  # []
    aa: Array  # [d, d]
    ay: Array  # [d]
    ga: Array  # [k, d]
    gy: Array  # [k]
    pa: Array  # [d, d]: A^T Pi A, Pi the projection on the columns of G
    py: Array  # [d]: A^T Pi Y


def view(S: Array, d: int, kappa: Array | float, gamma: Array | float) -> Moments:
    """Moments at one kappa and gamma from those of (X, B, G, Y_0, Y_1), `sem.sampled`."""
    ends = [d, 2 * d, len(S) - 2]
    rows = [jnp.split(row, ends, axis=1) for row in jnp.split(S, ends)]
    (xx, xb, _, xy), (_, bb, _, by), (gx, gb, gg, gy), (*_, yy) = rows
    mix = jnp.array([1.0, kappa])
    ga = gx + gamma * gb
    first = solve(gg, jnp.column_stack([ga, gy @ mix]))
    projected = ga.T @ first
    return Moments(
        xx=xx,
        xy=xy @ mix,
        yy=mix @ yy @ mix,
        aa=xx + gamma * (xb + xb.T) + gamma**2 * bb,
        ay=(xy + gamma * by) @ mix,
        ga=ga,
        gy=gy @ mix,
        pa=projected[:, :-1],
        py=projected[:, -1],
    )


def erm(m: Moments) -> Array:
    """Regression of Y on X.  -> [d]"""
    return solve(m.xx, m.xy)


def augmented(m: Moments) -> Array:
    """DA+ERM: regression of Y on A.  -> [d]"""
    return solve(m.aa, m.ay)


def ivl(m: Moments, alpha: Array | float) -> Array:
    """argmin |Pi (Y - A h)|^2 + alpha |Y - A h|^2.  -> [d]"""
    return solve(m.pa + alpha * m.aa, m.py + alpha * m.ay)


def two_stage(m: Moments) -> Array:
    """DA+IV: of all h with G^T (Y - A h) = 0 that of least norm (k < d).  -> [d]"""
    return m.ga.T @ solve(m.ga @ m.ga.T, m.gy)


def gap(h: Array, f: Array) -> Array:
    """|h - f|^2 / |f|^2, not normalised.  h [..., d] -> [...]"""
    return ((h - f) ** 2).sum(-1) / (f @ f)


def along(h: Array, f: Array) -> Array:
    """The part of it along f, where no augmentation helps.  h [..., d] -> [...]"""
    return ((h - f) @ f / (f @ f)) ** 2


def normalised(gap):
    """The paper's metric, |h - f|^2 / (|h - f|^2 + |f|^2): 1/2 at h = 0."""
    return gap / (1 + gap)
