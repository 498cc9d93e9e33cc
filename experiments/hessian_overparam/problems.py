"""Images: as rows of numbers in [0, 1], and in colour with mean 0 and variance 1.

Shapes: N images, D pixels, H x W of C colours.
"""

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


def colour_images(images):
    """Images [N, H, W] or [N, H, W, C] -> float32 [N, H, W, C], channels of mean 0, variance 1"""
    images = np.asarray(images, np.float32)
    images = images if images.ndim == 4 else images[..., None]
    mean, sd = (f((0, 1, 2), dtype=float) for f in (images.mean, images.std))
    return ((images - mean) / sd).astype(np.float32)
