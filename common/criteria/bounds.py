"""equals, at_least, at_most: one number a seed against an interval.  values [seed]"""

import numpy as np

from common.criteria.kind import Criterion, Kind, Part, log_problems, scaled, show, step, unscaled


def _ends(c: Criterion) -> np.ndarray:
    return scaled(c, [c["value"] - c["tol"], c["value"] + c["tol"]])


def _equals_parts(c, v):
    low, high = _ends(c)
    return [Part("value", scaled(c, v), low, high, resolution=step(c), show=show(c))]


def _equals_mutants(c, v):
    low, high = _ends(c)
    moved = 2 * (high - low)
    return {
        "shift up two widths": unscaled(c, scaled(c, v) + moved),
        "shift down two widths": unscaled(c, scaled(c, v) - moved),
    }


EQUALS = Kind(
    keys=("value", "tol"),
    optional=("scale", "resolution"),
    ndim=(1, 1),
    parts=_equals_parts,
    mutants=_equals_mutants,
    contains=lambda c, x: abs(x - c["value"]) <= c["tol"],
)


def equals_problems(c: Criterion) -> list[str]:
    return log_problems(c, c["value"] - c["tol"])


def _half_line(at_least: bool) -> Kind:
    def parts(c, v):
        bound = float(scaled(c, c["bound"]))
        low, high = (bound, np.inf) if at_least else (-np.inf, bound)
        return [Part("value", scaled(c, v), low, high, resolution=step(c), show=show(c))]

    def mutants(c, v):
        return {"reflect": unscaled(c, 2 * scaled(c, c["bound"]) - scaled(c, v))}

    def contains(c, x):
        return x >= c["bound"] if at_least else x <= c["bound"]

    return Kind(("bound",), ("scale", "resolution"), (1, 1), parts, mutants, contains)


AT_LEAST, AT_MOST = _half_line(True), _half_line(False)


def half_line_problems(c: Criterion) -> list[str]:
    return log_problems(c, c["bound"])
