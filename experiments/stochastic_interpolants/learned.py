"""Velocity and score learned by two networks, and what the ODE and the SDEs make of them.

Shapes: B batch, D dimensions, n points, E noises, N steps.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from common.nn import training
from common.sde import discrepancies, simulate
from common.sde import interpolants as si

from . import laws, mixtures, model


class State(NamedTuple):
    """Of training, for one seed and one gamma."""

    params: Any  # of velocity and score, [2, …]
    opt: Any
    key: Any  # the key's integers
    target: si.Normals
    choice: Any  # of gamma, []


def begin(key, choice, *, tx, dim, modes, width, depth) -> State:
    """The target is the seed's own, the same for every gamma."""
    target, net, key = jax.random.split(key, 3)
    params = jax.vmap(lambda k: model.init(k, dim, width, depth))(jax.random.split(net))
    rho1 = mixtures.scattered(target, modes, dim)
    return State(params, tx.init(params), jax.random.key_data(key), rho1, choice)


def fields(params):
    """Velocity and score as functions of (x, t)."""
    parts = (jax.tree.map(lambda p, i=i: p[i], params) for i in range(2))
    return [lambda x, t, part=part: model.apply(part, x, t) for part in parts]


def step(state: State, i, *, tx, names, batch, end):
    """One step of Adam on both losses, antithetic, t ~ U(end, 1 - end).  -> (state, losses [2])"""
    key = training.key_of(state, i)
    rho0 = mixtures.standard(state.target.means.shape[1])
    x0, x1, z, uniform = mixtures.triples(key, rho0, state.target, batch)
    t = end + (1 - 2 * end) * uniform
    ip = si.linear(mixtures.noise_of(names, state.choice))

    def total(params):
        both = si.losses(ip, *fields(params), x0, x1, z, t)
        each = jnp.stack([loss.mean() for loss in both])
        return each.sum(), each

    grads, each = jax.grad(total, has_aux=True)(state.params)
    return training.updated(state, grads, tx), each


def steps(state: State, first, *, count, **how):
    """`count` steps from number `first` on.  -> (state, their mean losses [1, 2])"""
    return training.steps(lambda state, i: step(state, i, **how), state, first, count)


def judge(state: State, epsilons, *, names, points, steps, times, end):
    """Energy distances to the target of samples at every noise, and excess losses of the fields.

    The noises share starts and increments.
    -> energy [E], floor []: of target to target; excess [field]
    """
    move, *late = jax.random.split(jax.random.wrap_key_data(state.key), 1 + times)
    clock = jnp.linspace(end, 1 - end, steps + 1)
    off, (x0, y, other) = excess(jnp.stack(late), state, names, points)
    b, s = fields(state.params)

    def at(epsilon):
        drift = lambda x, t: b(x, t) + epsilon * s(x, t)  # noqa: E731
        return simulate.simulate(move, drift, laws.noise(epsilon), x0, clock, heun=True)

    samples = jnp.concatenate([jax.lax.map(at, epsilons), other[None]])
    energy = jax.lax.map(lambda x: discrepancies.energy(x, y), samples)
    return {"energy": energy[:-1], "floor": energy[-1], "excess": off}


def excess(keys, state: State, names, points: int):
    """1/2 E|f - exact f|^2 of velocity and score, mean over as many times as keys [T].

    -> [field], and samples [n, D] of x_0, x_1 and again x_1, independent
    """
    ip = si.linear(mixtures.noise_of(names, state.choice))
    rho0 = mixtures.standard(state.target.means.shape[1])

    def at(before, args):
        key, t = args
        *triple, _ = mixtures.triples(key, rho0, state.target, points)
        x = si.between(ip, *triple, t)[0]
        exact = si.fields(ip, rho0, state.target, x, t)
        pairs = zip(fields(state.params), exact[:2], strict=True)
        off = [field(x, t) - right for field, right in pairs]
        each = jnp.stack([0.5 * jnp.sum(v**2, axis=1).mean() for v in off])
        return (triple[0], triple[1], before[1]), each

    nothing = jnp.zeros((points, rho0.means.shape[1]))
    times = jnp.linspace(0.05, 0.95, len(keys))
    samples, off = jax.lax.scan(at, (nothing, nothing, nothing), (keys, times))
    return off.mean(0), samples
