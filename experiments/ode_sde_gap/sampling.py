"""Both samplers of one score, from N(0, 1/2) at the end to data, and how far apart laws are.

Shapes: n samples [n, 2].
"""

import jax
import jax.numpy as jnp
import numpy as np

from common.sde import simulate, transport

BINS = 64


def grid(end, nfe):
    """nfe equal steps, the last 10 as 100 of a tenth.  -> [N+1] falling"""
    if nfe < 10:
        raise ValueError(f"nfe={nfe}: the last 10 steps are taken in tenths")
    dt = end / nfe
    coarse = end - dt * np.arange(nfe - 9)
    return np.concatenate([coarse, 10 * dt - 0.1 * dt * np.arange(1, 100), [0.0]])


def both(key, score, *, samples, end, nfe, noise=1.0):
    """Samples of the SDE, of the flow.  score(x, t []) -> [2, n, 2]

    dx = (-x - (1 + noise) s / 2) dt + sqrt(noise) dw by Euler-Maruyama, the last step quiet;
    dx = (-x - s / 2) dt by Euler, from the same start.
    """
    start, kicks = jax.random.split(key)
    x = 0.5**0.5 * jax.random.normal(start, (samples, 2))
    times = jnp.asarray(grid(end, nfe), x.dtype)
    share = jnp.repeat(jnp.array([noise, 0.0]), samples)  # of the noise of the SDE

    def drift(x, t):
        return -x - 0.5 * (1 + share[:, None]) * score(x, t)

    def diffusion(t):
        return jnp.where(t > times[-2], jnp.sqrt(share), 0.0)

    # in one call, so that a long score is compiled once
    found = simulate.simulate(kicks, drift, diffusion, jnp.concatenate([x, x]), times)
    return found.reshape(2, samples, 2)


def inside(x, box):
    """Samples in the box, in order: the others are left out, as in the paper."""
    return x[np.abs(x).max(axis=-1) < box]


def compared(truth, other, sde, flow, *, box, matched):
    """Squared W2 of the pairs, the floor of two samples of the truth, shares left out.

    Every argument [n, 2] -> {name: number}; what leaves no sample inside is as far as the box.
    """
    kept = {k: inside(v, box) for k, v in (("sde", sde), ("flow", flow))}
    size = min(matched, len(truth), *(len(v) for v in kept.values()))

    def w2(x, y):
        return transport.exact_w2(x[:size], y[:size]) if size else box**2

    return {
        "w2_flow": w2(kept["flow"], truth),
        "w2_sde": w2(kept["sde"], truth),
        "w2_gap": w2(kept["flow"], kept["sde"]),
        "w2_floor": w2(other, truth),
        "left_out_flow": 1 - len(kept["flow"]) / len(flow),
        "left_out_sde": 1 - len(kept["sde"]) / len(sde),
    }


def counts(x, box):
    """Histogram on BINS x BINS nodes of the box.  -> [BINS, BINS]"""
    edges = np.linspace(-box, box, BINS + 1)
    return np.histogram2d(x[:, 0], x[:, 1], bins=(edges, edges))[0].astype(np.float32)
