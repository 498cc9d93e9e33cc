"""Members side by side, seed x model x start: their sweeps, their judgement, and the gate.

Shapes: D coordinates, R rank, K modes, T held-out entries.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from common import loops, sharding

from . import gp, kalman, tucker

CHUNK = 20  # epochs of a call, or a divisor of them
NORMAL90 = 1.6449  # half width of 90 %, in standard deviations


class Members(NamedTuple):
    """What does not change: leaves [member, ...]."""

    data: tucker.Data
    chains: kalman.Chain  # [K, D, Z, Z]
    learned: np.ndarray  # is the core? []


def calls(epochs: int) -> int:
    return epochs // math.gcd(CHUNK, epochs)


def learner(mesh: Mesh, rules: tucker.Rules, epochs: int) -> sharding.Placed:
    """States, Members, count, batches -> states and E[tau] [member, epoch] after a call's epochs.

    count: of observations; batches: how many of the data's are read
    """

    def learn(state, each: Members, count, batches):
        def step(state, _):
            state = tucker.epoch(state, *each[:2], rules, each.learned, count, batches)
            return state, tucker.precision_of(state, count)

        return jax.lax.scan(step, state, length=math.gcd(CHUNK, epochs))

    return sharding.vmap_over(mesh, learn, shared=(2, 3))


def program(learn, name: str, data: tuple, size: int, rank: int, states: int, **how):
    """Of `learner`.  data: (member, K, batch, n); states: Z"""
    members, modes, *batches = data

    def shape(*sizes, kind=float):
        return jax.ShapeDtypeStruct((members, *sizes), kind)

    one = tucker.begin(np.zeros((modes, size, rank)), tucker.diagonal(modes, rank), 1.0, 1.0)
    values = tucker.Data(shape(modes, *batches, kind=int), shape(*batches))
    chains = kalman.Chain(*[shape(modes, size, states, states)] * 2)
    state = jax.tree.map(lambda x: shape(*x.shape), one)
    return learn.program(name, state, Members(values, chains, shape(kind=bool)), 1, 1, **how)


def trained(scratch, name: str, learn, state, each: Members, *, count, batches, epochs):
    """After all epochs.  -> states, E[tau] [member, epoch]"""

    def advance(state, first, strides):
        return learn(state, each, count, batches)

    at = np.arange(1, epochs + 1)
    return loops.recorded(scratch, name, advance, state, at, chunk=math.gcd(CHUNK, epochs))


def judged(noisy: bool, state, place, truth, seen, count):
    """At entries: error of the mean, share of noisy values in 90 % intervals, width of these.

    noisy: whether the intervals are for noisy values. place int [K, T], truth, seen [T]
    """
    mean, variance = tucker.predict(state, place)
    variance = jnp.maximum(variance, 0) + noisy / tucker.precision_of(state, count)
    half = NORMAL90 * jnp.sqrt(variance)
    rmse = jnp.sqrt(jnp.mean((mean - truth) ** 2))
    return rmse, jnp.mean(1.0 * (jnp.abs(seen - mean) <= half)), 2 * half.mean()


def posteriors(times, mean, square, precision, shift, **kernel: float):
    """Means and covariances of one mode's factors, as they are and by dense regression.

    times [D]; mean, ... as of a mode in tucker.State, after the messages precision and shift;
    kernel: smoothness, lengthscale, variance.  -> [2, number]
    """
    theirs = gp.regression(gp.matern(times, **kernel), precision, shift)
    ours = mean, square - tucker.outer(mean, mean)
    return np.stack([np.concatenate([x.ravel() for x in pair]) for pair in (ours, theirs)])
