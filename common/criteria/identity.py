"""identity: both sides agree in every instance to a relative error.  values [instance, 2, …]"""

import numpy as np

from common.criteria.kind import INSTANCES, Criterion, Invalid, Kind, Part, width
from common.reals import unit
from common.stats import Interval


def _errors(values: np.ndarray) -> np.ndarray:
    """Largest relative error of every instance.  [instance, 2, …] -> [instance]"""
    width(values, 2)
    a, b = values[:, 0].reshape(len(values), -1), values[:, 1].reshape(len(values), -1)
    scale = unit(b, 1)  # a - b may be larger than any number
    with np.errstate(over="ignore"):
        a, b = a / scale, b / scale
    scale = np.abs(b).max(-1)
    if not (scale > 0).any():
        raise Invalid("the right-hand side is zero in every instance: nothing is compared")
    return np.minimum(np.abs(a - b).max(-1) / np.where(scale > 0, scale, 1.0), np.finfo(float).max)


def _mutants(c: Criterion, values: np.ndarray) -> dict[str, np.ndarray]:
    flat = values.reshape(*values.shape[:2], -1)
    scale = np.abs(flat[:, 1]).max(-1)
    perturbed, dropped, turned = flat.copy(), flat.copy(), flat.copy()
    perturbed[:, 0, 0] += 10 * (c["bound"] + np.finfo(float).eps) * np.where(scale > 0, scale, 1.0)
    dropped[np.arange(len(flat)), 0, np.abs(flat[:, 0]).argmax(-1)] = 0.0
    turned[:, 0] = turned[:, 0, ::-1] if flat.shape[-1] > 1 else np.roll(turned[:, 0], 1, axis=0)
    mutants = {"perturb one operand": perturbed, "drop a term": dropped, "transpose": turned}
    # turning round what is equal to within the bound (a norm that is 1 everywhere) changes nothing
    least = c["bound"] * np.where(scale > 0, scale, 1.0)
    if not (np.abs(turned - flat).max((1, 2)) > least).any():
        del mutants["transpose"]
    return {k: m for k, m in mutants.items() if not np.array_equal(m, flat)}


def _worst(p: Part, alpha: float) -> Interval:
    """No sampling error: the worst instance decides."""
    worst = float(p.values.max())
    return Interval(worst, worst, worst)


IDENTITY = Kind(
    keys=("bound",),
    optional=(),
    ndim=(2, 9),
    parts=lambda c, v: [Part("largest error", _errors(v), -np.inf, c["bound"])],
    mutants=_mutants,
    contains=lambda c, x: x <= c["bound"],
    least=3,
    rows=INSTANCES,
    interval=_worst,
)


def problems(c: Criterion) -> list[str]:
    return ["bound of an identity must not be negative"] if c["bound"] < 0 else []
