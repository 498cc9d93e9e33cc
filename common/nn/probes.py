"""What a classifier of a few parameters reads from features: ridge, linear and nearest neighbours.

Features of training set and test set are standardised by the training set's mean and standard
deviation first: an unstandardised probe sees the scale of the features, not what they hold.

Shapes: N examples, Q questions, D features, K classes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from common import shapes
from common.nn.collapse import one_hot
from common.reals import at_least, real_arrays, refuted

Array = jax.Array


class Affine(NamedTuple):
    """Scores x @ w + b of standardised features."""

    w: Array  # [D, K]
    b: Array  # [K]


def standardised(train, *others) -> list[Array]:
    """Each with the training set's mean and deviation taken out; a constant feature becomes 0.

    train [N, D], others [Q, D] -> [[N, D], [Q, D], ...]
    """
    sizes = shapes.check("train", train, "N D")
    at_least(1, **{"number of examples of train": sizes["N"]})
    for x in others:
        shapes.check("others", x, "Q D", {"D": sizes["D"]})
    train = real_arrays(train=train)[0]
    mean, largest = train.mean(0), jnp.abs(train).max(0)
    std = train.std(0)
    resolved = std > 8 * jnp.finfo(std.dtype).eps * largest  # what is left of a constant is none
    std = jnp.where(resolved, std, 1)
    every = [train, *(real_arrays(others=x)[0] for x in others)]
    return [jnp.where(resolved, (x - mean) / std, 0) for x in every]


def ridge(features, labels, classes: int, *, penalty: float = 1e-3) -> Affine:
    """Least squares on one-hot labels, closed form: min |X w + b - Y|^2 / N + penalty |w|^2.

    features [N, D] (standardised), labels int [N].  b is not penalised.
    Errors: ValueError for a penalty that is not positive, or labels outside [0, classes).
    """
    x, y = _examples(features, labels, classes)
    if refuted(lambda p: p > 0, jnp.asarray(penalty)):
        raise ValueError(f"penalty must be positive, not {penalty}")
    middle, mean = x.mean(0), y.mean(0)
    x = x - middle
    n, d = x.shape
    factor = jax.scipy.linalg.cho_factor(x.T @ x / n + penalty * jnp.eye(d, dtype=x.dtype))
    w = jax.scipy.linalg.cho_solve(factor, x.T @ (y - mean) / n)
    return Affine(w, mean - middle @ w)


def linear(
    features, labels, classes: int, *, penalty: float = 1e-3, steps: int = 100
) -> tuple[Affine, Array]:
    """Softmax regression by L-BFGS from 0: min cross-entropy + penalty |w|^2 / 2, which is convex.

    features [N, D] (standardised), labels int [N] -> the probe and the gradient's norm, which says
    how near the minimum is.
    """
    x, y = _examples(features, labels, classes)
    at_least(1, steps=steps)

    def cost(probe):
        entropy = optax.softmax_cross_entropy(x @ probe.w + probe.b, y).mean()
        return entropy + penalty / 2 * jnp.sum(probe.w**2)

    tx, start = optax.lbfgs(), Affine(jnp.zeros((x.shape[1], classes), x.dtype),
                                      jnp.zeros(classes, x.dtype))  # fmt: skip
    value_and_grad = optax.value_and_grad_from_state(cost)

    def step(carry, _):
        probe, state = carry
        value, grads = value_and_grad(probe, state=state)
        updates, state = tx.update(grads, state, probe, value=value, grad=grads, value_fn=cost)
        return (optax.apply_updates(probe, updates), state), None

    (probe, _), _ = jax.lax.scan(step, (start, tx.init(start)), length=steps)
    return probe, optax.tree.norm(jax.grad(cost)(probe))


def told(probe: Affine, features) -> Array:
    """The class with the largest score.  features [Q, D] -> int [Q]"""
    (x,) = real_arrays(features=features)
    shapes.check("features", x, "Q D", {"D": probe.w.shape[0]})
    return jnp.argmax(x @ probe.w + probe.b, axis=1)


def nearest(features, labels, questions, classes: int, *, k: int = 20) -> Array:
    """The class of most of the k nearest examples (Euclidean); of as many, the least class.

    features [N, D], labels int [N], questions [Q, D] -> int [Q].  Memory Q N.
    Errors: ValueError for k above N.
    """
    x, y = _examples(features, labels, classes)
    (asked,) = real_arrays(questions=questions)
    shapes.check("questions", asked, "Q D", {"D": x.shape[1]})
    at_least(1, k=k)
    if k > len(x):
        raise ValueError(f"k must be at most the number of examples, {len(x)}, not {k}")
    # the squares of the questions change no order; distances from the mean lose fewer digits
    middle = x.mean(0)
    x, asked = x - middle, asked - middle
    order = jax.lax.top_k(2 * asked @ x.T - jnp.sum(x**2, axis=1), k)[1]
    return jnp.argmax(y[order].sum(1), axis=1)


def _examples(features, labels, classes: int) -> tuple[Array, Array]:
    """Features [N, D] and one-hot labels [N, K] of the same dtype."""
    sizes = shapes.check("features", features, "N D")
    shapes.check("labels", labels, "N", {"N": sizes["N"]})
    at_least(1, **{"number of examples of features": sizes["N"]})
    (x,) = real_arrays(features=features)
    return x, one_hot(labels, classes, x.dtype).T
