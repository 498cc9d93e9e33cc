"""The law of the reverse chain without samples: a density carried down the levels on a grid.

One step moves mass from x to mean(x), where two nodes share it, and blurs it by N(0, beta_t - h^2 /
6): the sharing itself has the mean variance h^2 / 6. All terms are positive, so that masses of 1e-9
keep the digits of float32.

Shapes: M nodes, N = refine (M - 1) + 1 points that carry mass, K modes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from . import ddpm


class Law(NamedTuple):
    x: jax.Array  # [N], where mass arrives
    mass: jax.Array  # [N]


def grid(low: float, high: float, count: int) -> np.ndarray:
    return np.linspace(low, high, count).astype(np.float32)


def spacing(nodes) -> float:
    return (float(nodes[-1]) - float(nodes[0])) / (len(nodes) - 1)


def share(x, mass, nodes):
    """Mass [N] at x, each part on the two nodes beside it; beyond the grid, on its end.  -> [M]"""
    left, portion = ddpm.beside(x, nodes)
    right = mass * portion
    return jnp.zeros(len(nodes)).at[left].add(mass - right).at[left + 1].add(right)


def blur(mass, nodes, points, variance):
    """Mass [M] of the nodes carried on by N(node, variance) to points [N], none lost.  -> [N]"""
    kernel = jnp.exp(-((points[:, None] - nodes) ** 2) / (2 * variance))
    return kernel @ (mass / kernel.sum(0))


def law(eps, schedule: ddpm.Schedule, nodes, *, refine: int = 1) -> Law:
    """Of x_0, from N(0, 1) at the highest level; eps(x [N], level) -> [N].

    refine: points between two nodes. Where mean(x) is steep (the exact denoiser's is), the images
    of neighbours lie far apart, and it takes many to see what lands between modes.
    """
    points = np.linspace(nodes[0], nodes[-1], refine * (len(nodes) - 1) + 1).astype(np.float32)

    def step(mass, level):
        here = ddpm.at(schedule, level)
        arrived = share(ddpm.mean(here, points, eps(points, level)), mass, nodes)
        return blur(arrived, nodes, points, here.beta - spacing(nodes) ** 2 / 6), None

    start = jnp.exp(-(points**2) / 2)
    levels = jnp.arange(1, len(schedule.beta))
    mass = jax.lax.scan(step, start / start.sum(), levels, reverse=True)[0]
    return Law(ddpm.mean(ddpm.at(schedule, 0), points, eps(points, 0)), mass)


def summary(law: Law, modes, reach: float) -> dict[str, jax.Array]:
    """far [], gaps [K - 1]: mass farther than `reach` from every mode, all and between neighbours;
    weights, widths [K]: mass and standard deviation within reach.  modes increase."""
    x, mass = law
    modes = jnp.asarray(modes, jnp.float32)
    off = x[:, None] - modes
    within = (jnp.abs(off) <= reach) * mass[:, None]
    outside = jnp.where((jnp.abs(off) > reach).all(1), mass, 0.0)
    weights = within.sum(0)
    middle = (within * off).sum(0) / weights
    between = (x[:, None] > modes[:-1]) & (x[:, None] < modes[1:])
    return {
        "far": outside.sum(),
        "gaps": (outside[:, None] * between).sum(0),
        "weights": weights,
        "widths": jnp.sqrt((within * (off - middle) ** 2).sum(0) / weights),
    }


def spread(x, mass, nodes) -> np.ndarray:
    """Densities on nodes [M] of laws x, mass [S, N] whose points fill the space between neighbours.

    In float64, on the host: where x_0 = mean(x) is steep, points alone leave nodes empty.
    -> [S, M]"""
    half = spacing(nodes) / 2
    edges = np.append(nodes - half, nodes[-1] + half)

    def one(x, mass):
        order = np.argsort(x)
        inner = np.asarray(mass, float)[order]
        below = np.cumsum(inner) - inner / 2
        return np.diff(np.interp(edges, np.asarray(x, float)[order], below)) / (2 * half)

    return np.stack([one(*law) for law in zip(x, mass, strict=True)])
