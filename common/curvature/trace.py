"""Traces, diagonals and norms of a matrix that is known by its products.

hutchinson     mean of v^T A v over random signs, variance 2 (|A|_F^2 - sum_i A_ii^2) / n
hutchpp        exact on the range Q of a sketch, hutchinson outside (Meyer, Musco, Musco &
               Woodruff 2021)
xtrace         the same with every probe in both roles (Epperly, Tropp & Webber 2024)
diagonal, frobenius   of the diagonal and the norm |A|_F, each with an error
trace          adds products until the error is small: hutchinson where the spectrum is flat, and
               further directions of Q as long as they pay

Shapes: P side of A, n probes (rows of Omega), k directions (rows of Q).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common.curvature.estimate import (
    Estimate,
    dot,
    estimate,
    images,
    length,
    orthonormal,
    standard_error,
)
from common.stats import t_quantile


def hutchinson(
    key: jax.Array, matvec: Callable, size: int, *, probes: int, together: int = 1, dtype=float
) -> Estimate:
    """Trace of A [P, P], P = size, from `probes` products with random signs.

    Unbiased, for any A; exact where A is diagonal.  `together` products run side by side by vmap,
    as in `slq`; memory together x P.  Girard 1989, Hutchinson 1989.
    """

    def one(probe_key):
        v = jax.random.rademacher(probe_key, (size,), dtype)
        return dot(v, matvec(v))

    samples = images(one, jax.random.split(key, probes), together)
    return estimate(samples.mean(), standard_error(samples), probes)


def hutchpp(
    key: jax.Array, matvec: Callable, size: int, *, matvecs: int, together: int = 1, dtype=float
) -> Estimate:
    """Trace of A [P, P], P = size, from `matvecs` products: a third each to A S, A Q, and probes.

    Unbiased; the error, over the probes alone, is an honest standard error.  Exact, with P
    products, where matvecs >= P.  Memory matvecs x P.  Meyer et al. 2021, algorithm 1.
    """
    if matvecs >= size:
        return _exact(matvec, size, together, dtype)
    if matvecs < 4:
        raise ValueError(f"hutchpp needs 4 products or more, not {matvecs}")
    k = matvecs // 3
    signs = jax.random.rademacher(key, (matvecs - k, size), dtype)
    Q = orthonormal(images(matvec, signs[:k], together))
    probes = signs[k:] - dot(dot(signs[k:], Q.T), Q)
    samples = jnp.sum(probes * images(matvec, probes, together), axis=1)
    inside = jnp.sum(Q * images(matvec, Q, together))
    return estimate(inside + samples.mean(), standard_error(samples), matvecs)


def xtrace(
    key: jax.Array, matvec: Callable, size: int, *, matvecs: int, together: int = 1, dtype=float
) -> Estimate:
    """Trace of A [P, P], P = size, from n = matvecs // 2 probes and as many directions.

    Unbiased, for any A; exact where A has rank < n, or (with P products) where matvecs >= P.
    Needs fewest products where the spectrum decays; twice those of `hutchinson` where it is flat.
    For semidefinite A the paper's XNysTrace (not here) takes a fifth to a third fewer.  The
    error treats the n exchangeable samples as independent.  Memory 3 n P.
    Epperly, Tropp & Webber 2024, sections 2.1 and 2.3 (normalised probes).
    """
    if matvecs >= size:
        return _exact(matvec, size, together, dtype)
    if matvecs < 4:
        raise ValueError(f"xtrace needs 4 products or more, not {matvecs}")
    n = matvecs // 2
    omega = jax.random.normal(key, (n, size), dtype)
    omega = omega * (np.sqrt(size) / jnp.linalg.norm(omega, axis=1, keepdims=True))
    Y = images(matvec, omega, together)
    Q = orthonormal(Y)
    Z = images(matvec, Q, together)
    sketch = _Sketch(
        owner=jnp.arange(n),
        outer=jnp.sum(omega * Y, 1),
        C=dot(omega, Q.T),
        D=dot(omega, Z.T),
        E=dot(Y, Q.T),
        H=dot(Q, Z.T),
    )
    mean, error = _mean(sketch, size)
    return estimate(mean, error, 2 * n)


def diagonal(
    key: jax.Array, matvec: Callable, size: int, *, probes: int, rank: int = 0, dtype=float
) -> Estimate:
    """The diagonal [P] of A [P, P], P = size, and its standard error entry by entry.

    The mean of v * A v over random signs v has the variance sum_(j != i) A_ij^2 / probes.  With
    `rank`, A is taken exactly on so many directions from a sketch, at 2 rank products more and
    memory 3 rank P: it pays where few eigenvalues dominate.  Unbiased, for any A; one product at a
    time.  Bekas, Kokiopoulou & Saad 2007; with rank, Baston & Nakatsukasa 2022.
    """
    probe_key, sketch_key = jax.random.split(key)
    Q, Z = _sketched(sketch_key, matvec, size, rank, dtype)

    def step(carry, inputs):
        mean, squares = carry
        i, one_key = inputs
        v = jax.random.rademacher(one_key, (size,), dtype)
        sample = v * matvec(v - dot(dot(Q, v), Q))
        new = mean + (sample - mean) / i
        return (new, squares + (sample - mean) * (sample - new)), None

    count = jnp.arange(1, probes + 1, dtype=dtype)
    zero = jnp.zeros(size, dtype)
    inputs = (count, jax.random.split(probe_key, probes))
    (mean, squares), _ = jax.lax.scan(step, (zero, zero), inputs)
    few = probes < 2
    error = jnp.where(few, jnp.inf, jnp.sqrt(squares / max(probes * (probes - 1), 1)))
    return estimate(mean + jnp.sum(Q * Z, 0), error, probes + 2 * rank)


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
    return estimate(scale * norm, scale * error, probes + 2 * rank)


def _sketched(key, matvec: Callable, size: int, rank: int, dtype) -> tuple[jax.Array, jax.Array]:
    """Directions Q [rank, P] from the images of random signs, and A Q."""
    if rank == 0:
        return jnp.zeros((0, size), dtype), jnp.zeros((0, size), dtype)
    Q = orthonormal(images(matvec, jax.random.rademacher(key, (rank, size), dtype)))
    return Q, images(matvec, Q)


PROBES = 8  # the fewest samples whose spread is taken for an error
# of the t quantile: a loop that stops when the error looks small stops early more often than late,
# so that 0.975 on either side would hold less often than in 95 % of runs
CONFIDENCE = 0.995


class _Sketch(NamedTuple):
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


def _mean(sketch: _Sketch, size: int | None = None) -> tuple[Any, Any]:
    """Mean over probes and its standard error; size = P where projected probes are normalised.

    A probe that made a direction uses the Q of all other probes, I - s s^T in the coordinates of
    Q, s orthogonal to the images of the others: a column of R^-T, Y^T = Q^T R.  What two such
    probes do to each other enters both their samples: to leading order, with pairs counted twice,
    the variance of their mean is twice what their spread says.
    """
    owner, outer, C, D, E, H = sketch
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
    return samples.mean(), standard_error(samples) * np.sqrt(1 + len(owner) / n)


def _unit(xp, rows):
    """Rows of length 1, without overflow of the squares."""
    rows = rows / xp.abs(rows).max(1, keepdims=True, initial=xp.finfo(rows.dtype).tiny)
    return rows / xp.linalg.norm(rows, axis=1, keepdims=True)


def _exact(matvec: Callable, size: int, together: int, dtype) -> Estimate:
    """The trace from P products with the unit vectors."""
    entry = lambda i: matvec(jnp.zeros(size, dtype).at[i].set(1))[i]  # noqa: E731
    diagonal = images(entry, jnp.arange(size), together)
    return estimate(diagonal.sum(), jnp.zeros(()), size)


class Trace(NamedTuple):
    """What `trace` found.

    estimate; error, its standard error; bound: |estimate - trace| <= bound in 95 % of runs or
    more; the products spent; rank, the directions treated exactly; converged: error is as small
    as was asked for.
    """

    estimate: float
    error: float
    bound: float
    matvecs: int
    rank: int
    converged: bool


def trace(
    key: jax.Array,
    matvec: Callable,
    size: int,
    *,
    rtol: float,
    atol: float = 0.0,
    max_matvecs: int = 1000,
    rank: int = 64,
    together: int = 1,
    dtype=float,
) -> Trace:
    """Trace of the symmetric A [P, P], P = size: products until error <= max(rtol |trace|, atol).

    After 8 random signs it adds probes, or turns the images of probes into directions that are
    treated exactly (at most `rank`; 0: hutchinson), whichever should need fewer products (`_plan`).
    Give atol where the trace may be zero.  On nine spectra (P = 400, rtol 1 %; flat, decaying,
    indefinite, heavy tails) 96.5 to 100 % of 200 bounds held; the error is a standard error, so
    that the relative tolerance itself is met in about two runs of three.  A loop in Python over
    compiled products: not for jit, where `xtrace` is.  Memory (3 rank + 2 together) P.
    """
    if isinstance(key, jax.core.Tracer):
        raise TypeError("trace chooses the number of products: outside jit, or take xtrace")
    if max_matvecs < min(PROBES, size):
        raise ValueError(f"max_matvecs = {max_matvecs}: trace takes {PROBES} products or more")
    if size <= PROBES:
        return _exact_trace(matvec, size, 0, together, dtype)
    oracle = _oracle(key, matvec, size, together, dtype)
    state, more = _start(size, dtype), PROBES
    while True:
        state = _probe(state, oracle, more, rank)
        plan = _plan(state, rtol, atol, max_matvecs)
        while plan.gain > 0:
            state = _deflate(state, oracle)
            plan = _plan(state, rtol, atol, max_matvecs)
        left = max_matvecs - state.matvecs
        if plan.converged or left <= 0:
            return _result(state, plan.converged)
        if state.matvecs >= size / 4 and plan.more >= size <= left:
            return _exact_trace(matvec, size, state.matvecs, together, dtype)
        # the plan is corrected on the way: soon, if new directions may yet change it
        step = max(PROBES // 2, state.n // 4) if plan.hope else state.n
        more = int(min(plan.more, step, left))


class _Oracle(NamedTuple):
    signs: Callable  # numbers of probes [b] -> [b, P]; drawn again when needed, none is stored
    product: Callable  # [b, P] -> [b, P]
    together: int


class _State(NamedTuple):
    """The sketch (float64, in NumPy), Q [k, P] and the images that are not yet directions.

    waiting [u]: the probes whose images have the parts `fresh` [u, P] outside Q.
    """

    sketch: _Sketch
    Q: jax.Array
    waiting: np.ndarray
    fresh: jax.Array
    matvecs: int

    @property
    def n(self) -> int:
        return len(self.sketch.outer)


class _Plan(NamedTuple):
    converged: bool
    more: float = 0  # probes that the error still takes
    gain: float = 0  # products saved by turning the waiting images into directions
    hope: bool = False  # further directions may pay


def _plan(state: _State, rtol: float, atol: float, max_matvecs: int) -> _Plan:
    """What to do next.

    The error of n probes is error sqrt(n / m) for m, so that m = need probes reach the goal.  A
    direction costs one product and is a part of every image; what of an image lies outside all the
    other images is what a new probe will still see outside Q, once they are directions.  The
    squared error falls by this fraction, `after`, and need with it.
    """
    mean, error, rounding = _moments(state)
    goal = max(rtol * abs(mean), atol, rounding)
    if error <= goal:
        return _Plan(True)
    need = state.n * (error / max(goal, 1e-30 * error)) ** 2
    more = np.ceil(need - state.n)
    if not len(state.waiting):
        return _Plan(False, more)
    gram = _finite(dot(state.fresh, state.fresh.T))
    values = np.linalg.eigvalsh(gram)
    floor = 1e-6 * values[-1]  # float32 knows no better
    cost = int((values > floor).sum())
    # 1 / (gram^-1)_ii is the squared part of image i outside the others
    outside = 1 / np.diag(np.linalg.inv(gram + floor * np.eye(len(gram))))
    after = outside.mean() / np.diag(gram).mean()
    gain = more - max(after * need - state.n, 0) - cost
    affordable = cost <= max_matvecs - state.matvecs
    return _Plan(False, more, gain if affordable else 0, after < 0.9)


def _moments(state: _State) -> tuple[float, float, float]:
    """The estimate, its standard error and what rounding may add."""
    mean, error = _mean(state.sketch)
    scale = np.abs(state.sketch.outer).mean() + np.abs(np.diag(state.sketch.H)).sum()
    return float(mean), float(error), 8 * float(jnp.finfo(state.Q.dtype).eps * scale)


def _start(size: int, dtype) -> _State:
    rows, none, nobody = jnp.zeros((0, size), dtype), np.zeros((0, 0)), np.zeros(0, int)
    return _State(_Sketch(nobody, np.zeros(0), none, none, none, none), rows, nobody, rows, 0)


def _probe(state: _State, oracle: _Oracle, more: int, rank: int) -> _State:
    """`more` further probes; the images of the first ones are kept while Q has room for them."""
    sketch, Q, waiting, fresh, matvecs = state
    outer, C, E, parts = [sketch.outer], [sketch.C], [sketch.E], [fresh]
    for index in _blocks(state.n, state.n + more, oracle.together):
        V = oracle.signs(index)
        Y = oracle.product(V)
        outer.append(_finite(jnp.sum(V * Y, 1)))
        C.append(_finite(dot(V, Q.T)))
        E.append(_finite(dot(Y, Q.T)))
        keep = max(0, min(len(index), rank - len(Q) - len(waiting)))
        waiting = np.concatenate([waiting, index[:keep]])
        parts.append(Y[:keep] - dot(jnp.asarray(E[-1][:keep], Y.dtype), Q))
    E_all = np.concatenate(E)
    sketch = sketch._replace(outer=np.concatenate(outer), C=np.concatenate(C), D=E_all, E=E_all)
    return _State(sketch, Q, waiting, jnp.concatenate(parts), matvecs + more)


def _deflate(state: _State, oracle: _Oracle) -> _State:
    """The waiting images become directions of Q, at one product each."""
    sketch, Q, waiting, fresh, matvecs = state
    new = _orthonormal(fresh, Q)
    real = np.flatnonzero(np.any(np.asarray(new) != 0, axis=1))
    Z = jnp.zeros_like(new).at[real].set(oracle.product(new[real]))
    blocks = map(oracle.signs, _blocks(0, state.n, max(oracle.together, len(new))))
    parts = [(_finite(dot(V, new.T)), _finite(dot(V, Z.T))) for V in blocks]
    C, E = (np.concatenate(part) for part in zip(*parts, strict=True))  # w^T A q = q^T A w
    seen = _finite(dot(fresh, new.T))
    whole = np.linalg.norm(sketch.E[waiting]) + np.linalg.norm(seen)
    if np.linalg.norm(E[waiting] - seen) > 0.02 * whole:
        raise ValueError("the matrix is not symmetric: w^T A q and q^T A w differ")
    E[waiting] = seen
    across, within = _finite(dot(Q, Z.T)), _finite(dot(new, Z.T))
    E_all = np.concatenate([sketch.E, E], 1)
    sketch = _Sketch(
        owner=np.concatenate([sketch.owner, waiting]),
        outer=sketch.outer,
        C=np.concatenate([sketch.C, C], 1),
        D=E_all,
        E=E_all,
        H=np.block([[sketch.H, across], [across.T, within]]),
    )
    return _State(sketch, jnp.concatenate([Q, new]), waiting[:0], fresh[:0], matvecs + len(real))


def _blocks(first: int, stop: int, block: int) -> list[np.ndarray]:
    return [np.arange(i, min(i + block, stop)) for i in range(first, stop, block)]


def _oracle(key, matvec: Callable, size: int, together: int, dtype) -> _Oracle:
    single, several = jax.jit(matvec), jax.jit(jax.vmap(matvec))

    def product(rows):
        if together == 1:
            return jnp.stack([single(row) for row in rows])
        padded = jnp.pad(rows, ((0, -len(rows) % together), (0, 0)))
        parts = [several(padded[i : i + together]) for i in range(0, len(padded), together)]
        return jnp.concatenate(parts)[: len(rows)]

    return _Oracle(lambda index: _signs(key, index, size, dtype), product, together)


_orthonormal = jax.jit(orthonormal)


@partial(jax.jit, static_argnums=(2, 3))
def _signs(key, index, size, dtype):
    one = lambda i: jax.random.rademacher(jax.random.fold_in(key, i), (size,), dtype)  # noqa: E731
    return jax.vmap(one)(index)


def _result(state: _State, converged: bool) -> Trace:
    mean, error, rounding = _moments(state)
    bound = float(t_quantile(state.n - 1, CONFIDENCE)) * error + rounding
    directions = int(np.any(np.asarray(state.Q) != 0, axis=1).sum())
    return Trace(mean, error, bound, state.matvecs, directions, converged)


def _exact_trace(matvec: Callable, size: int, spent: int, together: int, dtype) -> Trace:
    value, _, matvecs = _exact(matvec, size, together, dtype)
    bound = 8 * float(jnp.finfo(value.dtype).eps) * abs(float(value))
    return Trace(float(value), 0.0, bound, spent + matvecs, size, True)


def _finite(array) -> np.ndarray:
    array = np.asarray(array, float)
    if not np.isfinite(array).all():
        raise ValueError("a product with the matrix is not finite: no estimate")
    return array
