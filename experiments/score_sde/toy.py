"""The claims that need no training, on a mixture of Gaussians with its exact score.

Shapes: n points in the plane; everything for one seed.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common import keys
from common.sde import distances, mixture, ode, processes, samplers
from common.sde.choice import chosen

from . import measure


def flow_euler(key, sde, score, x, step):
    """The probability flow by Euler's rule with dt = 1/n (ODE-Euler), as a predictor."""
    x = x - processes.reverse(sde, score, weight=0.5)(x, step.t, step.tau) / step.n
    return x, x


def flow_samples(sde, score, x1, weight, tol):
    """The probability flow from t = 1 to eps by Dormand-Prince.  x1 [n, 2] -> ([n, 2], nfe [])"""
    field = processes.reverse(sde, score, weight=weight)
    end = ode.dopri5(field, x1, 1.0, sde.eps, rtol=tol, atol=tol)
    return jnp.where(end.success, end.y, jnp.nan), end.nfe


def both_ways(key, which, sdes, mix, *, points, steps, weight, tol):
    """Samples of the reverse SDE and of the flow, from different draws of the prior.  -> [n, 2] x 2

    which []: of the SDEs.
    """
    for_x, for_y, noise, _, _ = jax.random.split(key, 5)
    sde = chosen(which, sdes)
    score = mixture.exact_score(mix, sde)
    x1, y1 = (prior(k, which, sdes, points) for k in (for_x, for_y))
    x = samplers.sample(noise, sde, score, x1, steps=steps)
    return x, flow_samples(sde, score, y1, weight, tol)[0]


def gap(key, x, y, *, directions, permutations):
    """Sliced W1 between two samples, and its permutation null.  x, y [n, 2] -> dict of numbers

    null_mean, null_std: of the null's logarithm, which is nearly normal.
    """
    *_, along, exchange = jax.random.split(key, 5)
    theta = distances.directions(along, directions, 2)
    null = distances.permutation_null(exchange, x, y, theta, permutations)
    return {
        "w1_flow": distances.sliced_w1(x, y, theta),
        "null_mean": jnp.mean(jnp.log(null)),
        "null_std": jnp.std(jnp.log(null), ddof=1),
    }


def likelihood_error(key, which, sdes, mix, tolerances, *, points, weight, eps=1e-5):
    """Mean |log p - analytic log p_eps| in nats, and score calls.  tolerances [T] -> [T], [T]

    Exact divergence; x ~ p_eps. What is left at a tight tolerance is that p_1 is not the prior.
    """
    data_key, noise_key = jax.random.split(key)
    sde = chosen(which, sdes)
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


REVERSE, FLOW, EULER, LANGEVIN = range(4)  # updates of `sampled`
ROWS = {  # the update, and whether a corrector goes before it
    measure.P_SDE: (REVERSE, False),
    measure.PC_SDE: (REVERSE, True),
    measure.P_FLOW: (FLOW, False),
    measure.PC_FLOW: (FLOW, True),
    measure.P_EULER: (EULER, False),
    measure.PC_EULER: (EULER, True),
    measure.C_ONLY: (LANGEVIN, False),
}


def update_of(row, predict=True):
    """(update, corrected) of a row of the table; without `predict` the corrector takes all calls of
    a predictor-corrector sampler."""
    update, corrected = ROWS[row]
    return (update if predict or not corrected else LANGEVIN), corrected


class Draws(NamedTuple):
    """What all samplers have in common, and what their samples are compared with."""

    start: Any  # keys: of the prior
    noise: Any  # and of the sampler
    data: Any  # [n, 2]
    other: Any  # a second sample of the data
    theta: Any  # directions of the sliced distance [M, 2]


def draws(key, mix, *, points, directions):
    """The draws of a seed."""
    judge, sampler = (jax.random.fold_in(key, i) for i in range(2))
    start, noise = jax.random.split(sampler)
    along, *of_data = jax.random.split(judge, 3)
    data = jax.vmap(lambda k: mixture.sample(k, mix, points))(jnp.stack(of_data))
    theta = distances.directions(along, directions, 2)
    return Draws(start, noise, *data, theta)


def prior(key, which, sdes, points):
    """x_1 of one of the SDEs -> [n, 2]"""
    return chosen(which, sdes).prior_std * keys.normal(key, (points, 2))


class Way(NamedTuple):
    """A sampler, told when the program runs, so that one program serves all.  Integers []."""

    which: Any  # of the SDEs
    update: Any
    corrected: Any  # by Langevin before every update
    steps: Any


def ways(sdes, which, rows, calls, predict) -> list[Way]:
    """Every row of the table at every number of calls.

    Errors: ValueError for too few steps, which a program that is told them cannot give.
    """
    made = []
    for update, corrected in (update_of(row, predict) for row in rows):
        made += [Way(which, update, corrected, n // (1 + corrected)) for n in calls]
    for way in made:
        jax.eval_shape(partial(sdes[which].chain, 0.0, way.steps))
    return made


def sampled(key, x1, way: Way, sdes, mix, *, snr):
    """x1 [n, 2] -> [n, 2]"""
    langevin = partial(samplers.langevin, snr=snr)
    updates = samplers.reverse_diffusion, samplers.flow_step, flow_euler, langevin

    def predictor(*args):
        return jax.lax.switch(way.update, [partial(one, *args) for one in updates])

    def corrector(key, sde, score, x, step):
        once = partial(langevin, key, sde, score, x, step)
        return jax.lax.cond(way.corrected, once, lambda: (x, x))

    sde = chosen(way.which, sdes)
    options = {"steps": way.steps, "predictor": predictor, "corrector": corrector}
    return samplers.sample(key, sde, mixture.exact_score(mix, sde), x1, **options)


def paths(key, sde, *, count, steps, grid):
    """The reverse SDE and the flow from the same starts in one dimension with two modes, and p_t on
    a grid [X].

    -> sde_paths [N, count], flow_paths [N, count], path_density [N, X]; N times from 1 to eps
    """
    mix = mixture.Mixture(jnp.array([0.4, 0.6]), jnp.array([[-1.0], [1.0]]), jnp.full(2, 0.2))
    start_key, noise_key = jax.random.split(key)
    x1 = processes.prior_sample(start_key, sde, (count, 1))
    score = mixture.exact_score(mix, sde)
    _, noisy = samplers.sample(noise_key, sde, score, x1, steps=steps, trajectory=True)
    _, smooth = samplers.sample(
        noise_key, sde, score, x1, steps=steps, predictor=flow_euler, trajectory=True
    )
    times = jnp.linspace(1.0, sde.eps, steps)
    density = jax.vmap(lambda t: mixture.log_density(mix, grid[:, None], *sde.marginal(t)))(times)
    paths = {"sde_paths": noisy[..., 0], "flow_paths": smooth[..., 0]}
    return paths | {"path_density": jnp.exp(density)}
