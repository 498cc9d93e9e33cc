"""Full-batch AdamW on any of the losses, observed on its way.

Shapes: B training examples, C classes, S records.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from common.nn import training
from common.optim.orthograd import orthograd

from . import losses, model
from .tasks import Data

BETA1 = 0.9
HALTED = 0.99  # share of the training examples that counts as collapse


class Hyper(NamedTuple):
    """What an arm is trained with: numbers, so that one program serves all arms of a task."""

    loss: Any  # place in losses.LOSSES
    perp: Any  # bool: gradients perpendicular to the weights; None: in no arm, not compiled
    lr: Any
    beta2: Any
    eps: Any
    decay: Any


class State(NamedTuple):
    params: Any
    opt: Any
    saved: Any  # (params, opt) at the first record that had collapsed, those of the start before
    halted: Any  # bool: whether one had


class Seen(NamedTuple):
    """Of one step, before its update."""

    train: Any  # accuracy
    test: Any
    loss: Any  # mean over the training examples
    full: Any  # share of them that rounding gives probability 1
    zero: Any  # share of them whose loss is exactly 0
    cosine: Any  # of the descent direction, perpendicular where wanted, and the weights
    edge: Any  # least lead of a largest logit among as many of the largest leads as `full` counts


def optimiser(hyper: Hyper) -> optax.GradientTransformation:
    """AdamW; of perpendicular gradients, its steps are not themselves perpendicular."""
    return optax.adamw(hyper.lr, b1=BETA1, b2=hyper.beta2, eps=hyper.eps, weight_decay=hyper.decay)


def start(key, *, draw, sizes, biased) -> tuple[Data, State]:
    """A task from `draw(key)`, a network of these sizes (after its inputs), and it at rest."""
    of_data, of_weights = jax.random.split(key)
    data = draw(of_data)
    sizes = (data.x.shape[1], *sizes)
    return data, begin(model.init(of_weights, sizes, biased=biased))


def begin(params) -> State:
    """With a fresh optimiser, whose state does not hang on what it is told."""
    opt = optimiser(Hyper(0, False, 0.0, 0.0, 0.0, 0.0)).init(params)
    return State(params, opt, (params, opt), jnp.array(False))


def gradient(params, data: Data, hyper: Hyper):
    """The model in float32, the loss as hyper wants it.  -> (gradient, logits [B, C], Loss)"""
    z, pull = jax.vjp(lambda params: model.apply(params, data.x), params)
    loss = losses.chosen(hyper.loss, z, data.y)

    (grads,) = pull(loss.slope)
    if hyper.perp is not None:

        def perpendicular(grads):
            return orthograd().update(grads, None, params)[0]

        grads = jax.lax.cond(hyper.perp, perpendicular, lambda grads: grads, grads)
    return grads, z, loss


def observe(params, data: Data, grads, z, loss: losses.Loss) -> Seen:
    largest = jax.nn.one_hot(z.argmax(1), z.shape[1], dtype=bool)
    leads = jnp.sort(z.max(1) - jnp.where(largest, -jnp.inf, z).max(1))
    place = jnp.clip(len(leads) - loss.full.sum(), 0, len(leads) - 1)
    right = model.apply(params, data.x_test).argmax(1) == data.y_test
    return Seen(
        train=share(z.argmax(1) == data.y),
        test=share(right),
        loss=loss.value.mean(),
        full=share(loss.full),
        zero=share(loss.value == 0),
        cosine=cosine(grads, params),
        edge=leads[place],
    )


def share(true):
    """Of those that are true.  bool [B] -> []"""
    return jnp.mean(true, dtype=float)


def cosine(grads, params):
    """Of -gradient and weights, all tensors together; 0 where there is no gradient."""
    g, w = (ravel_pytree(tree)[0].astype(float) for tree in (grads, params))
    size = jnp.linalg.norm(g) * jnp.linalg.norm(w)
    return -(g @ w) / jnp.where(size == 0, 1, size)


def train(state: State, data: Data, hyper: Hyper, strides):
    """Strides of steps, observed at the last of each.  int [S] -> (state, Seen of [S])"""

    def record(state, stride):
        def step(i, carry):
            state, seen = carry
            grads, z, loss = gradient(state.params, data, hyper)

            def look(state, _):
                seen = observe(state.params, data, grads, z, loss)
                return marked(state, seen.full >= HALTED), seen

            state, seen = jax.lax.cond(i == stride - 1, look, lambda *same: same, state, seen)
            return training.updated(state, grads, optimiser(hyper)), seen

        nothing = Seen(*[jnp.zeros(())] * len(Seen._fields))
        nothing = nothing._replace(edge=jnp.zeros((), jnp.float32))
        return jax.lax.fori_loop(0, stride, step, (state, nothing))

    return jax.lax.scan(record, state, strides)


def marked(state: State, collapsed) -> State:
    """Keeps weights and optimiser the first time."""
    here, now = (state.params, state.opt), collapsed & ~state.halted
    saved = jax.tree.map(lambda new, old: jnp.where(now, new, old), here, state.saved)
    return state._replace(saved=saved, halted=state.halted | collapsed)


def rescaled(params, data: Data, *, scales, examples: int):
    """Logits of weights times every scale, and of the weights, times scale^L; losses.

    -> (of the first examples, logits [scale, 2, examples C]; losses [1 + scale], the first of the
    weights as they are)
    """
    layers = len(params["w"])
    every = jnp.concatenate([jnp.ones(1, jnp.float32), jnp.asarray(scales, jnp.float32)])

    def logits(scale):
        return model.apply(jax.tree.map(lambda w: scale * w, params), data.x)

    z = jax.vmap(logits)(every)
    loss = jax.vmap(lambda z: losses.cross_entropy(z, data.y, dtype=jnp.float64).value.mean())(z)
    law = every[1:, None, None] ** layers * z[0]
    both = jnp.stack([z[1:], law], 1)[:, :, :examples].reshape(len(scales), 2, -1)
    return both, loss.astype(jnp.float32)
