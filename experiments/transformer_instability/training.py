"""One step of AdamW with independent weight decay, global clipping, warm-up and cosine (section 2).

Shapes: B batch, T positions, L layers; parameters, gradients and moments are trees of one shape.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from . import loss

BETA1, BETA2, CLIP = 0.9, 0.95, 1.0


class Hyper(NamedTuple):
    """What a member of a sweep is trained with; numbers, so that one program serves all."""

    lr: Any  # peak, eta
    warmup: Any  # fraction of the steps
    z_loss: Any  # coefficient
    eps: Any
    decay: Any  # independent of the learning rate, lambda
    coupled: Any  # multiplied by the learning rate
    qk_norm: Any  # bool


class State(NamedTuple):
    step: Any  # taken so far, int
    params: Any
    m: Any
    v: Any


class Seen(NamedTuple):
    """Of one step, before its update."""

    loss: Any  # cross-entropy, nats
    log_z: Any  # mean over positions
    abs_log_z: Any
    max_logit: Any  # largest |attention logit| of every layer [L]
    grad_rms: Any  # of the blocks' gradient, before clipping


def begin(params) -> State:
    zeros = jax.tree.map(jnp.zeros_like, params)
    return State(jnp.int32(0), params, zeros, zeros)


def schedule(step, hyper: Hyper, *, steps: int, lr_end: float):
    """r(t) of the step with this number (from 1): linear warm-up, then cosine to lr_end / lr."""
    warmup = hyper.warmup * steps
    rest = jnp.clip((step - warmup) / jnp.maximum(steps - warmup, 1.0), 0.0, 1.0)
    end = jnp.minimum(lr_end / hyper.lr, 1.0)
    cosine = end + (1 - end) * 0.5 * (1 + jnp.cos(jnp.pi * rest))
    return jnp.where(step < warmup, step / jnp.maximum(warmup, 1.0), cosine)


def norm(tree):
    """Root of the sum of squares of all leaves."""
    return jnp.sqrt(sum(jnp.sum(x**2) for x in jax.tree.leaves(tree)))


def rms(tree):
    """Root of the mean square of all leaves."""
    return norm(tree) / sum(x.size for x in jax.tree.leaves(tree)) ** 0.5


def adamw(state: State, grads, hyper: Hyper, r) -> State:
    """theta <- theta - r (eta u + lambda theta), u of Adam on clipped gradients.

    The coupled decay is the one of common libraries, r eta lambda theta.
    """
    scale = jnp.minimum(1.0, CLIP / norm(grads))
    step = state.step + 1
    m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * scale * g, state.m, grads)
    v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * (scale * g) ** 2, state.v, grads)
    unbias1, unbias2 = 1 - BETA1**step, 1 - BETA2**step

    def direction(m, v):
        return m / unbias1 / (jnp.sqrt(v / unbias2) + hyper.eps)

    u = jax.tree.map(direction, m, v)
    decay = hyper.decay + hyper.lr * hyper.coupled
    params = jax.tree.map(lambda w, u: w - r * (hyper.lr * u + decay * w), state.params, u)
    return State(step, params, m, v)


def gradient(params, tokens, hyper: Hyper, *, apply: Callable, pieces: int, place: Callable):
    """Gradient of cross-entropy and z-loss, and what is seen on the way.

    tokens int [B, T + 1]; the batch is summed up over `pieces` parts, one after the other, so that
    only one part's activations exist at a time. `place` puts gradients where parameters lie.
    -> (gradient, (loss, log_z, abs_log_z, max_logit))
    """

    def objective(params, tokens):
        logits, largest = apply(params, tokens[:, :-1], hyper.qk_norm)
        value, log_z = loss.cross_entropy(logits, tokens[:, 1:])
        seen = (value, log_z.mean(), jnp.abs(log_z).mean(), largest)
        return value + hyper.z_loss * loss.z_loss(log_z), seen

    def one(tokens):
        grads, seen = jax.grad(objective, has_aux=True)(params, tokens)
        return place(grads), seen

    if pieces == 1:
        return one(tokens)
    # piece j has rows j, j + pieces, …: a batch split over a mesh stays where it is
    parts = tokens.reshape(-1, pieces, tokens.shape[1]).swapaxes(0, 1)

    def add(total, tokens):
        grads, seen = one(tokens)
        return place(jax.tree.map(lambda a, b: a + b / pieces, total, grads)), seen

    grads, seen = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, params), parts)
    return grads, (*(x.mean(0) for x in seen[:3]), seen[3].max(0))


def step(
    state: State,
    tokens,
    hyper: Hyper,
    *,
    apply: Callable,
    steps: int,
    lr_end: float,
    pieces: int = 1,
    place: Callable = lambda grads: grads,
) -> tuple[State, Seen]:
    """One update on tokens int [B, T + 1]."""
    how = {"apply": apply, "pieces": pieces, "place": place}
    grads, seen = gradient(state.params, tokens, hyper, **how)
    r = schedule(state.step + 1, hyper, steps=steps, lr_end=lr_end)
    return adamw(state, grads, hyper, r), Seen(*seen, rms(grads["blocks"]))


def steps(state: State, batches, hyper: Hyper, **how) -> tuple[State, Seen]:
    """One update after the other on tokens int [C, B, T + 1]; `how` as in step.  -> Seen [C]"""
    return jax.lax.scan(lambda state, tokens: step(state, tokens, hyper, **how), state, batches)
