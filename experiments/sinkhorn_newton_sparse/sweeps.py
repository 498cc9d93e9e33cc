"""Sinkhorn's stage: sweeps to a target, with their errors and the mass in the largest entries.

Shapes: n points each; cost [n, n], masses r, c [n], T records.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common.ot import newton, sinkhorn


class Swept(NamedTuple):
    """Sinkhorn on its way to the target."""

    x: jax.Array  # [n]
    y: jax.Array  # [n]
    error: jax.Array  # []
    needed: jax.Array  # [] sweeps so far, no more once the target is met


def begin(seeds: int, n: int) -> Swept:
    """Before the first sweep, on the host.  -> leaves [seeds, …]"""
    zero = np.zeros((seeds, n))
    return Swept(zero, zero, np.full(seeds, np.inf), np.zeros(seeds, int))


def sweep(cost, r, c, eta, state: Swept, target, strides):
    """So many sweeps between records, 49 of 50 by rescaling.  strides [T]

    -> state, (errors, mass in the 2 n largest entries of the plan) [T] each
    """

    def go(state, stride):
        s = sinkhorn.sinkhorn(
            cost, r, c, eta, start=state.y, tol=target, sweeps=stride, history=False
        )
        after = Swept(s.x, s.y, s.error, state.needed + s.steps)
        going = (state.error > target) & (stride > 0)
        state = jax.tree.map(lambda new, old: jnp.where(going, new, old), after, state)
        p = sinkhorn.plan(cost, eta, state.x, state.y)
        return state, (state.error, jnp.sum(newton.largest(p, 2 * len(r)).values))

    return jax.lax.scan(go, state, strides)
