"""Images: as rows of numbers in [0, 1], and in colour with mean 0 and variance 1.

Shapes: N images, D pixels, H x W of C colours.
"""

import numpy as np


def flat_images(images, *, side):
    """Images [N, H, H] in [0, 255] or [0, 16] -> rows [N, side^2] in [0, 1], average-pooled.

    The frame is widened by zeros until `side` divides it; images no larger than that stay sharp.
    """
    images = np.asarray(images, float) / images.max()
    size = images.shape[1]
    cell = -(-size // side)
    before = (cell * side - size) // 2
    frame = (before, cell * side - size - before)
    images = np.pad(images, ((0, 0), frame, frame))
    return images.reshape(-1, side, cell, side, cell).mean((2, 4)).reshape(len(images), -1)


def colour_images(images):
    """Images [N, H, W] or [N, H, W, C] -> float32 [N, H, W, C], channels of mean 0, variance 1"""
    images = np.asarray(images, np.float32)
    images = images if images.ndim == 4 else images[..., None]
    mean, sd = (f((0, 1, 2), dtype=float) for f in (images.mean, images.std))
    return ((images - mean) / sd).astype(np.float32)
