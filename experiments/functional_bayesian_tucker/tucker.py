"""The model and its inference: conditional moment matching, one mode after the other.

y_n ~ N(vec(W) . (u^1(i_n^1) x ... x u^K(i_n^K)), 1 / tau). All that a sweep needs of the
observations are their sums at every coordinate of a mode (`sums`): messages to the mode, to the
core and to the noise are read off them. CP is the model whose core is fixed to a superdiagonal.

Shapes: K modes, D coordinates of each, R rank, P = R^(K-1), N observations in M blocks of n.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from . import kalman


class Data(NamedTuple):
    place: jax.Array  # int [K, M, n], which coordinate of each mode; D: no observation
    value: jax.Array  # [M, n]; 0 where there is none


class Rules(NamedTuple):
    """Damping: how much of the old message stays.  smooth: as in `kalman.posterior`."""

    factor: float
    noise: float
    core: float = 0.0
    smooth: bool = True


class State(NamedTuple):
    mean: jax.Array  # of factors [K, D, R]
    square: jax.Array  # E[u u^T] [K, D, R, R]
    precision: jax.Array  # damped messages to the factors [K, D, R, R]
    shift: jax.Array  # [K, D, R]
    core: jax.Array  # E[W] [R] * K
    core_square: jax.Array  # E[W W] [R] * 2 K
    core_precision: jax.Array  # damped, in the order (last mode, others) [R P, R P]
    core_shift: jax.Array  # [R P]
    rest: jax.Array  # b of tau ~ Gamma(a, b) []


def begin(start, core, rest, variance: float) -> State:
    """Factors of mean `start`, no message sent; on the host.

    start [..., K, D, R], core [..., R, ...], rest: E[b] []
    """
    modes, (*lead, _, _, rank) = start.shape[-3], start.shape
    square = outer(start, start) + variance * np.eye(rank)
    flat = np.broadcast_to(core, (*lead, *(rank,) * modes)).reshape(*lead, -1)
    both = outer(flat, flat).reshape(*lead, *(rank,) * (2 * modes))
    nothing = np.broadcast_to(TINY * np.eye(flat.shape[-1]), (*lead, *[flat.shape[-1]] * 2))
    silent = np.zeros_like(square), np.zeros_like(start)
    core = flat.reshape(*lead, *(rank,) * modes)
    return State(start, square, *silent, core, both, nothing, 0 * flat, np.full(lead, float(rest)))


TINY = 1e-3  # precision of the core before its first message, as in the authors' code


def diagonal(modes: int, rank: int):
    """The core of CP: 1 where all indices agree.  -> [rank] * modes"""
    core = np.zeros((rank,) * modes)
    core[(np.arange(rank),) * modes] = 1
    return core


def outer(a, b):
    return a[..., :, None] * b[..., None, :]


def products(mean, square, place):
    """Kronecker products over modes of mean and second moment at an entry's coordinates.

    mean [L, D, R], square [L, D, R, R], place [L, n] -> [n, R^L], [n, R^L, R^L]
    """
    first, second = mean[0][place[0]], square[0][place[0]]
    for u, uu, at in zip(mean[1:], square[1:], place[1:], strict=True):
        first = outer(first, u[at]).reshape(len(first), -1)
        second = jnp.einsum("nab,ncd->nacbd", second, uu[at])
        second = second.reshape(*first.shape, first.shape[-1])
    return first, second


def sums(data: Data, mean, square, blocks):
    """At every coordinate of the first mode, sums over its observations, block by block.

    mean [K, D, R], square [K, D, R, R]; blocks []: how many of the M are read
    -> y z [D, P], z z^T [D, P, P] (z: the other modes' products, in the mean), y^2 []
    """
    size, width = mean.shape[1], mean.shape[2] ** (len(mean) - 1)

    def add(i, total):
        place, y = data.place[:, i], data.value[i]
        first, second = products(mean[1:], square[1:], place[1:])
        each = jnp.concatenate([y[:, None] * first, second.reshape(len(y), -1)], axis=1)
        return total[0] + jax.ops.segment_sum(each, place[0], size), total[1] + (y**2).sum()

    zero = jnp.zeros((size, width * (width + 1))), jnp.zeros(())
    total, power = jax.lax.fori_loop(0, blocks, add, zero)
    return total[:, :width], total[:, width:].reshape(size, width, width), power


def messages(core, core_square, tau, weighted, second):
    """Natural parameters that the observations send to the first mode.  -> [D, R, R], [D, R]"""
    rank, width = len(core), weighted.shape[-1]
    both = core_square.reshape(rank, width, rank, width)
    precision = tau * jnp.einsum("rpsq,jpq->jrs", both, second)
    return precision, tau * weighted @ core.reshape(rank, width).T


def epoch(state: State, data: Data, chains, rules: Rules, learned, count, blocks) -> State:
    """Every mode, then core and noise. learned: whether the core is; count: of observations."""
    tau, modes = precision_of(state, count), len(state.mean)

    def update(carry, mode):
        (state, _), (place, chain) = carry, mode
        found = sums(Data(place, data.value), state.mean, state.square, blocks)
        new = messages(state.core, state.core_square, tau, *found[:2])
        old = state.precision[0], state.shift[0]
        sent = [damped(rules.factor, *pair) for pair in zip(old, new, strict=True)]
        mean, cov = kalman.posterior(chain, *sent, smooth=rules.smooth)
        changed = mean, cov + outer(mean, mean), *sent
        # the seen go to the end, so that the mode in turn is always the first
        parts = [jnp.concatenate([x[1:], y[None]]) for x, y in zip(state[:4], changed, strict=True)]
        both = jnp.moveaxis(state.core_square, (0, modes), (modes - 1, 2 * modes - 1))
        core = jnp.moveaxis(state.core, 0, -1)
        return (State(*parts, core, both, *state[6:]), found), None

    zero = jax.tree.map(jnp.zeros_like, jax.eval_shape(sums, data, *state[:2], 0))
    turned = jnp.stack([jnp.roll(data.place, -k, axis=0) for k in range(modes)])
    (state, found), _ = jax.lax.scan(update, (state, zero), (turned, chains))
    return noise(weigh(state, found, tau, rules, learned), found, rules)


def damped(stays, old, new):
    return stays * old + (1 - stays) * new


def moments(state: State, found):
    """Sums over observations of y z and z z^T, z of all modes: the last mode's with `sums` of it.

    -> [R P], [R P, R P] in the order (last mode, others)
    """
    weighted, second, _ = found
    first = jnp.einsum("jr,jp->rp", state.mean[-1], weighted).reshape(-1)
    both = jnp.einsum("jrs,jpq->rpsq", state.square[-1], second)
    return first, both.reshape(first.size, first.size)


def weigh(state: State, found, tau, rules: Rules, learned) -> State:
    """The core's posterior by its damped messages; the old one where it is not learned."""
    modes, shape = state.core.ndim, state.core.shape
    first, second = moments(state, found)
    precision = damped(rules.core, state.core_precision, tau * second)
    shift = damped(rules.core, state.core_shift, tau * first)
    flat = jnp.linalg.inv(precision) @ shift
    both = outer(flat, flat)  # the core's covariance left out, as in the authors' code
    core = jnp.moveaxis(flat.reshape(shape), 0, -1)
    square = jnp.moveaxis(both.reshape(shape * 2), (0, modes), (modes - 1, 2 * modes - 1))
    new = core, square, precision, shift
    old = state.core, state.core_square, state.core_precision, state.core_shift
    parts = [jnp.where(learned, a, b) for a, b in zip(new, old, strict=True)]
    return State(*state[:4], *parts, state.rest)


def noise(state: State, found, rules: Rules) -> State:
    """b of tau's posterior: b_0 = 1 and half of the expected squared residual."""
    modes = state.core.ndim
    first, second = moments(state, found)
    core = jnp.moveaxis(state.core, -1, 0).reshape(-1)
    both = jnp.moveaxis(state.core_square, (modes - 1, 2 * modes - 1), (0, modes))
    residual = found[2] - 2 * first @ core + (second * both.reshape(second.shape)).sum()
    return state._replace(rest=damped(rules.noise, state.rest, 1 + residual / 2))


def precision_of(state: State, count):
    """E[tau] = a / b, a = 1 + N / 2."""
    return (1 + count / 2) / state.rest


def predict(state: State, place):
    """Mean and variance of the surface (without noise) at entries.  place [K, T] -> [T], [T]"""
    rank, width = len(state.core), state.core[0].size
    first, second = products(state.mean[1:], state.square[1:], place[1:])
    u, uu = state.mean[0][place[0]], state.square[0][place[0]]
    mean = jnp.einsum("tr,rp,tp->t", u, state.core.reshape(rank, width), first)
    both = jnp.moveaxis(state.core_square.reshape(rank, width, rank, width), 2, 1)
    spread = uu.reshape(len(uu), -1) @ both.reshape(rank**2, width**2)
    return mean, (spread * second.reshape(len(uu), -1)).sum(1) - mean**2
