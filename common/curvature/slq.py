"""Stochastic Lanczos quadrature: the spectral density and traces of functions of a matrix.

v^T f(A) v = sum_j w_j f(theta_j), theta_j and w_j the eigenvalues of the Lanczos matrix T and the
squared first entries of its eigenvectors; the mean over random v gives trace f(A) / P.
Ubaru, Chen & Saad 2017; Lin, Saad & Yang 2016 (density).

Shapes: P side of A, n probes, m Lanczos steps, G grid points.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.curvature.estimate import Estimate, estimate, precision, standard_error
from common.curvature.lanczos import lanczos, tridiagonal
from common.reals import at_least, is_known, reals, refuted, unit
from common.stats import t_quantile


class Quadrature(NamedTuple):
    """nodes [n, m] (eigenvalues of T), weights [n, m] (each row sums to 1)."""

    nodes: jax.Array
    weights: jax.Array


def slq(
    key: jax.Array,
    matvec: Callable,
    size: int,
    *,
    steps: int,
    probes: int,
    together: int = 1,
    dtype=None,
    sharding=None,
    stop: int | None = None,
    state: Quadrature | None = None,
) -> Quadrature:
    """Gauss quadratures of the spectrum of A [P, P], P = size, seen from `probes` random signs.

    Exact on polynomials of degree 2 steps - 1 along each probe.  probes x steps products;
    memory together x steps x P, where `together` probes run side by side by vmap: more than one
    pays on a device that one product does not fill.  `sharding` of a vector [P] as in `lanczos`.
    With `stop` only those of the first probes, which the call without it goes on from (state=) to
    the same bits; so a stop stands between probes that run side by side.
    """
    stop = probes if stop is None else stop
    at_least(1, size=size, steps=steps, probes=probes, together=together)
    dtype = precision(dtype)

    def one(probe_key):
        alpha, beta, basis = lanczos(
            matvec, jax.random.rademacher(probe_key, (size,), dtype), steps, sharding=sharding
        )
        # after a breakdown the padding gets weight 0 and a node inside the spectrum: f is finite
        visited = jnp.any(basis != 0, axis=1)
        nodes, vectors = jnp.linalg.eigh(tridiagonal(jnp.where(visited, alpha, alpha[0]), beta))
        return nodes, vectors[0] ** 2

    # a batch of 1 would be a vmap, which runs both sides of every lax.cond
    batch, taken = together if together > 1 else None, 0 if state is None else len(state.nodes)
    if not taken <= stop <= probes or any(n % together for n in {taken, stop} - {probes}):
        raise ValueError(
            f"stop = {stop} must be a multiple of together = {together} in [{taken}, {probes}]"
        )
    if taken == stop and state is not None:
        return state
    found = Quadrature(
        *jax.lax.map(one, jax.random.split(key, probes)[taken:stop], batch_size=batch)
    )
    if state is None:
        return found
    return Quadrature(*(jnp.concatenate(pair) for pair in zip(state, found, strict=True)))


def resolution(nodes: jax.Array) -> jax.Array:
    """The width [] that m steps resolve: pi / (4 m) of the spectrum's range.

    Half the spacing of the 2 m Chebyshev zeros in the middle of the range, since quadrature is
    exact to degree 2 m - 1.  It depends on the extreme nodes alone, which every probe finds.
    """
    nodes = _array("nodes", nodes)
    span = nodes.max(-1).mean() - nodes.min(-1).mean()
    return jnp.pi / (4 * nodes.shape[-1]) * span


def density(
    nodes: jax.Array, weights: jax.Array, grid: jax.Array, *, sigma: float | None = None
) -> Estimate:
    """The spectral density, smoothed by a Gaussian of width sigma, at grid [G] -> [G].

    Integrates to 1.  nodes and weights [n, m] of `slq`; sigma defaults to `resolution(nodes)`.  The
    error is over probes only: features narrower than sigma, or between the nodes, are not resolved.
    Outliers stretch the range: choose sigma by the bulk to see its shape, or use `cumulative`.
    """
    nodes, weights = _same(nodes, weights)
    grid = _grid(grid)
    width = resolution(nodes) if sigma is None else jnp.asarray(sigma)
    if is_known(width) and not 0 < width < np.inf:
        raise ValueError("the nodes have no range (or sigma is not positive): give sigma > 0")
    z = (grid[:, None, None] - nodes) / width
    bump = jnp.exp(-(z**2) / 2) / (width * jnp.sqrt(2 * jnp.pi))
    return _over_probes(weights * bump, nodes.size)


def cumulative(nodes: jax.Array, weights: jax.Array, grid: jax.Array) -> Estimate:
    """The fraction of eigenvalues <= grid [G] -> [G]: no kernel, no width.

    Off by at most the weight of the node there, half of which is counted (Golub & Meurant 1994).
    """
    nodes, weights = _same(nodes, weights)
    grid = _grid(grid)
    half = (nodes < grid[:, None, None]) * 0.5 + (nodes <= grid[:, None, None]) * 0.5
    return _over_probes(weights * half, nodes.size)


def spectral_function(f: Callable, nodes: jax.Array, weights: jax.Array, size: int) -> Estimate:
    """The trace of f(A) = sum_i f(lambda_i), such as logdet A with f = jnp.log; size = P.

    f takes and returns arrays.  Errors: ValueError where f is not finite on the nodes (log of an
    indefinite matrix); under jit nan.
    """
    at_least(1, size=size)
    nodes, weights = _same(nodes, weights)
    values = reals("f(nodes)", jnp.asarray(f(nodes)), finite=False)
    shapes.like("f(nodes)", values, "nodes", nodes)
    return _over_probes(size * (weights * values), nodes.size)


def entropy(trace, nodes: jax.Array, weights: jax.Array, size: int) -> Estimate:
    """-sum p log2 p of p = lambda / trace, in bits: the von Neumann entropy of A / tr A, A >= 0.

    = log2 t - tr(B log2 B) / t of B = A / (its largest node), t = tr B: what most of the weight may
    stand on, the top, then adds no spread, and the trace, which is known, none either.
    trace: tr A; size = P.  A node below 0 counts as 0.
    Errors: ValueError where a known trace is not positive.
    """
    trace, (nodes, weights) = jnp.asarray(reals("trace", trace)), _same(nodes, weights)
    if refuted(lambda t: t > 0, trace):
        raise ValueError(f"trace must be positive, not {trace}")
    top = nodes.max()
    found = spectral_function(_plogp, nodes / top, weights, size)
    trace = trace / top
    return Estimate(jnp.log2(trace) - found.estimate / trace, found.error / trace, found.matvecs)


def _plogp(p: jax.Array) -> jax.Array:
    return jnp.where(p > 0, p * jnp.log2(jnp.where(p > 0, p, 1.0)), 0.0)


def _same(nodes, weights) -> tuple[jax.Array, jax.Array]:
    nodes, weights = _array("nodes", nodes), _array("weights", weights)
    shapes.like("weights", weights, "nodes", nodes)
    return nodes, weights


def _array(name: str, x) -> jax.Array:
    """[n, m] of real numbers, neither of them 0."""
    x = jnp.asarray(reals(name, x))
    sizes = shapes.check(name, x, "n m")
    at_least(1, **{f"{axis} of {name} [n, m]": size for axis, size in sizes.items()})
    return x


def _grid(grid) -> jax.Array:
    shapes.check("grid", grid, "G")
    return jnp.asarray(reals("grid", grid))


class Total(NamedTuple):
    """What `total` found: |estimate - trace f(A)| <= bound in 95 % of runs or more.

    error: the standard error; matvecs: products spent; converged: the error is as small as asked.
    The bound is over probes: what `steps` Lanczos steps do not resolve of f comes on top.
    """

    estimate: float
    error: float
    bound: float
    matvecs: int
    converged: bool


def total(
    key: jax.Array,
    matvec: Callable,
    size: int,
    f: Callable,
    *,
    rtol: float,
    atol: float = 0.0,
    steps: int = 40,
    max_probes: int = 256,
    together: int = 1,
    dtype=float,
) -> Total:
    """The trace of f(A), probes added until the standard error <= max(rtol |trace|, atol).

    logdet: f = jnp.log (A positive definite).  `steps` products a probe, rounds of 8 probes,
    at most max_probes.  A loop in Python over compiled rounds: not for jit, where
    `spectral_function` is.  Errors: ValueError where f is not finite on the spectrum, and for
    max_probes < 2.
    """
    at_least(2, max_probes=max_probes)
    at_least(1, size=size, steps=steps, together=together)
    if not (rtol >= 0 and atol >= 0):
        raise ValueError(f"rtol = {rtol} and atol = {atol} must not be negative")
    steps = min(steps, size)

    @jax.jit
    def samples(keys):
        def one(k):
            nodes, weights = slq(k, matvec, size, steps=steps, probes=1, dtype=dtype)
            return spectral_function(f, nodes, weights, size).estimate

        return jax.lax.map(one, keys, batch_size=together if together > 1 else None)

    found = np.zeros(0)
    while True:
        rounds = np.arange(len(found), min(len(found) + FEWEST, max_probes))
        keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.asarray(rounds))
        found = np.concatenate([found, np.asarray(samples(keys), float)])
        if not np.isfinite(found).all():
            raise ValueError("f is not finite on the spectrum, or a product is not finite")
        mean, error = float(found.mean()), float(standard_error(found))
        converged = error <= max(rtol * abs(mean), atol)
        if converged or len(found) >= max_probes:
            bound = float(t_quantile(len(found) - 1, CONFIDENCE)) * error
            return Total(mean, error, bound, len(found) * steps, converged)


FEWEST = 8  # probes of a round, and the fewest whose spread is taken for an error
# of the t quantile: rounds stop when the error happens to look small, so that 0.975 on either side
# would hold in fewer than 95 % of runs (simulated in the tests)
CONFIDENCE = 0.99


def _over_probes(terms: jax.Array, matvecs: int) -> Estimate:
    """Of terms [..., n, m] the sums over m: their mean and its standard error, of n m products."""
    samples = jnp.sum(terms, axis=-1)
    n, scale = samples.shape[-1], unit(samples, -1)  # squares stay in range
    error = jnp.std(samples / scale, axis=-1, ddof=1) / jnp.sqrt(n) * scale[..., 0]
    error = error if n > 1 else jnp.full(samples.shape[:-1], jnp.inf)
    summed = jnp.abs(terms).sum(-1).mean(-1)
    return estimate(samples.mean(-1), error, matvecs, summed)
