"""Five trials of paths, their predictions, rules of sampling and simulated equations."""

import jax
import numpy as np

from common.sde import conditional, gaussian, path, simulate, solvers
from common.sde.test_trials import KEY, STATE, VP, X, Y, beta, process, score, shrink
from tests.trials import Arg, Case, parametrised

COLUMN = {"x": Arg(X, "B D", 1), "t": Arg(np.array([0.25, 0.5, 1, 0.75]), "B", 0, "i")}
INSIDE = {"t": Arg(np.array([0.25, 0.5, 0.75, 0.5]), "B", 0, "i")}
SOLVED = {"x": Arg(X, "B D", 1), "times": Arg(np.array([1.0, 0.75, 0.5, 0.25]), "N", 0, "i")}
AT = {"alpha": Arg(np.array([2.0, 1, 4, 3]), "B"), "sigma": Arg(np.array([1.0, 2, 3, 1]), "B", 1)}
RATES = {
    "alpha_rate": Arg(np.array([-1.0, 1, -2, 0]), "B"),
    "sigma_rate": Arg(np.array([1.0, 3, 1, 2]), "B", 1),
}
DRIVEN = {"x": STATE["x"], "times": Arg(np.array([0.0, 1, 2]), "N"), "g": Arg(2.0, "", 1)}


def half(x, t):
    del t
    return x / 2


def conversion(name, of, value, degree, power):
    """Of a prediction in x's units to a power, by NumPy: of(value, x, alpha, sigma, rates)."""
    call = lambda v, x, *at: getattr(path, name)(v, x, path.At(*at))  # noqa: E731
    want = lambda v, x, *at: of(v, x, *(a[:, None] for a in at))  # noqa: E731
    args = {value: Arg(Y, "B D", power), "x": STATE["x"]} | AT | RATES
    return Case(call, want, args, degree=degree, names="t")


def vp(t):
    """alpha, sigma and their rates."""
    alpha, sigma = np.exp(-shrink(t) / 2), np.sqrt(-np.expm1(-shrink(t)))
    return alpha, sigma, -beta(t) / 2 * alpha, beta(t) * alpha**2 / (2 * sigma)


def normal(key, x):
    return np.asarray(jax.random.normal(key, (x.size,)), float).reshape(x.shape)


def solved(rule):
    return lambda x, times, *args: solvers.solve(KEY, VP, half, x, times, rule(*args)).x


def stepped(step):
    """step(key, x, t, s, *args) along the times."""

    def want(x, times, *args):
        for k, t, s in zip(jax.random.split(KEY, len(times) - 1), times, times[1:], strict=False):
            x = step(k, x, t, s, *args)
        return x

    return want


def ddim(_, x, t, s):
    (a, b, *_), (c, d, *_) = vp(t), vp(s)
    return c * x / 2 + d * (x - a * x / 2) / b


def multistep(x, times, eta):
    """DPM-Solver++(2M) in h = log-SNR gained / 2: its SDE form for eta = 1."""
    before, last = x, np.inf
    for k, t, s in zip(jax.random.split(KEY, len(times) - 1), times, times[1:], strict=False):
        (a, b, *_), (c, d, *_) = vp(t), vp(s)
        h = np.log(c / d) - np.log(a / b)
        ahead = x / 2 + (x / 2 - before) * h / last / 2
        before, last = x / 2, h
        lost = -np.expm1(-(1 + eta**2) * h)
        x = d / b * np.exp(-(eta**2) * h) * x + c * lost * ahead
        x = x + eta * d * np.sqrt(-np.expm1(-2 * h)) * normal(k, x)
    return x


def churned(key, x, t, s, churn):
    up = min(t * (1 + churn), 1.0)
    (a, b, *_), (c, d, *_), (e, f, *_) = vp(t), vp(up), vp(s)
    x = c / a * x + np.sqrt(max(d**2 - (c / a * b) ** 2, 0)) * normal(key, x)
    slope = (x / c - x / 2) / (d / c)
    y = x / c + (f / e - d / c) * slope
    return e * (x / c + (f / e - d / c) * (slope + (y - e * y / 2) / (f / e)) / 2)


def reversed_step(key, x, t, s, noise):
    a, b, *_ = vp(t)
    slope = -beta(t) * (x / 2 + (a / 2 - 1) / b**2 * x)
    return x - (t - s) * slope + noise * np.sqrt(beta(t) * (t - s)) * normal(key, x)


def corrected(key, x, t, s, rate):
    del t
    a, b, *_ = vp(s)
    z = normal(jax.random.fold_in(key, 0), x)
    return x + rate * b**2 * (a / 2 - 1) / b**2 * x + np.sqrt(2 * rate) * b * z


def painted(key, x, t, s, known, mask):
    a, b, *_ = vp(s)
    given = a * known + b * normal(jax.random.split(key)[1], x)
    return np.where(mask, given, ddim(key, x, t, s))


def heun(key, x, t, s, g):
    kick = g * np.sqrt(s - t) * normal(key, x)
    new = x - x * (s - t) + kick
    return x - 0.5 * (x + new) * (s - t) + kick


def girsanov(x, times, g):
    """The ratio of two Gaussian densities a step, on Brownian motion."""
    log_w = np.zeros(len(x))
    for k, t, s in zip(jax.random.split(KEY, len(times) - 1), times, times[1:], strict=False):
        new = x + g * np.sqrt(s - t) * normal(k, x)
        gap = ((new - x) ** 2 - (new - x + x * (s - t)) ** 2) / (2 * g**2 * (s - t))
        x, log_w = new, log_w + gap.sum(1)
    return log_w


