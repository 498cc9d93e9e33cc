"""The task, the two-layer network and its descent: y = (beta . x)^2 / D, f = alpha/N sum phi(h_i).

h_i = w_i . x / sqrt D and phi(h) = h + eps/2 h^2; only W is trained. Full-batch gradient descent
with learning rate lr N on the mean squared error over alpha^2, so that the time to fit in the lazy
limit does not depend on alpha.

Shapes: P examples, D dimension, N width.
"""

import jax
import jax.numpy as jnp

POWER = 3.0  # E y^2 = E g^4 for g = beta . x / sqrt D ~ N(0, 1)


def task(normal):
    """A direction and examples from N(0, 1) entries.  normal [1 + P, D]

    -> x / sqrt D [P, D], y [P], beta [D] of norm sqrt D
    """
    first, x = normal[0], normal[1:]
    dim = len(first)
    beta = first * jnp.sqrt(dim) / jnp.linalg.norm(first)
    return x / jnp.sqrt(dim), (x @ beta) ** 2 / dim, beta


def outputs(w, x, *, alpha, eps):
    """The network.  w [N, D], x [P, D] already over sqrt D -> [P]"""
    h = x @ w.T
    return alpha * jnp.mean(h + eps / 2 * h**2, axis=1)


def loss(w, x, y, *, alpha, eps):
    """Mean squared error, not divided by alpha^2.  -> []"""
    return jnp.mean((outputs(w, x, alpha=alpha, eps=eps) - y) ** 2)


def step(w, x, y, *, alpha, eps, lr):
    """One step of gradient descent on loss / alpha^2 with learning rate lr N.  w [N, D] -> same"""
    slope = jax.grad(loss)(w, x, y, alpha=alpha, eps=eps)
    return w - lr * len(w) / alpha**2 * slope
