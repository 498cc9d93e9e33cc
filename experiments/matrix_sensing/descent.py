"""Gradient descent on X X^T (section 3) and on F G^T (section 4), and re-balancing (section 5).

`sense` is A*A of the measurements: errors [B, N, N] -> [B, N, N]; the identity for m = infinity.
Members of one batch may differ in width: a column that starts at zero stays zero.

Shapes: B members, N side, K width of the factors, S records.
"""

import jax
import jax.numpy as jnp


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


def trajectory(step, observe, state, strides):
    """Observe after each of S strides of steps.  strides int [S] -> (state, observed [S, ...])"""

    def record(state, stride):
        state = jax.lax.fori_loop(0, stride, lambda _, s: step(s), state)
        return state, observe(state)

    return jax.lax.scan(record, state, strides)
