"""Which example comes when: tasks, their batches, and what the memory gives. NumPy.

Examples are indices into the data. A task holds as many examples of each of its classes, ordered so
that any first part is balanced too: the memory of a task is the first part of its order. What is
random is the order of uniform heights.

Shapes: S seeds, N examples, C classes, P examples of a class, K tasks, n examples of a task,
J stages, U updates of a stage, B new examples of an update, b from the memory, M memory,
E test images of a task.
"""

import numpy as np

CLASSES = 10
KINDS = ("classes", "iid")


def tasks(height, labels, per_class: int, count: int, kind: str):
    """A random part of the data as tasks: classes in their order, C / K a task, or all in each.

    height [S, N], labels int [N] -> int [S, K, n]
    """
    if kind not in KINDS:
        raise ValueError(f"the stream must be one of {', '.join(KINDS)}, not {kind!r}")
    counts = np.bincount(labels, minlength=CLASSES)
    if per_class > counts.min():
        raise ValueError(f"the smallest class has {counts.min()} examples, not {per_class}")
    order = np.lexsort((height, np.broadcast_to(labels, height.shape)))
    first = np.cumsum(counts) - counts
    table = order[:, first[:, None] + np.arange(per_class)]
    if kind == "classes":
        parts = table.reshape(-1, count, CLASSES // count, per_class)
    else:
        parts = table.reshape(-1, CLASSES, count, per_class // count).swapaxes(1, 2)
    return parts.swapaxes(2, 3).reshape(len(table), count, -1)


def epochs(updates: int, size: int, examples: int) -> int:
    """Passes through so many examples that give every update its batch."""
    return -(-updates * size // examples)


def batches(height, orders, updates: int, size: int):
    """Batches of every task, each epoch in another order.

    height [S, K, epochs, n], orders int [S, K, n] -> int [S, K, U, B]
    """
    passes = np.take_along_axis(orders[:, :, None], height.argsort(-1), -1)
    lead = orders.shape[:2]
    return passes.reshape(*lead, -1)[..., : updates * size].reshape(*lead, updates, size)


def recalled(height, orders, known, size: int):
    """Different examples of a memory that the first `known` tasks share evenly; of 0: of the first.

    height [S, J, U, M], orders int [S, K, n], known int [J] -> int [S, J, U, size]
    """
    found = []
    for stage, count in enumerate(np.maximum(known, 1)):
        share = min(height.shape[-1] // count, orders.shape[-1])
        memory = orders[:, :count, :share].reshape(len(orders), 1, -1)
        order = height[:, stage, :, : memory.shape[-1]].argsort(-1)
        found.append(np.take_along_axis(memory, order[..., :size], -1))
    return np.stack(found, axis=1)
