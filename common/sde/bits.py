"""Bits per dimension of images with some grey levels, by uniform dequantisation and the flow.

An image is a number 0..levels-1 a pixel; with uniform noise it has a density on [-1, 1]^D, whose
mean of -log2 p is at least the bits of the image (Theis et al. 2016; Song et al. 2021, D.2).

Shapes: n images of D numbers, images [n, ...].
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common import keys, shapes
from common.reals import at_least, reals
from common.sde import ode
from common.sde.processes import SDE, Array, Score


def dequantised(key: Array, images: Array, levels: int) -> Array:
    """Integers 0..levels-1 plus uniform noise, as numbers in [-1, 1].  [n, ...] -> [n, ...]"""
    at_least(1, levels=levels)
    images = jnp.asarray(reals("images", images))
    noise = keys.uniform(key, images.shape, jnp.float32)
    return 2.0 * (images + noise) / levels - 1.0


def per_dimension(logp: Array, size: int, levels: int) -> Array:
    """-log2 P(image) / size from log p in nats of the dequantised image of `size` numbers.

    With 256 levels the offset is +7 (appendix D.2 has +8 for images on [0, 1]).  [...] -> [...]
    """
    at_least(1, size=size, levels=levels)
    logp = jnp.asarray(reals("logp", logp, finite=False))
    return -logp / (size * math.log(2)) + math.log2(levels / 2)


class Bits(NamedTuple):
    """Of every image, and its standard error over the divergence's probes; calls of the score."""

    bits: Array  # [n]; NaN where a solve failed
    error: Array  # [n]; NaN with a single probe
    nfe: Array  # [batch of images]


def of_images(
    key: Array,
    sde: SDE,
    score: Score,
    images: Array,
    *,
    levels: int,
    batch: int | None = None,
    probes: int = 1,
    place: Callable[..., Any] = lambda x, *axes: x,
    **solve: Any,
) -> Bits:
    """Of images of integers, `batch` (all) of them solved together, by ode.log_likelihood(**solve).

    `place(x, None, "data")` says how all batches [.., batch, ...] lie on a mesh.
    Errors: ValueError for a batch that does not divide n.
    """
    n = shapes.check("images", images, "n ...")["n"]
    batch = n if batch is None else batch
    at_least(1, batch=batch)
    if n % batch or not n:
        raise ValueError(f"batch must divide the {n} images, not {batch}")
    noise_key, *each = jax.random.split(key, 1 + n // batch)
    x = dequantised(noise_key, images, levels)
    size = math.prod(x.shape[1:])

    def of_batch(args):
        probe_key, x = args
        return ode.log_likelihood(probe_key, sde, score, x, probes=probes, **solve)

    x = place(x.reshape(-1, batch, *x.shape[1:]), None, "data")
    found = jax.lax.map(of_batch, (jnp.stack(each), x))
    error = found.stderr.reshape(n) / (size * math.log(2))
    return Bits(per_dimension(found.logp.reshape(n), size, levels), error, found.nfe)
