"""What is learned: Gaussian inputs, a sparse truth, a small teacher; and gradients that tie.

Shapes: N examples, D inputs, K hidden units. A draw is N(0, 1).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from . import nets


class Problem(NamedTuple):
    """Examples to learn, and what the test error is taken on."""

    x: jax.Array  # [N, D]
    y: jax.Array  # [N]
    test: Any  # diagonal network: the truth [D]; ReLU: fresh examples, (x [T, D], y [T])


def diagonal(draw, *, spread, active, start) -> tuple[tuple, Problem]:
    """Sparse regression.  draw: data [N, D] -> (u [D], v [D]), all `start`, and the problem"""
    x = inputs(draw["data"], spread)
    truth, first = sparse(x.shape[1], active), jnp.full(x.shape[1], start, x.dtype)
    return (first, first), Problem(x, x @ truth, truth)


def relu(draw, *, spread, scale, samples) -> tuple[tuple, Problem]:
    """Teacher and student; the first `samples` examples are learned, the others are fresh.

    draw: relu data [N + T, D], teacher [D, teacher's K], relu init [D + 1, K]
    -> (w [D, K], a [K]) and the problem
    """
    x = inputs(draw["relu data"], spread)
    y = nets.relu(teacher(draw["teacher"]), x)
    (x, fresh), (y, targets) = (jnp.split(a, [samples]) for a in (x, y))
    return nets.relu_start(draw["relu init"], scale), Problem(x, y, (fresh, targets))


def inputs(draw, spread):
    """x ~ N(0, diag(s^2)), s from 1 / spread to spread in equal ratios.  draw [..., D]"""
    return draw * spread ** jnp.linspace(-1, 1, draw.shape[-1])


def sparse(d, active):
    """`active` ones, then zeros; the order is no matter for isotropic inputs.  -> [D]"""
    return jnp.where(jnp.arange(d) < active, 1.0, 0.0)


def teacher(draw):
    """Hidden units of norm 1 along the columns, output weights +1/2 and -1/2 in turn.

    Path norm K / 2.  draw [D, K] -> (w [D, K], a [K])
    """
    w = draw / jnp.linalg.norm(draw, axis=0)
    return w, jnp.where(jnp.arange(draw.shape[1]) % 2, -0.5, 0.5)


def frame(draw, n, excess):
    """N gradients in P orthogonal directions of one random norm, N / P in each.  -> [N, P]

    The first direction is `excess` times longer.  draw [P, P]
    """
    q, r = jnp.linalg.qr(draw)
    rows = jnp.abs(r[0, 0]) * q * jnp.where(jnp.arange(len(q)) == 0, excess, 1.0)[:, None]
    return jnp.repeat(rows, n // len(q), axis=0)
