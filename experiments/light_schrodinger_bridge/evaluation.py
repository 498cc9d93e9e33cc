"""What is measured on trained potentials: distance of conditional plans, KL, costs, samplers.

Shapes: n points, D dimensions, E values of eps, T records, M time steps.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr

from common import keys
from common.sde import distances, simulate, transport

from . import potential, problems
from .potential import Potential


def bures(first, second):
    """Half the squared W2 of Gaussians, definite ones.  mean [D], covariance [D, D] each -> []"""
    (m, cov), (other_m, other_cov) = first, second
    a, b = jnp.linalg.cholesky(cov).T, jnp.linalg.cholesky(other_cov).T
    return 0.5 * jnp.sum((m - other_m) ** 2) + 0.5 * transport.procrustes(a, b)


def uvp(true: Potential, theta: Potential, x, eps, coupling):
    """cBW2-UVP in percent: of theta's plan, and of the independent plan.  x [n, D] -> [], []"""
    known = potential.moments(potential.plan(true, x, eps), x)
    found = potential.moments(potential.plan(theta, coupling * x, eps), coupling * x)
    means, covs = known
    middle = means.mean(0)
    total = covs.mean(0) + (means - middle).T @ (means - middle) / len(x)
    unit = 100 / (0.5 * jnp.trace(total))
    apart = unit * jnp.mean(jax.vmap(bures)(known, found))
    return apart, unit * jnp.mean(jax.vmap(lambda p: bures(p, (middle, total)))(known))


def divergence(true: Potential, theta: Potential, known, x, y, eps, coupling):
    """KL(true plan | theta's) from `known` pairs, and the excess loss from unpaired x, y.

    known: x [n, D], y [n, D] -> [2, 2]: KL and excess, then their standard errors, nats
    """

    def density(p, x):
        return potential.log_density(potential.plan(p, x, eps), x, known[1])

    ratio = density(true, known[0]) - density(theta, coupling * known[0])
    of_x = potential.log_c(theta, coupling * x, eps) - potential.log_c(true, x, eps)
    of_y = potential.log_v(theta, y, eps) - potential.log_v(true, y, eps)
    excess = jnp.mean(of_x) - jnp.mean(of_y)
    errors = jnp.sqrt(jnp.stack([jnp.var(ratio), jnp.var(of_x) + jnp.var(of_y)]) / len(x))
    return jnp.stack([jnp.stack([jnp.mean(ratio), excess]), errors])


def benchmark(true: Potential, key, history: Potential, x, *, eps, pairs, coupling):
    """All of the benchmark in one seed.  history [T, E, ...], x [n, D]: inputs of the plans

    -> uvp, uvp_independent [E] at the end; kl [T, E, 2, 2], see `divergence`, fresh draws each
    """
    d, eps = true.r.shape[1], jnp.asarray(eps)
    last = jax.tree.map(lambda h: h[-1], history)
    apart, independent = jax.lax.map(lambda p: uvp(true, p[0], x, p[1], coupling), (last, eps))

    def record(part):
        i, theta = part
        draws = keys.normal(jax.random.fold_in(key, i), (pairs, 5 * d + 2))
        paired, single, x = jnp.split(draws, (2 * d + 1, 4 * d + 2), axis=1)
        known, y = problems.pairs(true, paired, eps), problems.pairs(true, single, eps)[1]

        def each(part):
            theta, known_y, y, e = part
            return divergence(true, theta, (known[0], known_y), x, y, e, coupling)

        return jax.lax.map(each, (theta, known[1], y, eps))

    kl = jax.lax.map(record, (jnp.arange(len(history.a)), history))
    return {"uvp": apart, "uvp_independent": independent, "kl": kl}


def cost(theta: Potential, x, *, eps, coupling):
    """E |y - x|^2 of the plans over inputs.  theta [E, ...], x [n, D] -> [E]"""

    def mean_cost(part):
        theta, e = part
        seen = coupling * x
        return jnp.mean(potential.square_cost(potential.plan(theta, seen, e), seen, x))

    return jax.lax.map(mean_cost, (theta, jnp.asarray(eps)))


def walked(key, theta: Potential, x, eps, steps: int):
    """The bridge from x [n, D] by Euler-Maruyama in `steps` steps.  -> [steps + 1, n, D]"""
    drift, noise = partial(potential.drift, theta, eps=eps), lambda t: jnp.sqrt(eps)
    return simulate.simulate(key, drift, noise, x, jnp.linspace(0, 1, steps + 1), keep=True)


def ends(draws, theta: Potential, eps, coupling):
    """Samples of the plan and of the bridge between at t = 1/2.  draws [n, 3 D + 1]: N(0, 1)

    -> [2, n, D]: halfway, end
    """
    x, normal, between = jnp.split(draws[:, :-1], 3, axis=1)
    seen, uniform = coupling * x, ndtr(draws[:, -1])
    y = potential.draw(potential.plan(theta, seen, eps), seen, uniform, normal)
    return jnp.stack([(x + y) / 2 + jnp.sqrt(eps / 4) * between, y])


def samplers(key, theta: Potential, *, eps, n, steps, directions, permutations, coupling):
    """The SDE against the bridge of the plan in the plane, at t = 1/2 and 1.

    -> w1 [2] sliced Wasserstein-1; null_mean, null_std [2] of its logarithm after relabelling
    """
    start, noise, judge = jax.random.split(key, 3)
    draws, late = keys.normal(start, (n, 9)), np.array([steps // 2, steps])
    ours = walked(noise, theta, draws[:, :2], eps, steps)[late]
    angle = np.pi * np.arange(directions) / directions
    along = jnp.asarray(np.stack([np.cos(angle), np.sin(angle)], axis=1), ours.dtype)

    def compare(part):
        key, first, second = part
        null = jnp.log(distances.permutation_null(key, first, second, along, permutations))
        w1 = distances.sliced_w1(first, second, along)
        return {"w1": w1, "null_mean": null.mean(), "null_std": null.std(ddof=1)}

    pairs = jax.random.split(judge), ours, ends(draws[:, 2:], theta, eps, coupling)
    return jax.lax.map(compare, pairs)


def paths(key, theta: Potential, x, *, eps, steps, records):
    """Bridges of several eps from x [n, D] with the same noise.  theta [E, ...]

    -> [E, R + 1, n, D]
    """
    walk = jax.vmap(lambda theta, e: walked(key, theta, x, e, steps))
    return walk(theta, jnp.asarray(eps))[:, :: steps // records]
