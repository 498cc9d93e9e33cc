"""Two samples of X -> Y with independent priors over mechanisms: their joint law, exactly.

A prior of X is chances that X = 1 with weights; of Y | X pairs of chances that Y = 1.
"""

import numpy as np


def joint(px: np.ndarray, wx: np.ndarray, py: np.ndarray, wy: np.ndarray) -> np.ndarray:
    """P(x1, y1, x2, y2).  px, wx [A], py [B, 2], wy [B] -> [2, 2, 2, 2]"""
    x = np.stack([1 - px, px], axis=1)  # [A, x]
    y = np.stack([1 - py, py], axis=-1)  # [B, x, y]
    xs = np.einsum("a,ai,aj->ij", wx, x, x)
    ys = np.einsum("b,bik,bjl->ijkl", wy, y, y)
    return np.einsum("ij,ijkl->ikjl", xs, ys)


def information(p: np.ndarray, a: int, b: int, given: int) -> float:
    """I(a; b | given) in nats, of axes of a joint law."""
    rest = tuple(i for i in range(p.ndim) if i not in (a, b, given))
    q = np.moveaxis(p.sum(axis=rest, keepdims=True), (a, b, given), (0, 1, 2)).reshape(2, 2, 2)
    ab, ag, bg, g = (
        q,
        q.sum(1, keepdims=True),
        q.sum(0, keepdims=True),
        q.sum((0, 1), keepdims=True),
    )
    return float((q * np.log(ab * g / (ag * bg))).sum())
