"""Five trials of every function of transport: scale, dtype, size, what is not finite, compiled."""

import itertools

import jax.numpy as jnp
import numpy as np
from scipy import linalg, optimize

from common import ot
from common.ot import exact, newton, sinkhorn, sliced
from tests.trials import Arg, Case, parametrised, untried

COST = np.array([[1.0, 3], [2, 0.5]])
PLAN = np.array([[4.0, 1, 7], [2, 5, 3]])
X = np.array([[1.0, 2], [-3, 1], [2, -2], [4, 1]])
Y = np.array([[2.0, -1], [0, 3], [1, 1]])
THETA = np.array([[1.0, 0], [1, 1], [-1, 2]])
A, B = np.array([[2.0, 1], [1, 3]]), np.array([[4.0, -1], [-1, 1]])
VALUES = np.array([1.0, 3, 2, 5, 4])
CONTROLS = np.array([[0.5, 1], [2, -1], [1, 2], [3, 0], [1.5, 1]])


def entropic(cost, r, c, eta):
    """Two by two: the odds of a plan are known, its first entry solves a quadratic equation."""
    if 1 in cost.shape:
        return np.outer(r, c) / r.sum()
    odds = np.exp(eta * (cost[0, 1] + cost[1, 0] - cost[0, 0] - cost[1, 1]))
    gap = lambda p: p * (c[1] - r[0] + p) - odds * (r[0] - p) * (c[0] - p)  # noqa: E731
    p = optimize.brentq(gap, max(0, r[0] - c[1]), min(r[0], c[0]), xtol=1e-300, rtol=1e-14)
    return np.array([[p, r[0] - p], [c[0] - p, c[1] - r[0] + p]])


def potentials(cost, r, c, eta):
    p = entropic(cost, r, c, eta)
    return p, cost + (np.log(p) + 1) / eta


def cheapest(cost, r, c):
    """The better of the two vertices there are."""
    if 1 in cost.shape:
        return (np.outer(r, c) / r.sum() * cost).sum()
    plans = [np.array([[p, r[0] - p], [c[0] - p, c[1] - r[0] + p]])
             for p in (max(0, r[0] - c[1]), min(r[0], c[0]))]  # fmt: skip
    return min((p * cost).sum() for p in plans)


def swept(absorb):
    def call(cost, r, c, eta):
        s = sinkhorn.sinkhorn(cost, r, c, eta, tol=0, sweeps=200, absorb=absorb)
        return sinkhorn.plan(cost, eta, s.x, s.y), s.x[:, None] + s.y

    return call


def stepped(direction):
    def call(cost, r, c, eta):
        start = jnp.zeros(len(r)), jnp.zeros(len(c))
        s = newton.newton(cost, r, c, eta, start, direction, tol=0, steps=50)
        return sinkhorn.plan(cost, eta, s.x, s.y), s.x[:, None] + s.y

    return call


def thresholded(p, kept):
    """As entries and as a matrix; too few are filled up with zeros at the first place."""
    order = np.sort(np.argsort(-p.ravel())[:kept])
    matrix = np.zeros(p.size)
    matrix[order] = p.ravel()[order]
    spare = np.zeros(kept - len(order), int)
    rows, columns = np.unravel_index(np.concatenate([order, spare]), p.shape)
    values = np.concatenate([p.ravel()[order], spare])
    return (rows, columns, values), matrix.reshape(p.shape)


def system(s, diagonal, g, free=False):
    """Solved by the pseudo-inverse of the matrix with ones on its diagonal."""
    n = len(s)
    m = np.block([[np.zeros((n, n)), s], [s.T, np.zeros((s.shape[1],) * 2)]]) + np.diag(diagonal)
    root = 1 / np.sqrt(diagonal)
    z = root * (np.linalg.pinv(root[:, None] * m * root, rcond=1e-12) @ (root * g))
    null = np.where(np.arange(len(g)) < n, 1, -1) / np.sqrt(len(g))
    z = z - null * (null @ z) if free else z
    return z[:n], z[n:]


def sums(p):
    return np.concatenate([p.sum(1), p.sum(0)])


