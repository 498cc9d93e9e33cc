"""Images of the data sets: integers of some grey levels on a square of pixels.

Shapes: n images, H x W x C pixels.
"""

from typing import NamedTuple

import numpy as np


class Images(NamedTuple):
    data: str  # the set's name in common.data
    shape: tuple[int, int, int]
    levels: int  # of grey
    count: int  # for training


SETS = {
    "digits": Images("digits", (8, 8, 1), 17, 1347),
    "mnist14": Images("mnist", (14, 14, 1), 256, 60_000),
    "cifar10": Images("cifar10", (32, 32, 3), 256, 50_000),
}


def resized(x, shape: tuple[int, int, int]) -> np.ndarray:
    """Means of square blocks where images are larger.  uint8 [n, kH, kW(, C)] -> [n, *shape]"""
    height, width, channels = shape
    k = x.shape[1] // height
    if k == 1:
        return np.reshape(x, (-1, *shape))
    blocks = np.reshape(x, (-1, height, k, width, k, channels)).astype(np.float32)
    return np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)
