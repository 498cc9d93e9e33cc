"""Mean-square stability of SGD at a minimum that interpolates, and the largest stable step size.

Near such a minimum of 1/2N sum_i (f_i - y_i)^2, with g_i = grad f_i and H = 1/N sum_i g_i g_i^T, a
step moves the error d to (I - lr H_B) d, H_B the mean of g_i g_i^T over a batch of B examples. Its
second moment C = E d d^T goes to

    T(C) = (I - lr H) C (I - lr H) + lr^2 / B (1/N sum_i g_i g_i^T C g_i g_i^T - H C H)
         = C - lr A(C) + lr^2 Q(C),    A(C) = H C + C H,    Q(C) = E H_B C H_B,

and SGD is stable when no C grows. T keeps matrices positive semidefinite, so that its spectral
radius is its largest eigenvalue (Krein and Rutman), and at most 1 exactly when lr Q <= A: the
threshold is 1 / lambda_max of the pencil (Q, A), without a search over lr. H C H <= 1/N sum_i …
also gives that the threshold grows with B, to 2 / lambda_max(H); C = I bounds it for B = 1 by
2 / tr H. The mean of a batch drawn without replacement has the noise of one of B (N-1) / (N-B)
drawn with it: pass that as `batch`, and inf for the full gradient.

Directions that no g_i reaches neither grow nor shrink. All is written in the span of the g_i, in
the basis of H's eigenvectors, where A only scales the entries of C.

Shapes: N examples, P parameters, R = min(N, P) modes.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from common import shapes
from common.curvature.estimate import dot
from common.curvature.lanczos import lanczos, tridiagonal
from common.reals import at_least, is_known, reals, unit


class Modes(NamedTuple):
    """The gradients in H's eigenbasis: curvature [R] ascending, H's eigenvalues; coords [N, R]."""

    curvature: jax.Array
    coords: jax.Array


class Threshold(NamedTuple):
    """The largest stable lr [], and how far off it may be: the residual of its eigenpair []."""

    lr: jax.Array
    error: jax.Array


def modes(gradients: jax.Array) -> Modes:
    """The span of the gradients [N, P] of the outputs at the minimum.

    For P > N from their Gram matrix [N, N], of which squares of eigenvalues below the precision
    of the largest are lost; they weigh as little in everything here.  Under jit the squares of the
    gradients have to exist: nan where they are too large, or all too small.
    Errors: ValueError where the curvature leaves the range of the dtype.
    """
    gradients = jnp.asarray(reals("gradients", gradients))
    shapes.check("gradients", gradients, "N P")
    n, p = gradients.shape
    at_least(1, **{"N of gradients [N, P]": n, "P of gradients [N, P]": p})
    scale = _known_unit(gradients)
    if scale is not None:
        gradients = gradients / scale
    if p <= n:
        values, vectors = jnp.linalg.eigh(dot(gradients.T, gradients) / n)
        values, coords = jnp.maximum(values, 0), dot(gradients, vectors)
    else:
        values, vectors = jnp.linalg.eigh(dot(gradients, gradients.T) / n)
        values = jnp.maximum(values, 0)
        coords = vectors * jnp.sqrt(n * values)
    if scale is not None:
        return Modes(_in_range("gradients", values, scale, 2), coords * scale)
    lost = (values[-1] == 0) & (jnp.abs(gradients).max() > 0)  # as an overflow gives nan by itself
    return Modes(jnp.where(lost, jnp.nan, values), coords)


def _known_unit(gradients: jax.Array) -> jax.Array | None:
    """Their `unit` [], where they can be looked at and their squares are near leaving the range."""
    if not is_known(gradients):  # a scale within the program would change the last bits of others
        return None
    scale = unit(gradients).reshape(())
    return None if 2.0**-24 < scale < 2.0**24 else scale


def _in_range(name: str, x: jax.Array, scale: jax.Array, power: int) -> jax.Array:
    """x scale^power, one factor at a time: the way to a number that exists is through such.

    Errors: ValueError where it does not exist, of the largest; under jit nan.
    """
    result, largest = x, jnp.abs(x).max(initial=0)
    for _ in range(abs(power)):
        result = result * scale if power > 0 else result / scale
    there = jnp.abs(result).max(initial=0)
    lost = (largest > 0) & jnp.isfinite(largest) & ((there == 0) | jnp.isinf(there))
    if is_known(lost) and lost.any():
        raise ValueError(f"the squares of {name} leave the range of {x.dtype}: scale them")
    return jnp.where(lost, jnp.nan, result)


def spread(at: Modes, batch) -> Callable[[jax.Array], jax.Array]:
    """Q: the map C -> E H_B C H_B on symmetric C [R, R]; N R^2 operations twice."""
    at, scale = _scaled(at)
    unscaled = _spread(at, batch)

    def product(c):
        size = unit(c).reshape(())
        return unscaled(c / size) * scale * scale * size * scale * scale  # in range on the way

    return product


def _scaled(at: Modes) -> tuple[Modes, jax.Array]:
    """Modes of gradients of unit size, and by what power of two they were larger []."""
    h, z = (jnp.asarray(reals(f"at.{name}", x)) for name, x in at._asdict().items())
    shapes.check("at.coords", z, "N R", shapes.check("at.curvature", h, "R"))
    scale = unit(z).reshape(())
    return jax.lax.optimization_barrier(Modes(h / scale / scale, z / scale)), scale


def _spread(at: Modes, batch) -> Callable[[jax.Array], jax.Array]:
    """Q of modes of unit size."""
    h, z = at
    if is_known(batch) and not batch >= 1:
        raise ValueError(f"batch must be 1 or more, not {batch}")
    sizes = shapes.check("at.coords", z, "N R")

    def product(c):
        shapes.check("c", c, "R R", sizes)
        noise = dot(z.T * jnp.sum(dot(z, c) * z, axis=1), z) / len(z)
        mean = h[:, None] * c * h
        return mean + (noise - mean) / batch

    return product


def second_moment(at: Modes, lr, *, batch) -> Callable[[jax.Array], jax.Array]:
    """T: the map from E d d^T [R, R] to its value after a step of size lr."""
    at, scale = _scaled(at)
    q, lr = _spread(at, batch), lr * scale * scale
    return lambda c: c - lr * _sums(at) * c + lr**2 * q(c)


def radius(at: Modes, lr, *, batch, steps: int = 60) -> jax.Array:
    """Spectral radius of T in the span, -> []; from below, by `steps` Lanczos steps.

    Dense and exact if steps >= R (R + 1) / 2.
    """
    at_least(1, steps=steps)
    product = second_moment(at, lr, batch=batch)
    return _largest(product, jnp.eye(len(at.curvature), dtype=at.coords.dtype), steps)[0]


def threshold(at: Modes, *, batch, steps: int = 60) -> Threshold:
    """The lr at which `radius` is 1, from above; dense and exact if steps >= R (R + 1) / 2.

    A^(-1/2) Q A^(-1/2) by Lanczos from A^(1/2) I, which is not orthogonal to the eigenvector: that
    one is A^(1/2) C with C positive semidefinite.
    """
    at_least(1, steps=steps)
    at, scale = _scaled(at)
    sums = _sums(at)
    tiny = jnp.finfo(sums.dtype).eps * sums.max()
    root = jnp.sqrt(jnp.where(sums > tiny, sums, jnp.inf))  # flat modes are left out
    q = _spread(at, batch)
    start = jnp.diag(jnp.where(jnp.isinf(jnp.diag(root)), 0, jnp.diag(root)))
    value, residual = _largest(lambda c: q(c / root) / root, start, steps)
    found = Threshold(1 / value, jnp.where(value > 0, residual / value**2, 0))
    return Threshold(*(_in_range("the gradients", x, scale, -2) for x in found))


def _sums(at: Modes) -> jax.Array:
    """A: lambda_j + lambda_k at the entry (j, k)."""
    return at.curvature[:, None] + at.curvature


def _largest(product: Callable, start: jax.Array, steps: int) -> tuple[jax.Array, jax.Array]:
    """Largest eigenvalue of a self-adjoint map of symmetric matrices, and its residual."""
    side = len(start)
    flat = lambda v: product(v.reshape(side, side)).ravel()  # noqa: E731
    if steps >= side * (side + 1) // 2:  # no fewer products, and soon compiled
        whole = jax.vmap(flat)(jnp.eye(side * side, dtype=start.dtype))
        return jnp.linalg.eigvalsh(whole)[-1], jnp.zeros((), start.dtype)
    alpha, beta, _ = lanczos(flat, start.ravel(), steps)
    values, vectors = jnp.linalg.eigh(tridiagonal(alpha, beta))
    return values[-1], beta[-1] * jnp.abs(vectors[-1, -1])
