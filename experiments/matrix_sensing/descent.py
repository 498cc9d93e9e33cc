"""Gradient descent on X X^T (section 3) and on F G^T (section 4), and re-balancing (section 5).

`sense` is A*A of the measurements: errors [B, N, N] -> [B, N, N]; the identity for m = infinity.
Members of one batch may differ in width: a column that starts at zero stays zero.

Shapes: B members, N side, K width of the factors, S records.
"""

from functools import partial

import jax.numpy as jnp

from common import loops

from .problems import Ensemble


def symmetric_step(x, target, sense, lr):
    """X - lr A*A(X X^T - M) X, the gradient of 1/4 |A(X X^T - M)|^2.  x [B, N, K] -> the same"""
    return x - lr * sense(product(x, x) - target) @ x


def asymmetric_step(factors, target, sense, lr):
    """F - lr D G and G - lr D^T F at once, D = A*A(F G^T - M).  (f, g) [B, N, K] -> the same"""
    f, g = factors
    d = sense(product(f, g) - target)
    return f - lr * d @ g, g - lr * d.mT @ f


def product(f, g):
    """F G^T.  f, g [B, N, K] -> [B, N, N]"""
    return f @ g.mT


def squared_error(f, g, target):
    """|F G^T - M|_F^2.  -> [B]"""
    return jnp.sum((product(f, g) - target) ** 2, axis=(-2, -1))


def rebalance(factors, beta):
    """F = U S V^T becomes beta U, and G becomes G V S / beta: the same product, F^T F = beta^2 I.

    The one modified step of section 5 (its form is recalled). Every member must have its full
    width: a zero column would come to life. (f, g) [B, N, K] -> the same
    """
    f, g = factors
    u, s, vt = jnp.linalg.svd(f, full_matrices=False)
    return beta * u, g @ (vt.mT * s[:, None, :]) / beta


def symmetric(x, target, sense, strides, *, lr, observe=squared_error):
    """Observed after each of the strides [S].  x [B, N, K] -> (x, observe(F, G, target) [S, …])"""
    step = partial(symmetric_step, target=target, sense=sense, lr=lr)
    return loops.trajectory(step, lambda x: observe(x, x, target), x, strides)


def asymmetric(factors, target, sense, strides, *, lr, observe=squared_error):
    """As `symmetric`.  (f, g) [B, N, K] -> ((f, g), observe(F, G, target) [S, …])"""
    step = partial(asymmetric_step, target=target, sense=sense, lr=lr)
    return loops.trajectory(step, lambda fg: observe(*fg, target), factors, strides)


def population(slow: Ensemble, fast: Ensemble, twin: Ensemble, v, strides, *, lr, tilt) -> dict:
    """m = infinity: symmetric and asymmetric ensembles, and a symmetric run as an asymmetric one.

    twin: member 1 of slow, whose X is F and, 1 + tilt times, G; v [N]
    -> squared errors symmetric, asymmetric [B, S]; coupled [2, S, N]: F G^T v of the twin, X X^T v
    """

    def watch(f, g, target, *, member):
        return squared_error(f, g, target), f[member] @ (g[member].T @ v)

    def descend(kind, start, target, member):
        look = partial(watch, member=member)
        return kind(start, target, lambda e: e, strides, lr=lr, observe=look)[1]

    f, g = fast.start
    both = jnp.concatenate([f, twin.start]), jnp.concatenate([g, (1 + tilt) * twin.start])
    slow_error, xx = descend(symmetric, slow.start, slow.target, 1)
    aims = jnp.concatenate([fast.target, twin.target])
    fast_error, fg = descend(asymmetric, both, aims, -1)
    return {"symmetric": slow_error.T, "asymmetric": fast_error.T, "coupled": jnp.stack([fg, xx])}
