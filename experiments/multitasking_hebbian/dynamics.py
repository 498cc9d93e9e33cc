"""Spins updated one after the other, their overlaps with the patterns carried along.

A flip changes K overlaps, so a sweep of N spins costs N K operations and no coupling is stored.
"""

import jax
import jax.numpy as jnp
from jax import Array


def relaxed(x: Array, weights: Array, spins: Array, uniform: Array, beta) -> Array:
    """Heat bath of H = -1/2 sum_mu w_mu (x_mu . s)^2, sites in their order, without self-coupling.

    x [N, P], weights [P], spins [N] of +-1, uniform [sweeps, N] in [0, 1); a spin without field
    stays.  -> spins [N]
    """

    def site(overlap, given):
        row, spin, u = given
        overlap = overlap - row * spin
        field = (weights * row) @ overlap
        spin = jnp.where(field == 0, spin, jnp.where(jnp.tanh(beta * field) > 2 * u - 1, 1.0, -1.0))
        return overlap + row * spin, spin

    def sweep(spins, u):
        return jax.lax.scan(site, x.T @ spins, (x, spins, u))[1], None

    return jax.lax.scan(sweep, spins, uniform)[0]
