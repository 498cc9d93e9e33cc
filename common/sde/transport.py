"""Optimal transport between two samples: exact by assignment, entropic by Sinkhorn's iteration.

Costs are |x - y|^2; every result is a squared distance. Peyre & Cuturi 2019, chapters 3, 4;
debiasing: Feydy et al. 2019 (arXiv 1810.08278).

Shapes: n points x [n, D], m points y [m, D].
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import shapes
from common.reals import at_least, held, reals, refuted
from common.sde.processes import Array


def squared_distances(x: Array, y: Array) -> Array:
    """|x_i - y_j|^2, from differences, so that near points keep their digits.  -> [n, m]

    Errors: ValueError for shapes and, outside of jit, beyond the range of the dtype.
    """
    sizes = shapes.check("x", x, "n D")
    shapes.check("y", y, "m D", {"D": sizes["D"]})
    at_least(1, **{"x's last axis": sizes["D"]})
    x, y = (jnp.asarray(reals(name, a)) for name, a in (("x", x), ("y", y)))
    add = lambda d, total: total + (x[:, d, None] - y[None, :, d]) ** 2  # noqa: E731
    zero = jnp.zeros((x.shape[0], y.shape[0]), jnp.result_type(x, y))
    found = jax.lax.fori_loop(0, sizes["D"], add, zero)
    held("x and y are too far apart for squares", found)
    return found


def exact_w2(x: np.ndarray, y: np.ndarray) -> float:
    """W2^2 of two samples of equal size, by the best assignment; about n^3 work, n <= 5000.

    NumPy and SciPy, on the host.  Errors: ValueError for unequal sizes, none, or no numbers.
    """
    from scipy.optimize import linear_sum_assignment

    shapes.check("y", y, "n D", shapes.check("x", x, "n D"))
    cost = _costs(x, y)
    rows, columns = linear_sum_assignment(cost)
    return float(cost[rows, columns].mean())


def weighted_w2(x: np.ndarray, a: np.ndarray, y: np.ndarray, b: np.ndarray) -> float:
    """W2^2 of masses a [n] at x [n, D] and b [m] at y [m, D], two histograms for example.

    A linear program over the pairs of points that have mass, by HiGHS on the host: seconds for 300
    points each.  Either is divided by its sum.  Errors: ValueError for negative masses, and none.
    """
    sizes = shapes.check("x", x, "n D")
    shapes.check("a", a, "n", sizes)
    shapes.check("b", b, "m", {"m": shapes.check("y", y, "m D", {"D": sizes["D"]})["m"]})
    (x, a), (y, b) = _masses("a", x, a), _masses("b", y, b)
    cost = _costs(x, y)
    return programme(cost, a, b)[1]


def programme(cost: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple:
    """The linear programme of transport, min sum P * cost, by HiGHS, masses of sum 1.

    cost [n, m], a [n], b [m] -> plan [n, m], its cost, potentials [n] and [m] that prove it
    Errors: ValueError where HiGHS finds no plan.
    """
    from scipy import optimize, sparse

    n, m = cost.shape
    largest = np.abs(cost).max() or 1.0  # tolerances of the solver are absolute
    rows = sparse.kron(sparse.eye(n), np.ones((1, m)))
    columns = sparse.kron(np.ones((1, n)), sparse.eye(m))
    left = sparse.vstack([rows, columns])
    right = np.concatenate([a, b]) * n  # of size one
    found = optimize.linprog(cost.ravel() / largest, A_eq=left, b_eq=right, method="highs")
    if not found.success:
        raise ValueError(f"cost and masses have no plan: {found.message}")
    x, y = np.split(found.eqlin.marginals * largest, [n])
    return found.x.reshape(n, m) / n, float(found.fun) * largest / n, x, y


def _costs(x, y) -> np.ndarray:
    """|x_i - y_j|^2 in float64.  -> [n, m]"""
    for name, points in (("x", x), ("y", y)):
        if not np.size(points):
            raise ValueError(f"{name} is empty: {list(np.shape(points))}")
    x, y = (np.asarray(reals(name, np.asarray(p)), float) for name, p in (("x", x), ("y", y)))
    cost = sum((x[:, d, None] - y[None, :, d]) ** 2 for d in range(x.shape[1]))
    held("x and y are too far apart for squares", cost)
    return cost


def _masses(name: str, x, mass) -> tuple[np.ndarray, np.ndarray]:
    """The points that have mass, and their shares."""
    mass = np.asarray(reals(name, np.asarray(mass)), float)
    if (mass < 0).any() or not mass.any():
        raise ValueError(f"{name} must hold masses, none negative and some positive")
    some = mass > 0
    share = mass[some] / mass.max()
    return np.asarray(x)[some], share / share.sum()


class Plan(NamedTuple):
    """Entropic transport: its cost without the entropy, potentials, and how far it is from done."""

    cost: Array  # [] sum of the plan times |x - y|^2
    f: Array  # [n]
    g: Array  # [m]
    error: Array  # [] largest relative error of a row's mass


def sinkhorn(x: Array, y: Array, epsilon: float | Array, *, iterations: int = 200) -> Plan:
    """Transport with the penalty epsilon KL(plan | product), by `iterations` in the log domain.

    The plan is exp((f_i + g_j - |x_i - y_j|^2) / epsilon) / (n m); columns are met exactly, rows up
    to `error`. Mean E|x - y|^2 = cost is above the exact one by about epsilon D / 2.
    Errors: ValueError for an epsilon that is not positive.
    """
    at_least(1, iterations=iterations)
    if refuted(lambda epsilon: epsilon > 0, reals("epsilon", epsilon)):
        raise ValueError(f"epsilon must be positive, not {epsilon}")
    cost = squared_distances(x, y)
    n, m = cost.shape
    at_least(1, **{"points of x": n, "points of y": m})
    epsilon = jnp.asarray(epsilon, cost.dtype)

    def half(potential, axis):
        other = jnp.expand_dims(potential, 1 - axis)
        size = cost.shape[axis]
        return -epsilon * (
            jax.nn.logsumexp((other - cost) / epsilon, axis=axis) - jnp.log(float(size))
        )

    def body(_, pair):
        f = half(pair[1], 1)
        return f, half(f, 0)

    f, g = jax.lax.fori_loop(
        0, iterations, body, (jnp.zeros(n, cost.dtype), jnp.zeros(m, cost.dtype))
    )
    plan = jnp.exp((f[:, None] + g[None] - cost) / epsilon) / (n * m)
    found = Plan(jnp.sum(plan * cost), f, g, jnp.max(jnp.abs(plan.sum(axis=1) * n - 1)))
    held("epsilon is too small or large for x and y", *found)
    return found


def sinkhorn_divergence(x: Array, y: Array, epsilon: float, *, iterations: int = 200) -> Array:
    """S = OT(x, y) - (OT(x, x) + OT(y, y)) / 2, OT with its entropy: 0 for equal samples.  -> []"""

    def value(a, b):
        plan = sinkhorn(a, b, epsilon, iterations=iterations)
        return jnp.mean(plan.f) + jnp.mean(plan.g)

    return value(x, y) - 0.5 * (value(x, x) + value(y, y))


def bures_w2(mean0, covariance0, mean1, covariance1) -> Array:
    """W2^2 of two Gaussians: |m0 - m1|^2 + tr(A + B - 2 (A^(1/2) B A^(1/2))^(1/2)).  -> []

    means [D], covariances [D, D], positive semidefinite.  The trace as a sum of squares, which
    keeps the digits of near ones: `procrustes` of the roots.
    """
    sizes = shapes.check("mean0", mean0, "D")
    at_least(1, **{"size of mean0": sizes["D"]})
    shapes.check("mean1", mean1, "D", sizes)
    for name, c in (("covariance0", covariance0), ("covariance1", covariance1)):
        shapes.check(name, c, f"{sizes['D']} {sizes['D']}")
    mean0, covariance0, mean1, covariance1 = (
        jnp.asarray(reals(name, a))
        for name, a in (("mean0", mean0), ("covariance0", covariance0),
                        ("mean1", mean1), ("covariance1", covariance1))
    )  # fmt: skip
    apart = procrustes(_root(covariance0), _root(covariance1))
    found = jnp.sum((mean0 - mean1) ** 2) + apart
    held("mean0 and mean1 are too far apart for squares", found)
    return found


def procrustes(a: Array, b: Array) -> Array:
    """min |a - Q b|^2 over orthogonal Q: the Bures distance of a^T a and b^T b, squared.  -> []"""
    left, _, right = jnp.linalg.svd(a @ b.T)
    turn = jax.lax.stop_gradient(left @ right)  # at the minimum its derivative does not count
    return jnp.sum((a - turn @ b) ** 2)


def _root(c):
    values, vectors = jnp.linalg.eigh(c)
    return (vectors * jnp.sqrt(jnp.maximum(values, 0))) @ vectors.T
