"""Images of a data set at another size, standardised.

Shapes: N images, H x W pixels of C colours; L side of the images that come out.
"""

import numpy as np


def fitted(x, side: int, colours: int) -> np.ndarray:
    """Enlarged, framed with zeros, or averaged over blocks, whatever it takes.

    x [N, H, W] or [N, H, W, C], square -> float32 [N, L, L, colours]
    """
    x = np.asarray(x, np.float32).reshape(*x.shape[:3], -1)
    times = max(1, side // x.shape[1])
    x = x.repeat(times, 1).repeat(times, 2)
    block = -(-x.shape[1] // side)
    frame = block * side - x.shape[1]
    rim = (frame // 2, frame - frame // 2)
    x = np.pad(x, ((0, 0), rim, rim, (0, 0)))
    x = x.reshape(len(x), side, block, side, block, -1).mean((2, 4))
    return np.broadcast_to(x, (*x.shape[:3], colours)) if x.shape[3] < colours else x


def standardised(train, test) -> tuple[np.ndarray, np.ndarray]:
    """Both less the mean and over the deviation of all pixels of `train`."""
    mean, std = train.mean(dtype=np.float64), train.std(dtype=np.float64)
    return tuple(((x - mean) / std).astype(np.float32) for x in (train, test))


def chunked(x, size: int) -> np.ndarray:
    """Copies of the last image fill the last chunk.  [N, ...] -> [G, size, ...]"""
    return np.pad(x, ((0, -len(x) % size), *((0, 0),) * (x.ndim - 1)), "edge").reshape(
        -1, size, *x.shape[1:]
    )
