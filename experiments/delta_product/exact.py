"""A network whose keys are set by hand, and how near fewer factors come to a permutation.

Letter x has the keys of the reflections of Q(x)^T, so that S_i = Q(x_i)^T … Q(x_1)^T and the output
S_i^T q = Q(x_1 … x_i) q is the point of q's orbit that belongs to the running product.

Shapes: G elements, N factors, K dimensions, W words, T letters of a word.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from common import keys
from common.ssm import delta
from common.tasks.words import words as draw

from . import groups

QUERY = np.array([3.0, 1.0, 2.0, 5.0, 4.0])  # on no mirror and on no axis of any group here


class Letters(NamedTuple):
    """A group's letters, padded with zeros to common sizes."""

    keys: np.ndarray  # [G, N, K]
    beta: np.ndarray  # [G, N]: 2, and 0 where there is no factor
    query: np.ndarray  # [K]
    orbit: np.ndarray  # [G, K]
    table: np.ndarray  # int [G, G]
    order: np.ndarray  # int []


def letters(name: str, size: int, factors: int, dims: int) -> Letters:
    """Keys that are exact, but for factors after the first `factors`, which are left out."""
    group = groups.named(name)
    order, n = group.matrices.shape[:2]
    made = Letters(
        np.zeros((size, dims, dims), np.float32),
        np.zeros((size, dims), np.float32),
        np.zeros(dims, np.float32),
        np.zeros((size, dims), np.float32),
        np.zeros((size, size), int),
        np.array(order),
    )
    made.query[:n] = QUERY[:n] / np.linalg.norm(QUERY[:n])
    made.orbit[:order, :n] = group.matrices @ made.query[:n]
    made.table[:order, :order] = group.table
    for i, matrix in enumerate(group.matrices):
        normals = groups.reflections(matrix)[:factors]  # Q = H_1 … H_N: of Q^T, H_1 comes first
        made.keys[i, : len(normals), :n] = normals
        made.beta[i, : len(normals)] = 2
    return made


def accuracy(key, letters: Letters, *, words: int, length: int) -> jax.Array:
    """Share of the running products told by the nearest point of the orbit.  -> [T]"""
    word, target = draw(key, letters.table, words, length, order=letters.order)
    k, beta = letters.keys[word], letters.beta[word]
    q = jnp.broadcast_to(letters.query, (*word.shape, k.shape[-1]))
    start = jnp.broadcast_to(jnp.eye(k.shape[-1]), (words, *k.shape[-1:] * 2))
    outputs, _ = delta.delta_product(q, k, jnp.zeros_like(k), beta, start=start)
    told = (outputs @ letters.orbit.T).argmax(-1)  # all points are as long
    return jnp.equal(told, target).mean(0)


def distance(key, target, mask, *, starts: int, steps: int) -> jax.Array:
    """Least Frobenius distance of target [K, K] from products of generalised Householders.

    The best of `starts` descents (Adam) over unit keys and beta in (0, 2).  mask [N]: 1 for a
    factor that is there  -> []
    """
    n, dims = len(mask), len(target)
    free = keys.normal(key, (starts, n, dims + 1), jnp.float32)
    tx = optax.adam(optax.cosine_decay_schedule(0.1, steps))

    def squares(free):
        k = free[..., :dims] / jnp.linalg.norm(free[..., :dims], axis=-1, keepdims=True)
        beta = 2 * jax.nn.sigmoid(free[..., dims]) * mask
        product = jnp.broadcast_to(jnp.eye(dims), (starts, dims, dims))
        for i in range(n):
            along = k[:, i, None] @ product
            product = product - beta[:, i, None, None] * k[:, i, :, None] * along
        return jnp.sum((product - target) ** 2, (1, 2))

    def step(state, _):
        free, opt = state
        updates, opt = tx.update(jax.grad(lambda f: squares(f).sum())(free), opt)
        return (optax.apply_updates(free, updates), opt), None

    (free, _), _ = jax.lax.scan(step, (free, tx.init(free)), length=steps)
    return jnp.sqrt(squares(free).min())
