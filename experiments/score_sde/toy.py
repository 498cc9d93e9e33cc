"""The claims that need no training, on a mixture of Gaussians with its exact score.

Shapes: n points in the plane; everything for one seed.
"""

import jax
import jax.numpy as jnp

from common.sde import distances, mixture, ode, processes, samplers


def flow_euler(key, sde, score, x, step):
    """The probability flow by Euler's rule with dt = 1/n (ODE-Euler), as a predictor."""
    x = x - processes.reverse(sde, score, weight=0.5)(x, step.t, step.tau) / step.n
    return x, x


def flow_samples(sde, score, x1, weight, tol):
    """The probability flow from t = 1 to eps by Dormand-Prince.  x1 [n, 2] -> ([n, 2], nfe [])"""
    field = processes.reverse(sde, score, weight=weight)
    end = ode.dopri5(field, x1, 1.0, sde.eps, rtol=tol, atol=tol)
    return jnp.where(end.success, end.y, jnp.nan), end.nfe


def marginal_gap(key, sde, mix, *, points, steps, directions, permutations, weight, tol):
    """Sliced W1 between samples of the reverse SDE and of the flow, and its permutation null.

    The two start from different draws of the prior. -> dict of numbers: `null_mean`, `null_std`
    of the null's logarithm, which is nearly normal; `floor`, the distance of two samples of data.
    """
    keys = jax.random.split(key, 7)
    score = mixture.exact_score(mix, sde)
    x1, y1 = (processes.prior_sample(k, sde, (points, 2)) for k in keys[:2])
    x = samplers.sample(keys[2], sde, score, x1, steps=steps)
    y, _ = flow_samples(sde, score, y1, weight, tol)
    theta = distances.directions(keys[3], directions, 2)
    null = distances.permutation_null(keys[4], x, y, theta, permutations)
    data = [mixture.sample(k, mix, points) for k in keys[5:]]
    return {
        "w1_flow": distances.sliced_w1(x, y, theta),
        "null_mean": jnp.mean(jnp.log(null)),
        "null_std": jnp.std(jnp.log(null), ddof=1),
        "floor": distances.sliced_w1(*data, theta),
    }


def likelihood_error(key, sde, mix, tolerances, *, points, weight, eps=1e-5):
    """Mean |log p - analytic log p_eps| in nats, and score calls.  tolerances [T] -> [T], [T]

    Exact divergence; x ~ p_eps. What is left at a tight tolerance is that p_1 is not the prior.
    """
    data_key, noise_key = jax.random.split(key)
    at = jnp.asarray(eps, mix.means.dtype)
    x, _, _ = processes.perturb(noise_key, sde, mixture.sample(data_key, mix, points), at)
    exact = mixture.log_density(mix, x, *sde.marginal(at))

    def solve(tol):
        score = mixture.exact_score(mix, sde)
        ours = ode.log_likelihood(
            key, sde, score, x, exact=True, eps=eps, rtol=tol, atol=tol, weight=weight
        )
        return jnp.mean(jnp.abs(ours.logp - exact)), ours.nfe

    return jax.lax.map(solve, tolerances)


def distance_to_data(key, x, mix, directions):
    """Sliced W1 between samples and fresh data, and between two samples of data.  x [n, 2]"""
    keys = jax.random.split(key, 3)
    theta = distances.directions(keys[0], directions, 2)
    y, z = (mixture.sample(k, mix, len(x)) for k in keys[1:])
    return distances.sliced_w1(x, y, theta), distances.sliced_w1(z, y, theta)


def paths(key, sde, mix, *, count, steps, grid):
    """The reverse SDE and the flow from the same starts in one dimension, and p_t on a grid [X].

    -> sde [N, count], flow [N, count], density [N, X]; N times from 1 down to eps
    """
    start_key, noise_key = jax.random.split(key)
    x1 = processes.prior_sample(start_key, sde, (count, 1))
    score = mixture.exact_score(mix, sde)
    _, noisy = samplers.sample(noise_key, sde, score, x1, steps=steps, trajectory=True)
    _, smooth = samplers.sample(
        noise_key, sde, score, x1, steps=steps, predictor=flow_euler, trajectory=True
    )
    times = jnp.linspace(1.0, sde.eps, steps)
    density = jax.vmap(lambda t: mixture.log_density(mix, grid[:, None], *sde.marginal(t)))(times)
    return noisy[..., 0], smooth[..., 0], jnp.exp(density)
