"""Five trials of every kernel: scale, dtype, size, what is not finite."""

import jax.numpy as jnp
import numpy as np
from scipy.linalg import expm

from common import ntk as package
from common.ntk import analytic, empirical, jacobians, linearised
from tests.trials import Arg, Case, parametrised, untried

X = np.array([[1.0, 2, 0], [-1, 3, 1], [2, -2, 4], [1, 1, 1]])
Y = np.array([[2.0, 1, 1], [0, -1, 3]])
W, V = np.array([[1.0, 2], [0, 1], [-1, 1]]), np.array([[1.0, 3], [2, -1]])
K = np.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 2]])
CROSS, RESIDUAL = np.array([[1.0, 2, 0], [0, 1, 1]]), np.array([[1.0, -2], [0, 3], [2, 1]])


def model(params, x):
    return x @ params[0] @ params[1]


def full(x, y, w, v):
    """(x . x') V^T V + (x W . x' W) I.  -> [n, n', O, O]"""
    overlap, hidden = x @ y.T, (x @ w) @ (y @ w).T
    return overlap[..., None, None] * (v.T @ v) + hidden[..., None, None] * np.eye(v.shape[1])


def mean(x, y, w, v):
    return np.trace(full(x, y, w, v), axis1=2, axis2=3) / v.shape[1]


MODEL = "D M O"
PARAMS = {"params w": Arg(W, "D M", -1, "i"), "params v": Arg(V, "M O", -1, "i")}
KERNEL = {"x1": Arg(X, "N D", 1), "x2": Arg(Y, "m D", 1)} | PARAMS


def of_method(method):
    call = lambda x, y, w, v: empirical.ntk(model, (w, v), x, y, method=method)  # noqa: E731
    return Case(call, mean, KERNEL, degree=0, names="apply outputs", model=MODEL)


def factors(x, y, w, v):
    a, b = (jacobians.jacobians(model, (w, v), z) for z in (x, y))
    return jacobians.contract(a, b, full=True)


def product(x, y, w, v, tangent):
    return empirical.ntk_vp(model, (w, v), x, y)(tangent)


def moved(x, w, v, new):
    return linearised.linearise(model, (w, v))((new, v), x)


def arccos(x, y, w_std, b_std):
    """Depth 2 by Cho & Saul's closed form."""
    x, y, w, b = (np.longdouble(a) for a in (x, y, w_std, b_std))
    size = x.shape[1]
    cov, p, q = (w * w * a / size + b * b for a in (x @ y.T, (x * x).sum(1), (y * y).sum(1)))
    root = np.sqrt(p)[:, None] * np.sqrt(q)
    nngp, slopes = _relu(cov / root)
    nngp = w * w * root * nngp + b * b
    return nngp, nngp + w * w * cov * slopes


def _relu(cosine):
    angle = np.arccos(np.clip(cosine, -1, 1))
    return (np.sin(angle) + (np.pi - angle) * cosine) / 2 / np.pi, (np.pi - angle) / 2 / np.pi


def relu(cov, var1, var2):
    root = np.sqrt(np.longdouble(var1)) * np.sqrt(np.longdouble(var2))
    nngp, slopes = _relu(cov / root)
    return root * nngp, slopes


def erf(cov, var1, var2):
    cov, one, two = np.longdouble(cov), 1 + 2 * np.longdouble(var1), 1 + 2 * np.longdouble(var2)
    gap = 4 / np.pi / np.sqrt(one * two - 4 * cov * cov)
    return 2 / np.pi * np.arcsin(2 * cov / np.sqrt(one * two)), gap


def left(decayed, kernel, residual, cross):
    """-cross K^-1 (1 - decayed) residual for each of the matrices."""
    gone = [np.linalg.solve(kernel, (np.eye(len(kernel)) - d) @ residual) for d in decayed]
    return -np.reshape([cross @ g for g in gone], (len(gone), len(cross), residual.shape[1]))


def flow(kernel, residual, times, cross):
    return left([0 * kernel if t == np.inf else expm(-t * kernel) for t in times],
                kernel, residual, cross)  # fmt: skip


def descent(kernel, residual, steps, cross, lr):
    one = np.eye(len(kernel)) - lr * kernel
    power = np.linalg.matrix_power
    return left([power(one, int(n)) if np.isfinite(n) else one / n for n in steps],
                kernel, residual, cross)  # fmt: skip


DUAL = {"cov": Arg(np.array([1.0, -2, 0]), "N", 1), "var1": Arg(np.array([2.0, 4, 1]), "N", 1),
        "var2": Arg(np.array([3.0, 2, 1]), "N", 1)}  # fmt: skip
FIXED = {"kernel": Arg(K, "N N", 1), "residual": Arg(RESIDUAL, "N O", 1)}
CASES = {
    **{f"ntk {method}": of_method(method) for method in empirical.METHODS},
    "jacobians": Case(
        factors,
        full,
        {"x": KERNEL["x1"], "x 2": KERNEL["x2"], **PARAMS},
        0,
        names="apply",
        model=MODEL,
    ),
    "ntk_vp": Case(
        product,
        lambda x, y, w, v, t: np.einsum("nmoq,mq->no", full(x, y, w, v), t),
        KERNEL
        | {"v": Arg(np.array([[1.0, 2], [-1, 1]]), "m O", -1)}
        | {name: arg._replace(power=0) for name, arg in PARAMS.items()},
        1,
        model=MODEL,
    ),
    "linearise": Case(
        moved,
        lambda x, w, v, new: x @ new @ v,
        {"x": Arg(X, "N D", 1), **PARAMS, "moved": Arg(W + 1, "D M", -1)},
        -1,
        model=MODEL,
    ),
    "fully_connected relu": Case(
        lambda x, y, w, b: tuple(
            analytic.fully_connected(analytic.relu, x, y, depth=2, w_std=w, b_std=b)
        ),
        arccos,
        {"x1": Arg(X, "N D", 1), "x2": Arg(Y, "m D", 1), "w_std": Arg(2.0), "b_std": Arg(1.0)},
        rtol=1e-4,
    ),
    "relu": Case(analytic.relu, relu, DUAL),
    "erf": Case(analytic.erf, erf, DUAL),
    "linear": Case(analytic.linear, lambda c, p, q: (c, np.ones_like(c)), DUAL),
    "flow": Case(
        lambda k, r, t, c: linearised.flow(k, r, t, cross=c),
        flow,
        FIXED | {"times": Arg(np.array([0.0, 1, 3]), "T", -1), "cross": Arg(CROSS, "M N", 1)},
        1,
    ),
    "descent": Case(
        lambda k, r, t, c, lr: linearised.descent(k, r, t, lr=lr, cross=c),
        descent,
        FIXED
        | {"steps": Arg(np.array([0.0, 1, 3]), "T"), "cross": Arg(CROSS, "M N", 1)}
        | {"lr": Arg(0.25, "", -1)},
        1,
    ),
}
BESIDE = {  # they read programs and shapes, or are tried through ntk, whose methods they are
    "costs", "dense_layers", "tapped", "flops", "real_model", "real_parameters", "real_outputs",
    "contract", "by_products",
}  # fmt: skip


@parametrised(CASES)
def test_trial(case, trial):
    trial(case)


def test_every_public_function_is_tried():
    assert untried([package], CASES | dict.fromkeys(BESIDE)) == []


def test_complex_parameters_are_two_real_ones_each():
    got = empirical.ntk(lambda p, x: (x @ p * 1j).real, jnp.asarray(W * 1j), jnp.asarray(X))
    np.testing.assert_allclose(got, X @ X.T)
