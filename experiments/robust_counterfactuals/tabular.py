"""Synthetic tables in the unit cube: correlated features, a curved boundary, noisy labels.

    z = (1 - rho)^(1/2) u + rho^(1/2) c v,  x = Phi(z),  s = w.z + ((v'.z)^2 - 1) / 2

    P(y = 1) = 1 / (1 + e^(-4 s)) with s standardised over the table

u, c standard normal, v signs, w and v' of unit length; Phi the normal distribution function.

Shapes: N training rows, P test rows, d features.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

RHO = 0.5
STEEP = 4.0


class Table(NamedTuple):
    x: Array  # [N, d], in the unit cube
    y: Array  # [N], 0 or 1
    pool: Array  # [P, d]
    truth: Array  # [P]


def table(law: Array, normal: Array, uniform: Array, train: int) -> Table:
    """A table of a law of its own.  law [3, d], normal [N + P, d + 1], uniform [N + P]: draws"""
    w, bend = (a / jnp.linalg.norm(a) for a in law[:2])
    z = jnp.sqrt(1 - RHO) * normal[:, 1:] + jnp.sqrt(RHO) * normal[:, :1] * jnp.sign(law[2])
    score = z @ w + ((z @ bend) ** 2 - 1) / 2
    score = (score - score.mean()) / score.std()
    y = (uniform < jax.nn.sigmoid(STEEP * score)).astype(z.dtype)
    x = jax.scipy.special.ndtr(z)
    return Table(x[:train], y[:train], x[train:], y[train:])
