"""exponent: the slope of log y against log x.  values [seed, 2, x], rows x and y"""

import numpy as np

from common import stats
from common.criteria.kind import Criterion, Invalid, Kind, Part, width


def _parts(c, v):
    width(v, 2)
    if np.any(v <= 0):
        raise Invalid("exponent needs positive x and y")
    x = v[:, 0]
    if x.shape[1] < 3 or np.any(x.max(-1) < 9.999 * x.min(-1)):
        raise Invalid("exponent needs x over a decade or more")
    slopes = stats.loglog_slope(x, v[:, 1])
    return [Part("slope", slopes, c["value"] - c["tol"], c["value"] + c["tol"])]


def _mutants(c, v):
    lx, ly = np.log(v[:, 0]), np.log(v[:, 1])
    fit = stats.line(lx, ly)
    rest = ly - fit.slope[:, None] * lx - fit.intercept[:, None]
    middle = ly.mean(-1, keepdims=True)
    rival = middle + c["rival"] * (lx - lx.mean(-1, keepdims=True)) + rest
    flat, reverse = middle + rest, ly[:, ::-1]
    ys = {"flat": flat, "reverse x": reverse, "slope of the rival theory": rival}
    return {k: np.stack([v[:, 0], np.exp(y)], 1) for k, y in ys.items()}


def _contains(c: Criterion, x: float) -> bool:
    return abs(x - c["value"]) <= c["tol"]


EXPONENT = Kind(
    keys=("value", "tol", "rival"),
    optional=(),
    ndim=(3, 3),
    parts=_parts,
    mutants=_mutants,
    contains=_contains,
)


def problems(c: Criterion) -> list[str]:
    found = []
    if _contains(c, c["rival"]):
        found.append(f"the rival slope {c['rival']} lies inside the pass region")
    if _contains(c, 0):
        found.append("a flat line lies inside the region")
    return found
