"""A sampler whose runs may each be changed once on the way, and a denoiser on given states.

Shapes: M rows, D pixels, N steps.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common.sde import solvers


class Rows(NamedTuple):
    """Runs from x at T; at the node `when` of the grid x becomes keep x + give."""

    x: Any  # [M, D]
    when: Any  # [M], -1 for never
    keep: Any  # [M]
    give: Any  # [M, D]


def changed(rows: Rows, x, t):
    now = (rows.when == t)[:, None]
    return jnp.where(now, rows.keep[:, None] * x + rows.give, x)


def run_rows(key, sde, denoise, rows: Rows, times, rule):
    """Every row at the last of `times` [N+1].  -> [M, D]"""

    def step(key, denoise, x, node, memory):
        x, memory, calls = rule.step(key, denoise, x, node, memory)
        return changed(rows, x, node.s), memory, calls

    first = changed(rows, rows.x, times[0])
    return solvers.solve(key, sde, denoise, first, times, solvers.Rule(step, rule.begin)).x


def trajectory(key, sde, denoise, x, times, rule):
    """All states from x [M, D] at times[0] on, that one included.  -> [N+1, M, D]"""
    solved = solvers.solve(key, sde, denoise, x, times, rule, keep=True)
    return jnp.concatenate([x[None], solved.states])


def estimates(denoise, states, times):
    """E[x_0 | x_t].  states [T, n, D], times [T] -> [T, n, D]"""
    return jax.lax.map(lambda now: denoise(*now), (states, times))
