"""Five trials of interpolants, derivatives, losses and denoisers of conditioned laws."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import multivariate_normal

from common.sde import calculus, conditional, interpolants, matching, mixture
from common.sde.test_trials import KEY, MIXTURE, STATE, VP, X, Y
from common.sde.test_trials_fields import COLUMN, INSIDE, half, normal, vp
from tests.trials import Arg, Case, parametrised


def both(x):
    """Its Jacobian is 2 on the diagonal, 3 on the other one."""
    return 2 * x + 3 * x[:, ::-1]


def trace(x):
    return 2.0 * x.shape[1] + 3.0 * (x.shape[1] % 2)


def numbers(weights):
    return lambda *args: tuple(interpolants.numbers(weights(*args[:-1]), args[-1]))


def turned(t):
    g, root = t * (1 - t), np.sqrt(1 - (t * (1 - t)) ** 2)
    c, s, half = np.cos(np.pi * t / 2), np.sin(np.pi * t / 2), g * (1 - 2 * t)
    return (root * c, root * s, g, -half / root * c - np.pi / 2 * root * s,
            -half / root * s + np.pi / 2 * root * c, half)  # fmt: skip


def encoded(t):
    square, rate = np.cos(np.pi * t) ** 2, -np.pi * np.sin(2 * np.pi * t)
    early, gamma = t <= 0.5, np.sin(np.pi * t) ** 2
    return (square * early, square * ~early, gamma, rate * early, rate * ~early, -gamma * rate)


def antithetic(x0, x1, z, t):
    """Of b = s = x on the linear interpolant with gamma^2 = t (1 - t)."""
    t, found = t[:, None], []
    gamma = np.sqrt(t * (1 - t))
    for w in (z, -z):
        x = (1 - t) * x0 + t * x1 + gamma * w
        pull = x1 - x0 + (0.5 - t) / gamma * w
        found.append([(x**2 / 2 - pull * x).sum(1), (x**2 / 2 + w / gamma * x).sum(1)])
    return tuple(np.mean(found, axis=0))


def interpolated(weights, means, covariances, x, t):
    """To N(0, 1), gamma^2 = t (1 - t): component by component."""
    eye, log, fields = np.eye(x.shape[1]), [], []
    for w, m, c in zip(weights, means, covariances, strict=True):
        cov = (1 - t) ** 2 * c + t**2 * eye + t * (1 - t) * eye
        rate = -2 * (1 - t) * c + 2 * t * eye + (1 - 2 * t) * eye
        pull = np.linalg.solve(cov, (x - (1 - t) * m).T).T
        log.append(np.log(w) + np.atleast_1d(multivariate_normal((1 - t) * m, cov).logpdf(x)))
        fields.append([-m + pull @ rate / 2, -pull])
    share = np.exp(log - np.logaddexp.reduce(log))
    velocity, pull = (sum(p[:, None] * f[i] for p, f in zip(share, fields, strict=True))
                      for i in range(2))  # fmt: skip
    return velocity, pull, np.logaddexp.reduce(log)


def law(weights, means, covariances, x, t):
    d = x.shape[1:][0]
    normal = interpolants.Normals(jnp.ones(1), jnp.zeros((1, d)), jnp.eye(d)[None])
    rho = interpolants.Normals(weights, means, covariances)
    return tuple(interpolants.fields(interpolants.linear(interpolants.brownian()), rho, normal,
                                     x, t))  # fmt: skip


def posterior(weights, means, stds, x, scale, noise):
    variance = (scale * stds) ** 2 + noise**2
    offset = x[:, None] - scale * means
    log = np.log(weights) - (offset**2).sum(2) / variance / 2 - x.shape[1] * np.log(variance) / 2
    share = np.exp(log - np.logaddexp.reduce(log, axis=1)[:, None])
    means = means + (scale * stds**2 / variance)[:, None] * offset
    return share, means, stds * noise / np.sqrt(variance)


def posterior_mean(*args):
    share, means, _ = posterior(*args)
    return np.einsum("bk,bkd->bd", share, means)


def kalman(x, operator, y, noise):
    a, b, *_ = vp(0.5)
    cov = b**2 / a / 2
    spread = cov * operator @ operator.T + noise**2 * np.eye(len(operator))
    return x / 2 + cov * np.linalg.solve(spread, (y - x @ operator.T / 2).T).T @ operator


def noised(x, t):
    a, b, *_ = (v[:, None] for v in vp(t))
    return a * x + b * np.asarray(jax.random.normal(KEY, x.shape), float)


def wrong(x0, t, std):
    sigma = vp(t)[1]
    weight = (sigma**2 + std**2) / (sigma * std) ** 2
    return weight * ((noised(x0, t) / 2 - x0) ** 2).sum(1)


LINEAR = interpolants.linear(interpolants.brownian())
TRIPLE = {"x0": Arg(X, "B D", 1), "x1": Arg(Y, "B D", 1), "z": Arg(X[::-1], "B D", 1)}
WIDE = MIXTURE | {"x": STATE["x"], "scale": Arg(2.0), "noise": Arg(1.0, "", 1)}
CASES = {
    "interpolants.numbers": Case(
        numbers(lambda a: interpolants.linear(interpolants.brownian(a))),
        lambda a, t: (1 - t, t, np.sqrt(a * t * (1 - t)), 0 * t - 1, 0 * t + 1, a * (0.5 - t)),
        {"a": Arg(2.0), "t": Arg(np.array([0.25, 0.5, 1]), "B")},
    ),
    "interpolants.trigonometric": Case(
        numbers(lambda: interpolants.trigonometric(interpolants.bump())), turned, INSIDE
    ),
    "interpolants.encoding_decoding": Case(
        numbers(interpolants.encoding_decoding), encoded, INSIDE
    ),
    "interpolants.between": Case(
        lambda *a: interpolants.between(LINEAR, *a),
        lambda x0, x1, z, t: (
            x0 + t[:, None] * (x1 - x0) + np.sqrt(t * (1 - t))[:, None] * z,
            x1 - x0 + 0 * t[:, None],
        ),
        TRIPLE | INSIDE,
        degree=1,
    ),
    "interpolants.losses": Case(
        lambda *a: tuple(interpolants.losses(LINEAR, lambda x, t: x, lambda x, t: x, *a)),
        antithetic,
        TRIPLE | INSIDE,
        degree=2,
    ),
    "interpolants.fields": Case(
        law,
        interpolated,
        {
            "rho0 weights": Arg(np.array([0.25, 0.75]), "K", 0, "i"),
            "rho0 means": Arg(X[:2], "K D", 1),
            "rho0 covariances": Arg(np.array([[[2.0, 1], [1, 3]], [[4, -1], [-1, 1]]]), "K D D", 2),
            "x": STATE["x"],
            "t": Arg(0.5, "", 0, "i"),
        },
        rtol=1e-4,
        most=1e12,
    ),
    "calculus.along": Case(
        lambda x, v: calculus.along(both, x, v),
        lambda x, v: (both(x), (v * (2 * v + 3 * v[:, :, ::-1])).sum(2).T),
        {"x": STATE["x"], "vectors": Arg(np.stack([X, Y, Y]), "K B D")},
    ),
    "calculus.basis": Case(
        calculus.basis,
        lambda x: np.broadcast_to(np.eye(x.shape[1])[:, None], (x.shape[1], *x.shape)),
        STATE,
    ),
    "calculus.probes": Case(
        lambda x: jnp.abs(calculus.probes(KEY, x, 3)), lambda x: np.ones((3, *x.shape)), STATE
    ),
    "calculus.divergence": Case(
        lambda x: calculus.divergence(both, x), lambda x: np.full(len(x), trace(x)), STATE
    ),
    "calculus.hutchinson": Case(
        lambda x: tuple(calculus.hutchinson(KEY, lambda x: 2 * x, x, 3)),
        lambda x: (np.full(len(x), 2.0 * x.shape[1]), np.zeros(len(x))),
        STATE,
    ),
    "calculus.jacobian": Case(
        lambda x: calculus.jacobian(both, x),
        lambda x: np.array([both(np.eye(x.shape[1]))] * len(x)),
        STATE,
    ),
    "calculus.laplacian": Case(
        lambda x: calculus.laplacian(lambda x: jnp.sum(x * both(x), axis=1) / 2, x),
        lambda x: ((x * both(x)).sum(1) / 2, both(x), np.full(len(x), trace(x))),
        STATE,
        most=1e15,
    ),
    "calculus.standard_error": Case(
        calculus.standard_error,
        lambda v: np.std(v, axis=1, ddof=1) / np.sqrt(v.shape[1]),
        {"draws": Arg(X, "B K", 1)},
        degree=1,
    ),
    "matching.denoising": Case(
        lambda x0, t, std: matching.denoising(KEY, VP, half, x0, t, matching.edm(std)),
        wrong,
        {"x0": STATE["x"], "t": COLUMN["t"], "data_std": Arg(2.0)},
    ),
    "matching.flow": Case(
        lambda x0, x1, t: matching.flow(lambda x, t: x, x0, x1, t),
        lambda x0, x1, t: (((2 - t[:, None]) * x0 + (t[:, None] - 1) * x1) ** 2).sum(1),
        {"x0": TRIPLE["x0"], "x1": TRIPLE["x1"], "t": COLUMN["t"]},
        degree=2,
    ),
    "matching.implicit": Case(
        lambda x: matching.implicit(lambda x: -x, x),
        lambda x: (x**2).sum(1) / 2 - x.shape[1],
        STATE,
    ),
    "matching.lognormal": Case(
        lambda m, s: matching.lognormal(KEY, 5, m, s),
        lambda m, s: np.exp(m + s * normal(KEY, np.zeros(5))),
        {"mean": Arg(1.0), "std": Arg(2.0)},
    ),
    "conditional.observed": Case(
        lambda x, a, y, n: conditional.observed(VP, half, a, y, n)(x, 0.5),
        kalman,
        {
            "x": Arg(X, "B D"),
            "operator": Arg(np.array([[1.0, 2], [0, 1], [3, 1]]), "M D", 1),
            "y": Arg(np.stack([X[:, 0], *Y.T], axis=1), "B M", 1),
            "noise": Arg(1.0, "", 1),
        },
        degree=0,
        rtol=1e-4,
    ),
    "mixture.denoiser": Case(
        lambda w, m, s, x, *at: mixture.denoiser(mixture.Mixture(w, m, s), x, *at),
        posterior_mean,
        WIDE,
        degree=1,
    ),
    "mixture.posterior": Case(
        lambda w, m, s, x, *at: tuple(mixture.posterior(mixture.Mixture(w, m, s), x, *at)),
        posterior,
        WIDE,
    ),
}


@parametrised(CASES)
def test_trial(case, trial):
    trial(case)
