"""Mean and variance of sliced Wasserstein estimates, plain and controlled, over groups of a pool.

W(theta; D) = W(theta; 0) + (theta.D)^2 for clouds of mean 0 that are moved apart by D, p = 2: one
pool of sorted projections serves every shift.
Shapes: n points, d dimensions, M directions, S shifts, L directions of an estimate.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from common.ot import sliced

PLAIN, CENTRING, LOWER, UPPER, LOWER_SAMPLE, UPPER_SAMPLE = range(6)  # axis of the estimates
AT_ONCE = 1000  # directions that are sorted together


def study(key, clouds, shifts, nodes, frame, *, pool: int, sizes: Sequence[int], centre: str,
          paired: bool, known: str) -> dict:  # fmt: skip
    """Of all estimates: centring is W of the centred clouds + |D|^2 / d.

    key [], clouds [2, n, d] of mean 0, shifts D [S, d], nodes [Q, d], frame [d, d]
    -> mean, variance [6, S, size]; law (bias times L), pooled [2, S]: of the controls;
       reference [S]: by the nodes; sphere [2, 2]: mean over the frame and B at the last shift
    """
    x, y = clouds
    theta = jnp.concatenate([sliced.directions(key, pool, x.shape[1], x.dtype), nodes])

    def on(direction):
        values, _ = sliced.upper(x, y, direction[None])
        return sliced.costs(x, y, direction[None])[0], values[0]

    cost, wide = jax.lax.map(on, theta, batch_size=AT_ONCE)
    wide_mean = sliced.upper(x, y, theta[:1])[1]

    def at(shift):
        low, mean = sliced.lower(x, y + shift, theta[:pool])
        controls = jnp.stack([low, low + wide[:pool]])
        means = jnp.stack([mean, mean + wide_mean]) * (x.shape[1] if known == "sum" else 1)
        if not paired:
            controls = jnp.roll(controls, pool // 2, axis=1)
        each = [estimates(cost[:pool], low, mean, controls, means, L, centre) for L in sizes]
        moments = [jnp.stack([f(e) for f in (jnp.mean, jnp.var) for e in row]) for row in each]
        mean_of, variance = jnp.stack(moments, axis=-1).reshape(2, len(each[0]), -1)
        law, pooled = jax.vmap(first_order, (None, 0, 0))(cost[:pool] + low, controls, means)
        return {"mean": mean_of, "variance": variance, "law": law, "pooled": pooled,
                "reference": jnp.mean(cost[pool:]) + mean}  # fmt: skip

    found = jax.lax.map(at, shifts)
    ends = [f(x, y + shifts[-1], frame) for f in (sliced.lower, sliced.upper)]
    sphere = jnp.stack([jnp.stack([values.mean(), mean]) for values, mean in ends])
    return {k: jnp.moveaxis(v, 0, 1 if v.ndim > 1 else 0) for k, v in found.items()} | {
        "sphere": sphere
    }


def estimates(centred, low, mean, controls, means, size: int, centre: str) -> list:
    """All six, of every group of `size` directions: [M // size] each."""
    values = centred + low
    control = [controlled(values, controls, means, size, how) for how in (centre, "sample")]
    plain, centring = groups(values, size).mean(axis=1), groups(centred, size).mean(axis=1) + mean
    return [plain, centring, *control[0], *control[1]]


def controlled(values, controls, means, size: int, centre: str):
    """Z of every group for every control.  values [M], controls [K, M], means [K]

    -> [K, M // size]
    """

    def z(v, c, mean):
        return sliced.control_variate(v, c, mean, centre=centre).value

    split = groups(values, size)
    return jax.vmap(lambda c, m: jax.vmap(z, (0, 0, None))(split, groups(c, size), m))(
        controls, means
    )


def groups(values, size: int):
    """Consecutive ones, what does not fill a group left out.  [M] -> [M // size, size]"""
    count = len(values) // size
    return values[: count * size].reshape(count, size)


def first_order(values, control, mean):
    """Bias times L as L grows, and the pool's estimate by one coefficient.  -> [], []"""
    off = control - mean
    square = jnp.mean(off**2) + 1e-300  # 0 where there is no shift
    level = values.mean()
    coefficient = jnp.mean((values - level) * off) / square
    rest = values - level - coefficient * off
    return -jnp.mean(rest * off**2) / square, level - coefficient * off.mean()


def translated(key, shift, *, pool: int, sizes: Sequence[int], centre: str):
    """Variance ratios where W = C + const: a cloud against itself, moved.  shift [d] -> [size]"""
    here = jnp.zeros((1, len(shift)))
    theta = sliced.directions(key, pool, len(shift), here.dtype)
    low, mean = sliced.lower(here, here + shift, theta)
    spans = [
        (groups(low, L).mean(axis=1).var(),
         controlled(low, low[None], mean[None], L, centre)[0].var())
        for L in sizes
    ]  # fmt: skip
    return jnp.stack([left / plain for plain, left in spans])