def coo(values, diagonal, g):
    at = np.array([0, 1])[: len(values)], np.array([1, 0])[: len(values)]
    return newton.solve(newton.Entries(*at, values), diagonal, g, rows=2)[:2]


def dense(values, diagonal, g):
    s = np.zeros((2, len(g) - 2))
    s[[0, 1][: len(values)], [1, 0][: len(values)]] = values
    return system(s, diagonal, g)


def line(x, y, p):
    """Every point as many times as makes them equally many."""
    each = [np.sort(np.repeat(a, len(b.T), axis=-1), axis=-1) for a, b in ((x, y), (y, x))]
    return np.mean(np.abs(each[0] - each[1]) ** p, axis=-1)


def sloped(x, y, theta):
    shift = x.mean(0) - y.mean(0)
    return (theta @ shift) ** 2, shift @ shift / x.shape[1]


def spread(x, y, theta):
    values, mean = sloped(x, y, theta)
    for points in (x, y):
        covariance = np.cov(points.T, bias=True).reshape(x.shape[1], -1)
        values = values + np.einsum("md,de,me->m", theta, covariance, theta)
        mean = mean + np.trace(covariance) / x.shape[1]
    return values, mean


def controlled(centre):
    def want(values, controls, means):
        off = controls - means
        about = off - off.mean(0) if centre == "sample" else off
        rest = values - values.mean()
        square = about.T @ about / len(values)
        found = np.linalg.lstsq(square, about.T @ rest / len(values), rcond=None)[0]
        left = values - off @ found
        return left.mean(), left.std(ddof=1) / np.sqrt(len(values)), found

    call = lambda *a: tuple(sliced.control_variate(*a, centre=centre))  # noqa: E731
    return call, want


def geodesic(covariances, weights):
    if len(covariances) == 1:
        return covariances[0]
    t, (a, b) = weights[1] / weights.sum(), covariances
    turn = (1 - t) * np.eye(len(a)) + t * mapped(a, b)
    return turn @ a @ turn


def mapped(a, b):
    """The only positive definite T with T A T = B: A^-1 # B."""
    return np.linalg.solve(a, np.real(linalg.sqrtm(a @ b)))


MASSES = {"r": Arg(np.array([3.0, 1]), "n"), "c": Arg(np.array([2.0, 2]), "m")}
DUAL = {"cost": Arg(COST, "n m", 1), **MASSES, "eta": Arg(2.0, "", -1)}
P = {"p": Arg(PLAN, "n m", 1)}
GAPS = {"gap_rows": Arg(np.array([1.0, -0.5]), "n", 1),
        "gap_columns": Arg(np.array([1.5, -3, 2]), "m", 1)}  # fmt: skip
POINTS = {"x": Arg(X, "n D", 1), "y": Arg(Y, "m D", 1), "theta": Arg(THETA, "M D")}
LINES = {"x": Arg(X.T, "B n", 1), "y": Arg(Y.T, "B m", 1)}
SEEN = {"values": Arg(VALUES, "M", 1), "controls": Arg(CONTROLS, "M K", 1),
        "means": Arg(np.array([1.0, 0.5]), "K", 1)}  # fmt: skip
PAIR = {"a": Arg(A, "D D", 1), "b": Arg(B, "D D", 1)}
AT = {"x": Arg(np.array([0.5, -1]), "n", 1), "y": Arg(np.array([1.0, -0.5]), "m", 1)}
MISSING = {"r": Arg(np.array([3.0, 1]), "n", 1), "c": Arg(np.array([2.0, 2, 1]), "m", 1)}
ALONG = {"u": Arg(np.array([1.0, -2]), "n", -1), "v": Arg(np.array([2.0, 0.5, -1]), "m", -1)}

