"""location: where a curve peaks or crosses a level.  values [seed, 2, x], rows x and y"""

import numpy as np

from common.criteria.kind import (
    Criterion,
    Drawn,
    Invalid,
    Kind,
    Part,
    shuffled,
    unknown,
    width,
)
from common.reals import unit


def _found(c: Criterion, x: np.ndarray, y: np.ndarray) -> float:
    """Where the curve peaks (strictly inside) or first crosses; nan when it does not.  x, y [x]"""
    if c["find"] == "crossing":
        above = y > c["crossing"]
        at = np.flatnonzero(above[1:] != above[:-1])
        if not at.size:
            return np.nan
        i = at[0]
        level, y = _of_unit_size(c, y)
        return float(x[i] + (level - y[i]) * (x[i + 1] - x[i]) / (y[i + 1] - y[i]))
    best = np.flatnonzero(y == (y.max() if c["find"] == "argmax" else y.min()))
    inside = best[0] > 0 and best[-1] < len(x) - 1  # a plateau that reaches an end is no peak
    return float(x[best].mean()) if inside else np.nan


def _found_in_each(c: Criterion, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`_found` of many curves at once.  x, y [..., k] -> [...]"""
    if c["find"] == "crossing":
        above = y > c["crossing"]
        change = above[..., 1:] != above[..., :-1]
        i = change.argmax(-1)[..., None]
        level, y = _of_unit_size(c, y)
        (x0, x1), (y0, y1) = (
            [np.take_along_axis(a, j, -1)[..., 0] for j in (i, i + 1)] for a in (x, y)
        )
        step = np.where(y1 == y0, 1.0, y1 - y0)
        return np.where(change.any(-1), x0 + (level - y0) * (x1 - x0) / step, np.nan)
    best = y == (y.max if c["find"] == "argmax" else y.min)(-1, keepdims=True)
    inside = ~(best[..., 0] | best[..., -1])
    return np.where(inside, (best * x).sum(-1) / best.sum(-1), np.nan)


def _of_unit_size(c: Criterion, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The level crossed and y by a power of two: products of differences stay in range."""
    scale = unit(y)
    return c["crossing"] / scale.reshape(()), y / scale


def _along_x(v: np.ndarray) -> np.ndarray:
    """Points in the order of x."""
    return np.take_along_axis(v, np.argsort(v[:, :1], axis=-1, kind="stable"), axis=-1)


def _parts(c, v):
    width(v, 2)
    if v.shape[2] < 3:
        raise Invalid(f"location needs 3 points or more, got {v.shape[2]}")
    v = _along_x(v)
    at = np.array([_found(c, x, y) for x, y in v])
    if np.isnan(at).any() or c["find"] == "crossing":  # none found is a fail, no missing seed
        return [Part("location", at, c["lo"], c["hi"])]
    nearest = np.abs(v[:, 0] - at[:, None]).argmin(-1)
    gaps = [np.diff(x)[max(i - 1, 0) : i + 1] for x, i in zip(v[:, 0], nearest, strict=True)]
    half = max(float(g.max()) for g in gaps) / 2  # a grid point stands for what is round it
    return [Part("location", at, c["lo"], c["hi"], bias=half)]


def _mutants(c, v):
    y = v[:, 1]
    flat = c["find"] == "crossing"  # sorted data still cross; data on one side do not
    none = np.full_like(y, c["crossing"] + 1) if flat else np.sort(y, axis=-1)
    x = np.sort(v[:, 0], axis=-1)
    return {
        "no crossing" if flat else "monotone data": np.stack([x, none], 1),
        "shuffle x": [np.stack([v[:, 0], y], 1) for y in shuffled(v[:, 1])],
    }


def _curves(c: Criterion, v: np.ndarray) -> np.ndarray:
    return _along_x(v).reshape(len(v), -1)


def _numbers(c: Criterion, curves: np.ndarray) -> list[np.ndarray]:
    return [_found_in_each(c, *np.split(curves, 2, axis=-1))]


LOCATION = Kind(
    keys=("find", "lo", "hi"),
    optional=("crossing",),
    ndim=(3, 3),
    parts=_parts,
    mutants=_mutants,
    contains=lambda c, x: c["lo"] <= x <= c["hi"],
    drawn=Drawn(_curves, _numbers),
)


def problems(c: Criterion) -> list[str]:
    ways = ("argmax", "argmin", "crossing")
    said = [] if c["find"] in ways else [unknown("find", str(c["find"]), ways)]
    if c["find"] == "crossing" and "crossing" not in c:
        said.append("find = 'crossing' needs crossing = the value crossed")
    if c["lo"] >= c["hi"]:
        said.append("lo must be below hi")
    return said
