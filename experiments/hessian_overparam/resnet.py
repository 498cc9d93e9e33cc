"""A residual network whose examples do not meet: He et al. 2016 with group normalisation, and SGD.

x <- relu(x + layer(relu(layer(x)))), layer = scale norm(conv(x)) + shift; 16 channels share a mean
and a variance (Wu & He 2018).  Batch normalisation would couple the examples: the Hessian would be
no mean over them.  Convolutions are in full float32.

Shapes: B examples, H x W pixels, C channels, K classes; float32 images [B, H, W, C], kernels HWIO.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from . import model

TOGETHER = 16  # channels


class State(NamedTuple):
    """Parameters and velocity of momentum SGD: pytrees alike."""

    params: dict
    velocity: dict


def init(key, *, colours, widths, blocks, classes):
    """Kernels N(0, 2 / fan-in) (He et al. 2015), scales 1, shifts and biases 0.  -> params

    `blocks` residual blocks for every one of `widths`; each new width halves H and W, and its
    shortcut is a 1 x 1 layer.  widths (64, 128, 256, 512) with 2 blocks is ResNet-18, (16, 32, 64)
    with 3 is ResNet-20 (with that shortcut).
    """
    keys = iter(jax.random.split(key, 3 * blocks * len(widths) + 2))

    def kernel(side, n, m):
        draw = jax.random.normal(next(keys), (side, side, n, m), jnp.float32)
        return draw * (2 / (side * side * n)) ** 0.5

    def layer(side, n, m):
        scale, shift = jnp.ones(m, jnp.float32), jnp.zeros(m, jnp.float32)
        return {"kernel": kernel(side, n, m), "scale": scale, "shift": shift}

    stem, residual, n = layer(3, colours, widths[0]), [], widths[0]
    for m in (m for m in widths for _ in range(blocks)):
        residual.append({"one": layer(3, n, m), "two": layer(3, m, m)})
        if n != m:
            residual[-1]["skip"] = layer(1, n, m)
        n = m
    head = {"kernel": kernel(1, n, classes)[0, 0], "bias": jnp.zeros(classes, jnp.float32)}
    return {"stem": stem, "blocks": residual, "head": head}


def begin(key, **how):
    """At rest, from `init`.  -> State"""
    params = init(key, **how)
    return State(params, jax.tree.map(jnp.zeros_like, params))


def outputs(params, batch):
    """Logits.  batch (x [B, H, W, C], …) -> [B, K]"""
    x = jax.nn.relu(_layer(batch[0], params["stem"]))
    for block in params["blocks"]:
        stride = 2 if "skip" in block else 1
        inner = jax.nn.relu(_layer(x, block["one"], stride))
        x = _layer(x, block["skip"], stride) if "skip" in block else x
        x = jax.nn.relu(x + _layer(inner, block["two"]))
    head = params["head"]
    return jnp.matmul(x.mean((1, 2)), head["kernel"], precision="highest") + head["bias"]


def loss(params, batch):
    """Mean cross-entropy of batch (x, y [B]).  -> []"""
    return model.cross_entropy(outputs(params, batch), batch)


def descend(key, state, data, first, *, lr, momentum, size, steps, total, place):
    """Steps first … first + steps - 1 of `total`, each on `size` examples drawn with replacement.

    -> (state, mean loss of those batches [1]).  The rate is divided by 10 at half and at three
    quarters of `total` (He et al. 2016, section 4.2); place(batch) says where a batch lies.
    """

    def step(state, i):
        chosen = jax.random.randint(jax.random.fold_in(key, i), (size,), 0, len(data[1]))
        part = place(jax.tree.map(lambda a: a[chosen], data))
        value, grad = jax.value_and_grad(loss)(state.params, part)
        rate = lr / jnp.where(4 * i >= 3 * total, 100, jnp.where(2 * i >= total, 10, 1))
        velocity = jax.tree.map(lambda v, g: momentum * v + g, state.velocity, grad)
        move = lambda p, v: p - rate.astype(p.dtype) * v  # noqa: E731
        return State(jax.tree.map(move, state.params, velocity), velocity), value

    state, losses = jax.lax.scan(step, state, first + jnp.arange(steps))
    return state, losses.mean(keepdims=True)


def _layer(x, layer, stride=1):
    """scale norm(conv(x)) + shift.  [B, H, W, n] -> [B, H / stride, W / stride, m]"""
    kernel = layer["kernel"]
    around = [(len(kernel) // 2,) * 2] * 2
    names = ("NHWC", "HWIO", "NHWC")
    x = jax.lax.conv_general_dilated(
        x, kernel, (stride, stride), around, dimension_numbers=names, precision="highest"
    )
    groups = x.reshape(*x.shape[:3], -1, min(TOGETHER, x.shape[-1]))
    centred = groups - groups.mean((1, 2, 4), keepdims=True)
    variance = (centred**2).mean((1, 2, 4), keepdims=True)
    normed = centred * jax.lax.rsqrt(variance + 1e-5)
    return normed.reshape(x.shape) * layer["scale"] + layer["shift"]