CASES = {
    "sinkhorn.sinkhorn": Case(swept(50), potentials, DUAL, rtol=1e-4),
    "sinkhorn.sinkhorn in logs": Case(swept(1), potentials, DUAL, rtol=1e-4),
    "newton.newton": Case(stepped(newton.direct), potentials, DUAL, rtol=1e-4),
    "sinkhorn.plan": Case(
        sinkhorn.plan,
        lambda cost, eta, x, y: np.exp(eta * (np.add.outer(x, y) - cost) - 1),
        {"cost": DUAL["cost"], "eta": DUAL["eta"], **AT}, degree=0,
    ),
    "sinkhorn.potential": Case(
        sinkhorn.potential,
        lambda cost, r, c, eta, x, y: np.array(
            r @ x + c @ y - np.exp(eta * (np.add.outer(x, y) - cost) - 1).sum() / eta),
        DUAL | AT, degree=1,
    ),
    "sinkhorn.gradient": Case(
        sinkhorn.gradient, lambda p, r, c: (r - p.sum(1), c - p.sum(0)), P | MISSING, degree=1
    ),
    "sinkhorn.marginal_error": Case(
        sinkhorn.marginal_error,
        lambda p, r, c: abs(r - p.sum(1)).sum() + abs(c - p.sum(0)).sum(),
        P | MISSING, degree=1,
    ),
    "sinkhorn.hessian_product": Case(
        sinkhorn.hessian_product,
        lambda p, eta, u, v: (-eta * (p.sum(1) * u + p @ v), -eta * (p.sum(0) * v + p.T @ u)),
        {"p": P["p"], "eta": Arg(2.0), **ALONG}, degree=0,
    ),
    "newton.direct": Case(
        lambda *a: newton.direct(*a)[:2],
        lambda p, *gaps: system(p, sums(p), np.concatenate(gaps), free=True),
        P | GAPS, degree=0, rtol=1e-4,
    ),
    "newton.sparse": Case(
        lambda *a: newton.sparse(1)(*a)[:2],
        lambda p, *gaps: system(thresholded(p, 1)[1], sums(p), np.concatenate(gaps)),
        P | GAPS, degree=0, rtol=1e-4,
    ),
    "newton.largest": Case(
        lambda p: newton.largest(p, 4), lambda p: thresholded(p, 4)[0], P
    ),
    "newton.solve": Case(
        coo, dense,
        {"values": Arg(np.array([1.0, 2]), "k", 1),
         "diagonal": Arg(np.array([4.0, 3, 5, 2]), "N", 1),
         "g": Arg(np.array([1.0, -2, 0.5, 3]), "N", 1)},
        degree=0, rtol=1e-4, names="rows columns",
    ),
    "exact.assignment": Case(
        lambda cost: np.array(exact.assignment(cost).total),
        lambda cost: min(cost[range(len(cost)), list(order)].sum()
                         for order in itertools.permutations(range(len(cost)))),
        {"cost": Arg(X[:3] @ Y.T, "n n", 1)}, degree=1,
    ),
    "exact.transport": Case(
        lambda *a: np.array(exact.transport(*a).value),
        cheapest,
        {"cost": DUAL["cost"], **MASSES}, degree=1,
    ),
    "sliced.on_line": Case(sliced.on_line, lambda x, y: line(x, y, 2), LINES, degree=2),
    "sliced.on_line, p = 1": Case(
        lambda x, y: sliced.on_line(x, y, 1), lambda x, y: line(x, y, 1), LINES, degree=1
    ),
    "sliced.costs": Case(
        lambda *a: sliced.costs(*a, p=3),
        lambda x, y, theta: line(theta @ x.T, theta @ y.T, 3),
        POINTS, degree=3,
    ),
    "sliced.lower": Case(sliced.lower, sloped, POINTS, degree=2),
    "sliced.upper": Case(sliced.upper, spread, POINTS, degree=2),
    "sliced.control_variate": Case(*controlled("mean"), SEEN, rtol=1e-4),
    "sliced.control_variate about the sample": Case(*controlled("sample"), SEEN, rtol=1e-4),
}  # fmt: skip
BESIDE = {
    # what every function of the dual makes of its arguments
    "sinkhorn.problem",
}


@parametrised(CASES)
def test_trial(case, trial):
    trial(case)


def test_every_public_function_is_tried_once():
    assert untried([ot], [*CASES, *BESIDE]) == []
    assert not BESIDE & {*CASES}
