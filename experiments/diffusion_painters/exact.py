"""The closed form beside an adaptive solve of the same flow, for Gaussian data (float64).

Shapes: D pixels, E ends of the flow, P times of a perturbation, K perturbed components.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from common import ode
from common.sde import path, processes

from . import gaussian


def random_model(direction, mean) -> gaussian.Model:
    """Variances of 10^2 to 10^-4 and an eighth of zeros, along the columns of a random reflection.

    direction, mean [D], NumPy
    """
    pixels = len(mean)
    basis = np.eye(pixels) - 2.0 * np.outer(direction, direction) / (direction @ direction)
    values = np.geomspace(1e2, 1e-4, pixels) * (np.arange(pixels) < pixels - pixels // 8)
    return gaussian.Model(mean, basis, values)


def either(first, one, other) -> processes.SDE:
    """The SDE `one` where `first` (bool, may be traced) is true, else the `other`."""

    def choose(a, b):
        return jax.tree.map(partial(jnp.where, first), a, b)

    def chosen(name):
        if callable(getattr(one, name)):
            return lambda *args: choose(getattr(one, name)(*args), getattr(other, name)(*args))
        return choose(getattr(one, name), getattr(other, name))

    return processes.SDE(*map(chosen, processes.SDE._fields))


def flow(model, sde, x, t0, t1, *, weight: float, tolerance: float):
    """x [B, D] at t1 from that at t0 by dx/dt = f - weight g^2 s, with the score of the model."""

    def score(x, t):
        alpha, sigma = sde.marginal(t)
        along = (x - alpha * model.mean) @ model.basis
        return -(along / (sigma**2 + alpha**2 * model.values)) @ model.basis.T

    field = processes.reverse(sde, score, weight=weight)
    return ode.dopri5(field, x, t0, t1, rtol=tolerance, atol=tolerance).y


def flows(sdes, *, weight: float, tolerance: float):
    """A function (first, model, x [Q, B, D], t0 [Q], t1 [Q]) -> x at t1, by either SDE."""

    def solve(first, model, x, t0, t1):
        sde = either(first, *sdes)
        one = partial(flow, model, sde, weight=weight, tolerance=tolerance)
        return jax.vmap(one)(x, t0, t1)

    return solve


class Cases(NamedTuple):
    """Solves from t0 to t1, and what the closed form has there: E of a flow, P of perturbations."""

    x: np.ndarray  # [E + P, 1 + K, D]
    t0: np.ndarray  # [E + P]
    t1: np.ndarray
    flow: np.ndarray  # [E, D]
    gain: np.ndarray  # [P, K]
    push: np.ndarray  # [1 + K, D], the first is 0


class Grid(NamedTuple):
    """Times of the comparison for one SDE, and where its path is: T, eps, ends, starts."""

    ends: np.ndarray  # [E]
    starts: np.ndarray  # [P]
    here: path.At  # [2 + E + P]


def grid(sde, ends, starts) -> Grid:
    ends, starts = np.maximum(ends, sde.eps), np.asarray(starts)
    times = np.concatenate([[sde.end, sde.eps], ends, starts])
    return Grid(ends, starts, jax.tree.map(np.asarray, jax.jit(partial(path.at, sde))(times)))


def cases(model, normals, sde, at: Grid, pcs) -> Cases:
    """The flow from T to the ends; unit pushes along components at the starts, to eps.

    normals [1 + K, D]
    """
    count, pcs = len(at.ends), np.array(pcs)
    parts = 0, 1, slice(2, 2 + count), slice(2 + count, None)
    top, last, at_ends, at_starts = (gaussian.of(at.here, part) for part in parts)
    x = sde.prior_std * normals
    push = np.pad(model.basis[:, pcs].T, ((1, 0), (0, 0)))
    begun = gaussian.states(model, x[:1], at_starts, top) + push
    return Cases(
        np.concatenate([np.broadcast_to(x, (count, *x.shape)), begun]),
        np.concatenate([np.full(count, sde.end), at.starts]),
        np.concatenate([at.ends, np.full(len(at.starts), sde.eps)]),
        gaussian.states(model, x[:1], at_ends, top)[:, 0],
        gaussian.gain(model, at_starts, last)[:, pcs],
        push,
    )


def compared(case: Cases, solved) -> dict:
    """Both ways.  solved [E + P, 1 + K, D] -> flow_solved, flow_formula [E, D]; gain_… [P, K]"""
    ends = len(case.flow)
    moved = solved[ends:, 1:] - solved[ends:, :1]
    return {
        "flow_solved": solved[:ends, 0],
        "flow_formula": case.flow,
        "gain_solved": (moved * case.push[1:]).sum(-1),
        "gain_formula": case.gain,
    }
