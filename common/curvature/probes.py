"""Traces, diagonals and norms of a matrix from a given number of products with it.

hutchinson     mean of v^T A v over random signs, variance 2 (|A|_F^2 - sum_i A_ii^2) / n
hutchpp        exact on the range Q of a sketch, hutchinson outside (Meyer, Musco, Musco &
               Woodruff 2021)
xtrace         the same with every probe in both roles (Epperly, Tropp & Webber 2024)
exact_trace    from P products
diagonal, frobenius   of the diagonal and the norm |A|_F, each with an error

Nothing here is jitted: call them inside your own jit.  `trace.trace` chooses the number itself.

Shapes: P side of A, n probes (rows of Omega), k directions (rows of Q).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from common.curvature.estimate import (
    Estimate,
    checked,
    dot,
    estimate,
    images,
    length,
    orthonormal,
    precision,
    standard_error,
)
from common.curvature.sketch import Sketch, leave_one_out
from common.reals import at_least


def exact_trace(matvec: Callable, size: int, *, together: int = 1, dtype=float) -> Estimate:
    """The trace from P products with the unit vectors; its error is that of rounding."""
    at_least(1, size=size)
    matvec, dtype = checked(matvec), precision(dtype)
    entry = lambda i: matvec(jnp.zeros(size, dtype).at[i].set(1))[i]  # noqa: E731
    diagonal = images(entry, jnp.arange(size), together)
    return estimate(diagonal.sum(), jnp.zeros(()), size, jnp.abs(diagonal).sum())


def hutchinson(
    key: jax.Array, matvec: Callable, size: int, *, probes: int, together: int = 1, dtype=float
) -> Estimate:
    """Trace of A [P, P], P = size, from `probes` products with random signs.

    Unbiased, for any A; exact where A is diagonal.  `together` products run side by side by vmap,
    as in `slq`; memory together x P.  Girard 1989, Hutchinson 1989.
    """
    at_least(1, size=size, probes=probes)
    matvec, dtype = checked(matvec), precision(dtype)

    def one(probe_key):
        v = jax.random.rademacher(probe_key, (size,), dtype)
        image = matvec(v)
        return dot(v, image), jnp.abs(image).sum()

    samples, summed = images(one, jax.random.split(key, probes), together)
    return estimate(samples.mean(), standard_error(samples), probes, summed.mean())


def hutchpp(
    key: jax.Array, matvec: Callable, size: int, *, matvecs: int, together: int = 1, dtype=float
) -> Estimate:
    """Trace of A [P, P], P = size, from `matvecs` products: a third each to A S, A Q, and probes.

    Unbiased; the error, over the probes alone, is an honest standard error.  Exact, with P
    products, where matvecs >= P.  Memory matvecs x P.  Meyer et al. 2021, algorithm 1.
    """
    if matvecs >= size:
        return exact_trace(matvec, size, together=together, dtype=dtype)
    at_least(4, matvecs=matvecs)
    matvec, dtype, k = checked(matvec), precision(dtype), matvecs // 3
    signs = jax.random.rademacher(key, (matvecs - k, size), dtype)
    Q = orthonormal(images(matvec, signs[:k], together))
    probes = signs[k:] - dot(dot(signs[k:], Q.T), Q)
    outer = probes * images(matvec, probes, together)
    inner = Q * images(matvec, Q, together)
    samples = jnp.sum(outer, axis=1)
    summed = jnp.abs(outer).sum(1).mean() + jnp.abs(inner).sum()
    return estimate(jnp.sum(inner) + samples.mean(), standard_error(samples), matvecs, summed)


def xtrace(
    key: jax.Array, matvec: Callable, size: int, *, matvecs: int, together: int = 1, dtype=float
) -> Estimate:
    """Trace of A [P, P], P = size, from n = matvecs // 2 probes and as many directions.

    Unbiased, for any A; exact where A has rank < n, or (with P products) where matvecs >= P.
    Needs fewest products where the spectrum decays; twice those of `hutchinson` where it is flat.
    For semidefinite A, `trace.trace` with psd=True takes a fifth to a third fewer.
    The error treats the n exchangeable samples as independent.  Memory 3 n P.
    Epperly, Tropp & Webber 2024, sections 2.1 and 2.3 (normalised probes).
    """
    if matvecs >= size:
        return exact_trace(matvec, size, together=together, dtype=dtype)
    at_least(4, matvecs=matvecs)
    matvec, dtype, n = checked(matvec), precision(dtype), matvecs // 2
    omega = jax.random.normal(key, (n, size), dtype)
    omega = omega * (np.sqrt(size) / jnp.linalg.norm(omega, axis=1, keepdims=True))
    Y = images(matvec, omega, together)
    Q = orthonormal(Y)
    Z = images(matvec, Q, together)
    sketch = Sketch(
        owner=jnp.arange(n),
        outer=jnp.sum(omega * Y, 1),
        C=dot(omega, Q.T),
        D=dot(omega, Z.T),
        E=dot(Y, Q.T),
        H=dot(Q, Z.T),
    )
    mean, error = leave_one_out(sketch, size)
    summed = jnp.abs(omega * Y).sum(1).mean() + jnp.abs(Q * Z).sum()
    return estimate(mean, error, 2 * n, summed)


def diagonal(
    key: jax.Array, matvec: Callable, size: int, *, probes: int, rank: int = 0, dtype=float
) -> Estimate:
    """The diagonal [P] of A [P, P], P = size, and its standard error entry by entry.

    The mean of v * A v over random signs v has the variance sum_(j != i) A_ij^2 / probes.  With
    `rank`, A is taken exactly on so many directions from a sketch, at 2 rank products more and
    memory 3 rank P: it pays where few eigenvalues dominate.  Unbiased, for any A; one product at a
    time.  Bekas, Kokiopoulou & Saad 2007; with rank, Baston & Nakatsukasa 2022.
    """
    at_least(1, size=size, probes=probes)
    matvec, dtype = checked(matvec), precision(dtype)
    probe_key, sketch_key = jax.random.split(key)
    Q, Z = _sketched(sketch_key, matvec, size, rank, dtype)

    def step(carry, inputs):
        mean, spread = carry
        i, one_key = inputs
        v = jax.random.rademacher(one_key, (size,), dtype)
        sample = v * matvec(v - dot(dot(Q, v), Q))
        new = mean + (sample - mean) / i
        # sqrt of the sum of squares (Welford), which themselves need not exist
        more = jnp.sqrt(jnp.abs(sample - mean)) * jnp.sqrt(jnp.abs(sample - new))
        return (new, jnp.hypot(spread, more)), None

    count = jnp.arange(1, probes + 1, dtype=dtype)
    zero = jnp.zeros(size, dtype)
    inputs = (count, jax.random.split(probe_key, probes))
    (mean, spread), _ = jax.lax.scan(step, (zero, zero), inputs)
    error = spread / np.sqrt(probes * (probes - 1)) if probes > 1 else jnp.inf * jnp.ones(size)
    inner = Q * Z
    return estimate(mean + jnp.sum(inner, 0), error, probes + 2 * rank, jnp.abs(inner).sum(0))


def frobenius(
    key: jax.Array,
    matvec: Callable,
    size: int,
    *,
    probes: int,
    rank: int = 0,
    together: int = 1,
    dtype=float,
) -> Estimate:
    """The norm |A|_F of A [P, P], P = size: E |A v|^2 = |A|_F^2 for random signs v.

    With `rank`, A is taken exactly on so many directions from a sketch of A (which should be
    symmetric for them to be good ones), at 2 rank products more.  The square is unbiased; the error
    is that of the square, by the delta method.  Memory (together + 3 rank) P.
    """
    at_least(1, size=size, probes=probes)
    matvec, dtype = checked(matvec), precision(dtype)
    probe_key, sketch_key = jax.random.split(key)
    Q, Z = _sketched(sketch_key, matvec, size, rank, dtype)

    def outside(one_key):
        v = jax.random.rademacher(one_key, (size,), dtype)
        return length(matvec(v - dot(dot(Q, v), Q)))

    lengths = images(outside, jax.random.split(probe_key, probes), together)
    inside = jax.vmap(length)(Z)
    scale = jnp.maximum(lengths.max(), inside.max(initial=0))
    scale = jnp.where(scale > 0, scale, 1)
    squares = (lengths / scale) ** 2
    norm = jnp.sqrt(squares.mean() + jnp.sum((inside / scale) ** 2))
    error = standard_error(squares) / jnp.where(norm > 0, 2 * norm, 1)
    return estimate(scale * norm, scale * error, probes + 2 * rank, scale * norm)


def _sketched(key, matvec: Callable, size: int, rank: int, dtype) -> tuple[jax.Array, jax.Array]:
    """Directions Q [rank, P] from the images of random signs, and A Q."""
    at_least(0, rank=rank)
    if rank == 0:
        return jnp.zeros((0, size), dtype), jnp.zeros((0, size), dtype)
    Q = orthonormal(images(matvec, jax.random.rademacher(key, (rank, size), dtype)))
    return Q, images(matvec, Q)
