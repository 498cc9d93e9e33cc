"""Five trials of transport, discrepancies, particles, denoisers of data sets, bits."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import logsumexp, softmax
from scipy.stats import kstest

from common.reals import reals
from common.sde import (
    bits,
    discrepancies,
    distances,
    empirical,
    processes,
    smc,
    transport,
)
from common.sde.test_trials import KEY, PAIR, X, Y
from tests.trials import Arg, Case, parametrised

SAMPLES = {"x": Arg(X, "n D", 1), "y": Arg(Y, "m D", 1)}
TWO = {"x": Arg(X[:2], "n D", 1), "y": Arg(Y[:2], "m D", 1), "epsilon": Arg(8.0, "", 2)}
EIGHT = np.concatenate([X, 2 * Y])
LOG = {"log_w": Arg(np.array([0.0, 2, 1, -1]), "K", 1)}
STEADY = {"log_w": Arg(np.array([0.0, 2, 1, -1]), "K")}
COVARIANCE = np.array([[2.0, 1], [1, 3]]), np.array([[4.0, -1], [-1, 1]])


def squares(x, y):
    return ((x[:, None] - y) ** 2).sum(2)


def assigned(x, y):
    orders = itertools.permutations(range(len(y)))
    return min(squares(x, y[list(order)]).trace() / len(x) for order in orders)


def repeated(x, a, y, b):
    """Of masses whose sums are alike, as many copies; of a single point, whatever its mass."""
    a, b = (np.ones(1) if len(m) == 1 else m for m in (a, b))
    if len(a) == 1 or len(b) == 1:
        return a / a.sum() @ squares(x, y) @ (b / b.sum())
    copies = [np.repeat(p, m.astype(int), axis=0) for p, m in ((x, a), (y, b))]
    rows, columns = linear_sum_assignment(cost := squares(*copies))
    return cost[rows, columns].mean()


def plan(x, y, epsilon):
    """Of two points to two, in closed form, or of any to one: the product."""
    c = squares(x, y)
    p = np.full(c.shape, 1 / c.size)
    if c.shape == (2, 2):
        odds = np.exp(np.clip((c[0, 1] + c[1, 0] - c.trace()) / epsilon / 2, -700, 700))
        same, other = odds / (1 + odds) / 2, 1 / (1 + odds) / 2
        p = np.array([[same, other], [other, same]])
    return c, p


def entropic(x, y, epsilon):
    c, p = plan(x, y, epsilon)
    return (p * c).sum(), epsilon * np.log(p * c.size) + c


def with_entropy(x, y, epsilon):
    c, p = plan(x, y, epsilon)
    return (p * (c + epsilon * np.log(p * c.size))).sum()


def debiased(x, y, epsilon):
    own = with_entropy(x, x, epsilon) + with_entropy(y, y, epsilon)
    return with_entropy(x, y, epsilon) - own / 2


def gaussians(m0, c0, m1, c1):
    """In the plane tr sqrt(M) = sqrt(tr M + 2 sqrt(det M))."""
    m = c0 @ c1
    root = np.sqrt(np.trace(m) + (2 * np.sqrt(np.linalg.det(m)) if len(m) > 1 else 0))
    return ((m0 - m1) ** 2).sum() + np.trace(c0 + c1) - 2 * root


def unlike(x, kernel):
    """Mean over pairs of different points."""
    return np.mean([kernel(a - b) for a, b in itertools.permutations(x, 2)])


def energy(x, y):
    cross = np.mean([np.linalg.norm(a - b) for a in x for b in y])
    return 2 * cross - unlike(x, np.linalg.norm) - unlike(y, np.linalg.norm)


def mmd(x, y, widths):
    kernel = lambda v: np.exp(-(v**2).sum() / 2 / widths**2).sum()  # noqa: E731
    cross = np.mean([kernel(a - b) for a in x for b in y])
    return unlike(x, kernel) + unlike(y, kernel) - 2 * cross


def gap(x, y):
    """A distance of samples for jax.numpy and NumPy arrays."""
    return abs(x.mean() - y.mean())


def parted(x, y):
    size = min(len(x), len(y)) // 4
    a, b = (z[: 4 * size].reshape(4, size, -1) for z in (x, y))
    values = [gap(p, q) for p, q in zip(a, b, strict=True)]
    floors = [gap(a[0], a[1]), gap(a[2], a[3])]
    spread = lambda v: np.std(v, ddof=1) / np.sqrt(len(v))  # noqa: E731
    return np.mean(values), spread(values), np.mean(floors), spread(floors)


def relabelled(x, y):
    """p over every way to cut the pooled points in two."""
    pooled, n = np.concatenate([x, y]), len(x)
    cuts = [list(c) for c in itertools.combinations(range(len(pooled)), n)]
    others = np.array([gap(pooled[c], np.delete(pooled, c, 0)) for c in cuts])
    seen = gap(x, y)
    return seen, np.mean(others >= seen * (1 - 1e-6)) if np.isfinite(seen) else np.nan


def memorised(points, x, alpha, sigma):
    gaps = ((x[:, None] - alpha * points) ** 2).sum(2)
    log = -gaps / sigma**2 / 2
    share, d = softmax(log, axis=1), x.shape[1]
    mean = share @ points
    spread = np.einsum("bn,bnd->b", share, (points - mean[:, None]) ** 2) / d
    norm = d * (np.log(2 * np.pi) / 2 + np.log(sigma)) + np.log(len(points))
    return mean, spread, logsumexp(log, axis=1) - norm


def denoised(points, x, alpha, sigma):
    at = jnp.asarray(reals("alpha", alpha)), jnp.asarray(reals("sigma", sigma))
    sde = processes.SDE(None, None, lambda t: at, None, 1.0, 0.0)
    return tuple(empirical.denoise(sde, points, x, 0.5, chunk=2))


def weighted(log_w, x=None):
    x = jnp.zeros(len(log_w)) if x is None else x
    return smc.weigh(smc.begin(x), log_w)


def combed(log_w):
    edges, k = np.cumsum(softmax(log_w)), len(log_w)
    u = float(jax.random.uniform(KEY, ()))
    return np.searchsorted(edges, (np.arange(k) + u) / k)


def resampled(log_w, x):
    p = smc.resample(KEY, weighted(log_w, x), below=1.0)
    return p.x, p.ancestor, p.log_w + p.log_z


def chosen(log_w, x):
    index = combed(log_w)
    return x[index], index, np.full(len(log_w), logsumexp(log_w) - np.log(len(log_w)))


CASES = {
    "transport.squared_distances": Case(
        transport.squared_distances, squares, SAMPLES, degree=2
    ),
    "transport.exact_w2": Case(
        transport.exact_w2, assigned, {"x": PAIR["x"], "y": PAIR["y"]}, degree=2
    ),
    "transport.weighted_w2": Case(
        transport.weighted_w2,
        repeated,
        {"x": SAMPLES["x"], "a": Arg(np.array([1.0, 3, 2, 2]), "n")}
        | {"y": SAMPLES["y"], "b": Arg(np.array([2.0, 4, 1, 1]), "m")},
        degree=2,
    ),
    "transport.sinkhorn": Case(
        lambda x, y, e: (lambda p: (p.cost, p.f[:, None] + p.g))(transport.sinkhorn(x, y, e)),
        entropic,
        TWO,
        degree=2,
        rtol=1e-4,
        most=1e15,
    ),
    "transport.sinkhorn_divergence": Case(
        transport.sinkhorn_divergence, debiased, TWO, degree=2, rtol=1e-4, most=1e15
    ),
    "transport.bures_w2": Case(
        transport.bures_w2,
        gaussians,
        {
            "mean0": Arg(np.array([1.0, 2]), "D", 1),
            "covariance0": Arg(COVARIANCE[0], "D D", 2),
            "mean1": Arg(np.array([-1.0, 3]), "D", 1),
            "covariance1": Arg(COVARIANCE[1], "D D", 2),
        },
        degree=2,
        rtol=1e-4,
        most=1e15,
    ),
    "discrepancies.energy": Case(discrepancies.energy, energy, SAMPLES, degree=1),
    "discrepancies.mmd": Case(
        discrepancies.mmd, mmd, SAMPLES | {"bandwidths": Arg(np.array([1.0, 4]), "H", 1)}, degree=0
    ),
    "discrepancies.kolmogorov": Case(
        lambda x: discrepancies.kolmogorov(x, lambda x: x / (1 + jnp.abs(x)) / 2 + 0.5),
        lambda x: kstest(x, lambda x: x / (1 + np.abs(x)) / 2 + 0.5).statistic,
        {"x": Arg(EIGHT[:, 0], "n", 1)},
        names="n",
    ),
    "discrepancies.apart": Case(
        lambda x, y: tuple(discrepancies.apart(gap, x, y, 4)),
        parted,
        {"x": Arg(EIGHT, "n D", 1), "y": Arg(EIGHT[::-1] + 1, "m D", 1)},
        degree=1,
    ),
    "discrepancies.permutation_test": Case(
        lambda x, y: discrepancies.permutation_test(KEY, gap, x, y, 1999),
        relabelled,
        {"x": Arg(X, "n D", 1), "y": Arg(Y, "m D", 1)},
        rtol=0.1,
    ),
    "distances.sliced_w2": Case(
        distances.sliced_w2,
        lambda x, y, v: np.mean((np.sort(x @ v.T, axis=0) - np.sort(y @ v.T, axis=0)) ** 2),
        PAIR,
        degree=2,
    ),
    "empirical.denoise": Case(
        denoised,
        memorised,
        {
            "points": Arg(Y, "n D", 1),
            "x": Arg(X, "B D", 1),
            "alpha": Arg(2.0),
            "sigma": Arg(4.0, "", 1),
        },
        rtol=1e-4,
    ),
    "smc.begin": Case(
        lambda x: tuple(smc.begin(x))[1:],
        lambda x: (np.zeros(len(x)), 0.0, np.arange(len(x))),
        {"x": Arg(X, "K D", 1)},
    ),
    "smc.weigh": Case(
        lambda x, inc: smc.weigh(smc.begin(x), inc).log_w,
        lambda x, inc: inc,
        {"x": Arg(X, "K D"), "increment": LOG["log_w"]},
        degree=1,
    ),
    "smc.normalised": Case(smc.normalised, softmax, LOG),
    "smc.ess": Case(smc.ess, lambda w: 1 / (softmax(w) ** 2).sum(), LOG),
    "smc.log_mean": Case(
        lambda w: smc.log_mean(weighted(w)), lambda w: logsumexp(w) - np.log(len(w)), STEADY,
        names="x increment",
    ),
    "smc.mean": Case(
        lambda w, v: smc.mean(weighted(w), v),
        lambda w, v: softmax(w) @ v,
        LOG | {"values": Arg(X, "K D", 1)},
        names="x increment",
    ),
    "smc.systematic": Case(lambda w: smc.systematic(KEY, w), combed, LOG),
    "smc.resample": Case(
        resampled, chosen, STEADY | {"x": Arg(X, "K D", 1)}, names="increment"
    ),
    "bits.dequantised": Case(
        lambda x: bits.dequantised(KEY, x, 9),
        lambda x: 2 * (x + np.array(jax.random.uniform(KEY, x.shape, jnp.float32), float)) / 9 - 1,
        {"images": Arg(X + 4, "n D")},
    ),
    "bits.per_dimension": Case(
        lambda logp: bits.per_dimension(logp, 5, 9),
        lambda logp: -logp / 5 / np.log(2) + np.log2(4.5),
        {"logp": Arg(X[:, 0], "n")},
    ),
}  # fmt: skip


@parametrised(CASES)
def test_trial(case, trial):
    trial(case)
