"""Gradients of a continual learner in two parts: plasticity (new task), stability (old ones).

Shapes: B new examples, b from the memory, D pixels, k old tasks, m stored examples of each.
"""

from functools import partial

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from common.nn import layers

Array = jax.Array
RIDGE = 1e-3  # on the matrix of GEM's problem, as in its code
SWEEPS = 50

logits = partial(layers.apply, activation=jax.nn.relu)


def cross_entropy(params, x, y):
    """Mean over examples.  x [B, D], y int [B] -> []"""
    return optax.softmax_cross_entropy_with_integer_labels(logits(params, x), y).mean()


def replay(params, new, old, known, *, weight):
    """Gradient of w CE_new + (1 - w) CE_memory; in the first task of w CE_new.

    new, old (x [B, D], y [B]); known [], old tasks -> gradient, norms [2] of its two parts
    """

    def part(factor, x, y):
        return jax.grad(lambda p: factor * cross_entropy(p, x, y))(params)

    factors = jnp.stack([weight, (1.0 - weight) * (known > 0)])
    both = jax.vmap(part)(factors, *jax.tree.map(lambda *pair: jnp.stack(pair), new, old))
    norms = jax.vmap(optax.tree.norm)(both)
    return jax.tree.map(lambda g: g.sum(0), both), norms


def gem(params, new, old, known, *, margin):
    """Gradient of the new loss, turned where it would raise the loss of an old task.

    new (x [B, D], y [B]), old (x [k, m, D], y [k, m]), of which the first `known` are stored
    -> gradient, norms [2] of the new loss's and of what the projection adds
    """
    gradient, unravel = ravel_pytree(jax.grad(cross_entropy)(params, *new))

    def of_task(args):
        i, x, y = args
        stored = partial(lambda x, y: ravel_pytree(jax.grad(cross_entropy)(params, x, y))[0], x, y)
        return jax.lax.cond(i < known, stored, lambda: jnp.zeros_like(gradient))

    stored = jax.lax.map(of_task, (jnp.arange(len(old[1])), *old))
    turned = projected(gradient, stored, margin)
    norms = jnp.stack([jnp.linalg.norm(gradient), jnp.linalg.norm(turned - gradient)])
    return unravel(turned), norms


def projected(gradient, stored, margin):
    """g + G^T v, v >= margin the minimiser of v^T (G G^T + ridge) v / 2 + v^T G g; g if G g >= 0.

    gradient [p], stored G [k, p] -> [p]
    """
    along = stored @ gradient
    gram = stored @ stored.T + RIDGE * jnp.eye(len(stored), dtype=stored.dtype)
    v = margin + nonnegative(gram, along + margin * gram.sum(1))
    return jnp.where((along < 0).any(), gradient + v @ stored, gradient)


def nonnegative(matrix, linear):
    """The u >= 0 that minimises u^T A u / 2 + b^T u, one entry after the other.  A [k, k], b [k]

    A positive definite; -> [k], exact to the digits of the dtype unless A is nearly singular
    """
    k = len(linear)

    def entry(turn, u):
        i = turn % k
        return u.at[i].set(jnp.maximum(u[i] - (matrix[i] @ u + linear[i]) / matrix[i, i], 0.0))

    return jax.lax.fori_loop(0, SWEEPS * k, entry, jnp.zeros_like(linear))
