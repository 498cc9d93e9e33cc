"""What a seed draws: which images it has, where w starts, in which orders the data are visited.

Shapes: S seeds, L orders, N examples, P weights.
"""

import jax
import jax.numpy as jnp
import numpy as np


def streams(seed):
    """Keys of a seed: of its numbers, and of its Wigner matrices."""
    return jax.random.split(jax.random.key(seed))


def numbers(seed, *, orders: int, images: int, weights: int):
    """Uniforms that order the images [1 + L, images] and that w starts from [P]; signs [P].

    One draw: random bits are slow to compile.
    """
    rows = 1 + orders
    flat = jax.random.uniform(streams(seed)[0], (rows * images + 2 * weights,))
    order, start, signs = jnp.split(flat, [rows * images, rows * images + weights])
    return order.reshape(rows, images), start, jnp.sign(signs - 0.5)


def examples(uniforms, images, labels, samples: int):
    """The images of every seed as rows in [0, 1], their labels, and orders of these.

    uniforms [S, 1 + L, images], images [n, …], labels [n] -> [S, N, D], [S, N], [S, L, N]
    """
    order = np.argsort(uniforms, axis=-1)
    chosen, later = order[:, 0, :samples], order[:, 1:]
    # of a permutation a permutation is left
    orders = later[later < samples].reshape(*later.shape[:2], samples)
    rows = np.asarray(images, np.float32).reshape(len(images), -1)
    x = (rows / rows.max())[chosen].astype(jnp.result_type(float))
    return x, labels.astype(int)[chosen], orders
