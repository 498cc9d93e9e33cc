"""Sliced Wasserstein costs: projections, transport on the line, control variates.

SW_p^p = E_theta W_p^p(theta.X, theta.Y) over directions of the sphere, by the mean over M of them
(Bonneel et al. 2015). Controls are what Gaussian fits of the projections cost, with or without the
variances, whose means over the sphere are known (Nguyen & Ho 2024, arXiv 2305.00402).

Shapes: n points x [n, D], m points y [m, D], M directions theta [M, D], K controls.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.reals import at_least, held, reals, unit
from common.sde.distances import directions as directions
from common.sde.processes import Array


class Controlled(NamedTuple):
    """An estimate, its standard error, and the coefficients that were taken."""

    value: jax.Array  # []
    error: jax.Array  # []
    coefficients: jax.Array  # [K]


def on_line(x: Array, y: Array, p: float = 2.0) -> jax.Array:
    """W_p^p of points on a line by their order, all of equal mass.  x [..., n], y [..., m] -> [...]

    The integral of |F_x^-1 - F_y^-1|^p, whose quantiles change at most n + m times.
    Errors: ValueError for shapes, none, a p below 1 and, outside of jit, beyond the dtype.
    """
    if not 1 <= p < np.inf:
        raise ValueError(f"p must be 1 or more, not {p}")
    x, y = _some("x", x), _some("y", y)
    if x.shape[:-1] != y.shape[:-1]:
        raise ValueError(f"y {list(y.shape)} must have the leading axes of x {list(x.shape)}")
    x, y = jnp.sort(x, axis=-1), jnp.sort(y, axis=-1)
    n, m = x.shape[-1], y.shape[-1]
    if n == m:
        found = jnp.mean(_power(x - y, p), axis=-1)
    else:
        ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)  # in 1 / (n m)
        share = np.diff(ends, prepend=0) / (n * m)
        gaps = x[..., (ends - 1) // m] - y[..., (ends - 1) // n]
        found = jnp.sum(_power(gaps, p) * share.astype(x.dtype), axis=-1)
    held("x and y are too far apart for powers", found)
    return found


def costs(x: Array, y: Array, theta: Array, p: float = 2.0) -> jax.Array:
    """W_p^p of the projections on every direction, whose mean estimates SW_p^p.  -> [M]"""
    x, y, theta = _samples(x, y, theta)
    return on_line(theta @ x.T, theta @ y.T, p)


def lower(x: Array, y: Array, theta: Array) -> tuple[jax.Array, jax.Array]:
    """(theta.d)^2, d the difference of the means: below W_2^2; and its mean |d|^2 / D.

    -> [M], []
    """
    x, y, theta = _samples(x, y, theta)
    shift = x.mean(axis=0) - y.mean(axis=0)
    found = (theta @ shift) ** 2, shift @ shift / len(shift)
    held("x and y are too far apart for squares", *found)
    return found


def upper(x: Array, y: Array, theta: Array) -> tuple[jax.Array, jax.Array]:
    """`lower` with the variances of the projections added: above what Gaussians cost; its mean.

    -> [M], []; O(M (n + m) D), no covariance is made.
    """
    x, y, theta = _samples(x, y, theta)
    values, mean = lower(x, y, theta)
    for points in (x, y):
        centred = points - points.mean(axis=0)
        values = values + jnp.mean((theta @ centred.T) ** 2, axis=1)
        mean = mean + jnp.mean(centred**2)
    held("x and y are too wide for squares", values, mean)
    return values, mean


def control_variate(
    values: Array, controls: Array, means: Array, *, centre: str = "mean"
) -> Controlled:
    """The mean of values [M], corrected by controls [M] or [M, K] whose means [] or [K] are known.

    mean(values) - coefficients.(mean(controls) - means), coefficients = V^-1 C with C the products
    of centred values and controls, V those of controls, about their known mean (as the authors do,
    centre="mean": even of values that the controls explain some 15 / M^2 of the variance is left)
    or about that of the sample (centre="sample": nothing is left).  The error is that of the rest.
    Errors: ValueError for shapes, fewer than two values, another centre.
    """
    if centre not in ("mean", "sample"):
        raise ValueError(f"centre must be mean or sample, not {centre!r}")
    values, controls, means = (
        _some("values", values),
        _some("controls", controls),
        _some("means", means),
    )
    if controls.ndim == 1:
        controls = controls[:, None]
    sizes = shapes.check("controls", controls, "M K", shapes.check("values", values, "M"))
    means = jnp.atleast_1d(means)
    shapes.check("means", means, "K", {"K": sizes["K"]})
    at_least(2, **{"length of values": sizes["M"]})
    off = controls - means
    size = jax.lax.stop_gradient(unit(off, axis=0))
    off = off / size
    about = off - off.mean(axis=0) if centre == "sample" else off
    height = jax.lax.stop_gradient(unit(values))
    level = jnp.mean(values / height)
    rest = values / height - level
    products, square = about.T @ rest, about.T @ about
    few = 1e-24 if sizes["K"] == 1 else sizes["K"] * float(jnp.finfo(off.dtype).eps)
    ridge = few * sizes["M"] * jnp.eye(sizes["K"], dtype=off.dtype)
    coefficients = jnp.linalg.solve(square + ridge, products)
    left = rest - off @ coefficients
    spread = jnp.sqrt(jnp.sum((left - left.mean()) ** 2) / (sizes["M"] - 1) / sizes["M"])
    value = level - off.mean(axis=0) @ coefficients
    found = value * height[0], spread * height[0], coefficients * (height / size[0])
    held("values are too large for controls", *found)
    return Controlled(*found)


def _power(gap, p):
    """|gap|^p; the square without a logarithm."""
    return gap**2 if p == 2 else abs(gap) if p == 1 else abs(gap) ** p


def _some(name: str, x) -> jax.Array:
    x = jnp.asarray(reals(name, x))
    at_least(1, **{f"size of {name}": x.size})
    return x


def _samples(x, y, theta) -> list[jax.Array]:
    sizes = shapes.check("x", x, "n D")
    shapes.check("y", y, "m D", {"D": sizes["D"]})
    shapes.check("theta", theta, "M D", {"D": sizes["D"]})
    return [_some(name, a) for name, a in (("x", x), ("y", y), ("theta", theta))]