CASES = {
    "path.noise": conversion("noise", lambda d, x, a, s, *_: (x - a * d) / s, "denoised", 0, 1),
    "path.score": conversion("score", lambda d, x, a, s, *_: (a * d - x) / s**2, "denoised", -1, 1),
    "path.velocity": conversion(
        "velocity", lambda d, x, a, s, b, r: b * d + r / s * (x - a * d), "denoised", 1, 1
    ),
    "path.from_noise": conversion(
        "from_noise", lambda v, x, a, s, *_: (x - s * v) / a, "value", 1, 0
    ),
    "path.from_score": conversion(
        "from_score", lambda v, x, a, s, *_: (x + s * s * v) / a, "value", 1, -1
    ),
    "path.from_velocity": conversion(
        "from_velocity", lambda v, x, a, s, b, r: (r * x - s * v) / (a * r - b * s), "value", 1, 1
    ),
    "path.at": Case(lambda t: tuple(path.at(VP, t)), vp, {"t": COLUMN["t"]}, rtol=2e-3),
    "path.denoiser": Case(
        lambda x, t: path.denoiser(VP, score)(x, t),
        lambda x, t: x * ((1 - vp(t)[1] ** 2 / 4) / vp(t)[0])[:, None],
        COLUMN,
        names="value",
    ),
    "path.score_of": Case(
        lambda x, t: path.score_of(VP, half)(x, t),
        lambda x, t: x * ((vp(t)[0] / 2 - 1) / vp(t)[1] ** 2)[:, None],
        COLUMN,
        names="denoised",
    ),
    "gaussian.ou": Case(
        process(lambda r, n: gaussian.ou(r, n)),
        lambda r, n, t, x: (
            -r * x + 0 * t[:, None],
            n * np.ones_like(t),
            np.exp(-r * t),
            n * np.sqrt(-np.expm1(-2 * r * t) / (2 * r)),
        ),
        {"rate": Arg(1.0), "noise": Arg(2.0), "t": COLUMN["t"], "x": COLUMN["x"]},
    ),
    "gaussian.edm": Case(
        process(lambda low, high: gaussian.edm(low, high)),
        lambda low, high, t, x: (0 * x * t[:, None], np.sqrt(2 * t), np.ones_like(t), t),
        {"sigma_min": Arg(1.0), "sigma_max": Arg(64.0), "t": COLUMN["t"], "x": COLUMN["x"]},
    ),
    "solvers.uniform": Case(
        lambda low, high: solvers.uniform(gaussian.edm(low, high), 4),
        lambda low, high: np.linspace(high, low, 5),
        {"sigma_min": Arg(1.0, "", 1), "sigma_max": Arg(64.0, "", 1)},
        degree=1,
        most=1e13,
    ),
    "solvers.karras": Case(
        lambda low, high, rho: solvers.karras(4, low, high, rho),
        lambda low, high, rho: np.append(
            [
                (high ** (1 / rho) * (1 - u) + low ** (1 / rho) * u) ** rho
                for u in np.linspace(0, 1, 4)
            ],
            0.0,
        ),
        {"sigma_min": Arg(1.0, "", 1), "sigma_max": Arg(64.0, "", 1), "rho": Arg(7.0)},
        degree=1,
        most=1e15,
    ),
    "solvers.exponential": Case(
        solved(lambda eta: solvers.exponential(2, eta)), multistep, SOLVED | {"eta": Arg(1.0)}
    ),
    "solvers.heun": Case(
        solved(lambda churn: solvers.heun(VP, churn)),
        stepped(churned),
        SOLVED | {"churn": Arg(0.25)},
        rtol=2e-4,
    ),
    "solvers.euler_maruyama": Case(
        solved(solvers.euler_maruyama), stepped(reversed_step), SOLVED | {"noise": Arg(1.0)}
    ),
    "solvers.langevin": Case(
        solved(lambda rate: solvers.langevin(1, rate)),
        stepped(corrected),
        SOLVED | {"rate": Arg(0.25)},
    ),
    "solvers.joined": Case(
        solved(lambda: solvers.joined(solvers.exponential(), solvers.exponential())),
        stepped(lambda k, x, t, s: ddim(k, ddim(k, x, t, s), t, s)),
        SOLVED,
    ),
    "solvers.inpainted": Case(
        solved(lambda known, mask: solvers.inpainted(solvers.exponential(), known, mask)),
        stepped(painted),
        SOLVED | {"known": Arg(Y, "B D", 1), "mask": Arg(np.array([1.0, 0]), "D")},
    ),
    "conditional.guided": Case(
        lambda x, weight: conditional.guided(half, score, weight)(x, 0.5),
        lambda x, weight: x * (-1 / 4 + weight * 3 / 4),
        {"x": STATE["x"], "weight": Arg(2.0)},
        degree=1,
        sixteen=1e-2,
    ),
    "simulate.simulate": Case(
        lambda x, times, g: simulate.simulate(
            KEY, lambda x, t: -x, lambda t: g, x, times, heun=True
        ),
        stepped(heun),
        DRIVEN,
        degree=1,
        names="diffusion",
    ),
    "simulate.reweighted": Case(
        lambda x, times, g: simulate.reweighted(
            KEY, lambda x, t: 0 * x, lambda x, t: -x, lambda t: g, x, times
        )[1],
        girsanov,
        DRIVEN,
        degree=0,
        names="diffusion",
    ),
}


@parametrised(CASES)
def test_trial(case, trial):
    trial(case)
