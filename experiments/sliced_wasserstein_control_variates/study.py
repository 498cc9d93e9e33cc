"""Mean and variance of sliced Wasserstein estimates, plain and controlled, over groups of a pool.

W(theta; D) = W(theta; 0) + (theta.D)^2 for clouds of mean 0 that are moved apart by D, p = 2: one
pool of sorted projections serves every shift.
Shapes: P pairs, n points, d dimensions, M directions, S shifts, L directions of an estimate.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from common.ot import sliced

PLAIN, CENTRING, LOWER, UPPER, LOWER_SAMPLE, UPPER_SAMPLE = range(6)  # axis of the estimates
AT_ONCE = 1000  # directions that are sorted together
RIDGE = 1e-24  # of the authors: no control, no coefficient


def study(key, clouds, shifts, nodes, frame, *, pool: int, sizes: Sequence[int], centre: str,
          paired: bool, known: str) -> dict:  # fmt: skip
    """Of all estimates: centring is W of the centred clouds + |D|^2 / d.

    key [], clouds [P, 2, n, d] of mean 0, shifts D [P, S, d], nodes [Q, d], frame [P, d, d]
    -> mean, variance [P, 6, S, size]; law (bias times L), pooled [P, 2, S]: of the controls;
       reference [P, S]: by the nodes; sphere [P, 2, 2]: mean over the frame and B at the last shift
    """

    def of_pair(member):
        key, (x, y), shifts, frame = member
        theta = jnp.concatenate([directions(key, pool, x.shape[1]), nodes])
        cost, wide = projected(x, y, theta)
        wide_mean = sliced.upper(x, y, theta[:1])[1]

        def at(shift):
            low, mean = sliced.lower(x, y + shift, theta[:pool])
            controls = jnp.stack([low, low + wide[:pool]])
            means = jnp.stack([mean, mean + wide_mean]) * (x.shape[1] if known == "sum" else 1)
            if not paired:
                controls = jnp.roll(controls, pool // 2, axis=1)
            off = controls - means[:, None]
            each = [estimates(cost[:pool], low, mean, off, L, centre) for L in sizes]
            law, pooled = jax.vmap(first_order, (None, 0))(cost[:pool] + low, off)
            return {
                "mean": jnp.stack([jnp.mean(e, axis=1) for e in each], axis=-1),
                "variance": jnp.stack([jnp.var(e, axis=1) for e in each], axis=-1),
                "law": law,
                "pooled": pooled,
                "reference": jnp.mean(cost[pool:]) + mean,
            }

        found = jax.lax.map(at, shifts)
        found = {k: jnp.moveaxis(v, 0, 1) if v.ndim > 1 else v for k, v in found.items()}
        ends = [f(x, y + shifts[-1], frame) for f in (sliced.lower, sliced.upper)]
        sphere = jnp.stack([jnp.stack([values.mean(), mean]) for values, mean in ends])
        return found | {"sphere": sphere}

    return jax.lax.map(of_pair, (jax.random.split(key, len(clouds)), clouds, shifts, frame))


def directions(key, m: int, d: int):
    """Of the sphere, drawn apart: random bits that fuse into what follows compile slowly."""
    return jax.lax.optimization_barrier(sliced.directions(key, m, d, float))


def projected(x, y, theta):
    """Costs of the projections and their variances: C_up of clouds of mean 0.  -> [M] twice"""

    def on(direction):
        one = direction[None]
        return sliced.costs(x, y, one)[0], sliced.upper(x, y, one)[0][0]

    return jax.lax.map(on, theta, batch_size=AT_ONCE)


def estimates(centred, low, mean, off, size: int, centre: str):
    """All six of every group of `size` directions.  -> [6, M // size]"""
    control = controlled(centred + low, off, size)
    plain, centring = groups(centred + low, size), groups(centred, size) + mean
    return jnp.stack([plain, centring, *control[centre], *control["sample"]])


def controlled(values, off, size: int) -> dict:
    """Z of every group with the coefficients of the authors, and about the sample's mean.

    values [M], off [K, M]: controls less their means -> centre -> [K, M // size]
    As `common.ot.sliced.control_variate`, which solves a system: here K systems of one unknown.
    """
    level = values.mean()
    w, c = groups(values - level, size), groups(off, size)
    product, square = groups((values - level) * off, size) - w * c, groups(off**2, size)
    moments = {"mean": square, "sample": square - c**2}
    return {centre: level + w - product / (v + RIDGE) * c for centre, v in moments.items()}


def groups(values, size: int):
    """Means of consecutive ones; what does not fill a group is left out.

    [..., M] -> [..., M // size]
    """
    count = values.shape[-1] // size
    return values[..., : count * size].reshape(*values.shape[:-1], count, size).mean(axis=-1)


def first_order(values, off):
    """Bias times L as L grows, and the pool's estimate by one coefficient.  -> [], []"""
    square = jnp.mean(off**2) + RIDGE
    level = values.mean()
    coefficient = jnp.mean((values - level) * off) / square
    rest = values - level - coefficient * off
    return -jnp.mean(rest * off**2) / square, level - coefficient * off.mean()


def translated(key, shift, *, pool: int, sizes: Sequence[int], centre: str):
    """Variance ratios where W = C + const: a cloud against itself, moved.  shift [d] -> [size]"""
    here = jnp.zeros((1, len(shift)))
    theta = directions(key, pool, len(shift))
    low, mean = sliced.lower(here, here + shift, theta)
    left = [controlled(low, (low - mean)[None], L)[centre].var() for L in sizes]
    return jnp.stack([v / groups(low, L).var() for v, L in zip(left, sizes, strict=True)])
