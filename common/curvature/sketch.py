"""The trace from probes and a sketch: every probe outside the directions that others made.

Shapes: P side of A, n probes w, k directions q.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from common.curvature.estimate import standard_error
from common.reals import unit


class Sketch(NamedTuple):
    """Inner products of probes w, directions q and their images: all that the estimates need.

    Direction a was made from probe owner[a] [k], in this order; it is zero where that probe's
    image added nothing.  outer = w^T A w [n], C = w^T q, D = w^T A q, E = q^T A w [n, k],
    H = q^T A q [k, k].  NumPy or JAX arrays.
    """

    owner: Any
    outer: Any
    C: Any
    D: Any
    E: Any
    H: Any


def leave_one_out(sketch: Sketch, size: int | None = None) -> tuple[Any, Any]:
    """Mean over probes and its standard error; size = P where projected probes are normalised.

    A probe that made a direction uses the Q of all other probes, I - s s^T in the coordinates of
    Q, s orthogonal to the images of the others: a column of R^-T, Y^T = Q^T R.  What two such
    probes do to each other enters both their samples: to leading order, with pairs counted twice,
    the variance of their mean is twice what their spread says.
    """
    owner, outer, C, D, E, H = sketch
    scale = unit(outer).reshape(())  # products of entries stay in range
    outer, D, E, H = (a / scale for a in (outer, D, E, H))
    xp = np if isinstance(H, np.ndarray) else jnp
    n = len(outer)
    R = xp.triu(E[owner].T)
    kept = xp.diagonal(R) != 0
    # a dependent image takes the coordinate of its zero direction; s then lies along that one
    largest = xp.abs(R).max(initial=0)
    tiny = xp.where(largest > 0, largest * xp.finfo(R.dtype).eps, 1)
    owns = (xp.arange(n)[:, None] == owner).astype(H.dtype)  # [n, k]
    s = owns @ _unit(xp, xp.linalg.inv(R + xp.diag(xp.where(kept, 0, tiny))))
    used = C - s * xp.sum(s * C, 1, keepdims=True)
    inside = xp.trace(H) - xp.sum((s @ H) * s, 1)
    outside = outer - xp.sum(used * (D + E), 1) + xp.sum((used @ H) * used, 1)
    if size is not None:  # a projected probe of length sqrt(P - rank) varies only in direction
        rank = kept.sum() - xp.sum(s**2 * kept, 1)
        outside = outside * (size - rank) / (size - xp.sum(used**2, 1))
    samples = inside + outside
    error = standard_error(samples) * np.sqrt(1 + len(owner) / n)
    return samples.mean() * scale, error * scale


def _unit(xp, rows):
    """Rows of length 1, without overflow of the squares."""
    rows = rows / xp.abs(rows).max(1, keepdims=True, initial=xp.finfo(rows.dtype).tiny)
    return rows / xp.linalg.norm(rows, axis=1, keepdims=True)
