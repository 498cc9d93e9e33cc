"""What is trained: perceptrons without biases on images, a decoder on text.

Weights are {"matrices": of the method under test, "rest": of Adam}.

Shapes: B batch, P parts of what is held out, T positions, L layers, D width, H heads.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from common.nn import decoder, layers

CLASSES, SIDE = 10, 28


class Task(NamedTuple):
    init: Callable  # key -> weights, float32
    losses: Callable  # weights, batch -> cross-entropies in nats [B] or [B, T]
    draw: Callable  # training data, key -> batch
    ceiling: float  # loss of guessing


class Data(NamedTuple):
    train: Any
    valid: Any  # batches [P, ...]
    test: Any


def images(pool: int, hidden: tuple[int, ...], batch: int) -> Task:
    """Ten classes; all matrices, the last too, are the method's."""
    sizes = ((SIDE // pool) ** 2, *hidden, CLASSES)

    def init(key):
        weights = layers.init(key, sizes, dtype=jnp.float32)
        return {"matrices": [w for w, _ in weights], "rest": {}}

    def losses(weights, batch):
        x, y = batch
        pairs = [(w, jnp.zeros(w.shape[1], w.dtype)) for w in weights["matrices"]]
        logits = layers.apply(pairs, x, activation=jax.nn.relu)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y)

    def draw(train, key):
        at = jax.random.randint(key, (batch,), 0, len(train[1]))
        return train[0][at], train[1][at]

    return Task(init, losses, draw, float(np.log(CLASSES)))


def pooled(x, y, pool: int, held: int, x_test, y_test) -> Data:
    """Means of pool x pool pixels, from 0 to 1; the last `held` for training choose the rate.

    x uint8 [N, 28, 28], y [N]
    """

    def flat(x):
        n = SIDE // pool
        return (x.reshape(-1, n, pool, n, pool).mean((2, 4)) / 255).reshape(-1, n * n)

    x, x_test = (flat(a).astype(np.float32) for a in (x, x_test))
    y, y_test = (a.astype(np.int32) for a in (y, y_test))
    valid = x[None, -held:], y[None, -held:]
    return Data((x[:-held], y[:-held]), valid, (x_test[None], y_test[None]))


def text(
    vocab: int, width: int, depth: int, heads: int, context: int, batch: int, dtype: str
) -> Task:
    """Next token; the method has the matrices of the layers, each of heads side by side."""
    shape = {"vocab": vocab, "width": width, "layers": depth, "heads": heads}

    def init(key):
        tree = decoder.init(jax.random.split(key), **shape)
        return jax.tree.map(lambda w: w.astype(jnp.float32), split(tree))

    def losses(weights, tokens):
        how = {"dtype": jnp.dtype(dtype), "remat": True}
        logits, _ = decoder.apply(joined(weights, heads), tokens[:, :-1], **how)
        return optax.softmax_cross_entropy_with_integer_labels(logits, tokens[:, 1:])

    def draw(train, key):
        starts = jax.random.randint(key, (batch,), 0, len(train) - context)
        return train[starts[:, None] + jnp.arange(context + 1)]

    return Task(init, losses, draw, float(np.log(vocab)))


def split(tree) -> dict:
    """The decoder's parameters as weights: qkv [L, D, 3, H, K] as [L, 3, D, D]."""
    attention, mlp = (dict(tree["blocks"][part]) for part in ("attention", "mlp"))
    qkv, out = attention.pop("qkv"), attention.pop("out")
    depth, width = qkv.shape[:2]
    matrices = {
        "qkv": qkv.reshape(depth, width, 3, width).swapaxes(1, 2),
        "out": out.reshape(depth, width, width),
        "up": mlp.pop("up"),
        "down": mlp.pop("down"),
    }
    rest = tree | {"blocks": {"attention": attention, "mlp": mlp}}
    return {"matrices": matrices, "rest": rest}


def joined(weights, heads: int) -> dict:
    """The inverse of `split`."""
    matrices, rest = weights["matrices"], weights["rest"]
    depth, _, width, _ = matrices["qkv"].shape
    qkv = matrices["qkv"].swapaxes(1, 2).reshape(depth, width, 3, heads, -1)
    attention = {"qkv": qkv, "out": matrices["out"].reshape(depth, heads, -1, width)}
    mlp = {name: matrices[name] for name in ("up", "down")}
    blocks = rest["blocks"]
    return rest | {
        "blocks": {"attention": blocks["attention"] | attention, "mlp": blocks["mlp"] | mlp}
    }


def cut(tokens, held: int, context: int) -> Data:
    """The end of a text held out: `held` sequences for validation, as many for the test."""
    length = context + 1
    tokens = np.asarray(tokens, np.int32)
    last = tokens[-2 * held * length :].reshape(2, held, 1, length)
    return Data(tokens[: -2 * held * length], last[0], last[1])


def evaluated(task: Task, weights, batches):
    """Mean loss of batches [P, ...]; that of guessing where it is worse, or no number.  -> []

    Summed in the widest type there is: many float32 in another order are another number.
    """
    means = jax.lax.map(lambda batch: task.losses(weights, batch).astype(float).mean(), batches)
    value = means.mean()
    return jnp.where(value < task.ceiling, value, task.ceiling)
