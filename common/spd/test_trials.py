"""Five trials of functions and geometries of positive definite matrices."""

import jax.numpy as jnp
import numpy as np
import scipy.linalg as reference

from common import spd
from common.spd import affine, bures, functions, log_euclidean
from tests.trials import Arg, Case, parametrised, untried

X = np.array([[2.0, 1], [1, 3]])
Y = np.array([[4.0, -1], [-1, 1]])
V = np.array([[1.0, 2], [2, -1]])
XS = np.stack([X, Y, np.eye(2)])
ONE, TWO = {"X": Arg(X, "d d", 1)}, {"X": Arg(X, "d d", 1), "Y": Arg(Y, "d d", 1)}
AT = {"B": Arg(X, "d d", 1), "X": Arg(Y, "d d", 1)}
TANGENT = {"B": Arg(X, "d d", 1), "V": Arg(V / 4, "d d", 1)}
MANY = {"Xs": Arg(XS, "N d d", 1)}
FAR = 1e12  # in float32 a product of two matrices has to be held


def of(f):
    """f of eigenvalues, of every matrix of a stack."""

    def matrix(x):
        values, u = np.linalg.eigh((x + x.mT) / 2)
        return (u * f(values)[..., None, :]) @ u.mT

    return lambda x: matrix(x) if np.isfinite(x).all() else np.full(x.shape, np.nan)


root, log, exp = of(np.sqrt), of(np.log), of(np.exp)


def where_finite(f):
    """nan of what holds one."""

    def found(*a):
        known = all(np.isfinite(x).all() for x in a)
        return f(*(x if known else np.zeros_like(x) + np.eye(2) for x in a)) * (
            1 if known else np.nan
        )

    return found


def root2(a):
    """Of a matrix that is not symmetric: (X Y)^1/2 = X T."""
    return np.real(reference.sqrtm(a))


def bures_log(b, x):
    half = root2(b @ x)
    return half + half.T - 2 * b


def bures_exp(b, v):
    half = reference.solve_continuous_lyapunov(b, v)
    return b + v + half @ b @ half


def bures_mean(xs):
    b = xs.mean(0)
    for _ in range(200):
        r = root(b)
        i, middle = np.linalg.inv(r), np.mean([root(r @ x @ r) for x in xs], 0)
        b = i @ middle @ middle @ i
    return b


def karcher(xs):
    b = xs.mean(0)
    for _ in range(200):
        r = root(b)
        i = np.linalg.inv(r)
        b = r @ exp(np.mean([log(i @ x @ i) for x in xs], 0)) @ r
    return b


CASES = {
    "functions.sqrt": Case(functions.sqrt, root, {"X": Arg(X, "d d", 2)}, degree=1, most=1e15),
    "functions.power": Case(
        lambda x: functions.power(x, -1.0), of(lambda v: 1 / v), ONE, degree=-1
    ),
    "functions.log": Case(functions.log, log, ONE),
    "functions.exp": Case(functions.exp, exp, {"V": Arg(V, "d d")}),
    "functions.function": Case(
        lambda x: functions.function(jnp.cbrt, lambda v: jnp.cbrt(v) / v / 3, x),
        of(np.cbrt),
        {"X": Arg(X, "d d", 3)},
        degree=1,
        most=1e10,
    ),
    "functions.lyapunov": Case(
        functions.lyapunov,
        where_finite(reference.solve_continuous_lyapunov),
        TANGENT | {"V": Arg(V, "d d", 1)},
        degree=0,
        most=FAR,
    ),
    "affine.distance": Case(
        affine.distance,
        where_finite(lambda x, y: np.linalg.norm(np.log(reference.eigvalsh(y, x)))),
        TWO,
        degree=0,
        most=FAR,
    ),
    "affine.log": Case(
        affine.log,
        where_finite(lambda b, x: b @ np.real(reference.logm(np.linalg.solve(b, x)))),
        AT,
        degree=1,
        most=FAR,
    ),
    "affine.exp": Case(
        affine.exp,
        where_finite(lambda b, v: b @ reference.expm(np.linalg.solve(b, v))),
        TANGENT,
        degree=1,
        most=FAR,
    ),
    "affine.mean": Case(affine.mean, where_finite(karcher), MANY, degree=1, most=FAR),
    "log_euclidean.distance": Case(
        log_euclidean.distance,
        where_finite(lambda x, y: np.linalg.norm(log(x) - log(y))),
        TWO,
        degree=0,
        rtol=1e-4,
    ),
    "log_euclidean.mean": Case(
        log_euclidean.mean, where_finite(lambda xs: exp(log(xs).mean(0))), MANY, degree=1, rtol=1e-3
    ),
    "bures.distance": Case(
        bures.distance,
        where_finite(lambda x, y: np.sqrt(np.trace(x + y - 2 * root(root(x) @ y @ root(x))))),
        {"X": Arg(X, "d d", 2), "Y": Arg(Y, "d d", 2)},
        degree=1,
        most=1e6,
    ),
    "bures.inner": Case(
        bures.inner,
        where_finite(lambda b, v, w: np.sum(reference.solve_continuous_lyapunov(b, v) * w) / 2),
        TANGENT | {"W": Arg(Y, "d d", 1)},
        degree=1,
        most=FAR,
    ),
    "bures.monge": Case(
        bures.monge,
        where_finite(lambda x, y: np.linalg.solve(x, root2(x @ y))),
        TWO,
        degree=0,
        most=FAR,
    ),
    "bures.log": Case(bures.log, where_finite(bures_log), AT, degree=1, most=FAR),
    "bures.exp": Case(bures.exp, where_finite(bures_exp), TANGENT, degree=1, most=FAR),
    "bures.geodesic": Case(
        lambda x, y: bures.geodesic(x, y, 0.5),
        where_finite(lambda x, y: bures_mean(np.stack([x, y]))),
        TWO,
        degree=1,
        most=FAR,
    ),
    "bures.mean": Case(bures.mean, where_finite(bures_mean), MANY, degree=1, most=FAR),
}
BESIDE = {  # what these are made of
    "functions.powered", "functions.logarithm", "functions.exponential", "functions.even",
    "functions.norm", "functions.symmetric", "functions.positive", "functions.two",
    "functions.weighted",
}  # fmt: skip


@parametrised(CASES)
def test_trial(case, trial):
    trial(case)


def test_every_public_function_is_tried_once():
    assert untried([spd], [*CASES, *BESIDE]) == []
    assert not BESIDE & CASES.keys()
