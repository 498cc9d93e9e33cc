"""Which example comes when: tasks, their batches, and what the memory gives.

Examples are indices into the data. Tasks hold as many examples of each of their classes, ordered so
that any first part is balanced too: the memory of a task is the first part of its order.

Shapes: N examples, C classes, P examples of a class, K tasks, n examples of a task, U updates,
B batch, M memory.
"""

import jax
import jax.numpy as jnp

from common.tasks import splits

Array = jax.Array
CLASSES = 10
STREAMS = ("classes", "iid")


def tasks(key: Array, labels: Array, per_class: int, count: int, stream: str) -> Array:
    """A random part of the data as tasks: classes in their order, C / K a task, or all in each.

    labels int [N] -> int [K, n]
    """
    if stream not in STREAMS:
        raise ValueError(f"stream must be one of {', '.join(STREAMS)}, not {stream!r}")
    table = splits.balanced(key, labels, per_class, CLASSES)
    if stream == "classes":
        parts = table.reshape(count, CLASSES // count, per_class)
    else:
        parts = table.reshape(CLASSES, count, per_class // count).swapaxes(0, 1)
    return parts.swapaxes(1, 2).reshape(count, -1)


def batches(key: Array, order: Array, updates: int, size: int) -> Array:
    """Batches of a task, every epoch in another order.  order int [n] -> int [U, B]"""
    epochs = -(-updates * size // len(order))
    passes = jax.vmap(lambda k: jax.random.permutation(k, order))(jax.random.split(key, epochs))
    return passes.ravel()[: updates * size].reshape(updates, size)


def recalled(key: Array, orders: Array, known: Array, capacity: int, size: int) -> Array:
    """Different examples of a memory that the first `known` tasks share evenly.

    orders int [K, n]; known may be traced, and 0 is taken for 1  -> int [size]
    """
    known = jnp.maximum(known, 1)
    share = jnp.minimum(capacity // known, orders.shape[1])
    height = jax.random.uniform(key, (capacity,))
    slot = jax.lax.top_k(jnp.where(jnp.arange(capacity) < share * known, height, -1.0), size)[1]
    return orders[slot % known, slot // known]
