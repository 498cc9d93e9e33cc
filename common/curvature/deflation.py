"""A trace from probes outside directions that are treated exactly: the sketch, grown as it pays.

Shapes: P side of A, n probes, k directions (rows of Q).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common.curvature.estimate import dot, orthonormal
from common.curvature.estimate import rounding as rounding_of
from common.curvature.sketch import Sketch, leave_one_out
from common.reals import unit


class Oracle(NamedTuple):
    signs: Callable  # numbers of probes [b] -> [b, P]; drawn again when needed, none is stored
    product: Callable  # [b, P] -> [b, P]
    together: int


class Goal(NamedTuple):
    """Products until error <= max(rtol |trace|, atol), max_matvecs at most."""

    size: int
    rtol: float
    atol: float
    max_matvecs: int

    def allows(self, mean: float) -> float:
        return max(self.rtol * abs(mean), self.atol)


class State(NamedTuple):
    """The sketch (float64, in NumPy), Q [k, P] and the images that are not yet directions.

    waiting [u]: the probes whose images have the parts `fresh` [u, P] outside Q.  summed: the
    magnitudes of the terms of w^T A w, added up over all probes, and of q^T A q over Q.  more: the
    probes that come next, 0 at the end; exact: where all P products are better than more probes.
    """

    sketch: Sketch
    Q: jax.Array
    waiting: np.ndarray
    fresh: jax.Array
    matvecs: int
    summed: np.ndarray
    more: int
    exact: bool = False

    @property
    def n(self) -> int:
        return len(self.sketch.outer)

    @property
    def rank(self) -> int:
        return int(np.any(np.asarray(self.Q) != 0, axis=1).sum())

    @property
    def moments(self) -> tuple[float, float, float]:
        """The estimate, its standard error and what rounding may add."""
        mean, error = leave_one_out(self.sketch)
        summed = self.summed[0] / self.n + self.summed[1]
        return float(mean), float(error), float(rounding_of(summed, self.Q.dtype))


class Plan(NamedTuple):
    converged: bool
    more: float = 0  # probes that the error still takes
    gain: float = 0  # products saved by turning the waiting images into directions
    hope: bool = False  # further directions may pay


def plan(state: State, to: Goal) -> Plan:
    """What to do next.

    The error of n probes is error sqrt(n / m) for m, so that m = need probes reach the goal.  A
    direction costs one product and is a part of every image; what of an image lies outside all the
    other images is what a new probe will still see outside Q, once they are directions.  The
    squared error falls by this fraction, `after`, and need with it.
    """
    mean, error, rounding = state.moments
    goal = max(to.allows(mean), rounding)
    if error <= goal:
        return Plan(True)
    need = state.n * (error / max(goal, 1e-30 * error)) ** 2
    more = np.ceil(need - state.n)
    if not len(state.waiting):
        return Plan(False, more)
    fresh = state.fresh / unit(state.fresh)
    gram = _finite(dot(fresh, fresh.T))
    values = np.linalg.eigvalsh(gram)
    floor = rounding_of(max(values[-1], 0), fresh.dtype) or 1.0
    cost = int((values > floor).sum())
    # 1 / (gram^-1)_ii is the squared part of image i outside the others
    outside = 1 / np.diag(np.linalg.inv(gram + floor * np.eye(len(gram))))
    after = outside.mean() / np.diag(gram).mean()
    gain = more - max(after * need - state.n, 0) - cost
    affordable = cost <= to.max_matvecs - state.matvecs
    return Plan(False, more, gain if affordable else 0, after < 0.9)


def start(size: int, dtype, more: int) -> State:
    rows, none, nobody = jnp.zeros((0, size), dtype), np.zeros((0, 0)), np.zeros(0, int)
    sketch = Sketch(nobody, np.zeros(0), none, none, none, none)
    return State(sketch, rows, nobody, rows, 0, np.zeros(2), more)


def grow(state: State, oracle: Oracle, to: Goal, rank: int, fewest: int) -> State:
    """A round: the probes that come next, directions while they pay, and what comes after them."""
    state = probe(state, oracle, state.more, rank)
    found = plan(state, to)
    while found.gain > 0:
        state = deflate(state, oracle)
        found = plan(state, to)
    left = to.max_matvecs - state.matvecs
    if found.converged or left <= 0:
        return state._replace(more=0)
    if state.matvecs >= to.size / 4 and found.more >= to.size <= left:
        return state._replace(more=0, exact=True)
    # the plan is corrected on the way: soon, if new directions may yet change it
    step = max(fewest // 2, state.n // 4) if found.hope else state.n
    return state._replace(more=int(min(found.more, step, left)))


def probe(state: State, oracle: Oracle, more: int, rank: int) -> State:
    """`more` further probes; the images of the first ones are kept while Q has room for them."""
    sketch, Q, waiting, fresh, matvecs, summed, *_ = state
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
    return State(sketch, Q, waiting, jnp.concatenate(parts), matvecs + more, summed, 0)


def deflate(state: State, oracle: Oracle) -> State:
    """The waiting images become directions of Q, at one product each."""
    sketch, Q, waiting, fresh, matvecs, summed, *_ = state
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
    return State(sketch, basis, waiting[:0], fresh[:0], matvecs + len(real), summed, 0)


def _blocks(first: int, stop: int, block: int) -> list[np.ndarray]:
    return [np.arange(i, min(i + block, stop)) for i in range(first, stop, block)]


_orthonormal = jax.jit(orthonormal)


def _finite(array) -> np.ndarray:
    array = np.asarray(array, float)
    if not np.isfinite(array).all():
        raise ValueError("a product with the matrix is not finite: no estimate")
    return array
