"""What is kept of weighted particles, in NumPy: masses, widths, errors, distances, points.

Weights sum to one along the particles.

Shapes: S seeds, R runs, K particles, D dimensions, C modes, B bins, N numbers of particles.
"""

import numpy as np


def weights(log_w) -> np.ndarray:
    """[..., K] -> the same, sum one, in float64"""
    w = np.exp(np.asarray(log_w, float) - log_w.max(axis=-1, keepdims=True))
    return w / w.sum(axis=-1, keepdims=True)


def line(x, w, *, edges) -> dict[str, np.ndarray]:
    """mass, width [S, R] of x < 0, histogram [B] of the first seed.  x [S, R, K, 1], w [S, R, K]"""
    mass, width = left(x[..., 0], w)
    return {"mass": mass, "width": width, "histogram": histogram(x[0], w[0], edges)}


def left(x, w) -> tuple[np.ndarray, np.ndarray]:
    """Mass and standard deviation of what lies at x < 0.  x, w [..., K] -> [...] each"""
    side = np.where(x < 0, w, 0.0)
    mass = side.sum(axis=-1)
    mean = (side * x).sum(axis=-1) / mass
    return mass, np.sqrt((side * (x - mean[..., None]) ** 2).sum(axis=-1) / mass)


def histogram(x, w, edges) -> np.ndarray:
    """Mass of the bins, mean of the runs.  x [R, K, 1], w [R, K] -> [B]"""
    return np.histogram(x.ravel(), edges, weights=w.ravel() / len(w))[0]


def law(x, w, *, exact: float, numbers) -> dict[str, np.ndarray]:
    """rmse, rmse_plain [S, N]: with weights and with equal ones.  x [S, R, K, 1], w [S, R, K]"""

    def errors(w):
        return np.stack([block_rmse(x[..., 0], w, exact, size) for size in numbers], axis=1)

    return {"rmse": errors(w), "rmse_plain": errors(np.ones_like(w))}


def block_rmse(x, w, exact: float, size: int) -> np.ndarray:
    """Root mean square error of the mass of x < 0 from `size` independent particles.

    Over disjoint blocks of all runs of a seed.  x, w [S, R, K] -> [S]
    """
    x, w = (a.reshape(len(a), -1, size) for a in (x, w))
    found = (w * (x < 0)).sum(axis=2) / w.sum(axis=2)
    return np.sqrt(((found - exact) ** 2).mean(axis=1))


def plane(x, w, *, known, means, contested: int, points: int) -> dict[str, np.ndarray]:
    """tv, contested [S, R]: see `run`; x [points, 2] of the first run.

    x [S, R, K, 2], w [S, R, K]; known: points and weights of the target, [G, 2] and [G]
    """
    found = each(lambda x, w: masses(x, w, means), x, w)
    tv = 0.5 * np.abs(found - masses(*known, means)).sum(axis=2)
    picture = drawn(x[0, 0], w[0, 0], points)
    return {"tv": tv, "contested": found[..., contested], "x": picture}


def classes(x, w, *, known, directions: int, **options) -> dict[str, np.ndarray]:
    """As `plane`, and w1 [S, R]."""
    sample = drawn(*known, x.shape[2])
    w1 = each(lambda x, w: sliced(x, w, sample, directions), x, w)
    return plane(x, w, known=known, **options) | {"w1": w1}


def each(fn, x, w) -> np.ndarray:
    """fn(x [K, 2], w [K]) of every run.  -> [S, R, ...]"""
    return np.array(
        [[fn(*run) for run in zip(*seed, strict=True)] for seed in zip(x, w, strict=True)]
    )


def masses(x, w, means) -> np.ndarray:
    """Mass nearest to every mean.  x [K, D], w [K] -> [C]"""
    nearest = np.argmin([((x - mean) ** 2).sum(axis=1) for mean in means], axis=0)
    return np.bincount(nearest, w, len(means))


def drawn(x, w, count: int) -> np.ndarray:
    """Points at equal steps of the running sum of weights.  x [K, D] -> [count, D]"""
    edges = np.cumsum(w)
    return x[np.searchsorted(edges, (np.arange(count) + 0.5) / count * edges[-1])]


def sliced(x, w, sample, directions: int) -> float:
    """Sliced Wasserstein-1 of a weighted sample of the plane and of one of equal weights.

    In one dimension it is the integral of |F_x - F_y|; directions lie at equal angles.
    """
    angle = np.pi * (np.arange(directions) + 0.5) / directions
    pooled = np.concatenate([x, sample]) @ np.stack([np.cos(angle), np.sin(angle)])
    signed = np.concatenate([w, np.full(len(sample), -1 / len(sample))])
    order = np.argsort(pooled, axis=0)
    gap = np.abs(np.cumsum(signed[order], axis=0))[:-1]
    return (gap * np.diff(np.take_along_axis(pooled, order, axis=0), axis=0)).sum(0).mean()


def distinct(ancestor) -> np.ndarray:
    """How many particles of the start have descendants.  int [S, R, K] -> [S, R]"""
    return 1 + (np.diff(np.sort(ancestor, axis=-1), axis=-1) > 0).sum(axis=-1)
