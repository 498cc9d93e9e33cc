"""The retrieved pattern at T = 0, without and with one step of breaking.

Normalisation: the signal is 1 for a perfect overlap, its energy -1/P.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import erf, log_ndtr

NODES = np.linspace(-7, 7, 201)  # trapezoidal: near q_0 = 1 averages of signs are steep
WEIGHTS = np.exp(-(NODES**2) / 2) / np.exp(-(NODES**2) / 2).sum()
START = 0.93, 0.95  # m and q_0 from which the branch is entered
LOST = 0.5  # an overlap below


def overlap(Gamma: Array, P: int, turns: int = 600) -> Array:
    """m = erf(m^(P-1) / sqrt(2 Gamma)) from m = 1."""

    def turn(_, m):
        return (m + erf(m ** (P - 1) / jnp.sqrt(2 * Gamma))) / 2

    return jax.lax.fori_loop(0, turns, turn, jnp.ones(()))


def energy(Gamma: Array, P: int) -> Array:
    """-E|h| + (1 - 1/P) m^P without breaking, nan where the pattern is lost."""
    m = overlap(Gamma, P)
    a = m ** (P - 1)
    size = jnp.sqrt(2 * Gamma / jnp.pi) * jnp.exp(-(a**2) / (2 * Gamma)) + a * erf(
        a / jnp.sqrt(2 * Gamma)
    )
    return jnp.where(m > LOST, -size + (1 - 1 / P) * m**P, jnp.nan)


def broken(D: Array, Gamma: Array, P: int, turns: int) -> tuple[Array, Array, Array]:
    """Energy, m and q_0 at beta x = D, from START; an energy is nan where the pattern is lost."""

    def sides(m, q):
        s = jnp.sqrt(Gamma * jnp.maximum(1 - q ** (P - 1), 1e-12))
        mu = m ** (P - 1) + jnp.sqrt(Gamma * q ** (P - 1)) * NODES
        return s, D * mu + log_ndtr(mu / s + D * s), -D * mu + log_ndtr(-mu / s + D * s)

    def turn(_, state):
        _, up, down = sides(*state)
        sign = jnp.tanh((up - down) / 2)
        return (state[0] + WEIGHTS @ sign) / 2, (state[1] + WEIGHTS @ sign**2) / 2

    m, q = jax.lax.fori_loop(0, turns, turn, tuple(map(jnp.asarray, START)))
    s, up, down = sides(m, q)
    free = (D**2 * s**2 / 2 + WEIGHTS @ jnp.logaddexp(up, down)) / D
    theta = Gamma * (1 - 1 / P) * (1 - q**P)
    found = -(free - D / 2 * theta) + (1 - 1 / P) * m**P
    return jnp.where(m > LOST, found, jnp.nan), m, q
