"""How many eigenvalues stand out of the bulk: three criteria, fixed before looking at a spectrum.

Works on NumPy and JAX arrays alike and imports no JAX.

Shapes: M > 0 eigenvalues along the last axis, in any order; leading axes are kept.
Counts are ints.
Errors: ValueError for eigenvalues that are complex or, outside jit, not finite.
"""

import numpy as np

from common import shapes
from common.reals import at_least, namespace, reals


def above_fraction(eigenvalues, *, fraction: float = 0.05):
    """Number of lambda_i > fraction * lambda_1 (0 where lambda_1 <= 0).  [..., M] -> [...]"""
    eigenvalues = _values(eigenvalues)
    top = eigenvalues.max(-1, keepdims=True)
    return ((eigenvalues > fraction * top) & (eigenvalues > 0)).sum(-1)


def largest_ratio(eigenvalues, *, classes: int):
    """The i <= 3 K with the largest lambda_i / lambda_(i+1), K = classes.  [..., M] -> [...]

    The first eigenvalue that is not positive ends the list: the ratio in front of it is infinite.
    0 where no eigenvalue is positive.  Needs M > 1; at most M - 1 ratios are compared.
    """
    eigenvalues = _values(eigenvalues)
    xp = namespace(eigenvalues)
    at_least(1, classes=classes)
    at_least(2, **{"the number of eigenvalues": eigenvalues.shape[-1]})
    top = -xp.sort(-eigenvalues, axis=-1)[..., : 3 * classes + 1]
    positive = top > 0
    upper, lower = xp.where(positive, top, 1)[..., :-1], xp.where(positive, top, 1)[..., 1:]
    largest = xp.finfo(top.dtype).max  # a ratio beyond it is none to a number that is not positive
    with np.errstate(over="ignore"):
        ratio = xp.where(positive[..., 1:], xp.minimum(upper / lower, largest), xp.inf)
    return xp.where(positive[..., 0], ratio.argmax(-1) + 1, 0)


def above_bulk(eigenvalues, *, classes: int, factor: float = 10.0, percentile: float = 95.0):
    """Number of lambda_i > factor * percentile of |bulk|.  [..., M] -> [...]

    The bulk is the spectrum without its 3 K largest eigenvalues, the candidates of `largest_ratio`
    (K = classes; M > 3 K).
    """
    eigenvalues = _values(eigenvalues)
    xp = namespace(eigenvalues)
    at_least(0, classes=classes)
    if eigenvalues.shape[-1] <= 3 * classes:
        raise ValueError(f"{eigenvalues.shape[-1]} eigenvalues leave no bulk behind 3 x {classes}")
    bulk = abs(xp.sort(eigenvalues, axis=-1)[..., : eigenvalues.shape[-1] - 3 * classes])
    edge = xp.percentile(bulk, percentile, axis=-1)
    return (eigenvalues > factor * edge[..., None]).sum(-1)


def _values(eigenvalues):
    """Real numbers [..., M], M > 0."""
    values = reals("eigenvalues", eigenvalues)
    shapes.check("eigenvalues", values, "... M")
    at_least(1, **{"the number of eigenvalues": values.shape[-1]})
    return values
