"""What is learned: Gaussian inputs, a sparse truth, a small teacher; and gradients that tie.

Shapes: N examples, D inputs, K hidden units.
"""

import jax.numpy as jnp


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
