"""Spins updated one after the other where couplings are those of patterns: no coupling is stored.

Of each pattern sums over the spins are carried, so a sweep of N spins costs N P operations for P
patterns, also where interactions are of many bodies.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jax import Array


def relaxed(
    x: Array,
    spins: Array,
    field: Callable[..., Array],
    sweeps: int,
    *,
    powers: Sequence[int] = (1,),
    heat: tuple[Array | float, Array] | None = None,
) -> Array:
    """Sites in their order: each spin takes the sign of its field; without one it stays.

    x [N, P], spins [N] of +-1; field(x_i [P], S_k [P] for k of powers) -> [], where S_k is the sum
    of (x_j s_j)^k over the *other* sites, so that there is no self-coupling.
    heat: (beta, uniform [sweeps, N] in [0, 1)): heat bath, s_i = 1 with (1 + tanh(beta h)) / 2.
    -> spins [N]
    """

    def of(k, row, spin):
        return row**k * spin if k % 2 else row**k

    def site(sums, given):
        row, spin, u = given
        others = {k: s - of(k, row, spin) for k, s in sums.items()}
        h = field(row, *(others[k] for k in powers))
        up = h > 0 if heat is None else jnp.tanh(heat[0] * h) > 2 * u - 1
        spin = jnp.where(h == 0, spin, jnp.where(up, 1, -1).astype(spin.dtype))
        moved = {k: others[k] + of(k, row, spin) for k in powers if k % 2}  # even ones stay
        return sums | moved, spin

    def sweep(spins, u):
        sums = {k: spins @ x**k if k % 2 else (x**k).sum(axis=0) for k in powers}
        return jax.lax.scan(site, sums, (x, spins, u))[1], None

    return jax.lax.scan(sweep, spins, heat[1] if heat else None, length=sweeps)[0]
