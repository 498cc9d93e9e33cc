"""The network: a VGG encoder without normalisation and DINO's head; the loss of distillation.

    p = softmax(V^T u / |u|),  u = MLP(e(x)),  columns of V of unit length,  L = KL(p_T || p_S)

Shapes: B images, H x W pixels, C colours, E features of the encoder, K outputs.
"""

from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common.nn import convnet, layers

SPREAD = 0.02  # of the head's weights
gelu = partial(jax.nn.gelu, approximate=False)


class Params(NamedTuple):
    encoder: Any  # [[(w [3, 3, C, C'], b [C']), ...] of every stage]
    head: Any  # [(w, b), ...], the last one makes u
    prototypes: Any  # V [N, K]


def init(key, *, image, stages, hidden, bottleneck, outputs, dtype) -> Params:
    """Convolutions N(0, 2 / fan-out) as in torchvision's VGG, the head N(0, 0.02^2), biases 0."""
    channels = [image[2], *(c for stage in stages for c in stage)]
    wanted = {("c", i): ((3, 3, n, m), (2 / (9 * m)) ** 0.5)
              for i, (n, m) in enumerate(pairwise(channels))}  # fmt: skip
    sizes = [convnet.features(image, stages), *hidden, bottleneck]
    wanted |= {("h", i): (pair, SPREAD) for i, pair in enumerate(pairwise(sizes))}
    wanted |= {"V": ((bottleneck, outputs), SPREAD)}
    drawn = layers.normals(key, wanted, dtype)
    prototypes = drawn.pop("V")
    biased = iter([(w, jnp.zeros(w.shape[-1], dtype)) for w in drawn.values()])
    encoder = [[next(biased) for _ in stage] for stage in stages]
    return Params(encoder, [*biased], prototypes)


def mixed(teacher: Params, other: Params, alpha) -> Params:
    """(1 - alpha) teacher + alpha other."""
    return jax.tree.map(lambda a, b: ((1 - alpha) * a + alpha * b).astype(a.dtype), teacher, other)


def unit(x, axis: int):
    """x over its length, 0 where that is 0."""
    square = jnp.sum(x**2, axis, keepdims=True)
    return x * jax.lax.rsqrt(jnp.where(square > 0, square, 1))


def said(params: Params, features):
    """The head on features [B, E] -> logits [B, K]"""
    u = layers.apply(params.head, features, activation=gelu)
    return unit(u, 1) @ unit(params.prototypes, 0)


def logits(params: Params, x):
    """x [B, H, W, C] -> [B, K]"""
    return said(params, convnet.embed(params.encoder, x))


def divergence(target, said):
    """Mean of KL(softmax(target) || softmax(said)).  [B, K] twice -> []"""
    target, said = (jax.nn.log_softmax(z) for z in (target, said))
    return jnp.mean(jnp.sum(jnp.exp(target) * (target - said), axis=1))


def loss(params: Params, teacher: Params, x):
    """KL of the student from the teacher, the same images for both.  -> []"""
    return divergence(logits(teacher, x), logits(params, x))
