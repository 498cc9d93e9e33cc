"""From continuous to discrete time: x_k = A x_(k-1) + B u_k, with the input held over a step.

Dense in float64 on the host; diagonal ones in JAX, in the precision that they are given.
Shapes: N states; a diagonal model's values, step broadcast against each other.
"""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import expm

from common import shapes
from common.reals import complexes, reals, refuted


def zoh(a: np.ndarray, b: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Zero-order hold, exact for an input that is constant over steps.  a [N, N], b [N]

    e^(step A) and its integral times B, from one exponential, also where A is singular.
    """
    a, b, step = _known(a, b, step)
    n = len(b)
    both = np.zeros((n + 1, n + 1))
    both[:n, :n], both[:n, n] = a, b
    both = expm(step * both)
    return both[:n, :n], both[:n, n]


def bilinear(a: np.ndarray, b: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """The trapezoidal rule (Tustin): second order, and stable where A is.  a [N, N], b [N]"""
    a, b, step = _known(a, b, step)
    one, half = np.eye(len(b)), step / 2 * a
    return np.linalg.solve(one - half, one + half), np.linalg.solve(one - half, step * b)


def _known(a, b, step):
    """In float64, of shapes that fit."""
    a, b, step = (np.asarray(reals(name, np.asarray(x)), float)
                  for name, x in (("a", a), ("b", b), ("step", step)))  # fmt: skip
    shapes.check("b", b, "N", shapes.check("a", a, "N N"))
    shapes.check("step", step, "")
    _positive(step)
    return a, b, step


def _positive(step) -> None:
    if refuted(lambda step: step > 0, step):
        raise ValueError(f"step must be positive, not {step}")


def _numbers(values, step):
    """Of 32 bits or more, that broadcast."""
    values = jnp.asarray(complexes("values", values, finite=False))
    step = jnp.asarray(reals("step", step, finite=False))
    _positive(step)
    try:
        np.broadcast_shapes(values.shape, step.shape)
    except ValueError:
        shapes = f"values {list(values.shape)} and step {list(step.shape)}"
        raise ValueError(f"{shapes} do not broadcast") from None
    return values, step


def zoh_diagonal(values: jax.Array, step: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(log A, B / b) of every value: step lambda, and (e^(step lambda) - 1) / lambda.

    The logarithm, since e^(l step lambda) is wanted for many l; at lambda = 0 the gain is the step.
    """
    values, step = _numbers(values, step)
    log_a = values * step
    small = jnp.abs(log_a) < 1e-3
    z = jnp.where(small, 1.0, log_a)  # no 0 / 0 in the derivative either
    series = 1 + log_a / 2 * (1 + log_a / 3 * (1 + log_a / 4))
    return log_a, step * jnp.where(small, series, jnp.expm1(z) / z)


def bilinear_diagonal(values: jax.Array, step: jax.Array) -> tuple[jax.Array, jax.Array]:
    """(log A, B / b) of every value: log (1 + z) / (1 - z), step / (1 - z), z = step lambda / 2."""
    values, step = _numbers(values, step)
    z = values * step / 2
    return jnp.log1p(z) - jnp.log1p(-z), step / (1 - z)
