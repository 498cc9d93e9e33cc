"""A small convolutional network without normalisation: stages of 3 x 3 convolutions, each stage
followed by a 2 x 2 maximum, then a perceptron (as VGG: Simonyan & Zisserman 2015).

Shapes: B images, H x W pixels, C channels, O outputs.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp

from common import shapes
from common.nn import layers
from common.nn.layers import Layer
from common.reals import at_least, real_arrays

Array = jax.Array
SIDE, POOL = 3, 2
Params = dict[str, Any]  # {"convolutions": [[(w [3, 3, C, C'], b [C']), ...], ...], "dense": [...]}


def init(
    key: Array,
    image: tuple[int, int, int],
    stages: Sequence[Sequence[int]],
    dense: Sequence[int],
    *,
    dtype: Any = float,
) -> Params:
    """Weights N(0, 2 / fan-in) (He et al. 2015), biases 0, all of one draw.

    image (H, W, C); stages: channels of each convolution, as ((16,), (32,), (64, 64)); dense: sizes
    after the flattened features, outputs last.
    Errors: ValueError where the pixels do not halve once a stage.
    """
    _checked(image, stages, dense)
    channels = [image[2], *(c for stage in stages for c in stage)]
    sizes = [features(image, stages), *dense]
    kernels = [(SIDE, SIDE, n, m) for n, m in pairwise(channels)]
    wanted = {i: (shape, (2 / math.prod(shape[:-1])) ** 0.5)
              for i, shape in enumerate([*kernels, *pairwise(sizes)])}  # fmt: skip
    drawn = [(w, jnp.zeros(w.shape[-1], dtype)) for w in
             layers.normals(key, wanted, dtype).values()]  # fmt: skip
    rest = iter(drawn)
    return {"convolutions": [[next(rest) for _ in stage] for stage in stages], "dense": [*rest]}


def features(image: tuple[int, int, int], stages: Sequence[Sequence[int]]) -> int:
    """Numbers of an image after the last stage."""
    shrink = POOL ** len(stages)
    return math.prod(n // shrink for n in image[:2]) * (stages[-1][-1] if stages else image[2])


def embed(stages: Sequence[Sequence[Layer]], x: Array) -> Array:
    """Flattened features after the last stage.  stages params["convolutions"], x [B, H, W, C]"""
    (x,) = real_arrays(x=x)
    for stage in stages:
        for w, b in stage:
            size = shapes.check("w", w, f"{SIDE} {SIDE} C M")
            shapes.check("b", b, "M", size)
            shapes.check("x", x, "B H W C", {"C": size["C"]})
            w, b = real_arrays(w=w, b=b)
            x = jax.nn.relu(_convolved(x, w.astype(x.dtype)) + b)
        x = _halved(x)
    return x.reshape(len(x), -1)


def apply(params: Params, x: Array) -> Array:
    """x [B, H, W, C] -> [B, O]"""
    embedded = embed(params["convolutions"], x)
    return layers.apply(params["dense"], embedded, activation=jax.nn.relu)


def _convolved(x: Array, w: Array) -> Array:
    """3 x 3, the frame zero.  x [B, H, W, C], w [3, 3, C, M] -> [B, H, W, M]"""
    return jax.lax.platform_dependent(x, w, cpu=_shifted, default=_native)


def _shifted(x: Array, w: Array) -> Array:
    """As one product of nine shifts: XLA's own, in a loop on a CPU, takes ten times as long."""
    height, width = x.shape[1:3]
    x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    around = [x[:, i : i + height, j : j + width] for i in range(SIDE) for j in range(SIDE)]
    return jnp.concatenate(around, axis=-1) @ w.reshape(-1, w.shape[-1])


def _native(x: Array, w: Array) -> Array:
    axes = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=axes)


def _halved(x: Array) -> Array:
    """The largest of every 2 x 2 pixels; of an odd side the last ones go."""
    batch, height, width, channels = x.shape
    x = x[:, : height // POOL * POOL, : width // POOL * POOL]
    return x.reshape(batch, height // POOL, POOL, width // POOL, POOL, channels).max((2, 4))


def _checked(image, stages, dense) -> None:
    if len(image) != 3:
        raise ValueError(f"image must be (H, W, C), not {image}")
    at_least(1, **{f"image axis {i}": n for i, n in enumerate(image)})
    at_least(1, **{"number of dense sizes": len(dense)})
    at_least(1, **{f"dense size {i}": n for i, n in enumerate(dense)})
    for i, stage in enumerate(stages):
        at_least(1, **{f"number of convolutions of stage {i}": len(stage)})
        at_least(1, **{f"channels of stage {i}, {j}": c for j, c in enumerate(stage)})
    shrink = POOL ** len(stages)
    if any(n % shrink for n in image[:2]):
        raise ValueError(f"image must halve {len(stages)} times, once a stage, not {image}")
