"""The trace of a symmetric matrix to a tolerance: products are added until the error is small.

hutchinson where the spectrum is flat, and further directions of Q as long as they pay.

Shapes: P side of A, n probes, k directions (rows of Q).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common.curvature.estimate import checked, dot, orthonormal, precision
from common.curvature.estimate import rounding as rounding_of
from common.curvature.probes import diagonal, exact_trace, frobenius, hutchinson, hutchpp, xtrace
from common.curvature.sketch import Sketch, leave_one_out
from common.reals import at_least, unit
from common.stats import t_quantile

# those of a given number of products beside it, for whoever looks for a trace here
__all__ = [
    "Trace",
    "diagonal",
    "exact_trace",
    "frobenius",
    "hutchinson",
    "hutchpp",
    "trace",
    "xtrace",
]

PROBES = 8  # the fewest samples whose spread is taken for an error
# of the t quantile: a loop that stops when the error looks small stops early more often than late,
# so that 0.975 on either side would hold less often than in 95 % of runs
CONFIDENCE = 0.995


class Trace(NamedTuple):
    """What `trace` found.

    estimate; error, its standard error; bound: |estimate - trace| <= bound in 95 % of runs or
    more; the products spent; rank, the directions treated exactly; converged: the error and what
    rounding may add to the sums (which is in the bound) are as small as was asked for.
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
    at_least(1, size=size, together=together)
    at_least(0, rank=rank)
    if not (rtol >= 0 and atol >= 0):
        raise ValueError(f"rtol = {rtol} and atol = {atol} must not be negative")
    if max_matvecs < min(PROBES, size):
        raise ValueError(f"max_matvecs = {max_matvecs}: trace takes {PROBES} products or more")
    matvec, dtype = checked(matvec), precision(dtype)
    if size <= PROBES:
        return _all_products(matvec, size, 0, together, dtype, rtol, atol)
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
            return _result(state, rtol, atol)
        if state.matvecs >= size / 4 and plan.more >= size <= left:
            return _all_products(matvec, size, state.matvecs, together, dtype, rtol, atol)
        # the plan is corrected on the way: soon, if new directions may yet change it
        step = max(PROBES // 2, state.n // 4) if plan.hope else state.n
        more = int(min(plan.more, step, left))


class _Oracle(NamedTuple):
    signs: Callable  # numbers of probes [b] -> [b, P]; drawn again when needed, none is stored
    product: Callable  # [b, P] -> [b, P]
    together: int


class _State(NamedTuple):
    """The sketch (float64, in NumPy), Q [k, P] and the images that are not yet directions.

    waiting [u]: the probes whose images have the parts `fresh` [u, P] outside Q.  summed: the
    magnitudes of the terms of w^T A w, added up over all probes, and of q^T A q over Q.
    """

    sketch: Sketch
    Q: jax.Array
    waiting: np.ndarray
    fresh: jax.Array
    matvecs: int
    summed: np.ndarray

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
    fresh = state.fresh / unit(state.fresh)
    gram = _finite(dot(fresh, fresh.T))
    values = np.linalg.eigvalsh(gram)
    floor = rounding_of(max(values[-1], 0), fresh.dtype) or 1.0
    cost = int((values > floor).sum())
    # 1 / (gram^-1)_ii is the squared part of image i outside the others
    outside = 1 / np.diag(np.linalg.inv(gram + floor * np.eye(len(gram))))
    after = outside.mean() / np.diag(gram).mean()
    gain = more - max(after * need - state.n, 0) - cost
    affordable = cost <= max_matvecs - state.matvecs
    return _Plan(False, more, gain if affordable else 0, after < 0.9)


def _moments(state: _State) -> tuple[float, float, float]:
    """The estimate, its standard error and what rounding may add."""
    mean, error = leave_one_out(state.sketch)
    summed = state.summed[0] / state.n + state.summed[1]
    return float(mean), float(error), float(rounding_of(summed, state.Q.dtype))


def _start(size: int, dtype) -> _State:
    rows, none, nobody = jnp.zeros((0, size), dtype), np.zeros((0, 0)), np.zeros(0, int)
    sketch = Sketch(nobody, np.zeros(0), none, none, none, none)
    return _State(sketch, rows, nobody, rows, 0, np.zeros(2))


def _probe(state: _State, oracle: _Oracle, more: int, rank: int) -> _State:
    """`more` further probes; the images of the first ones are kept while Q has room for them."""
    sketch, Q, waiting, fresh, matvecs, summed = state
    outer, C, E, parts = [sketch.outer], [sketch.C], [sketch.E], [fresh]
    for index in _blocks(state.n, state.n + more, oracle.together):
        V = oracle.signs(index)
        Y = oracle.product(V)
        outer.append(_finite(jnp.sum(V * Y, 1)))
        summed = summed + np.array([float(jnp.sum(jnp.abs(V * Y))), 0])
        C.append(_finite(dot(V, Q.T)))
        E.append(_finite(dot(Y, Q.T)))
        keep = max(0, min(len(index), rank - len(Q) - len(waiting)))
        waiting = np.concatenate([waiting, index[:keep]])
        parts.append(Y[:keep] - dot(jnp.asarray(E[-1][:keep], Y.dtype), Q))
    E_all = np.concatenate(E)
    sketch = sketch._replace(outer=np.concatenate(outer), C=np.concatenate(C), D=E_all, E=E_all)
    return _State(sketch, Q, waiting, jnp.concatenate(parts), matvecs + more, summed)


def _deflate(state: _State, oracle: _Oracle) -> _State:
    """The waiting images become directions of Q, at one product each."""
    sketch, Q, waiting, fresh, matvecs, summed = state
    new = _orthonormal(fresh, Q)
    real = np.flatnonzero(np.any(np.asarray(new) != 0, axis=1))
    Z = jnp.zeros_like(new).at[real].set(oracle.product(new[real]))
    blocks = map(oracle.signs, _blocks(0, state.n, max(oracle.together, len(new))))
    parts = [(_finite(dot(V, new.T)), _finite(dot(V, Z.T))) for V in blocks]
    C, E = (np.concatenate(part) for part in zip(*parts, strict=True))  # w^T A q = q^T A w
    seen = _finite(dot(fresh, new.T))
    images = (sketch.E[waiting], seen, E[waiting] - seen)
    scale = unit(np.concatenate(images, 1))  # squares stay in range
    before, after, off = (np.linalg.norm(part / scale) for part in images)
    if off > 0.02 * (before + after):
        raise ValueError("the matrix is not symmetric: w^T A q and q^T A w differ")
    E[waiting] = seen
    across, within = _finite(dot(Q, Z.T)), _finite(dot(new, Z.T))
    E_all = np.concatenate([sketch.E, E], 1)
    sketch = Sketch(
        owner=np.concatenate([sketch.owner, waiting]),
        outer=sketch.outer,
        C=np.concatenate([sketch.C, C], 1),
        D=E_all,
        E=E_all,
        H=np.block([[sketch.H, across], [across.T, within]]),
    )
    summed = summed + np.array([0, float(jnp.sum(jnp.abs(new * Z)))])
    basis = jnp.concatenate([Q, new])
    return _State(sketch, basis, waiting[:0], fresh[:0], matvecs + len(real), summed)


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


def _result(state: _State, rtol: float, atol: float) -> Trace:
    mean, error, rounding = _moments(state)
    bound = float(t_quantile(state.n - 1, CONFIDENCE)) * error + rounding
    directions = int(np.any(np.asarray(state.Q) != 0, axis=1).sum())
    converged = max(error, rounding) <= max(rtol * abs(mean), atol)
    return Trace(mean, error, bound, state.matvecs, directions, converged)


def _all_products(matvec, size, spent: int, together: int, dtype, rtol, atol) -> Trace:
    value, bound, matvecs = exact_trace(matvec, size, together=together, dtype=dtype)
    converged = float(bound) <= max(rtol * abs(float(value)), atol)
    return Trace(float(value), 0.0, float(bound), spent + matvecs, size, converged)


def _finite(array) -> np.ndarray:
    array = np.asarray(array, float)
    if not np.isfinite(array).all():
        raise ValueError("a product with the matrix is not finite: no estimate")
    return array
