"""The data: small images, and Gaussian blobs whose number of clusters is a number.

Shapes: N points, D inputs; labels are ints [N].
"""

import jax
import jax.numpy as jnp
import numpy as np


def flat_images(images, *, pool=None):
    """Images [N, H, W] in [0, 255] or [0, 16] -> rows [N, D] in [0, 1].

    `pool`: side of the average-pooled image; the frame is widened by zeros until it divides.
    """
    images = np.asarray(images, float) / images.max()
    if pool is not None:
        side = images.shape[1]
        cell = -(-side // pool)
        before = (cell * pool - side) // 2
        frame = (before, cell * pool - side - before)
        images = np.pad(images, ((0, 0), frame, frame))
        images = images.reshape(-1, pool, cell, pool, cell).mean((2, 4))
    return images.reshape(len(images), -1)


def blobs(key, clusters, *, dim, samples, separation, most):
    """Equally large Gaussian blobs and their numbers.  -> x [samples, dim], y [samples]

    Centres N(0, separation^2 I), points N(centre, I), all divided by sqrt(1 + separation^2) so that
    a coordinate has variance 1 whatever the separation.  `clusters` <= most may be traced.
    """
    centres, noise = jnp.split(jax.random.normal(key, (most + samples, dim)), [most])
    y = jnp.arange(samples) % clusters
    x = separation * centres[y] + noise
    return x / jnp.sqrt(1 + separation**2), y


def colour_images(images):
    """Images [N, H, W] or [N, H, W, C] -> float32 [N, H, W, C], channels of mean 0, variance 1"""
    images = np.asarray(images, np.float32)
    images = images if images.ndim == 4 else images[..., None]
    mean, sd = (f((0, 1, 2), dtype=float) for f in (images.mean, images.std))
    return ((images - mean) / sd).astype(np.float32)
