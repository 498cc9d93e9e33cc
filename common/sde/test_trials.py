"""Five trials of every process, sampler, solver and distance: scale, dtype, size, not finite."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import logsumexp
from scipy.stats import wasserstein_distance

from common import ode as solvers
from common.sde import distances, mixture, ode, processes, samplers
from tests.trials import Arg, Case, parametrised

KEY = jax.random.key(0)
VP, VE = processes.vp(), processes.ve()
X = np.array([[1.0, 2], [-3, 1], [2, -2], [4, 1]])
Y = np.array([[2.0, -1], [0, 3], [1, 1], [-2, 5]])
THETA = np.array([[1.0, 0], [1, 1], [-1, 2]])
T = np.array([0.25, 0.5, 1, 0.75])
STATE = {"x": Arg(X, "B D", 1)}
TIMES = {"t": Arg(T, "B")}


def score(x, t):
    """Of N(0, 4), whatever t."""
    del t
    return -x / 4


def cubic(y, t):
    """Fourth order is exact on it."""
    return 0 * y + t**2


def beta(t):
    return 0.1 + 19.9 * t


def shrink(t):
    return 0.1 * t + 9.95 * t * t


def vp(low, high, t, x):
    rate, total = low + t * (high - low), low * t + (high - low) * t * t / 2
    return -rate[:, None] * x / 2, np.sqrt(rate), np.exp(-total / 2), np.sqrt(-np.expm1(-total))


def subvp(low, high, t, x):
    drift, g, scale, std = vp(low, high, t, x)
    total = -2 * np.log(scale)
    return drift, g * np.sqrt(-np.expm1(-2 * total)), scale, std**2


def ve(low, high, t, x):
    std = low * (high / low) ** t
    return np.zeros_like(x), std * np.sqrt(2 * np.log(high / low)), np.ones_like(t), std


def process(factory):
    def call(low, high, t, x):
        sde = factory(low, high)
        return sde.drift(x, t), sde.diffusion(t), *sde.marginal(t)

    return call


def chain(i):
    """decay and gain of the VP chain of 30 steps."""
    b = beta(i / 29) / 30
    return np.sqrt(1 - b), np.sqrt(b)


def update(step):
    """The mean of an update of the VP chain at i = 12 of 30, t = 1/2."""
    at = samplers.Step(jnp.float32(12), 30, jnp.float32(0.5), jnp.float32(0.5))
    return lambda x: step(KEY, VP, score, x, at)[1]


def langevin(x):
    z = np.asarray(jax.random.normal(KEY, (x.size,)), float).reshape(x.shape)
    norm = [np.linalg.norm(v, axis=1).sum() for v in (z, x / 4)]
    return x - 2 * (chain(12)[0] * 0.16 * norm[0] / norm[1]) ** 2 * x / 4


def chained(x1):
    for i in range(29, -1, -1):
        decay, gain = chain(i)
        x1 = (2 - decay) * x1 - gain**2 * x1 / 8
    return x1


def gaussian_flow(x1):
    """dx/dt = -beta (x - x/4) / 2, from 1 to eps."""
    return x1 * np.exp(0.375 * (shrink(1) - shrink(1e-3)))


def likelihood(x):
    grown = 0.375 * (shrink(1) - shrink(1e-5))
    latent = x * np.exp(-grown)
    return -(latent**2).sum(1) / 2 - x.shape[1] * (np.log(2 * np.pi) / 2 + grown)


def normal_logp(x, std):
    return -(((x / std) ** 2) / 2 + np.log(std) + np.log(2 * np.pi) / 2).sum(1)


def density(weights, means, stds, x):
    """log p(x) + D log stds[0], which has no units, and the score."""
    offset = means - x[:, None]
    logs = np.log(weights) - (offset**2).sum(2) / stds**2 / 2
    logs -= x.shape[1] * np.log(np.sqrt(2 * np.pi) * stds / stds[0])
    share = np.exp(logs - logsumexp(logs, axis=1, keepdims=True))
    return logsumexp(logs, axis=1), np.einsum("bk,bkd->bd", share / stds**2, offset)


def sliced(x, y, theta):
    return np.mean([wasserstein_distance(x @ v, y @ v) for v in theta])


def shuffled(x, y, theta):
    """Mean over all ways to cut the pooled points in two."""
    pooled, n = np.concatenate([x, y]), len(x)
    cuts = [list(c) for c in itertools.combinations(range(2 * n), n)]
    return np.mean([sliced(pooled[c], np.delete(pooled, c, 0), theta) for c in cuts])


def frechet(x, y):
    """Of 2-D covariances: tr sqrt(M) = sqrt(tr M + 2 sqrt(det M))."""
    a, b = (np.cov(z.T).reshape(z.shape[1], -1) for z in (x, y))
    m = a @ b
    root = np.sqrt(np.trace(m) + 2 * np.sqrt(max(np.linalg.det(m), 0))) if len(m) > 1 else m**0.5
    return ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b) - 2 * np.squeeze(root)


RATES = {"beta_min": Arg(1.0), "beta_max": Arg(20.0), **TIMES, **STATE}
SIGMAS = {"sigma_min": Arg(1.0), "sigma_max": Arg(50.0), **TIMES, **STATE}
PAIR = {"x": Arg(X, "n D", 1), "y": Arg(Y, "n D", 1), "theta": Arg(THETA, "M D")}
MIXTURE = {
    "weights": Arg(np.array([1.0, 2, 1]), "K"),
    "means": Arg(X[:3], "K D", 1),
    "stds": Arg(np.array([1.0, 2, 3]), "K", 1),
}
DECAY = {"y": Arg(np.array([[2.0, 1], [-1, 3]]), "B D", 1)}
CASES = {
    "vp": Case(process(processes.vp), vp, RATES, names="B"),
    "subvp": Case(process(processes.subvp), subvp, RATES),
    "ve": Case(process(processes.ve), ve, SIGMAS),
    "reverse": Case(
        lambda x, t: processes.reverse(VP, score)(x, t),
        lambda x, t: beta(t)[:, None] * (-x / 2 + x / 4),
        STATE | TIMES,
    ),
    "probability_flow": Case(
        lambda x, t: processes.probability_flow(VP, score)(x, t),
        lambda x, t: beta(t)[:, None] * (-x / 2 + x / 8),
        STATE | TIMES,
    ),
    "matching": Case(lambda x: processes.matching(score)(x, 0), lambda x: -x / 4, STATE),
    "perturb": Case(
        lambda x, t: processes.perturb(KEY, VP, x, t)[0],
        lambda x, t: (
            np.exp(-shrink(t) / 2)[:, None] * x
            + np.sqrt(-np.expm1(-shrink(t)))[:, None] * np.asarray(jax.random.normal(KEY, x.shape))
        ),
        {"x0": STATE["x"], **TIMES},
    ),
    "prior_logp": Case(
        lambda x: processes.prior_logp(VE, x), lambda x: normal_logp(x, 50), STATE, most=1e15
    ),
    "langevin": Case(update(samplers.langevin), langevin, STATE, most=1e18),
    "euler_maruyama": Case(
        update(samplers.euler_maruyama), lambda x: x + beta(0.5) * x / 4 / 30, STATE
    ),
    "reverse_diffusion": Case(
        update(samplers.reverse_diffusion),
        lambda x: (2 - chain(12)[0] - chain(12)[1] ** 2 / 4) * x,
        STATE,
    ),
    "ancestral": Case(
        update(samplers.ancestral), lambda x: (1 - chain(12)[1] ** 2 / 4) / chain(12)[0] * x, STATE
    ),
    "flow_step": Case(
        update(samplers.flow_step),
        lambda x: (2 - chain(12)[0] - chain(12)[1] ** 2 / 8) * x,
        STATE,
    ),
    "sample of a chain": Case(
        lambda x: samplers.sample(KEY, VP, score, x, steps=30, predictor=samplers.flow_step),
        chained,
        {"x1": STATE["x"]},
    ),
    "flow": Case(
        lambda x: ode.flow(VP, score, x, steps=40, tableau=ode.RK4),
        gaussian_flow,
        {"x1": STATE["x"]},
        rtol=1e-4,
    ),
    "log_likelihood": Case(
        lambda x: ode.log_likelihood(KEY, VP, score, x, exact=True, rtol=1e-6, atol=1e-6).logp,
        likelihood,
        STATE,
        rtol=1e-4,
        most=10.0,
    ),
    "log_density": Case(
        lambda w, m, s, x: (
            mixture.log_density(mixture.Mixture(w, m, s), x) + x.shape[1] * jnp.log(s[0])
        ),
        lambda *a: density(*a)[0],
        MIXTURE | STATE,
        degree=0,
    ),
    "score": Case(
        lambda w, m, s, x: mixture.score(mixture.Mixture(w, m, s), x),
        lambda *a: density(*a)[1],
        MIXTURE | STATE,
        degree=-1,
    ),
    "exact_score": Case(
        lambda w, m, s, x: mixture.exact_score(mixture.Mixture(w, m, s), VP)(x, 0.0),
        lambda *a: density(*a)[1],
        MIXTURE | STATE,
        degree=-1,
    ),
    "sample of a mixture": Case(
        lambda w, m, s: jnp.mean(mixture.sample(KEY, mixture.Mixture(w, m, s), 40_000), axis=0),
        lambda w, m, s: w @ m / w.sum(),
        MIXTURE,
        degree=1,
        rtol=0.2,
    ),
    "ring": Case(
        lambda r, s: tuple(mixture.ring(4, r, s, jnp.result_type(float))[1:]),
        lambda r, s: (r * np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]]), np.full(4, s)),
        {"radius": Arg(2.0, "", 1), "std": Arg(1.0, "", 1)},
        degree=1,
    ),
    "directions": Case(
        lambda x: jnp.linalg.norm(distances.directions(KEY, *x.shape, x.dtype), axis=1),
        lambda x: np.ones(len(x)),
        {"m": Arg(X, "m d", 0, "i")},
        sixteen=1e-2,
        names="d dtype",
    ),
    "sliced_w1": Case(distances.sliced_w1, sliced, PAIR, degree=1),
    "permutation_null": Case(
        lambda x, y, v: jnp.mean(distances.permutation_null(KEY, x, y, v, 4000)),
        shuffled,
        PAIR,
        degree=1,
        rtol=0.03,
    ),
    "frechet": Case(distances.frechet, frechet, {"x": PAIR["x"], "y": PAIR["y"]}, degree=2),
    "integrate": Case(
        lambda y, t: solvers.integrate(cubic, y, t, tableau=solvers.RK4),
        lambda y, t: y + (t[-1] ** 3 - t[0] ** 3) / 3,
        {"y0": DECAY["y"]} | {"times": Arg(np.linspace(0, 1, 17), "N")},
        rtol=1e-4,
    ),
    "path": Case(
        lambda y, t: solvers.path(cubic, y, t)[-1],
        lambda y, t: y + (t[-1] ** 3 - t[0] ** 3) / 3,
        {"y0": DECAY["y"]} | {"times": Arg(np.linspace(0, 1, 17), "N")},
        rtol=1e-4,
    ),
    "advance": Case(
        lambda y, t, s: solvers.advance(lambda y, t: y * t, y, t, s, steps=20),
        lambda y, t, s: y * np.exp(((t + s) ** 2 - t**2) / 2),
        DECAY | {"t": Arg(1.0), "span": Arg(1.0)},
    ),
    "dopri5": Case(
        lambda y, a, b: solvers.dopri5(lambda y, t: y * t, y, a, b, rtol=1e-6, atol=0.0).y,
        lambda y, a, b: y * np.exp((b**2 - a**2) / 2),
        {"y0": DECAY["y"], "t0": Arg(0.0), "t1": Arg(1.0)},
        rtol=1e-4,
    ),
}


@parametrised(CASES)
def test_trial(case, trial):
    trial(case)
